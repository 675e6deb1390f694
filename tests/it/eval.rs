//! `phasebox eval` gives, to the bit, the metrics that the run itself logged, on its data or on others, and leaves the
//! run as it was.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::SystemTime;

use serde_json::{Value, json};

use crate::harness::{Finished, Run, Scratch};

/// Everything below a folder: names, sizes, times.
fn everything(folder: &Path) -> BTreeMap<String, (u64, SystemTime)> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let metadata = fs::symlink_metadata(&path).expect("metadata");
        let changed = metadata.modified().expect("a time");
        all.insert(path.display().to_string(), (metadata.len(), changed));
        if metadata.is_dir() {
            all.extend(everything(&path));
        }
    }
    all
}

/// The metrics that the run logged under `prefix` in one epoch.
fn logged(run: &Run, prefix: &str, epoch: u64) -> BTreeMap<String, f64> {
    let lines = run.metrics().into_iter();
    let wanted = lines.filter(|line| line["epoch"] == epoch);
    let named = wanted.filter_map(|line| {
        let name = line["name"].as_str()?.strip_prefix(prefix)?.to_owned();
        Some((name, line["value"].as_f64()?))
    });
    named.collect()
}

fn metrics(result: &Value) -> BTreeMap<String, f64> {
    let all = result["metrics"].as_object().expect("metrics").iter();
    all.map(|(name, value)| (name.clone(), value.as_f64().expect("a number")))
        .collect()
}

fn evaluate(scratch: &Scratch, arguments: &[&str]) -> Value {
    let finished = scratch.phasebox(&[&["eval", "--json"], arguments].concat());
    assert_eq!(finished.code, Some(0), "{arguments:?}: {}", finished.stderr);
    serde_json::from_str(&finished.stdout).expect("JSON")
}

/// Trains with `changes`, evaluates with `arguments` after the run's path, and compares with what epoch `epoch` logged
/// under `prefix`.
fn check(changes: &[&str], what: &str, arguments: &[&str], prefix: &str, epoch: Option<u64>) {
    let scratch = Scratch::with_callbacks("  - ema: {decay: 0.5}\n");
    let run = scratch.trained(changes);
    let before = everything(&run.0);
    let what = run.0.join(what).display().to_string();
    let result = evaluate(&scratch, &[&[what.as_str()], arguments].concat());
    let best = run.summary()["best"]["epoch"].as_u64().expect("a best");
    let expected = logged(&run, prefix, epoch.unwrap_or(best));
    assert!(expected.contains_key("Accuracy"), "{expected:?}");
    assert_eq!(
        metrics(&result),
        expected,
        "{changes:?} {what} {arguments:?}"
    );
    assert_eq!(everything(&run.0), before, "the run's folder has changed");
    let folder = result["folder"].as_str().expect("a folder");
    let written = fs::read(scratch.path(folder).join("evaluation.json"));
    let written: Value = serde_json::from_slice(&written.expect("a file")).expect("JSON");
    assert_eq!(written, result);
}

#[test]
fn an_evaluation_gives_the_numbers_that_the_run_logged() {
    let ema = "training_hyperparams.ema=true";
    check(&[], "", &[], "valid/", None);
    check(&[ema], "", &[], "valid/", None);
    let name = "training_hyperparams.ckpt_best_name=mine";
    let first = "training_hyperparams.initial_lr=1e-30";
    check(&[name, first], "", &[], "valid/", Some(0));
    check(&[name], "", &["--checkpoint", "mine"], "valid/", None);
    check(
        &[ema],
        "",
        &["--checkpoint", "ckpt_latest"],
        "valid/",
        Some(1),
    );
    check(&[], "ckpt_latest", &["--split", "test"], "test/", Some(1));
    check(&[], "ckpt_best", &["--split", "validation"], "valid/", None);
}

#[test]
fn weights_in_a_file_are_evaluated_with_the_recipe_beside_or_another() {
    let scratch = Scratch::with_callbacks("  []\n");
    let run = scratch.trained(&[]);
    let file = run.0.join("average_best_models.safetensors");
    let file = file.to_str().expect("UTF-8");
    let average = logged(&run, "average_best_models/", 1);
    assert!(!average.is_empty());
    let before = everything(&run.0);
    assert_eq!(metrics(&evaluate(&scratch, &[file])), average);
    let best = run.0.join("ckpt_best/model.safetensors");
    let of_best = evaluate(&scratch, &[best.to_str().expect("UTF-8")]);
    let epoch = run.summary()["best"]["epoch"].as_u64().expect("a best");
    assert_eq!(metrics(&of_best), logged(&run, "valid/", epoch));
    assert!(
        of_best["checkpoint"]
            .to_string()
            .contains("model.safetensors")
    );
    assert_eq!(everything(&run.0), before, "the run's folder has changed");
    fs::copy(file, scratch.path("weights.safetensors")).expect("a copy");
    let named = ["weights.safetensors", "--recipe", "recipe.yaml"];
    assert_eq!(metrics(&evaluate(&scratch, &named)), average);
}

#[test]
fn weights_that_do_not_fit_are_told() {
    let scratch = Scratch::with_callbacks("  []\n");
    let run = scratch.trained(&[]);
    let file = run.0.join("ckpt_best/model.safetensors");
    let file = file.to_str().expect("UTF-8");
    let other = [
        "arch_params.hidden=[16, 16]",
        "checkpoint_params.strict_load=false",
    ];
    let finished = scratch.phasebox(&[&["eval", file], &other[..]].concat());
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert!(finished.stderr.contains("note: "), "{}", finished.stderr);
}

const CSV: &str = "\
experiment_name: tiny
dataset: {csv: {file: own.csv, target: y}}
train_dataloader_params: {batch_size: 4}
architecture: {mlp: {hidden: [4]}}
training_hyperparams:
  max_epochs: 1
  initial_lr: 0.01
  loss: CrossEntropyLoss
  valid_metrics_list: [Accuracy]
";

/// Two classes, and rows of two numbers.
fn table(rows: u32) -> String {
    let row = |index: u32| format!("{},{},{}\n", index % 7, index % 5, index % 2);
    let rows: String = (0..rows).map(row).collect();
    format!("a,b,y\n{rows}")
}

/// The recipe is named without a folder, and its data lie beside it.
#[test]
fn other_data_are_a_change_of_the_recipe() {
    let scratch = Scratch::new();
    scratch.write("recipe.yaml", CSV);
    scratch.write("own.csv", table(40));
    scratch.write("other.csv", table(80));
    let run = scratch.trained(&[]);
    let own = evaluate(&scratch, &[run.path()]);
    let other = evaluate(&scratch, &[run.path(), "dataset.csv.file=other.csv"]);
    assert!(own["samples"].as_u64() < other["samples"].as_u64());
    assert_ne!(metrics(&own), metrics(&other));
}

/// One table under other names of its classes, of which the second comes first now.
#[test]
fn classes_keep_their_names_and_their_order() {
    let scratch = Scratch::new();
    scratch.write("recipe.yaml", CSV);
    let named = |names: [&str; 2]| {
        let row = |index: usize| format!("{},{},{}\n", index % 7, index % 5, names[index % 2]);
        let rows: String = (0..40).map(row).collect();
        format!("a,b,y\n{rows}")
    };
    scratch.write("own.csv", named(["cat", "dog"]));
    let run = scratch.trained(&[]);
    scratch.write("own.csv", named(["wolf", "dog"]));
    let words = "its class 0 is \"cat\", and class 0 of the data is \"dog\"";
    let more = "training_hyperparams.max_epochs=2";
    let resume = ["train", "recipe.yaml", "--resume", run.path(), more];
    let weights = format!("{}/ckpt_best/model.safetensors", run.path());
    for arguments in [&["eval", run.path()][..], &["eval", &weights], &resume] {
        let Finished { code, stderr, .. } = scratch.phasebox(arguments);
        assert_eq!(code, Some(2), "{arguments:?}: {stderr}");
        assert!(stderr.contains(words), "{arguments:?}: {stderr}");
    }
}

#[test]
fn samples_that_were_trained_on_are_no_test() {
    let scratch = Scratch::with_callbacks("  []\n");
    let run = scratch.trained(&[]);
    let more = "dataset={digits: {test_fraction: 0.5}}";
    let finished = scratch.phasebox(&["eval", run.path(), "--split", "test", more]);
    let words = "samples that the run has trained on would be among those";
    assert_eq!(finished.code, Some(2), "{}", finished.stderr);
    assert!(finished.stderr.contains(words), "{}", finished.stderr);
}

#[test]
fn another_loss_is_the_recipes() {
    let scratch = Scratch::with_callbacks("  []\n");
    let run = scratch.trained(&[]);
    let own = metrics(&evaluate(&scratch, &[run.path()]));
    let smooth = "training_hyperparams.criterion_params={label_smoothing: 0.9}";
    let other = metrics(&evaluate(&scratch, &[run.path(), smooth]));
    assert_eq!(own["Accuracy"], other["Accuracy"]);
    assert_ne!(own["loss"], other["loss"]);
}

/// The run went on with another loss, and its first epoch stayed the best.
#[test]
fn a_checkpoint_has_the_recipe_that_it_was_made_with() {
    let scratch = Scratch::with_callbacks("  []\n");
    let run = scratch.trained(&["training_hyperparams.max_epochs=1"]);
    let resumed = scratch.train(&[
        "--resume",
        run.path(),
        "training_hyperparams.initial_lr=1e-30",
        "training_hyperparams.criterion_params={label_smoothing: 0.9}",
    ]);
    assert_eq!(resumed.code, Some(0), "{}", resumed.stderr);
    assert_eq!(run.summary()["best"]["epoch"], 0);
    let finished = scratch.phasebox(&["eval", "--json", run.path()]);
    let result: Value = serde_json::from_str(&finished.stdout).expect("JSON");
    assert_eq!(metrics(&result), logged(&run, "valid/", 0));
    let words = "the checkpoint was made with";
    assert!(finished.stderr.contains(words), "{}", finished.stderr);
    let newest = evaluate(
        &scratch,
        &[
            run.path(),
            "--recipe",
            &format!("{}/recipe.yaml", run.path()),
        ],
    );
    assert_ne!(metrics(&newest)["loss"], metrics(&result)["loss"]);
}

#[test]
fn pixels_on_another_scale_are_told() {
    let scratch = Scratch::with_callbacks("  []\n");
    let run = scratch.trained(&[]);
    let words = "the network was trained with pixels on another scale";
    for (change, is_told) in [
        (
            "val_transforms={normalize: {mean: [0.5], std: [0.1]}}",
            true,
        ),
        ("val_dataloader_params.batch_size=90", false),
    ] {
        let finished = scratch.phasebox(&["eval", run.path(), change]);
        assert_eq!(finished.code, Some(0), "{}", finished.stderr);
        assert_eq!(
            finished.stderr.contains(words),
            is_told,
            "{}",
            finished.stderr
        );
    }
}

#[test]
fn callbacks_see_the_phases_of_the_pass_alone() {
    let scratch = Scratch::with_callbacks("  - trace\n");
    let run = scratch.trained(&[]);
    for (split, batches) in [("validation", 2), ("test", 1)] {
        let result = evaluate(&scratch, &[run.path(), "--split", split]);
        let calls = &result["callbacks"][0]["calls"];
        // The loader's start and end, and two for each batch.
        assert_eq!(*calls, json!(2 + 2 * batches), "{split}");
    }
}

#[test]
fn a_request_that_an_evaluation_cannot_obey_is_shown() {
    let scratch = Scratch::with_callbacks("  - early-stopping: {patience: 1}\n");
    let run = scratch.trained(&["training_hyperparams.max_epochs=1"]);
    let finished = scratch.phasebox(&["eval", run.path()]);
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    let asked = "asked    stop-training by `early-stopping`: without effect in an evaluation";
    assert!(finished.stdout.contains(asked), "{}", finished.stdout);
}

/// The weights are those of the checkpoint.
#[test]
fn a_file_that_the_run_started_from_may_be_gone() {
    let scratch = Scratch::with_callbacks("  []\n");
    let first = scratch.trained(&[]);
    let weights = first.0.join("ckpt_best/model.safetensors");
    fs::rename(weights, scratch.path("start.safetensors")).expect("a move");
    fs::remove_dir_all(scratch.path("runs")).expect("a folder");
    let run = scratch.trained(&["checkpoint_params.checkpoint_path=start.safetensors"]);
    let before = evaluate(&scratch, &[run.path()]);
    fs::remove_file(scratch.path("start.safetensors")).expect("a file");
    let after = evaluate(&scratch, &[run.path()]);
    assert_eq!(before["metrics"], after["metrics"]);
}

#[test]
fn what_cannot_be_evaluated_is_refused_with_a_remedy() {
    let scratch = Scratch::with_callbacks("  []\n");
    let run = scratch.trained(&[]);
    let best = run.0.join("ckpt_best").display().to_string();
    scratch.write("weights.safetensors", "");
    fs::rename(scratch.path("recipe.yaml"), scratch.path("elsewhere.yaml")).expect("a move");
    let inside = run.0.join("evaluations").display().to_string();
    let rows: [(&[&str], &str); 9] = [
        (&["nowhere"], "neither a run's folder, nor a checkpoint"),
        (&["weights.safetensors"], "lies in no run's folder"),
        (
            &[run.path(), "--checkpoint", "ckpt_none"],
            "holds no checkpoint `ckpt_none`",
        ),
        (&[&best, "--checkpoint", "ckpt_best"], "is one already"),
        (
            &[run.path(), "dataset=digits", "--split", "test"],
            "have no test part",
        ),
        (
            &[run.path(), "arch_params.hidden=[8]"],
            "its network is another one (`arch_params.hidden` was [16] and is [8])",
        ),
        (
            &[run.path(), "training_hyperparams.max_epochs=3"],
            "an evaluation trains nothing and does not read the key: remove it",
        ),
        (
            &[run.path(), "--out", &inside],
            "which an evaluation leaves as it is: name another folder",
        ),
        (&[run.path(), "--split", "all"], "invalid value 'all'"),
    ];
    for (arguments, reason) in rows {
        let Finished { code, stderr, .. } = scratch.phasebox(&[&["eval"], arguments].concat());
        assert_eq!(code, Some(2), "{arguments:?}: {stderr}");
        assert!(stderr.contains(reason), "{arguments:?}: {stderr}");
    }
    let evaluations = fs::read_dir(scratch.path("runs/tiny"))
        .expect("a folder")
        .count();
    assert_eq!(
        json!(evaluations),
        json!(1),
        "a refused evaluation leaves a folder"
    );
}

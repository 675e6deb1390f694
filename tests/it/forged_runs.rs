//! Runs of strangers: checkpoints, summaries and folders that are forged field by field. Each is refused with its file, or
//! changes nothing that matters; none panics, and none is read outside of the run's folder.

use std::fs;
use std::os::unix::fs::symlink;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use anyhow::Result;
use phasebox::assemble::{Assembly, Options};
use phasebox_contract::digest::Digest;
use phasebox_recipe::Recipe;
use phasebox_train::logger::RunFolder;
use phasebox_train::trainer::{Summary, Trainer};
use serde_json::{Value, json};

use crate::harness::recipes::STATEFUL;
use crate::harness::wat_components::{CHECKPOINT, component};
use crate::harness::{Run, Scratch, alone};

/// Changes a checkpoint's manifest, and its digest with it.
fn sign(folder: &Path, manifest: &Value) {
    let text = manifest.to_string();
    let digest = Digest::of(text.as_bytes()).to_string();
    fs::write(folder.join("checkpoint.json"), text).expect("ours");
    fs::write(folder.join("checkpoint.json.sha256"), digest).expect("ours");
}

/// The values that stand in the place of every other.
fn forgeries() -> [Value; 9] {
    [
        Value::Null,
        json!(true),
        json!(-1),
        json!(1e308),
        json!(u64::MAX),
        json!("\u{1b}]0;forged\u{7}\nerror: forged"),
        json!([]),
        json!([[1, 2], [3, 4]]),
        json!({"a": 1}),
    ]
}

/// The places of a JSON, but for those below `except`.
fn places(value: &Value, here: &str, except: &[&str], found: &mut Vec<String>) {
    if !here.is_empty() {
        found.push(here.to_owned());
    }
    if except.contains(&here) {
        return;
    }
    let below: Vec<(String, &Value)> = match value {
        Value::Object(fields) => fields
            .iter()
            .map(|(k, v)| (k.replace('/', "~1"), v))
            .collect(),
        Value::Array(items) => items
            .iter()
            .take(2)
            .enumerate()
            .map(|(i, v)| (i.to_string(), v))
            .collect(),
        _ => Vec::new(),
    };
    for (key, value) in below {
        places(value, &format!("{here}/{key}"), except, found);
    }
}

/// A run with a checkpoint inside of an epoch.
fn stateful() -> (Scratch, Run) {
    let scratch = Scratch::new();
    let asks = "  - {wasm: asks.wasm, grants: [checkpoint], when: {every: 16, unit: batch}}\n";
    scratch.write("recipe.yaml", format!("{STATEFUL}{asks}"));
    let functions = [("on-train-batch-end", CHECKPOINT)];
    scratch.write("asks.wasm", component(&functions));
    let run = scratch.trained(&[]);
    (scratch, run)
}

/// Goes on from a checkpoint, to the end of its run.
fn go_on(scratch: &Scratch, checkpoint: &Path) -> Result<()> {
    let path = format!("training_hyperparams.resume_path={}", checkpoint.display());
    let short = "training_hyperparams.save_ckpt_every_n_steps=null".to_owned();
    let recipe = Recipe::load(scratch.path("recipe.yaml"), &[path, short])?;
    let runs = tempfile::tempdir()?;
    let options = Options {
        runs_dir: runs.path().to_owned(),
        ..Options::default()
    };
    let trainer = Assembly::new(&recipe, options)?.trainer()?;
    Trainer::train(trainer).map(drop)
}

#[test]
fn every_field_of_a_checkpoint_is_checked() {
    let _alone = alone();
    let (scratch, run) = stateful();
    let folder = run
        .0
        .join("ckpt_asked")
        .canonicalize()
        .expect("it is there");
    let honest = run.json("ckpt_asked/checkpoint.json");
    assert_ne!(honest["state"]["next_batch"], 0);
    let mut found = Vec::new();
    places(
        &honest,
        "",
        &["/state/recipe", "/state/trainer/asked"],
        &mut found,
    );
    assert!(found.len() > 100, "{}", found.len());
    for place in &found {
        for forgery in forgeries() {
            let mut forged = honest.clone();
            *forged.pointer_mut(place).expect("it is there") = forgery.clone();
            sign(&folder, &forged);
            let ended = catch_unwind(AssertUnwindSafe(|| go_on(&scratch, &folder)));
            // It is refused, or trains: both are well.
            assert!(ended.is_ok(), "{place} = {forgery} panics");
        }
    }
    sign(&folder, &honest);
    go_on(&scratch, &folder).expect("the honest one trains");
}

/// A file of tensors that is much larger than the network is refused before a byte of it is read.
#[test]
fn a_huge_file_of_a_checkpoint_takes_no_memory() {
    let _alone = alone();
    let (scratch, run) = stateful();
    let folder = run.0.join("ckpt_asked").canonicalize();
    let folder = folder.expect("it is there");
    let honest = run.json("ckpt_asked/checkpoint.json");
    let files = honest["files"].as_object().expect("by name");
    let tensors: Vec<&String> = files
        .keys()
        .filter(|name| name.ends_with(".safetensors"))
        .collect();
    assert!(tensors.len() >= 6, "{tensors:?}");
    for name in tensors {
        let path = folder.join(name);
        let kept = fs::read(&path).expect("ours");
        let size = 12u64 << 30;
        fs::File::options()
            .write(true)
            .open(&path)
            .and_then(|file| file.set_len(size))
            .expect("a file with a hole");
        let mut forged = honest.clone();
        forged["files"][name]["bytes"] = json!(size);
        sign(&folder, &forged);
        let refused = go_on(&scratch, &folder).expect_err("it is huge");
        let refused = format!("{refused:#}");
        assert!(refused.contains(name), "{refused}");
        assert!(refused.contains("are read for a network of"), "{refused}");
        fs::write(&path, kept).expect("ours");
    }
}

#[test]
fn every_field_of_a_summary_is_checked() {
    let scratch = Scratch::with_callbacks("  - trace\n");
    let run = scratch.trained(&[]);
    let honest = run.summary();
    let mut found = Vec::new();
    places(&honest, "", &["/plugins/0/limits"], &mut found);
    let forge = |place: &str, forgery: &Value| {
        let mut forged = honest.clone();
        *forged.pointer_mut(place).expect("it is there") = forgery.clone();
        fs::write(run.0.join("summary.json"), forged.to_string()).expect("ours");
    };
    let folder = RunFolder::open(&run.0).expect("it is there");
    for (index, place) in found.iter().enumerate() {
        for forgery in forgeries() {
            forge(place, &forgery);
            // It is refused or read: both are well.
            let _ = Summary::read(&folder);
        }
        let forgery = forgeries()[index % 9].clone();
        forge(place, &forgery);
        let report = scratch.phasebox(&["report", run.path()]);
        let shown = format!("{place} = {forgery}: {}", report.stderr);
        assert!(matches!(report.code, Some(0 | 1)), "{shown}");
        assert!(!report.stderr.contains("panicked"), "{shown}");
        assert!(!report.stderr.contains('\u{1b}'), "{shown}");
        let names_it = report.stderr.contains("summary.json");
        assert!(report.code == Some(0) || names_it, "{shown}");
    }
}

/// A forgery of a run's folder, and the words of its refusal.
type Row = (&'static str, fn(&Run), &'static str);

const ROWS: [Row; 4] = [
    (
        "a number that no run comes to",
        |run| {
            let name = "checkpoints/18446744073709551615-step-1";
            fs::create_dir(run.0.join(name)).expect("ours");
        },
        "18446744073709551615-step-1 has a number that no run comes to: move it away",
    ),
    (
        "a tag that leaves the run",
        |run| {
            let latest = run.0.join("ckpt_latest");
            let target = latest.canonicalize().expect("it is there");
            let outside = run.0.with_file_name("outside");
            fs::rename(target, &outside).expect("ours");
            fs::remove_file(&latest).expect("ours");
            symlink(outside, latest).expect("ours");
        },
        "ckpt_latest is a link that leaves the run's folder",
    ),
    (
        "a file that leaves the checkpoint",
        |run| {
            let model = run.0.join("ckpt_latest/model.safetensors");
            let outside = run.0.join("model.safetensors");
            fs::rename(&model, &outside).expect("ours");
            symlink(outside, model).expect("ours");
        },
        "model.safetensors is a link that leaves the checkpoint's folder",
    ),
    (
        "a manifest that was changed",
        |run| {
            let path = run.0.join("ckpt_latest/checkpoint.json");
            let text = fs::read_to_string(&path).expect("it is there");
            fs::write(path, text.replace("\"epoch\": 2", "\"epoch\": 1")).expect("ours");
        },
        "checkpoint.json is damaged: its sha256 is ",
    ),
];

#[test]
fn a_forged_folder_is_refused_with_the_remedy() {
    for (what, forge, words) in ROWS {
        let scratch = Scratch::with_callbacks("  []\n");
        let run = scratch.trained(&[]);
        forge(&run);
        let more = "training_hyperparams.max_epochs=3";
        let resumed = scratch.train(&["--resume", run.path(), more]);
        let evaluated = scratch.phasebox(&["eval", run.path(), "--checkpoint", "latest"]);
        for refused in [resumed, evaluated] {
            assert_eq!(refused.code, Some(2), "{what}: {}", refused.stderr);
            assert!(refused.stderr.contains(words), "{what}: {}", refused.stderr);
        }
    }
}

//! A killed run goes on to the very bytes of a run that was not killed: weights, optimizer, averages, random numbers,
//! callbacks, metrics. On a GPU (`cargo xtask test --cuda`) this holds with kernels whose sums have a fixed order, and lines of
//! the log may change places.

mod any_batch;
mod keys;
mod kills;
mod other_data;
mod over;
mod second_stage;
mod signals;
mod skipped_batch;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use kills::{go_on, wait_for_checkpoint};
use serde_json::Value;

use crate::harness::recipes::STATEFUL;
use crate::harness::wat_components::{CHECKPOINT, FAIL, NOTHING, SAVE, component};
use crate::harness::{Run, Scratch, TINY};

const STEPS: u64 = 4 * 11;

fn stateful(callbacks: &str) -> Scratch {
    let scratch = Scratch::new();
    scratch.write("recipe.yaml", format!("{STATEFUL}{callbacks}"));
    scratch
}

/// Everything that equal runs have in common. Times differ, and with them the length of the log.
struct Outcome {
    files: BTreeMap<PathBuf, Vec<u8>>,
    state: Value,
    metrics: Vec<Value>,
    summary: Value,
}

impl Outcome {
    /// The outcome of a run whose checkpoints have at least `least` files.
    fn of(run: &Run, least: usize) -> Outcome {
        let mut files = BTreeMap::new();
        for folder in [
            "ckpt_latest",
            "ckpt_best",
            "ckpt_latest/callbacks",
            "ckpt_best/callbacks",
        ] {
            read_files(&run.0, folder, &mut files);
        }
        assert!(files.len() >= least, "{:?}", files.keys());
        let mut state = run.json("ckpt_latest/checkpoint.json")["state"].take();
        state["metrics_bytes"].take();
        // It says how the run was resumed.
        state["recipe"].take();
        state["trainer"]["elapsed_seconds"].take();
        let all = run.summary();
        let summary =
            ["best", "final", "epochs", "steps", "stop_reason"].map(|key| all[key].clone());
        Outcome {
            files,
            state,
            metrics: run.metrics(),
            summary: Value::from(summary.to_vec()),
        }
    }

    fn assert_is(&self, expected: &Outcome, what: &str) {
        assert_eq!(self.summary, expected.summary, "{what}");
        assert_eq!(self.state, expected.state, "{what}");
        assert_eq!(
            self.files.keys().collect::<Vec<_>>(),
            expected.files.keys().collect::<Vec<_>>(),
            "{what}"
        );
        for (name, bytes) in &self.files {
            assert!(
                *bytes == expected.files[name],
                "{what}: {} differs",
                name.display()
            );
        }
        let lines = self.metrics.iter().zip(&expected.metrics).enumerate();
        lines.for_each(|(line, (ours, theirs))| {
            assert_eq!(ours, theirs, "{what}: line {line} of metrics.jsonl")
        });
        assert_eq!(
            self.metrics.len(),
            expected.metrics.len(),
            "{what}: lines of metrics.jsonl"
        );
    }
}

/// Every file of a checkpoint but for its JSON, which holds times, and that file's digest.
fn read_files(run: &Path, folder: &str, files: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in fs::read_dir(run.join(folder)).expect("a checkpoint") {
        let path = entry.expect("a readable folder").path();
        let is_timed = path.display().to_string().contains("/checkpoint.json");
        if path.is_file() && !is_timed {
            let name = Path::new(folder).join(path.file_name().expect("a name"));
            files.insert(name, fs::read(&path).expect("a readable file"));
        }
    }
}

/// Paths in `folder` whose names `are_meant`, sorted.
fn places(folder: &Path, are_meant: fn(&str) -> bool) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let paths = entries.map(|entry| entry.expect("a readable folder").path());
    let is_meant = |path: &PathBuf| {
        path.file_name()
            .and_then(|name| name.to_str())
            .is_some_and(are_meant)
    };
    let mut places: Vec<PathBuf> = paths.filter(is_meant).collect();
    places.sort();
    places
}

/// A refusal to go on leaves the run's folder as it was, and the run can be resumed in another way.
#[test]
fn a_refused_resume_changes_nothing() {
    let stateful = |load| {
        component(&[
            ("on-epoch-end", NOTHING),
            ("save-state", SAVE),
            ("load-state", load),
        ])
    };
    let scratch = Scratch::with_callbacks("  - ./case.wasm\n");
    scratch.write("case.wasm", stateful(NOTHING));
    let run = scratch.trained(&[]);
    let more = "training_hyperparams.max_epochs=3";
    for (load, change, refusal) in [
        (FAIL, more, "it fails, as it was told"),
        (
            NOTHING,
            "arch_params.hidden=[8]",
            "its network is another one (`arch_params.hidden` was [16] and is [8]): put back what it was",
        ),
        (
            NOTHING,
            "training_hyperparams.optimizer=Adam",
            "`training_hyperparams.optimizer` was not written and is \"Adam\"",
        ),
        (
            NOTHING,
            "training_hyperparams.ckpt_name=ckpt_latest/../no",
            "names a folder or file",
        ),
    ] {
        scratch.write("case.wasm", stateful(load));
        let before = contents(&run.0);
        let refused = scratch.train(&["--resume", run.path(), change]);
        assert_eq!(refused.code, Some(2), "{change}: {}", refused.stderr);
        assert!(
            refused.stderr.contains(refusal),
            "{change}: {}",
            refused.stderr
        );
        assert!(
            contents(&run.0) == before,
            "{change}: the run's folder is another one"
        );
    }
    scratch.trained(&["--resume", run.path(), more]);
    assert_eq!(run.summary()["epochs"], 3);
    assert!(run.text("recipe.yaml").contains("max_epochs: 3"));
    assert!(run.text("recipe.1.yaml").contains("max_epochs: 2"));
}

/// A checkpoint that is refused as the start of a new run leaves no folder of that run.
#[test]
fn a_refused_start_leaves_no_folder() {
    let scratch = Scratch::with_callbacks("  []\n");
    let run = scratch.trained(&[]);
    let path = format!(
        "training_hyperparams.resume_path={}/ckpt_latest",
        run.path()
    );
    for change in [
        "arch_params.hidden=[8]",
        "training_hyperparams.optimizer=Adam",
    ] {
        let refused = scratch.train(&[&path, change]);
        assert_eq!(refused.code, Some(2), "{change}: {}", refused.stderr);
        let runs = places(&scratch.path("runs/tiny"), |_| true);
        assert_eq!(runs, std::slice::from_ref(&run.0), "{change}");
    }
}

/// A run that has ended leaves nothing to train to a new run, and a run without a checkpoint nothing to go on from.
#[test]
fn a_start_with_nothing_to_train_is_refused() {
    let scratch = Scratch::with_callbacks("  []\n");
    let run = scratch.trained(&[]);
    let path = format!(
        "training_hyperparams.resume_path={}/ckpt_latest",
        run.path()
    );
    let refused = scratch.train(&[&path]);
    assert_eq!(refused.code, Some(2), "{}", refused.stderr);
    let remedy = "raise `max_epochs` to go on, or name an earlier checkpoint";
    assert!(refused.stderr.contains(remedy), "{}", refused.stderr);
    let runs = places(&scratch.path("runs/tiny"), |_| true);
    assert_eq!(runs, std::slice::from_ref(&run.0));
    let empty = scratch.path("runs/tiny/RUN_29990101_000000_000000_aaaaaa");
    std::fs::create_dir(&empty).expect("a folder");
    std::fs::write(empty.join("recipe.yaml"), run.text("recipe.yaml")).expect("a file");
    let gone_on = scratch.train(&["resume=true", "training_hyperparams.max_epochs=3"]);
    assert_eq!(gone_on.code, Some(0), "{}", gone_on.stderr);
    assert!(
        gone_on.stderr.contains("holds no checkpoint"),
        "{}",
        gone_on.stderr
    );
    assert_eq!(run.summary()["epochs"], 3);
}

#[test]
fn two_answers_to_go_on_from_are_refused() {
    let scratch = Scratch::with_callbacks("  []\n");
    let run = scratch.trained(&[]);
    let path = format!("training_hyperparams.resume_path={}/ckpt_best", run.path());
    let id = "training_hyperparams.run_id=RUN_x";
    for (arguments, expected) in [
        (
            &["--resume", run.path(), &path][..],
            "`--resume` and `resume_path` both say",
        ),
        (
            &["--resume", run.path(), id],
            "`--resume` and `run_id` both say",
        ),
        (
            &["resume=true", &path],
            "`resume: true` goes on with the newest run",
        ),
    ] {
        let refused = scratch.train(arguments);
        assert_eq!(refused.code, Some(2), "{arguments:?}: {}", refused.stderr);
        assert!(refused.stderr.contains(expected), "{}", refused.stderr);
    }
}

/// Every file below `folder` by its path in it, with its bytes and the time it was changed at; every link with its
/// target.
pub(crate) fn contents(folder: &Path) -> BTreeMap<PathBuf, (Vec<u8>, Option<SystemTime>)> {
    let mut found = BTreeMap::new();
    collect(folder, folder, &mut found);
    found
}

fn collect(
    root: &Path,
    folder: &Path,
    found: &mut BTreeMap<PathBuf, (Vec<u8>, Option<SystemTime>)>,
) {
    for path in places(folder, |_| true) {
        let changed = fs::symlink_metadata(&path).and_then(|metadata| metadata.modified());
        let bytes = match fs::read_link(&path) {
            Ok(target) => target.into_os_string().into_encoded_bytes(),
            Err(_) if path.is_dir() => {
                collect(root, &path, found);
                Vec::new()
            }
            Err(_) => fs::read(&path).expect("a readable file"),
        };
        let name = path.strip_prefix(root).expect("it lies below");
        found.insert(name.to_owned(), (bytes, changed.ok()));
    }
}

/// Checkpoints from the middle of an accumulation, from the end of an epoch, and from the end of the run, when nothing
/// is left to train.
#[test]
fn every_kind_of_checkpoint_leads_to_the_same_end() {
    for average in [
        "training_hyperparams.average_best_models=true",
        "training_hyperparams.average_best_models=false",
    ] {
        let scratch = stateful(
            "  - {wasm: asks.wasm, grants: [checkpoint], when: {every: 7, unit: batch}}\n",
        );
        scratch.write(
            "asks.wasm",
            component(&[("on-train-batch-end", CHECKPOINT)]),
        );
        let run = scratch.trained(&[average]);
        let expected = Outcome::of(&run, 20);
        for (tag, batch, accumulated) in [("asked", 15, 1), ("epoch_2", 0, 0), ("latest", 0, 0)] {
            let state = &run.json(&format!("ckpt_{tag}/checkpoint.json"))["state"];
            assert_eq!(
                (&state["next_batch"], &state["accumulation"]["batches"]),
                (&batch.into(), &accumulated.into())
            );
            let name = format!("training_hyperparams.ckpt_name=ckpt_{tag}");
            scratch.trained(&["--resume", run.path(), &name, average]);
            Outcome::of(&run, 20).assert_is(&expected, &format!("{tag}, {average}"));
        }
    }
}

/// SIGTERM leaves a checkpoint of the batch it came after, wherever that was in an accumulation.
#[test]
fn an_interrupted_run_goes_on_to_the_same_end() {
    let expected = Outcome::of(&stateful("").trained(&[]), 20);
    for _ in 0..3 {
        let scratch = stateful("");
        let mut child = go_on(&scratch);
        wait_for_checkpoint(&scratch, &mut child);
        scratch.signal(&child, "TERM");
        let finished = scratch.finish(child);
        assert_eq!(finished.code, Some(130), "{}", finished.stderr);
        let run = scratch.run();
        assert_eq!(run.summary()["stop_reason"], "interrupted");
        scratch.trained(&["--resume", run.path()]);
        Outcome::of(&run, 20).assert_is(&expected, "interrupted");
    }
}

/// A callback that fails after a batch spoils nothing: without the callback, the run goes on from `ckpt_error`.
#[test]
fn a_failed_run_goes_on_without_the_callback_to_the_same_end() {
    let expected = Outcome::of(&stateful("").trained(&[]), 20);
    let scratch = stateful("  - {wasm: bad.wasm, when: {every: 15, unit: batch}}\n");
    scratch.write("bad.wasm", component(&[("on-train-batch-end", FAIL)]));
    assert_eq!(scratch.train(&[]).code, Some(1));
    let run = scratch.run();
    scratch.write("recipe.yaml", STATEFUL);
    scratch.trained(&[
        "--resume",
        run.path(),
        "training_hyperparams.ckpt_name=ckpt_error",
    ]);
    Outcome::of(&run, 20).assert_is(&expected, "failed");
}

/// A failure at any phase of a batch leaves its step to be taken once: it is complete in `ckpt_error` or done again.
#[test]
fn a_batch_that_failed_midway_is_trained_once() {
    let weights = |run: &Run| run.bytes("ckpt_latest/model.safetensors");
    let expected = weights(&Scratch::with_callbacks("").trained(&[]));
    for phase in [
        "on-train-batch-loss-end",
        "on-train-batch-backward-end",
        "on-train-batch-gradient-step-start",
        "on-train-batch-optimizer-stepped",
        "on-train-batch-gradient-step-end",
    ] {
        let scratch = Scratch::with_callbacks("  - ./bad.wasm\n");
        scratch.write("bad.wasm", component(&[(phase, FAIL)]));
        assert_eq!(scratch.train(&[]).code, Some(1), "{phase}");
        let run = scratch.run();
        scratch.write("recipe.yaml", TINY);
        scratch.trained(&[
            "--resume",
            run.path(),
            "training_hyperparams.ckpt_name=ckpt_error",
        ]);
        assert!(weights(&run) == expected, "after a failure at {phase}");
    }
}

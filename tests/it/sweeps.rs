//! `phasebox sweep` and `phasebox watch`: many runs in one process, each as if it were alone, each with the callbacks
//! that were there when it began.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::wat_components::{FAIL, NOTHING, component};
use crate::harness::{Finished, Run, Scratch, TINY};

const MODEL: &str = "ckpt_latest/model.safetensors";

fn sweep(scratch: &Scratch, arguments: &[&str]) -> Finished {
    scratch.phasebox(&[&["sweep", "recipe.yaml"], arguments].concat())
}

/// The record of the sweep in `scratch`, one entry a variant.
fn recorded(scratch: &Scratch) -> Vec<Value> {
    let sweeps = folders(scratch)
        .into_iter()
        .find(|path| name(path).starts_with("SWEEP_"));
    let text = fs::read(sweeps.expect("a sweep's folder").join("sweep.json")).expect("its record");
    serde_json::from_slice(&text).expect("a JSON list")
}

fn folders(scratch: &Scratch) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(scratch.path("runs/tiny")) else {
        return Vec::new();
    };
    entries
        .map(|entry| entry.expect("a readable folder").path())
        .collect()
}

fn name(path: &Path) -> &str {
    path.file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default()
}

/// Nothing of one run reaches the next: not the random numbers, not the data's order, not the callbacks.
#[test]
fn a_run_of_a_sweep_is_the_run_alone() {
    let callbacks = "  - ema: {decay: 0.9}\n  - grad-clip: {max_norm: 1.0}\n";
    let scratch = Scratch::with_callbacks(callbacks);
    let finished = sweep(
        &scratch,
        &[
            "--grid",
            "training_hyperparams.initial_lr=0.01,0.1",
            "--grid",
            "training_hyperparams.seed=1,2",
        ],
    );
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    let recorded = recorded(&scratch);
    assert_eq!(recorded.len(), 4);
    for variant in recorded {
        let changes = variant["changes"].as_array().expect("the overrides");
        let changes: Vec<&str> = changes.iter().filter_map(Value::as_str).collect();
        let run = Run(scratch.path(variant["run"].as_str().expect("a run's folder")));
        let scratch = Scratch::with_callbacks(callbacks);
        let alone = scratch.trained(&changes);
        assert_eq!(run.metrics(), alone.metrics(), "{changes:?}");
        assert!(run.bytes(MODEL) == alone.bytes(MODEL), "{changes:?}");
    }
}

/// A variant that fails in training ends itself; one that is refused ends the sweep before it begins.
#[test]
fn a_failed_run_ends_itself_and_a_refused_one_the_sweep() {
    // Two files an epoch: the trial of two epochs does not come to the limit.
    let images = "  - {stock: SaveFirstBatch, limits: {artifact_files: 5}}\n";
    let scratch = Scratch::with_callbacks(images);
    scratch.write(
        "variants.yaml",
        "- {training_hyperparams.max_epochs: 4}\n- {training_hyperparams: {max_epochs: 1}}\n",
    );
    let finished = sweep(&scratch, &["--list", "variants.yaml"]);
    assert_eq!(finished.code, Some(1), "{}", finished.stderr);
    assert!(
        finished.stderr.contains("1 of 2 runs failed"),
        "{}",
        finished.stderr
    );
    let outcomes: Vec<Value> = recorded(&scratch)
        .into_iter()
        .map(|run| run["outcome"].clone())
        .collect();
    assert_eq!(outcomes, ["failed", "completed"]);
    let scratch = Scratch::with_callbacks("  []\n");
    let finished = sweep(
        &scratch,
        &["--grid", "training_hyperparams.optimizer=SGD,SDG"],
    );
    assert_eq!(finished.code, Some(2), "{}", finished.stderr);
    assert!(
        finished.stderr.contains("unknown optimizer `SDG`"),
        "{}",
        finished.stderr
    );
    assert!(!scratch.path("runs").exists());
}

fn wait_until<T>(what: &str, mut ready: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(answer) = ready() {
            return answer;
        }
        assert!(begun.elapsed() < Duration::from_secs(120), "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The digest that a run recorded of its one callback.
fn digest(run: &Path) -> Option<String> {
    let lock: Value = serde_json::from_slice(&fs::read(run.join("plugins.lock")).ok()?).ok()?;
    lock["callbacks"][0]["sha256"].as_str().map(str::to_owned)
}

fn runs(scratch: &Scratch) -> Vec<PathBuf> {
    let mut runs: Vec<PathBuf> = folders(scratch)
        .into_iter()
        .filter(|path| name(path).starts_with("RUN_"))
        .collect();
    runs.sort_by_key(|path| {
        fs::metadata(path.join("recipe.yaml"))
            .and_then(|file| file.modified())
            .ok()
    });
    runs
}

/// A callback is exchanged while the first run is under way: that run keeps the old one, the next run takes the new one.
#[test]
fn an_exchanged_callback_is_the_next_runs() {
    let scratch = Scratch::with_callbacks("  - ./case.wasm\n");
    let (old, new) = (
        component(&[("on-epoch-end", NOTHING)]),
        component(&[("on-train-batch-end", FAIL)]),
    );
    scratch.write("case.wasm", &old);
    let child = scratch.start(&[
        "sweep",
        "recipe.yaml",
        "--grid",
        "training_hyperparams.max_epochs=40,2",
    ]);
    let first = wait_until("the first run begins", || {
        runs(&scratch).pop().filter(|run| digest(run).is_some())
    });
    scratch.write("case.wasm", &new);
    let finished = scratch.finish(child);
    assert_eq!(
        finished.code,
        Some(1),
        "the new callback fails: {}",
        finished.stderr
    );
    let outcomes: Vec<Value> = recorded(&scratch)
        .into_iter()
        .map(|run| run["outcome"].clone())
        .collect();
    assert_eq!(outcomes, ["completed", "failed"]);
    let digests: Vec<Option<String>> = runs(&scratch).iter().map(|run| digest(run)).collect();
    assert_eq!(
        (
            digests.len(),
            digest(&first) == digests[0],
            digests[0] == digests[1]
        ),
        (2, true, false)
    );
}

/// A changed callback starts a new run. A broken recipe is reported, and the watch goes on. A signal ends it.
#[test]
fn watch_trains_again_after_a_change() {
    let scratch = Scratch::with_callbacks("  - ./case.wasm\n");
    scratch.write("case.wasm", component(&[("on-epoch-end", NOTHING)]));
    let child = scratch.start(&["watch", "recipe.yaml"]);
    let ended = |count: usize| {
        wait_until("a run ends", || {
            let ended = runs(&scratch)
                .iter()
                .filter(|run| run.join("summary.json").exists())
                .count();
            (ended >= count).then_some(ended)
        })
    };
    assert_eq!(ended(1), 1);
    scratch.write("next.wasm", component(&[("on-epoch-start", NOTHING)]));
    fs::rename(scratch.path("next.wasm"), scratch.path("case.wasm")).expect("as editors do");
    assert_eq!(ended(2), 2);
    scratch.write("recipe.yaml", "experiment_name: [\n");
    std::thread::sleep(Duration::from_millis(1500));
    scratch.write("recipe.yaml", format!("{TINY}  - ./case.wasm\n"));
    assert_eq!(ended(3), 3);
    scratch.signal(&child, "TERM");
    let finished = scratch.finish(child);
    assert_eq!(finished.code, Some(130), "{}", finished.stderr);
    assert!(
        finished.stderr.contains("error: recipe.yaml:1"),
        "{}",
        finished.stderr
    );
    let digests: Vec<Option<String>> = runs(&scratch).iter().map(|run| digest(run)).collect();
    assert_eq!(
        (digests[0] == digests[1], digests[1] == digests[2]),
        (false, true)
    );
}

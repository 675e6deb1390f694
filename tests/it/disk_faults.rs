//! A disk that fails at the n-th change of a run's files, and a log that is removed while it is written: no checkpoint that
//! was complete is lost, the message names the file and the way on, and the run goes on to the end of an honest one.
//! A long test tries each n, a short one a spread of them.

use std::fs;
use std::time::{Duration, Instant};

use phasebox_train::checkpoint;

use crate::harness::faults::{Disk, FAULTS, Fault};
use crate::harness::{Finished, Run, Scratch, is_long};

struct Case {
    scratch: Scratch,
    disk: Disk,
}

impl Case {
    fn new() -> Case {
        let scratch = Scratch::with_callbacks("  []\n");
        let disk = Disk::new(&scratch.path(""));
        Case { scratch, disk }
    }

    /// Trains while change `at` of the run's files fails; none does if 0.
    fn train(&self, at: usize, fault: Fault) -> Finished {
        let arguments = ["train", "recipe.yaml", "--threads", "1"];
        let mut command = self.scratch.command(&arguments);
        self.disk.fail(&mut command, "runs/", at, fault);
        self.scratch
            .finish(command.spawn().expect("the binary starts"))
    }
}

fn weights(run: &Run) -> Vec<u8> {
    run.bytes("ckpt_latest/model.safetensors")
}

/// The changes of an honest run, and its last weights.
fn honest() -> (usize, Vec<u8>) {
    let case = Case::new();
    let finished = case.train(0, FAULTS[0]);
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    let count = case.disk.changes();
    assert!(count > 40, "the library counts: {count}");
    (count, weights(&case.scratch.run()))
}

fn check(at: usize, fault: Fault, expected: &[u8]) {
    let case = Case::new();
    let failed = case.train(at, fault);
    let what = fault.what;
    let shown = format!("{what} at change {at}: {}", failed.stderr);
    assert!(
        matches!(failed.code, Some(1 | 2)),
        "{:?} {shown}",
        failed.code
    );
    assert!(failed.stderr.contains("os error"), "{shown}");
    let run = case.scratch.started_run();
    let newest = run
        .as_ref()
        .and_then(|run| checkpoint::newest(&run.0).expect("readable"));
    let (Some(run), Some(newest)) = (run, newest) else {
        return;
    };
    assert_eq!(failed.code, Some(1), "{shown}");
    assert!(
        failed.stderr.contains("hint: once files can be written"),
        "{shown}"
    );
    checkpoint::load(&newest).expect("it is complete");
    let resumed = case
        .scratch
        .train(&["--resume", run.path(), "--threads", "1"]);
    assert_eq!(resumed.code, Some(0), "{shown} {}", resumed.stderr);
    assert!(weights(&run) == expected, "{shown}: the weights are others");
}

#[test]
fn a_disk_that_fails_costs_nothing_that_was_complete() {
    let (count, expected) = honest();
    let step = if is_long() { 1 } else { 5 };
    for (index, at) in (1..=count).step_by(step).enumerate() {
        for (number, fault) in FAULTS.into_iter().enumerate() {
            if is_long() || number == index % 2 {
                check(at, fault, &expected);
            }
        }
    }
}

/// Begins a run, and spoils its folder once it has a checkpoint.
fn spoiled(spoil: fn(&Run)) -> (Scratch, Finished) {
    let scratch = Scratch::with_callbacks("  []\n");
    let long = "training_hyperparams.max_epochs=400";
    let child = scratch.start(&["train", "recipe.yaml", long]);
    let begun = Instant::now();
    let run = loop {
        let run = scratch.started_run().filter(|run| run.has("ckpt_latest"));
        if let Some(run) = run {
            break run;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "no checkpoint");
        std::thread::sleep(Duration::from_millis(2));
    };
    spoil(&run);
    let finished = scratch.finish(child);
    (scratch, finished)
}

#[test]
fn a_log_that_is_removed_is_noticed_and_told() {
    let (scratch, finished) = spoiled(|run| {
        fs::remove_file(run.0.join("metrics.jsonl")).expect("it is there");
    });
    assert_eq!(finished.code, Some(1), "{}", finished.stderr);
    for words in [
        "logs begin anew",
        "lack values; weights and checkpoints are whole",
    ] {
        assert!(finished.stderr.contains(words), "{}", finished.stderr);
    }
    let run = scratch.run();
    assert_eq!(run.summary()["epochs"], 400, "the run went on to its end");
    assert!(!run.metrics().is_empty(), "the rest is logged");
}

#[test]
fn a_folder_that_is_moved_ends_its_run() {
    let (scratch, finished) = spoiled(|run| {
        let away = run.0.with_file_name("away");
        fs::rename(&run.0, away).expect("ours");
    });
    assert_eq!(finished.code, Some(1), "{}", finished.stderr);
    let gone = "is gone: somebody has removed or renamed it";
    assert!(finished.stderr.contains(gone), "{}", finished.stderr);
    let names = fs::read_dir(scratch.path("runs/tiny")).expect("it is there");
    assert_eq!(names.count(), 1, "no second folder is made");
}

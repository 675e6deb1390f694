//! A run that is over, resumed: nothing is trained, and every file stays as it was.

use super::contents;
use crate::harness::Scratch;

/// No epoch is better than the first: a patience of one ends the run after the second.
const STOPS: &str = "  - early-stopping: {patience: 1}\n";
const STANDSTILL: &str = "training_hyperparams.initial_lr=1e-30";
const LONG: &str = "training_hyperparams.max_epochs=9";

fn check(callbacks: &str, changes: &[&str], epochs: u64, reason: &str) -> Scratch {
    let scratch = Scratch::with_callbacks(callbacks);
    let run = scratch.trained(changes);
    let summary = run.summary();
    assert_eq!(summary["epochs"], epochs, "{callbacks}");
    let before = contents(&run.0);
    let resume = [&["--resume", run.path()], changes].concat();
    let resumed = scratch.train(&resume);
    assert_eq!(resumed.code, Some(0), "{}", resumed.stderr);
    let told = format!("the run is over ({reason}");
    assert!(resumed.stderr.contains(&told), "{}", resumed.stderr);
    assert!(contents(&run.0) == before, "{callbacks}: its files changed");
    scratch
}

#[test]
fn a_finished_run_keeps_its_summary() {
    check("  - trace\n", &[], 2, "completed)");
}

#[test]
fn a_stopped_run_is_over_until_its_callbacks_change() {
    let scratch = check(STOPS, &[LONG, STANDSTILL], 2, "stopped: ");
    let run = scratch.run();
    scratch.trained(&[
        "--resume",
        run.path(),
        LONG,
        STANDSTILL,
        "phase_callbacks=[]",
    ]);
    assert_eq!(run.summary()["epochs"], 9);
}

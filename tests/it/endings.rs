//! Runs that end otherwise than they should: on a full disk, with numbers that are none, while another process has them.
//! Checkpoints and logs of before stay, and the summary and the log say what happened.

use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use phasebox_train::checkpoint;

use crate::harness::wat_components::{FAIL, component};
use crate::harness::{Finished, Run, Scratch};

/// A network of more bytes than [`ROOM`].
const LARGE: &str = "arch_params.hidden=[2048]";
/// The most bytes of a file, in the blocks of 512 that a POSIX shell counts in.
const ROOM: &str = "ulimit -f 200; exec \"$@\"";
const MORE: &str = "training_hyperparams.max_epochs=4";

/// Trains where no file can become large.
fn train_without_room(scratch: &Scratch, arguments: &[&str]) -> Finished {
    let train = [&["train", "recipe.yaml"], arguments].concat();
    let program = scratch.command(&train);
    let mut limited = Command::new("sh");
    limited.args(["-c", ROOM, "sh"]).arg(program.get_program());
    limited
        .args(program.get_args())
        .current_dir(scratch.path(""));
    limited
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    scratch.finish(limited.spawn().expect("a shell"))
}

/// A limit on the size of files stands in for a full disk: a write fails in the same place.
#[test]
fn a_full_disk_costs_the_checkpoint_that_does_not_fit_and_nothing_else() {
    let scratch = Scratch::with_callbacks("  []\n");
    let run = scratch.trained(&[LARGE]);
    let names = |run: &Run| {
        let all = fs::read_dir(run.0.join("checkpoints")).expect("a folder");
        let mut names: Vec<_> = all
            .map(|entry| entry.expect("readable").file_name())
            .collect();
        names.sort();
        names
    };
    let before = names(&run);
    let failed = train_without_room(&scratch, &["--resume", run.path(), LARGE, MORE]);
    assert_eq!(failed.code, Some(1), "{}", failed.stderr);
    assert!(
        failed.stderr.contains("cannot save a checkpoint"),
        "{}",
        failed.stderr
    );
    assert_eq!(names(&run), before, "no remains, and nothing lost");
    for tag in ["ckpt_latest", "ckpt_best"] {
        checkpoint::load(&run.0.join(tag)).expect("it is whole");
    }
    let reason = run.summary()["stop_reason"].to_string();
    assert!(
        reason.contains("failed: cannot save a checkpoint"),
        "{reason}"
    );
    scratch.trained(&["--resume", run.path(), LARGE, MORE]);
    assert_eq!(run.summary()["epochs"], 4);
}

/// The rate makes every weight NaN in the first epoch.
const DIVERGES: [&str; 3] = [
    "training_hyperparams.initial_lr=1e38",
    "training_hyperparams.nan_policy=ignore",
    "training_hyperparams.average_best_models=false",
];

#[test]
fn a_network_that_is_not_finite_is_never_the_best() {
    let scratch = Scratch::with_callbacks("  []\n");
    let finished = scratch.train(&DIVERGES);
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    let run = scratch.run();
    assert!(!run.has("ckpt_best") && run.has("ckpt_latest"));
    assert!(run.summary()["best"].is_null());
    let told = "epoch 0 is not kept as the best, though its `Accuracy` would be: `fc.";
    assert!(finished.stderr.contains(told), "{}", finished.stderr);
}

#[test]
fn a_watched_metric_that_is_no_number_is_told_once() {
    let scratch = Scratch::with_callbacks("  []\n");
    let loss = [
        "training_hyperparams.metric_to_watch=loss",
        "training_hyperparams.greater_metric_to_watch_is_better=false",
    ];
    let finished = scratch.train(&[&DIVERGES[..], &loss].concat());
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    let told = finished.stderr.matches("`loss`, is not a number").count();
    assert_eq!(told, 1, "{}", finished.stderr);
    assert!(
        finished.stdout.contains("last: test/loss NaN"),
        "{}",
        finished.stdout
    );
    let run = scratch.run();
    assert_eq!(run.summary()["final"]["loss"], "NaN");
    let report = scratch.phasebox(&["report", run.path()]).stdout;
    assert!(report.contains("last  test/loss NaN"), "{report}");
}

/// An error names its batch, of whatever pass, and is the summary's reason.
#[test]
fn a_failure_names_its_batch_and_is_in_the_summary() {
    for (phase, place) in [
        ("on-train-batch-loss-end", "batch 0 of epoch 0"),
        (
            "on-validation-batch-end",
            "batch 0 of the validation after epoch 0",
        ),
        ("on-test-batch-start", "batch 0 of the test after epoch 0"),
    ] {
        let scratch = Scratch::with_callbacks("  - ./bad.wasm\n");
        scratch.write("bad.wasm", component(&[(phase, FAIL)]));
        let failed = scratch.train(&[]);
        assert_eq!(failed.code, Some(1), "{phase}");
        let words = format!("{place}: callback `bad` failed at {phase}: ");
        assert!(failed.stderr.contains(&words), "{}", failed.stderr);
        let reason = scratch.run().summary()["stop_reason"].to_string();
        assert!(reason.contains(&format!("failed: {words}")), "{reason}");
    }
}

/// Waits until the run in this folder has a checkpoint.
fn with_checkpoint(scratch: &Scratch) -> Run {
    let begun = Instant::now();
    loop {
        let run = scratch.started_run().filter(|run| run.has("ckpt_latest"));
        if let Some(run) = run {
            return run;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "no checkpoint");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_run_has_one_process_at_a_time() {
    let scratch = Scratch::with_callbacks("  []\n");
    let endless = "training_hyperparams.max_epochs=1000000";
    let mut child = scratch.start(&["train", "recipe.yaml", endless]);
    let run = with_checkpoint(&scratch);
    let id = run.0.file_name().and_then(|name| name.to_str());
    let by_name = format!("training_hyperparams.run_id={}", id.expect("UTF-8"));
    let held = format!("is being trained by process {}", child.id());
    for second in [&["--resume", run.path()][..], &[&by_name], &["resume=true"]] {
        let refused = scratch.train(second);
        assert_eq!(refused.code, Some(2), "{}", refused.stderr);
        assert!(refused.stderr.contains(&held), "{}", refused.stderr);
    }
    child.kill().expect("a child of this process");
    child.wait().expect("it ends");
    scratch.trained(&["--resume", run.path(), "training_hyperparams.max_epochs=1"]);
    assert_eq!(run.summary()["stop_reason"], "completed");
}

//! A system that refuses: standard output and error that take nothing, files that may not grow, signals that come early. A
//! run ends as it would have, or says in words what it could not do.

use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::harness::{Finished, Scratch};

/// Runs a command by a shell, with streams as `how` says: `"$@"` is the command.
fn by_shell(scratch: &Scratch, how: &str, arguments: &[&str]) -> Finished {
    let program = scratch.command(arguments);
    let mut shell = Command::new("sh");
    shell.args(["-c", how, "sh"]).arg(program.get_program());
    shell.args(program.get_args());
    shell.envs(program.get_envs().filter_map(|(k, v)| Some((k, v?))));
    shell
        .current_dir(scratch.path(""))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    scratch.finish(shell.spawn().expect("a shell"))
}

/// The commands that have to end well though nothing can be shown.
const TRAININGS: [&[&str]; 2] = [
    &["train", "recipe.yaml"],
    &["train", "recipe.yaml", "--json"],
];

#[test]
fn streams_that_take_nothing_end_no_run() {
    for how in [
        "exec \"$@\" 2> /dev/full",
        "exec \"$@\" > /dev/full",
        "exec \"$@\" > /dev/full 2> /dev/full",
        "exec \"$@\" >&- 2>&-",
    ] {
        for training in &TRAININGS {
            let scratch = Scratch::with_callbacks("  - trace\n");
            let finished = by_shell(&scratch, how, training);
            let shown = format!("{how} {training:?}: {}", finished.stderr);
            assert_eq!(finished.code, Some(0), "{shown}");
            assert!(!finished.stderr.contains("panicked"), "{shown}");
            let reason = scratch.run().summary()["stop_reason"].take();
            assert_eq!(reason, "completed", "{shown}");
        }
    }
}

/// The report that could not be written is told where that can be read.
#[test]
fn a_report_that_is_lost_is_told() {
    let scratch = Scratch::with_callbacks("  []\n");
    for training in &TRAININGS {
        let finished = by_shell(&scratch, "exec \"$@\" > /dev/full", training);
        assert!(
            finished.stderr.contains("No space left on device"),
            "{}",
            finished.stderr
        );
    }
    let run = scratch.run();
    let report = ["report", run.path()];
    let finished = by_shell(&scratch, "exec \"$@\" > /dev/full", &report);
    assert_eq!(finished.code, Some(1), "{}", finished.stderr);
    let told = "cannot write to standard output";
    assert!(finished.stderr.contains(told), "{}", finished.stderr);
}

/// A SIGINT at any moment of the start ends the process: before the program runs by the signal itself, from then on with
/// the exit code of an interrupted run.
#[test]
fn an_early_signal_is_not_lost() {
    for moment in 0..16 {
        let scratch = Scratch::with_callbacks("  - trace\n");
        let endless = "training_hyperparams.max_epochs=1000000";
        let mut child = scratch.start(&["train", "recipe.yaml", endless]);
        sleep(Duration::from_millis(12 * moment));
        scratch.signal(&child, "INT");
        let begun = Instant::now();
        while child.try_wait().expect("ours").is_none() {
            if begun.elapsed() > Duration::from_secs(60) {
                child.kill().expect("ours");
                panic!("SIGINT after {} ms is lost", 12 * moment);
            }
            sleep(Duration::from_millis(5));
        }
        let finished = scratch.finish(child);
        let is_ended = matches!(finished.code, None | Some(130));
        assert!(is_ended, "{:?}: {}", finished.code, finished.stderr);
        assert!(!finished.stderr.contains("panicked"), "{}", finished.stderr);
    }
}

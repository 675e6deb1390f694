//! Runs that are killed at random moments, again and again: what they leave is whole, and their end is the end of a run that
//! was not killed.

use std::fs;
use std::process::Child;
use std::time::{Duration, Instant};

use phasebox_data::Random;
use phasebox_recipe::Recipe;
use phasebox_train::checkpoint;
use serde_json::Value;

use super::{Outcome, STEPS, places, stateful};
use crate::harness::recipes::DETECTION;
use crate::harness::{Run, Scratch, is_long};

/// Kills runs that `start` makes until there were `most` kills; each ends like one that is left alone, after `steps`.
fn check(start: fn() -> Scratch, steps: u64, most: u32) {
    let expected = Outcome::of(&start().trained(&[]), 8);
    assert_eq!(expected.summary[3], steps);
    let mut random = Random::new(200);
    let (mut kills, mut runs) = (0, 0);
    while kills < most {
        let scratch = start();
        kills += killed_to_the_end(&scratch, most - kills, &mut random);
        runs += 1;
        Outcome::of(&scratch.run(), 8)
            .assert_is(&expected, &format!("run {runs}, after {kills} kills"));
    }
}

#[test]
fn killed_many_times_runs_end_as_if_they_never_were() {
    let most = if is_long() { 1000 } else { 40 };
    check(|| stateful(""), STEPS, most);
}

/// The second stage begins at the third of five epochs: without mosaic, with another part of the loss.
#[test]
fn killed_detection_ends_with_its_second_stage() {
    let most = if is_long() { 30 } else { 4 };
    let start = || {
        let scratch = Scratch::new();
        scratch.write("recipe.yaml", DETECTION);
        scratch
    };
    check(start, 5 * 6, most);
}

/// Kills a run at up to `most` random moments, each time going on from what it left; then lets it end.
fn killed_to_the_end(scratch: &Scratch, most: u32, random: &mut Random) -> u32 {
    for kills in 0..most {
        let mut child = go_on(scratch);
        if kills % 2 == 0 {
            // Anywhere, also while it starts or restores.
            std::thread::sleep(Duration::from_millis(5 + random.below(396)));
        } else {
            // Somewhere in or after its first checkpoint, so that the run gets on.
            wait_for_checkpoint(scratch, &mut child);
            std::thread::sleep(Duration::from_millis(random.below(60)));
        }
        let has_ended = child.try_wait().expect("a child of this process").is_some();
        if !has_ended {
            child.kill().expect("a child of this process");
        }
        let finished = scratch.finish(child);
        if let Some(code) = finished.code {
            assert_eq!(code, 0, "{}", finished.stderr);
            return kills;
        }
        scratch.started_run().iter().for_each(assert_is_readable);
    }
    let finished = scratch.finish(go_on(scratch));
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    most
}

/// Checks that each file of a killed run is whole or not there, except for the last line of its log, and that each
/// checkpoint under its final name can be loaded.
fn assert_is_readable(run: &Run) {
    let whole =
        |name: &str| !run.has(name) || serde_json::from_str::<Value>(&run.text(name)).is_ok();
    assert!(whole("summary.json") && whole("plugins.lock"));
    if run.has("recipe.yaml") {
        Recipe::load(run.0.join("recipe.yaml"), &[]).expect("a recipe");
    }
    let log = if run.has("metrics.jsonl") {
        run.text("metrics.jsonl")
    } else {
        String::new()
    };
    let lines = log
        .split_inclusive('\n')
        .filter(|line| line.ends_with('\n'));
    lines.for_each(|line| assert!(serde_json::from_str::<Value>(line).is_ok(), "{line}"));
    let checkpoints = places(&run.0.join("checkpoints"), |name| {
        name.contains("-step-") && !name.starts_with('.')
    });
    let tags = places(&run.0, |name| name.starts_with("ckpt_"));
    for folder in checkpoints.iter().chain(&tags) {
        checkpoint::load(folder).unwrap_or_else(|error| panic!("{}: {error:#}", folder.display()));
    }
    let newest = checkpoint::newest(&run.0).expect("a readable folder");
    assert_eq!(newest, checkpoints.last().cloned(), "the newest is whole");
    assert!(!run.has("ckpt_latest") || newest.is_some());
}

/// Resumes the run of `scratch`; or starts it anew, if it was killed before its first checkpoint.
pub(super) fn go_on(scratch: &Scratch) -> Child {
    match scratch.started_run().filter(|run| run.has("ckpt_latest")) {
        Some(run) => scratch.start(&["train", "recipe.yaml", "--resume", run.path()]),
        None => {
            // There is nothing to remove before the first run.
            let _ = fs::remove_dir_all(scratch.path("runs"));
            scratch.start(&["train", "recipe.yaml"])
        }
    }
}

/// Waits until the tag `latest` moves, or the process ends.
pub(super) fn wait_for_checkpoint(scratch: &Scratch, child: &mut Child) {
    let latest = || {
        scratch
            .started_run()
            .and_then(|run| fs::read_link(run.0.join("ckpt_latest")).ok())
    };
    let (before, begun) = (latest(), Instant::now());
    while latest() == before && child.try_wait().expect("a child of this process").is_none() {
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "no checkpoint is written"
        );
        std::thread::sleep(Duration::from_millis(1));
    }
}

//! Files of phasebox 0.1.0, in `tests/fixtures/0.1.0`: this version and every later one reads them, and goes on from them to
//! the numbers of 0.1.0. Files of a version to come are refused with what to do.
//!
//! 0.1.0 wrote both runs, with one recipe and one thread: `finished` is whole, `interrupted` was cut by SIGTERM inside
//! its first epoch.

use std::fs;
use std::path::Path;
use std::process::Command;

use phasebox_train::checkpoint;
use serde_json::{Value, json};

use super::resume::contents;
use crate::harness::training::{distance, flat};
use crate::harness::{Run, Scratch, TINY, repository};

const FIXTURES: &str = "tests/fixtures/0.1.0";
/// Another machine may sum in another order.
const TOLERANCE: f64 = 1e-4;

/// A folder with a copy of one of the runs, and its recipe.
fn kept(name: &str) -> (Scratch, Run) {
    let scratch = Scratch::new();
    let run = Run(scratch.path("run"));
    let copied = Command::new("cp")
        .arg("-a")
        .args([&repository(FIXTURES).join(name), &run.0])
        .status();
    assert!(copied.expect("cp").success());
    fs::copy(run.0.join("recipe.yaml"), scratch.path("recipe.yaml")).expect("it has one");
    (scratch, run)
}

/// The values of a log by step and name.
fn values(run: &Run) -> Vec<(String, f64)> {
    let lines = run.metrics().into_iter();
    let valued = lines.filter(|line| line["value"].is_number());
    valued
        .map(|line| {
            let value = line["value"].as_f64().expect("a number");
            (format!("{} {}", line["step"], line["name"]), value)
        })
        .collect()
}

fn weights(run: &Path) -> checkpoint::Snapshot {
    checkpoint::load(&run.join("ckpt_latest")).expect("it is readable")
}

#[test]
fn a_run_that_0_1_0_began_goes_on_to_its_numbers() {
    let (scratch, run) = kept("interrupted");
    let resumed = scratch.train(&["--resume", "run", "--threads", "1"]);
    assert_eq!(resumed.code, Some(0), "{}", resumed.stderr);
    let finished = Run(repository(FIXTURES).join("finished"));
    let (ours, theirs) = (weights(&run.0), weights(&finished.0));
    for (ours, theirs) in [
        (&ours.model, &theirs.model),
        (&ours.ema, &theirs.ema),
        (&ours.optimizer, &theirs.optimizer),
    ] {
        let difference = distance(&flat(ours), &flat(theirs));
        assert!(difference < TOLERANCE, "{difference}");
    }
    let (ours, theirs) = (values(&run), values(&finished));
    assert_eq!(ours.len(), theirs.len());
    for ((name, ours), (expected, theirs)) in ours.iter().zip(&theirs) {
        assert_eq!(name, expected);
        assert!(
            (ours - theirs).abs() < TOLERANCE,
            "{name}: {ours}, {theirs}"
        );
    }
    let (ours, theirs) = (run.summary(), finished.summary());
    for key in ["epochs", "steps", "stop_reason"] {
        assert_eq!(ours[key], theirs[key], "{key}");
    }
    assert_eq!(ours["best"]["epoch"], theirs["best"]["epoch"]);
    assert!(
        run.text("recipe.yaml")
            .contains("# phasebox recipe, schema 2\n")
    );
}

#[test]
fn a_run_that_0_1_0_finished_is_read() {
    let (scratch, run) = kept("finished");
    let report = scratch.phasebox(&["report", "run"]);
    assert_eq!(report.code, Some(0), "{}", report.stderr);
    for line in [
        "end   completed\n",
        "work  2 epochs, 90 steps, ",
        "best  Accuracy 0.5417 (epoch 2)\n",
    ] {
        assert!(report.stdout.contains(line), "{}", report.stdout);
    }
    let before = contents(&run.0);
    let resumed = scratch.train(&["--resume", "run"]);
    assert_eq!(resumed.code, Some(0), "{}", resumed.stderr);
    assert!(contents(&run.0) == before, "it is over");
    let evaluated = scratch.phasebox(&["eval", "run", "--threads", "1", "--out", "out"]);
    assert_eq!(evaluated.code, Some(0), "{}", evaluated.stderr);
    assert!(
        evaluated.stdout.contains("metric   Accuracy 0.5417\n"),
        "{}",
        evaluated.stdout
    );
}

#[test]
fn a_lock_of_0_1_0_holds() {
    let scratch = Scratch::with_callbacks("  - trace\n");
    let lock = scratch.path("recipe.plugins.lock");
    fs::copy(repository(FIXTURES).join("recipe.plugins.lock"), &lock).expect("it is there");
    let refused = scratch.phasebox(&["check", "recipe.yaml"]);
    assert_eq!(refused.code, Some(2), "another file than 0.1.0 had");
    let held = "recipe.plugins.lock holds it to sha256:987672b78b56";
    assert!(refused.stderr.contains(held), "{}", refused.stderr);
    assert_eq!(scratch.phasebox(&["lock", "recipe.yaml"]).code, Some(0));
    let text = fs::read_to_string(&lock).expect("it is there");
    let now: Value = serde_json::from_str(&text).expect("valid JSON");
    assert_eq!(now["schema"], 3);
    scratch.write("recipe.plugins.lock", now["callbacks"].to_string());
    let passed = scratch.phasebox(&["check", "recipe.yaml"]);
    assert_eq!(passed.code, Some(0), "{}", passed.stderr);
}

/// A file of `schema` 99, and the command that reads it.
fn check_newer(name: &str, write: fn(&Scratch), command: &[&str]) {
    let (scratch, _) = kept("finished");
    write(&scratch);
    let refused = scratch.phasebox(command);
    assert_ne!(refused.code, Some(0), "{name}");
    for part in [
        name,
        "was made by a newer phasebox",
        "schema 99, this phasebox reads up to ",
    ] {
        assert!(refused.stderr.contains(part), "{name}: {}", refused.stderr);
    }
}

#[test]
fn files_of_a_newer_version_are_refused() {
    let resume = ["train", "recipe.yaml", "--resume", "run"];
    check_newer(
        "checkpoint.json",
        |scratch| {
            let mut json = Run(scratch.path("run")).json("ckpt_latest/checkpoint.json");
            json["schema"] = 99.into();
            scratch.write("run/ckpt_latest/checkpoint.json", json.to_string());
        },
        &resume,
    );
    check_newer(
        "summary.json",
        |scratch| scratch.write("run/summary.json", r#"{"schema": 99}"#),
        &["report", "run"],
    );
    check_newer(
        "recipe.yaml:1:",
        |scratch| scratch.write("recipe.yaml", "# phasebox recipe, schema 99\na: b\n"),
        &["check", "recipe.yaml"],
    );
    check_newer(
        "recipe.plugins.lock",
        |scratch| {
            let lock = json!({ "schema": 99, "callbacks": [] }).to_string();
            scratch.write("recipe.yaml", format!("{TINY}  - trace\n"));
            scratch.write("recipe.plugins.lock", lock);
        },
        &["check", "recipe.yaml"],
    );
}

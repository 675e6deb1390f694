//! A script is exchanged by exchanging its text: `watch` trains again at once, a lock notices, and a resume says so.

use std::fs;
use std::time::{Duration, Instant};

use super::entry;
use crate::harness::{Scratch, TINY};

const FILE: &str = "  - Script: {file: mine.rhai}\n";

fn script(value: u32) -> String {
    format!(
        "state.n = 0;\nfn on_epoch_end(ctx) {{ state.n += 1; ctx.log_scalar(\"value\", {value}); }}\n"
    )
}

fn folder() -> Scratch {
    let scratch = Scratch::with_callbacks(FILE);
    scratch.write("mine.rhai", script(1));
    scratch
}

/// Waits for a run that logs a value of the script.
fn logs(scratch: &Scratch, value: u32) -> Duration {
    let begun = Instant::now();
    let wanted = format!("\"value\":{value}");
    while begun.elapsed() < Duration::from_secs(60) {
        let runs = fs::read_dir(scratch.path("runs/tiny"))
            .into_iter()
            .flatten()
            .flatten();
        let texts =
            runs.filter_map(|run| fs::read_to_string(run.path().join("metrics.jsonl")).ok());
        let mut lines: Vec<String> = texts
            .flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>())
            .collect();
        lines.retain(|line| {
            line.contains("mine/value")
                && (line.contains(&wanted) || line.contains(&format!(": {value}")))
        });
        if !lines.is_empty() {
            return begun.elapsed();
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("no run logs {value}");
}

#[test]
fn a_saved_script_runs_within_a_second_or_two() {
    let scratch = folder();
    let child = scratch.start(&["watch", "recipe.yaml"]);
    logs(&scratch, 1);
    // The run ends, and the watch waits.
    std::thread::sleep(Duration::from_millis(1500));
    scratch.write("next.rhai", script(22));
    fs::rename(scratch.path("next.rhai"), scratch.path("mine.rhai")).expect("as editors do");
    let took = logs(&scratch, 22);
    scratch.signal(&child, "TERM");
    assert_eq!(scratch.finish(child).code, Some(130));
    println!("from a saved script to its first value: {took:?}");
    // A second on a quiet machine; tests share theirs.
    assert!(took < Duration::from_secs(5), "{took:?}");
}

#[test]
fn a_lock_holds_a_script_to_its_bytes() {
    let scratch = folder();
    assert_eq!(scratch.phasebox(&["lock", "recipe.yaml"]).code, Some(0));
    scratch.trained(&[]);
    scratch.write("mine.rhai", script(2));
    for command in ["train", "check"] {
        let finished = scratch.phasebox(&[command, "recipe.yaml"]);
        assert_eq!(finished.code, Some(2), "{}", finished.stderr);
        for part in [
            "holds its script to sha256:",
            "mine.rhai is sha256:",
            "`phasebox lock`",
        ] {
            assert!(
                finished.stderr.contains(part),
                "`{part}` is not in {}",
                finished.stderr
            );
        }
    }
    assert_eq!(scratch.phasebox(&["lock", "recipe.yaml"]).code, Some(0));
    assert_eq!(scratch.phasebox(&["check", "recipe.yaml"]).code, Some(0));
}

/// The state of the earlier script goes to the new one, and the run says so.
#[test]
fn a_resume_notices_another_script() {
    let scratch = folder();
    let run = scratch.trained(&[]);
    assert_eq!(run.callback("mine")["source"], "mine.rhai");
    scratch.write("mine.rhai", script(7));
    let more = format!("{}{FILE}", TINY.replace("max_epochs: 2", "max_epochs: 3"));
    scratch.write("recipe.yaml", more);
    let finished = scratch.train(&["--resume", run.path()]);
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert!(
        finished.stderr.contains("goes on with the state of"),
        "{}",
        finished.stderr
    );
    let metrics = run.text("metrics.jsonl");
    let values = metrics
        .lines()
        .filter(|line| line.contains("mine/value"))
        .count();
    assert_eq!(values, 3, "{metrics}");
}

/// A policy holds scripts to its folders, and refuses those that are in no folder.
#[test]
fn a_policy_decides_where_scripts_come_from() {
    for (callbacks, allowed) in [
        (FILE.to_owned(), "."),
        (FILE.to_owned(), "elsewhere"),
        (entry(&script(1), "params: {}"), "."),
    ] {
        let scratch = Scratch::with_callbacks(&callbacks);
        scratch.write("mine.rhai", script(1));
        fs::create_dir(scratch.path("elsewhere")).expect("a folder");
        scratch.write("policy.yaml", format!("callbacks: [{allowed}]\n"));
        let finished = scratch.phasebox(&["check", "recipe.yaml", "--policy", "policy.yaml"]);
        let is_allowed = callbacks == FILE && allowed == ".";
        assert_eq!(
            finished.code == Some(0),
            is_allowed,
            "{callbacks} {}",
            finished.stderr
        );
        assert!(
            is_allowed || finished.stderr.contains("under `callbacks`"),
            "{}",
            finished.stderr
        );
    }
}

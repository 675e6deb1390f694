//! Files whose code is small and takes the compiler gigabytes or minutes.

use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::{Act, Row, with_code};
use crate::harness::Scratch;
use crate::harness::wat_components::NOTHING;

pub(super) const ROWS: &[&Row] = &[
    &Row {
        name: "loops inside each other, and many local variables",
        file: || nested(1500, 50_000),
        act: Act::Inspect,
        expect: (2, "blocks times local variables in one function"),
    },
    &Row {
        name: "loops inside each other",
        file: || nested(400_000, 1),
        act: Act::Inspect,
        expect: (2, "400000 blocks inside each other in one function"),
    },
    &Row {
        name: "loops one after the other, and many local variables",
        file: || with_code(NOTHING, &function(50_000, &"(loop)".repeat(4000))),
        act: Act::Inspect,
        expect: (2, "blocks times local variables in one function"),
    },
];

fn nested(loops: usize, locals: usize) -> Vec<u8> {
    let body = format!("{}{}", "loop ".repeat(loops), "end ".repeat(loops));
    with_code(NOTHING, &function(locals, &body))
}

fn function(locals: usize, body: &str) -> String {
    format!("(func (local{}) {body})", " i64".repeat(locals))
}

/// A component that takes long to compile, by the honest way of having much code.
fn large() -> Vec<u8> {
    let step = "(local.set 0 (i64.mul (i64.add (local.get 0) (i64.const 7)) (i64.const 13)))";
    let function = format!("(func (param i64) {})", step.repeat(50));
    with_code(NOTHING, &function.repeat(20_000))
}

/// The processes that a process has started and that still run.
fn children(id: u32) -> String {
    fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default()
}

#[test]
fn a_signal_ends_compiling() {
    let scratch = Scratch::with_callbacks("  - {name: case, wasm: case.wasm}\n");
    scratch.write("case.wasm", large());
    let mut command = scratch.command(&["train", "recipe.yaml"]);
    command.env("XDG_CACHE_HOME", scratch.path("cache"));
    let child = command.spawn().expect("the binary starts");
    let compiler = loop {
        let found = children(child.id());
        if !found.is_empty() {
            break found;
        }
        sleep(Duration::from_millis(10));
    };
    let asked = Instant::now();
    scratch.signal(&child, "TERM");
    let finished = scratch.finish(child);
    assert!(asked.elapsed() < Duration::from_secs(2));
    assert_eq!(finished.code, Some(130), "{}", finished.stderr);
    let is_there = fs::exists(format!("/proc/{}", compiler.trim())).expect("a folder");
    assert!(!is_there, "the compiler outlives the program");
    assert!(
        finished
            .stderr
            .contains("ended by a signal before training"),
        "{}",
        finished.stderr
    );
}

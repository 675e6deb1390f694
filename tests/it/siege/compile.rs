//! Files whose code is small and takes the compiler gigabytes or minutes.

use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::act::INSPECT;
use super::{PHASE, Row, with_code};
use crate::harness::Scratch;
use crate::harness::wat_components::{NOTHING, altered};

pub(super) const ROWS: &[Row] = &[
    Row {
        name: "loops inside each other, and many local variables",
        file: || nested(1500, 50_000),
        act: &INSPECT,
        expect: (2, "blocks times local variables, function by function"),
    },
    Row {
        name: "loops inside each other",
        file: || nested(400_000, 1),
        act: &INSPECT,
        expect: (2, "400000 blocks inside each other in one function"),
    },
    Row {
        name: "loops one after the other, and many local variables",
        file: || with_code(NOTHING, &function(50_000, &"(loop)".repeat(4000))),
        act: &INSPECT,
        expect: (2, "blocks times local variables, function by function"),
    },
    Row {
        name: "100,000 conditions one after the other",
        file: || conditions(100_000, 1),
        act: &INSPECT,
        expect: (2, "pairs of blocks, function by function"),
    },
    Row {
        name: "twenty functions of 4,000 conditions",
        file: || conditions(4000, 20),
        act: &INSPECT,
        expect: (2, "pairs of blocks, function by function"),
    },
    Row {
        name: "300 functions of 300 conditions",
        file: || conditions(300, 300),
        act: &INSPECT,
        expect: (2, "pairs of blocks, function by function"),
    },
    Row {
        name: "50,000 functions of nothing",
        file: || with_module(&"(func)".repeat(50_000)),
        act: &INSPECT,
        expect: (2, "functions, a callback may have 7500"),
    },
    Row {
        name: "as many functions as a small file may have",
        file: || with_module(&"(func)".repeat(7400)),
        act: &INSPECT,
        expect: (0, "life cycle"),
    },
    Row {
        name: "300 functions of local variables alone",
        file: || with_code(NOTHING, &function(49_999, "nop").repeat(300)),
        act: &INSPECT,
        expect: (2, "blocks times local variables, function by function"),
    },
    Row {
        name: "500 functions of blocks and local variables",
        file: || with_code(NOTHING, &function(1000, &"(loop)".repeat(280)).repeat(500)),
        act: &INSPECT,
        expect: (2, "blocks times local variables, function by function"),
    },
    Row {
        name: "7,000 functions that are referred to",
        file: || {
            let all = each(7000, |index| format!(" {index}"));
            functions(&format!("(elem declare func{all})"))
        },
        act: &INSPECT,
        expect: (2, "7002 references to functions"),
    },
    Row {
        name: "7,000 functions in a table",
        file: || {
            let all = each(7000, |index| format!(" {index}"));
            functions(&format!(
                "(table 7000 funcref) (elem (i32.const 0) func{all})"
            ))
        },
        act: &INSPECT,
        expect: (2, "7002 references to functions"),
    },
    Row {
        name: "7,000 functions in globals",
        file: || {
            let one = |index| format!("(global funcref (ref.func {index}))");
            functions(&each(7000, one))
        },
        act: &INSPECT,
        expect: (2, "7002 references to functions"),
    },
    Row {
        name: "7,000 functions that are exported",
        file: || {
            let one = |index| format!("(export \"{index}\" (func {index}))");
            functions(&each(7000, one))
        },
        act: &INSPECT,
        expect: (2, "7002 references to functions"),
    },
    Row {
        name: "as many references to functions as a small file may have",
        file: || {
            let all = each(3700, |index| format!(" {index}"));
            functions(&format!("(elem declare func{all})"))
        },
        act: &INSPECT,
        expect: (0, "life cycle"),
    },
    Row {
        name: "a branch to a million places",
        file: || {
            with_code(
                NOTHING,
                &format!(
                    "(func (param i32) (block (br_table {} (local.get 0))))",
                    "0 ".repeat(1_000_000)
                ),
            )
        },
        act: &INSPECT,
        expect: (2, "`br_table` has 999999 targets"),
    },
    Row {
        name: "9,000 calls of a hundred arguments",
        file: || {
            let call = format!("(call $g {})", "(local.get 0)".repeat(100));
            with_code(
                NOTHING,
                &format!(
                    "(func $g (param {})) (func (param i64) {})",
                    "i64 ".repeat(100),
                    call.repeat(9000)
                ),
            )
        },
        act: &INSPECT,
        expect: (2, "limits: {compile_"),
    },
    Row {
        name: "1,900 calls of a thousand results",
        file: || {
            let call = format!("(call $g) {}", "drop ".repeat(1000));
            with_code(
                NOTHING,
                &format!(
                    "(func $g (result {}) unreachable) (func {})",
                    "i64 ".repeat(1000),
                    call.repeat(1900)
                ),
            )
        },
        act: &INSPECT,
        expect: (2, "limits: {compile_"),
    },
    Row {
        name: "300,000 values on the stack",
        file: || {
            with_code(
                NOTHING,
                &format!(
                    "(func {} {})",
                    "(i64.const 1)".repeat(300_000),
                    "drop ".repeat(300_000)
                ),
            )
        },
        act: &INSPECT,
        expect: (0, "life cycle"),
    },
    Row {
        name: "40,000 divisions in a row",
        file: || {
            with_code(
                NOTHING,
                &format!(
                    "(func (param i32) {})",
                    "(local.set 0 (i32.div_s (i32.const 3) (local.get 0)))".repeat(40_000)
                ),
            )
        },
        act: &INSPECT,
        expect: (2, "limits: {compile_"),
    },
    Row {
        name: "40,000 calls in a row",
        file: || {
            with_code(
                NOTHING,
                &format!("(func $g) (func {})", "(call $g)".repeat(40_000)),
            )
        },
        act: &INSPECT,
        expect: (0, "life cycle"),
    },
    Row {
        name: "40,000 loads in a row",
        file: || {
            with_code(
                NOTHING,
                &format!(
                    "(func (param i32) {})",
                    "(local.set 0 (i32.load (local.get 0)))".repeat(40_000)
                ),
            )
        },
        act: &INSPECT,
        expect: (0, "life cycle"),
    },
];

/// Functions of conditions one after the other.
fn conditions(count: usize, functions: usize) -> Vec<u8> {
    let one = "(if (local.get 0) (then (local.set 0 (i64.const 1))))"
        .replace("local.get 0", "i64.eqz (local.get 0)");
    let body = format!("(func (param i64) {})", one.repeat(count));
    with_code(NOTHING, &body.repeat(functions))
}

/// A callback with a module of 7,000 functions, and what refers to them.
fn functions(references: &str) -> Vec<u8> {
    with_module(&format!("{} {references}", "(func)".repeat(7000)))
}

/// Text for each number.
fn each(count: usize, text: impl Fn(usize) -> String) -> String {
    (0..count).map(text).collect()
}

/// A callback with a module beside its own.
fn with_module(module: &str) -> Vec<u8> {
    const FIRST: &str = "(core module $memory";
    let both = format!("(core module {module}) {FIRST}");
    altered(&[(PHASE, NOTHING)], &[(FIRST, &both)])
}

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
        finished.stderr.contains("ended by a signal: "),
        "{}",
        finished.stderr
    );
}

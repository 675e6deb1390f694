//! Files of strangers that are small and made to cost much: looked at, loaded, and failing. Each is a row with the outcome
//! that is due, and takes at most twice the time and the memory of an honest file of its size.
//!
//! | file | rows |
//! |---|---|
//! | `amplification` | what a text becomes |
//! | `compile` | what compiling costs |
//! | `debug_information` | what a trap's backtrace costs |
//! | `watched` | a process, its time, and the memory of it and of the processes that it starts |
//!
//! `sandbox` has the attacks of a callback on the training that it is part of.

mod amplification;
mod compile;
mod debug_information;
mod watched;

use crate::harness::wat_components::{NOTHING, altered};
use crate::harness::{Scratch, alone};

use self::watched::Watched;

/// A file and what becomes of it.
struct Row {
    name: &'static str,
    file: fn() -> Vec<u8>,
    act: Act,
    /// The exit code, and words of the message.
    expect: (i32, &'static str),
}

/// The use that is made of a file.
#[derive(Clone, Copy)]
enum Act {
    Inspect,
    /// It traps in its first call and is disabled.
    Train,
}

/// Time that two equal processes may differ by.
const NOISE_SECONDS: f64 = 0.5;
/// Memory that two equal processes may differ by.
const NOISE_BYTES: u64 = 16 << 20;

const PHASE: &str = "on-train-batch-start";
/// Traps in a function with a name, so that its line is looked up.
const FAILS: &str = "(call $fails)";

/// A callback that traps or not, with this text beside the code of its module.
fn with_code(body: &str, text: &str) -> Vec<u8> {
    const END: &str = "(import \"host\" \"log\" (func $log (param i32 i32 i32)))";
    let more = format!("{END} (func $fails unreachable) {text}");
    altered(&[(PHASE, body)], &[(END, &more)])
}

/// An honest callback of a size: the rest of it is a section that nobody reads.
fn honest(act: Act, bytes: usize) -> Vec<u8> {
    let body = match act {
        Act::Inspect => NOTHING,
        Act::Train => FAILS,
    };
    let length = bytes.saturating_sub(with_code(body, "").len());
    let filler = "x".repeat(length);
    with_code(body, &format!("(@custom \"filler\" \"{filler}\")"))
}

/// The file in a folder of its own, with nothing compiled before.
fn watch(act: Act, file: &[u8]) -> Watched {
    let scratch = Scratch::with_callbacks("  - {name: case, wasm: case.wasm, on_error: disable}\n");
    scratch.write("case.wasm", file);
    let arguments: &[&str] = match act {
        Act::Inspect => &["inspect", "case.wasm"],
        Act::Train => &["train", "recipe.yaml", "--threads", "1"],
    };
    let mut command = scratch.command(arguments);
    command.env("XDG_CACHE_HOME", scratch.path("cache"));
    Watched::run(&scratch, command)
}

fn check(row: &Row) {
    let file = (row.file)();
    let honest = watch(row.act, &honest(row.act, file.len()));
    let found = watch(row.act, &file);
    let said = format!("{}{}", found.finished.stdout, found.finished.stderr);
    let (code, words) = row.expect;
    assert_eq!(found.finished.code, Some(code), "{}: {said}", row.name);
    assert!(said.contains(words), "{}: {said}", row.name);
    assert!(
        found.seconds <= 2.0 * honest.seconds + NOISE_SECONDS,
        "{}: {} s, an honest file {} s",
        row.name,
        found.seconds,
        honest.seconds
    );
    assert!(
        found.peak_bytes <= 2 * honest.peak_bytes + NOISE_BYTES,
        "{}: {} bytes, an honest file {}",
        row.name,
        found.peak_bytes,
        honest.peak_bytes
    );
}

/// The rows of each kind.
const ROWS: [&[&Row]; 3] = [amplification::ROWS, compile::ROWS, debug_information::ROWS];

#[test]
fn a_strangers_file_costs_what_an_honest_one_does() {
    let _alone = alone();
    for row in ROWS.concat() {
        check(row);
    }
}

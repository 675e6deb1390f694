//! Answers to `describe`: places that are no memory, texts that are none, and JSON that is much more than its text.

use super::Row;
use super::act::INSPECT;
use crate::sandbox::load::{described, describing};

pub(super) const ROWS: &[Row] = &[
    Row {
        name: "a description of 20,000 small objects",
        file: || objects(20_000),
        act: &INSPECT,
        expect: (2, "values and keys, and 8192 are read"),
    },
    Row {
        name: "a description of two million small objects",
        file: || objects(2_000_000),
        act: &INSPECT,
        expect: (2, "bytes, and 65536 are read"),
    },
    Row {
        name: "a description of lists in lists",
        file: || described(&format!("{{\"parameters\": {}", "[".repeat(60_000))),
        act: &INSPECT,
        expect: (2, "lists and objects inside of each other"),
    },
    Row {
        name: "a description beyond its memory",
        file: || at(39_000_000, 1_000_000),
        act: &INSPECT,
        expect: (2, "`describe`"),
    },
    Row {
        name: "a description at the last address",
        file: || at(0xffff_ffff, 1),
        act: &INSPECT,
        expect: (2, "`describe`"),
    },
    Row {
        name: "a description of four gigabytes",
        file: || at(1024, 0xffff_ffff),
        act: &INSPECT,
        expect: (2, "`describe`"),
    },
    Row {
        name: "a description of no UTF-8",
        file: || {
            describing(
                "(i32.store (i32.const 0) (i32.const 1024)) (i32.store (i32.const 4) (i32.const 2)) (i32.const 0)",
                "\\ff\\fe",
            )
        },
        act: &INSPECT,
        expect: (2, "`describe`"),
    },
    Row {
        name: "an answer at an odd place",
        file: || describing("(i32.const 3)", ""),
        act: &INSPECT,
        expect: (2, "`describe`"),
    },
    Row {
        name: "a description of nothing",
        file: || at(1024, 0),
        act: &INSPECT,
        expect: (2, "`describe` must give the JSON"),
    },
    Row {
        name: "a description of 60,000 digits",
        file: || described(&format!("{{\"state_version\": {}}}", "9".repeat(60_000))),
        act: &INSPECT,
        expect: (2, "`describe` must give the JSON"),
    },
    Row {
        name: "a version of the state beyond all numbers",
        file: || described("{\"state_version\": 18446744073709551616}"),
        act: &INSPECT,
        expect: (2, "`describe` must give the JSON"),
    },
    Row {
        name: "a name of 60,000 letters",
        file: || described(&format!("{{\"name\": \"{}\"}}", "n".repeat(60_000))),
        act: &INSPECT,
        expect: (0, "(cut)"),
    },
    Row {
        name: "a summary of control characters",
        file: || described("{\"name\": \"n\", \"summary\": \"\\u001b[2J\\nerror: forged\"}"),
        act: &INSPECT,
        expect: (0, "\\u{1b}[2J"),
    },
    Row {
        name: "8,000 grants",
        file: || listed("grants", 8000),
        act: &INSPECT,
        expect: (0, "x: unknown here"),
    },
    Row {
        name: "8,000 metrics",
        file: || listed("metrics", 8000),
        act: &INSPECT,
        expect: (0, "(cut)"),
    },
    Row {
        name: "keys that are there twice",
        file: || described("{\"name\": \"a\", \"name\": \"b\"}"),
        act: &INSPECT,
        expect: (2, "duplicate field"),
    },
    Row {
        name: "a list in the place of a text",
        file: || described("{\"name\": []}"),
        act: &INSPECT,
        expect: (2, "`describe` must give the JSON"),
    },
    Row {
        name: "half of a surrogate pair",
        file: || described("{\"name\": \"\\ud800\"}"),
        act: &INSPECT,
        expect: (2, "unexpected end of hex escape"),
    },
];

/// Three bytes of text each, and a hundred of memory.
fn objects(count: usize) -> Vec<u8> {
    described(&format!("{{\"parameters\": [{}0]}}", "{},".repeat(count)))
}

/// Answers so many bytes from a place on.
fn at(place: u32, length: u32) -> Vec<u8> {
    let body = format!(
        "(i32.store (i32.const 0) (i32.const {place})) (i32.store (i32.const 4) (i32.const {length})) (i32.const 0)"
    );
    describing(&body, "")
}

/// A list of so many words below a key.
fn listed(key: &str, count: usize) -> Vec<u8> {
    described(&format!("{{\"{key}\": [{}\"x\"]}}", "\"x\",".repeat(count)))
}

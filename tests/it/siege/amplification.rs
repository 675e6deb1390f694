//! Texts that are small and become much where they are parsed.

use super::{Act, Row};
use crate::sandbox::load::described;

pub(super) const ROWS: &[&Row] = &[
    &Row {
        name: "a description of 20,000 small objects",
        file: || objects(20_000),
        act: Act::Inspect,
        expect: (2, "values and keys, and 8192 are read"),
    },
    &Row {
        name: "a description of two million small objects",
        file: || objects(2_000_000),
        act: Act::Inspect,
        expect: (2, "bytes, and 65536 are read"),
    },
    &Row {
        name: "a description of lists in lists",
        file: || described(&format!("{{\"parameters\": {}", "[".repeat(60_000))),
        act: Act::Inspect,
        expect: (2, "lists and objects inside of each other"),
    },
];

/// Three bytes of text each, and a hundred of memory.
fn objects(count: usize) -> Vec<u8> {
    described(&format!("{{\"parameters\": [{}0]}}", "{},".repeat(count)))
}

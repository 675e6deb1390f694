//! Files whose code is small and takes the compiler gigabytes or minutes.

use super::{Act, Row, with_code};
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

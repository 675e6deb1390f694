//! Work without end, in the guest and through the host.

use super::Expect::{Answered, Contained, Passes};
use super::{Attack, How, USUAL, attack_run};
use crate::harness::wat_components::{LOOP, NOTHING, altered};

const SHORT: &str = "time: 50ms, memory: 64MiB";
const LATE: &str = "it did not return in time: it may have 50 ms";

/// A callback whose `realloc` does not return, which the host calls to hand over the message of an error.
fn endless_realloc() -> Vec<u8> {
    altered(
        &[(
            "on-train-batch-start",
            crate::harness::wat_components::CHECKPOINT,
        )],
        &[(
            "(result i32) (i32.const 4096))",
            "(result i32) (loop $again (br $again)) (i32.const 4096))",
        )],
    )
}

/// A callback whose function to clean up after a call does not return.
fn endless_post_return() -> Vec<u8> {
    const LIFT: &str = "(canon lift (core func $case \"on-train-batch-start\")";
    const IMPORT: &str = "(import \"host\" \"log\" (func $log (param i32 i32 i32)))";
    let lift = format!("{LIFT} (post-return (core func $case \"post\"))");
    let import = format!("{IMPORT} (func (export \"post\") (param i32) {LOOP})");
    altered(
        &[("on-train-batch-start", NOTHING)],
        &[(LIFT, &lift), (IMPORT, &import)],
    )
}

/// A callback that recurses, and calls the host at every depth.
fn recurses_and_logs() -> Vec<u8> {
    const IMPORT: &str = "(import \"host\" \"log\" (func $log (param i32 i32 i32)))";
    let deeper =
        "(func $deeper (call $log (i32.const 0) (i32.const 256) (i32.const 5)) (call $deeper))";
    altered(
        &[("on-train-batch-start", "(call $deeper)")],
        &[(IMPORT, &format!("{IMPORT} {deeper}"))],
    )
}

pub(crate) fn rows() -> Vec<Attack> {
    vec![
        Attack {
            name: "spins",
            limits: SHORT,
            expect: Contained(LATE),
            ..USUAL
        },
        Attack {
            name: "endless_realloc",
            how: How::Made(endless_realloc),
            limits: SHORT,
            expect: Contained(LATE),
            ..USUAL
        },
        Attack {
            name: "endless_post_return",
            how: How::Made(endless_post_return),
            limits: SHORT,
            expect: Contained(LATE),
            ..USUAL
        },
        Attack {
            name: "recurses",
            expect: Contained("its call stack overflowed"),
            ..USUAL
        },
        Attack {
            name: "recurses_into_the_host",
            expect: Contained("it read or wrote outside its memory"),
            ..USUAL
        },
        Attack {
            name: "recurses_and_logs",
            how: How::Made(recurses_and_logs),
            expect: Contained("its call stack overflowed"),
            ..USUAL
        },
        Attack {
            name: "fills_memory",
            limits: SHORT,
            expect: Contained(LATE),
            ..USUAL
        },
        Attack {
            name: "calls_without_end",
            limits: "host_calls: 1000",
            expect: Contained("raise `limits: {host_calls: …}`"),
            ..USUAL
        },
        Attack {
            name: "launches_without_end",
            limits: "launches: 100",
            expect: Answered("raise `limits: {launches: …}`"),
            ..USUAL
        },
        Attack {
            name: "syncs_without_end",
            grants: "sync",
            limits: "syncs: 100",
            expect: Answered("raise `limits: {syncs: …}`"),
            ..USUAL
        },
        Attack {
            name: "spins_after_refusals",
            limits: "launches: 10, host_calls: 1000",
            expect: Contained("raise `limits: {host_calls: …}`"),
            ..USUAL
        },
        Attack {
            name: "works_long_on_the_host",
            limits: "time: 50ms, call_tensors: 256MiB",
            expect: Passes,
            ..USUAL
        },
        Attack {
            name: "multiplies_for_hours",
            expect: Answered("TooLarge: this matrix product takes more than"),
            ..USUAL
        },
        Attack {
            name: "conditions_without_end",
            limits: "handles: 100, launches: 1000",
            expect: Answered("raise `limits: {handles: …}`"),
            ..USUAL
        },
        Attack {
            name: "asks_without_end",
            grants: "optimizer, stop",
            expect: Passes,
            ..USUAL
        },
    ]
}

#[test]
fn work_ends() {
    attack_run::check(&rows());
}

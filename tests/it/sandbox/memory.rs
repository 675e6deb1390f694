//! Bytes, handles and shapes without bound.

use super::Expect::{Answered, Contained, Passes};
use super::{Attack, How, USUAL, attack_run};
use crate::harness::wat_components::{NOTHING, altered};

/// A second memory, and a table, of a core module of its own.
fn beside(extra: &str) -> Vec<u8> {
    const FIRST: &str = "(core module $memory";
    altered(
        &[("on-train-batch-start", "(drop (call $grow))")],
        &[
            (
                FIRST,
                &format!(
                    "(core module $extra {extra}) (core instance $more (instantiate $extra))\n  {FIRST}"
                ),
            ),
            (
                "(import \"host\" \"drop\"",
                "(import \"host\" \"grow\" (func $grow (result i32))) (import \"host\" \"drop\"",
            ),
            (
                "(export \"drop\" (func $drop))",
                "(export \"drop\" (func $drop)) (export \"grow\" (func $more \"grow\"))",
            ),
        ],
    )
}

/// A callback that grows two memories by 2 MiB each, with 4 MiB allowed to both.
fn many_memories() -> Vec<u8> {
    beside(
        "(memory $a 1) (memory $b 1)
         (func (export \"grow\") (result i32) (drop (memory.grow $a (i32.const 32)))
           (if (i32.eq (memory.grow $b (i32.const 32)) (i32.const -1)) (then unreachable)) (i32.const 0))",
    )
}

fn large_table() -> Vec<u8> {
    beside(
        "(table $t 1 funcref)
         (func (export \"grow\") (result i32)
           (if (i32.eq (table.grow $t (ref.null func) (i32.const 1000000)) (i32.const -1)) (then unreachable)) (i32.const 0))",
    )
}

/// A callback whose table is small enough as a table, and too large as memory.
fn many_table_elements() -> Vec<u8> {
    beside(
        "(table $t 1 funcref)
         (func (export \"grow\") (result i32)
           (if (i32.eq (table.grow $t (ref.null func) (i32.const 90000)) (i32.const -1)) (then unreachable)) (i32.const 0))",
    )
}

pub(crate) fn rows() -> Vec<Attack> {
    const GAVE_UP: &str = "raise `limits: {memory: …}`";
    vec![
        Attack {
            name: "many_memories",
            how: How::Made(many_memories),
            limits: "memory: 4MiB",
            expect: Contained(GAVE_UP),
            ..USUAL
        },
        Attack {
            name: "large_table",
            how: How::Made(large_table),
            expect: Contained("it gave up"),
            ..USUAL
        },
        Attack {
            name: "many_table_elements",
            how: How::Made(many_table_elements),
            limits: "memory: 1MiB",
            expect: Contained(GAVE_UP),
            ..USUAL
        },
        Attack {
            name: "takes_handles_without_end",
            limits: "handles: 100",
            expect: Answered("QuotaExceeded: one more handle asked for"),
            ..USUAL
        },
        Attack {
            name: "leaks_handles_over_calls",
            limits: "handles: 100",
            expect: Passes,
            ..USUAL
        },
        Attack {
            name: "keeps_without_end",
            limits: "tensors: 1MiB",
            expect: Answered("raise `limits: {tensors: …}`"),
            ..USUAL
        },
        Attack {
            name: "stores_without_end",
            limits: "tensors: 1MiB",
            expect: Answered("raise `limits: {tensors: …}`"),
            ..USUAL
        },
        Attack {
            name: "duplicates_without_end",
            limits: "tensors: 1MiB",
            expect: Answered("raise `limits: {tensors: …}`"),
            ..USUAL
        },
        Attack {
            name: "duplicates_gradients_without_end",
            limits: "tensors: 1MiB",
            expect: Answered("raise `limits: {tensors: …}`"),
            ..USUAL
        },
        Attack {
            name: "makes_without_end",
            limits: "call_tensors: 1MiB",
            expect: Answered("raise `limits: {call_tensors: …}`"),
            ..USUAL
        },
        Attack {
            name: "views_what_is_too_large",
            expect: Answered("raise `limits: {tensors: …}`"),
            ..USUAL
        },
        Attack {
            name: "stores_names_without_end",
            expect: Answered("QuotaExceeded: 1024 names are in use"),
            ..USUAL
        },
        Attack {
            name: "broadcasts_to_terabytes",
            expect: Passes,
            ..USUAL
        },
        Attack {
            name: "asks_for_impossible_shapes",
            expect: Passes,
            ..USUAL
        },
        Attack {
            name: "joins_a_million",
            expect: Contained(""),
            ..USUAL
        },
        Attack {
            name: "joins_none",
            expect: Answered("InvalidArgument: 1 to 4096 tensors can be joined"),
            ..USUAL
        },
        Attack {
            name: "joins_one_a_thousand_times",
            expect: Passes,
            ..USUAL
        },
        Attack {
            name: "reads_beyond_the_end",
            grants: "sync",
            expect: Passes,
            ..USUAL
        },
        Attack {
            name: "gives_too_few_values",
            expect: Passes,
            ..USUAL
        },
        Attack {
            name: "logs_a_huge_picture",
            grants: "sync",
            expect: Answered("TooLarge: an image may have"),
            ..USUAL
        },
        Attack {
            name: "opens_braces_without_end",
            expect: Passes,
            ..USUAL
        },
        Attack {
            name: "returns_at_once",
            how: How::Made(|| altered(&[("on-train-batch-start", NOTHING)], &[])),
            expect: Passes,
            ..USUAL
        },
    ]
}

#[test]
fn memory_is_bounded() {
    attack_run::check(&rows());
}

//! Old, forged and twice dropped handles: a mistake that an honest callback can make is answered, a forgery ends it.

use super::Expect::{Answered, Contained, Passes};
use super::{Attack, How, USUAL, attack_run};
use crate::harness::wat_components::{CHECKPOINT, NOTHING, altered};

/// A callback that does not give back its context, as toolchains make it that do not know lent handles.
fn keeps_what_was_lent() -> Vec<u8> {
    altered(
        &[("on-train-batch-start", NOTHING)],
        &[("(call $drop (local.get $ctx))", "")],
    )
}

/// A callback whose `realloc` calls the host, while the host hands it the message of an error.
fn calls_back_while_called() -> Vec<u8> {
    const REALLOC: &str =
        "(func (export \"realloc\") (param i32 i32 i32 i32) (result i32) (i32.const 4096))";
    const CALLS: &str = "(table (export \"late\") 1 funcref) (type $log (func (param i32 i32 i32)))
      (func (export \"realloc\") (param i32 i32 i32 i32) (result i32)
        (call_indirect (type $log) (i32.const 2) (i32.const 256) (i32.const 5) (i32.const 0)) (i32.const 4096))";
    const IMPORT: &str = "(import \"host\" \"log\" (func $log (param i32 i32 i32)))";
    let import =
        format!("{IMPORT} (import \"host\" \"late\" (table 1 funcref)) (elem (i32.const 0) $log)");
    altered(
        &[("on-train-batch-start", CHECKPOINT)],
        &[
            (REALLOC, CALLS),
            (IMPORT, &import),
            (
                "(export \"log\" (func $log))",
                "(export \"log\" (func $log)) (export \"late\" (table $lib \"late\"))",
            ),
        ],
    )
}

/// A callback that logs 0xff, which is nowhere in UTF-8.
fn logs_what_is_no_text() -> Vec<u8> {
    const SAY: &str = "(i32.store8 (i32.const 256) (i32.const 255)) (call $log (i32.const 2) (i32.const 256) (i32.const 5))";
    altered(&[("on-train-batch-start", SAY)], &[])
}

/// A callback that logs a text whose end is beyond its memory.
fn logs_beyond_its_memory() -> Vec<u8> {
    const SAY: &str = "(call $log (i32.const 2) (i32.const 131000) (i32.const 0x7fffffff))";
    altered(&[("on-train-batch-start", SAY)], &[])
}

/// A callback that logs at level 99, of five.
fn logs_at_no_level() -> Vec<u8> {
    altered(
        &[(
            "on-train-batch-start",
            "(call $log (i32.const 99) (i32.const 256) (i32.const 5))",
        )],
        &[],
    )
}

/// A callback that answers with an error whose code is not among the twelve.
fn answers_with_no_code() -> Vec<u8> {
    const ANSWER: &str =
        "(i32.store8 (i32.const 68) (i32.const 200)) (local.set $answer (i32.const 64))";
    altered(&[("on-train-batch-start", ANSWER)], &[])
}

pub(crate) fn rows() -> Vec<Attack> {
    vec![
        Attack {
            name: "uses_a_stale_tensor",
            expect: Answered("StaleHandle: this handle was made during an earlier call"),
            ..USUAL
        },
        Attack {
            name: "uses_a_stale_group",
            expect: Answered("StaleHandle: this handle was made during an earlier call"),
            ..USUAL
        },
        Attack {
            name: "uses_a_deferred_value_later",
            expect: Passes,
            ..USUAL
        },
        Attack {
            name: "forges_a_handle",
            expect: Contained("unknown handle index 3000"),
            ..USUAL
        },
        Attack {
            name: "takes_a_group_for_a_tensor",
            expect: Contained("handle index"),
            ..USUAL
        },
        Attack {
            name: "drops_twice",
            expect: Contained("it used a handle that it does not have"),
            ..USUAL
        },
        Attack {
            name: "gives_back_what_was_lent",
            expect: Contained("unknown handle index"),
            ..USUAL
        },
        Attack {
            name: "keeps_the_context_without_keeping_it",
            expect: Passes,
            ..USUAL
        },
        Attack {
            name: "keeps_what_was_lent",
            how: How::Made(keeps_what_was_lent),
            expect: Contained("it kept the context that it was lent: give it back"),
            ..USUAL
        },
        Attack {
            name: "calls_back_while_called",
            how: How::Made(calls_back_while_called),
            expect: Contained("cannot leave component instance"),
            ..USUAL
        },
        Attack {
            name: "logs_what_is_no_text",
            how: How::Made(logs_what_is_no_text),
            expect: Contained("utf-8"),
            ..USUAL
        },
        Attack {
            name: "logs_beyond_its_memory",
            how: How::Made(logs_beyond_its_memory),
            expect: Contained("out of bounds"),
            ..USUAL
        },
        Attack {
            name: "logs_at_no_level",
            how: How::Made(logs_at_no_level),
            expect: Contained("discriminant"),
            ..USUAL
        },
        Attack {
            name: "answers_with_no_code",
            how: How::Made(answers_with_no_code),
            expect: Contained("discriminant"),
            ..USUAL
        },
    ]
}

#[test]
fn handles_name_only_what_was_given() {
    attack_run::check(&rows());
}

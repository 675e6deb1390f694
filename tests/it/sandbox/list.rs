//! Which number of the list is where. A number without a row is shown by another test, or has a reason to be none.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::attacks;

const NUMBERS: std::ops::RangeInclusive<u8> = 1..=54;

/// Number, what it is, the file in tests/ or host/ that shows it, and the words that stand there.
const ELSEWHERE: &[(u8, &str, &str, &str)] = &[
    (
        1,
        "text, empty and truncated files",
        "tests/it/refusals.rs",
        "a truncated component",
    ),
    (2, "a core module", "tests/it/refusals.rs", "a core module"),
    (
        6,
        "a newer contract",
        "tests/it/refusals.rs",
        "a contract of the future",
    ),
    (
        8,
        "no interface, a wrong type",
        "tests/it/refusals.rs",
        "no interface `callback`",
    ),
    (
        12,
        "another digest",
        "tests/it/refusals.rs",
        "another file than the recipe's digest",
    ),
    (13, "what lies in the cache", "tests/it/cache.rs", "runs"),
    (
        14,
        "one name twice",
        "tests/it/refusals.rs",
        "one name twice",
    ),
    (
        15,
        "an endless `configure`",
        "tests/it/callback_failures.rs",
        "an_endless_loop_while_loading_is_refused",
    ),
    (
        24,
        "growth of one memory",
        "tests/it/callback_failures.rs",
        "too much memory",
    ),
    (
        26,
        "memory over a long run",
        "tests/it/memory_growth.rs",
        "memory",
    ),
    (
        40,
        "a flood of lines",
        "tests/it/callback_failures.rs",
        "lines suppressed",
    ),
    (
        42,
        "more state than allowed, of a stock callback",
        "tests/it/callback_failures.rs",
        "state: 1B",
    ),
    (
        46,
        "a trap, then the next event",
        "tests/it/callback_failures.rs",
        "disabled_or_ignored_it_leaves_no_trace_in_the_numbers",
    ),
    (
        47,
        "a panic of a host function",
        "host/plugin/src/guard.rs",
        "a host function panicked",
    ),
    (
        49,
        "state for a callback that cannot read it",
        "tests/it/sandbox/lifecycle.rs",
        "a_strange_state_is_refused_by_who_should_read_it",
    ),
    (
        50,
        "a file that changes",
        "tests/it/sandbox/lifecycle.rs",
        "a_file_may_change_while_its_code_runs",
    ),
    (
        52,
        "a number of another callback",
        "tests/it/sandbox/handles.rs",
        "forges_a_handle",
    ),
    (
        53,
        "with and without others",
        "tests/it/sandbox/attack_run.rs",
        "training_goes_on_as_if_nobody_had_attacked",
    ),
    (
        54,
        "an interrupt",
        "tests/it/sandbox/lifecycle.rs",
        "an_interrupt_ends_a_spinning_callback_and_saves_the_others",
    ),
];

/// Numbers that mean nothing here.
const NONE: &[(u8, &str)] = &[(
    43,
    "the contract has no tapes of operations: each call is one",
)];

#[test]
fn every_number_is_shown_or_has_a_reason() {
    let mut shown: BTreeMap<u8, usize> = BTreeMap::new();
    let numbers = attacks().into_iter().map(|attack| attack.number);
    for number in numbers
        .chain(ELSEWHERE.iter().map(|(number, ..)| *number))
        .chain(NONE.iter().map(|(number, _)| *number))
    {
        *shown.entry(number).or_default() += 1;
    }
    let missing: Vec<u8> = NUMBERS
        .filter(|number| !shown.contains_key(number))
        .collect();
    assert!(missing.is_empty(), "nothing shows {missing:?}");
    assert!(
        shown
            .keys()
            .all(|number| *number == 0 || NUMBERS.contains(number)),
        "{shown:?}"
    );
}

#[test]
fn what_is_shown_elsewhere_is_there() {
    for (number, what, file, words) in ELSEWHERE {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../..")
            .join(file);
        let text = fs::read_to_string(path).unwrap_or_default();
        assert!(
            text.contains(words),
            "{number}, {what}: {file} does not say {words}"
        );
    }
}

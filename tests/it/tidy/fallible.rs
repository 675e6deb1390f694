//! Calls of libtorch by the plugin host: a guest chooses their arguments, so that each must give an error and none may
//! end the process.

use std::collections::HashSet;

use super::code::is_of_word;
use super::{check, host_sources};

/// The methods of tch's `Tensor` that panic where their `f_` twin gives an error.
const METHODS: &str = include_str!("tensor_methods.txt");

/// Methods of `Tensor` whose names the standard library gives to others, which the check cannot tell apart.
const SHARED: &[(&str, &str)] = &[
    ("all", "of iterators"),
    ("any", "of iterators"),
    ("ceil", "of numbers"),
    ("clone", "of strings, lists and handles"),
    ("cos", "of numbers"),
    ("get", "of maps, loaders and flags"),
    ("histogram", "of the logger"),
    ("max", "of numbers and iterators"),
    ("min", "of numbers and iterators"),
    ("set", "of loaders and counters"),
    ("sqrt", "of numbers"),
    ("sum", "of iterators"),
    ("take", "of options and iterators"),
    // These fail for undefined tensors alone, which no handle names.
    ("is_floating_point", "of tensors"),
    ("kind", "of tensors"),
];

/// Names of values that are no tensors: their methods may be called as methods of tensors are.
const NO_TENSORS: &[(&str, &str)] = &[
    ("CATCHING", "a flag"),
    ("criterion", "gives errors of its own"),
    ("deadline", "of a call"),
    ("groups", "a table of handles"),
    ("list", "torch-ext's `TensorList`, which gives errors"),
    ("pixels", "a row of an overlay"),
    ("random", "the callback's own numbers"),
    ("self", "the state of an instance"),
    ("shape", "a list of sizes"),
    ("slots", "a table of handles"),
    ("store", "wasmtime's"),
    ("stored", "a map by name"),
    ("tensors", "a table of handles"),
    ("text", "a string"),
    ("usage", "counters of limits"),
];

/// The methods that a line calls, each with the name before its dot.
fn calls(line: &str) -> Vec<(&str, &str)> {
    let mut found = Vec::new();
    for (dot, _) in line.match_indices('.') {
        let receiver = line[..dot].rsplit(|letter| !is_of_word(letter)).next();
        let after = &line[dot + 1..];
        let name = after.split(|letter| !is_of_word(letter)).next();
        let (receiver, name) = (receiver.unwrap_or_default(), name.unwrap_or_default());
        if after[name.len()..].starts_with('(') {
            found.push((receiver, name));
        }
    }
    found
}

/// Finds a function that makes a tensor and may panic.
fn makes_a_tensor(line: &str) -> bool {
    line.split("Tensor::").skip(1).any(|rest| {
        let is_fallible = rest.starts_with("f_") || rest.starts_with("shallow_clone");
        rest.starts_with(char::is_lowercase) && !is_fallible
    })
}

/// Finds an operator with a reference at its right: operators of tensors have one, and those of numbers need none.
fn has_operator(line: &str) -> bool {
    ["+", "-", "*", "/"].iter().any(|operator| {
        let tensors = format!(" {operator} &");
        line.contains(&tensors) || line.contains(&format!(" {operator}= &"))
    })
}

#[test]
fn guests_reach_only_fallible_operations() {
    let mut panicking: HashSet<&str> = METHODS
        .lines()
        .filter(|line| !line.starts_with('#'))
        .collect();
    assert!(panicking.len() > 2_000, "the list of methods is whole");
    for (name, _) in SHARED {
        assert!(panicking.remove(name), "{name} is no method of a tensor");
    }
    let is_tensor = |name: &str| NO_TENSORS.iter().all(|(other, _)| *other != name);
    let panics = |line: &str| {
        let mut calls = calls(line).into_iter();
        makes_a_tensor(line)
            || has_operator(line)
            || calls.any(|(on, name)| is_tensor(on) && panicking.contains(name))
    };
    let host_side = host_sources("plugin");
    check(
        "libtorch calls that panic: use the f_ form",
        host_side
            .iter()
            .flat_map(|source| source.places(panics))
            .collect(),
    );
}

//! `phasebox lock`: a recipe whose callbacks are held to their bytes trains with those alone.

use crate::harness::wat_components::{NOTHING, component};
use crate::harness::{Scratch, TINY};

fn locked(callbacks: &str) -> Scratch {
    let scratch = Scratch::with_callbacks(callbacks);
    scratch.write("case.wasm", component(&[("on-epoch-end", NOTHING)]));
    let finished = scratch.phasebox(&["lock", "recipe.yaml"]);
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    scratch
}

const CASE: &str = "  - ./case.wasm\n";

/// A change after the lock was written, and what of the refusal names it.
fn check(what: &str, change: fn(&Scratch), refusal: &[&str]) {
    let scratch = locked(CASE);
    scratch.trained(&[]);
    change(&scratch);
    for command in ["train", "check"] {
        let finished = scratch.phasebox(&[command, "recipe.yaml"]);
        assert_eq!(finished.code, Some(2), "{what}: {}", finished.stderr);
        for part in refusal.iter().chain(&["`phasebox lock`"]) {
            assert!(
                finished.stderr.contains(part),
                "{what}: `{part}` is not in {}",
                finished.stderr
            );
        }
    }
    assert_eq!(
        scratch.phasebox(&["lock", "recipe.yaml"]).code,
        Some(0),
        "{what}: locked anew"
    );
    assert_eq!(
        scratch.phasebox(&["check", "recipe.yaml"]).code,
        Some(0),
        "{what}"
    );
}

fn callbacks(scratch: &Scratch, callbacks: &str) {
    scratch.write("recipe.yaml", format!("{TINY}{callbacks}"));
}

#[test]
fn what_differs_from_the_lock_is_refused() {
    check(
        "another file",
        |scratch| scratch.write("case.wasm", component(&[("on-epoch-start", NOTHING)])),
        &[
            "recipe.plugins.lock holds it to sha256:",
            "case.wasm is sha256:",
        ],
    );
    check(
        "more grants",
        |scratch| callbacks(scratch, "  - {wasm: case.wasm, grants: [stop]}\n"),
        &["`case` is granted [stop]", "holds it to []"],
    );
    check(
        "a new callback",
        |scratch| callbacks(scratch, "  - ./case.wasm\n  - trace\n"),
        &["callback `trace` is not in"],
    );
    check(
        "a callback less",
        |scratch| callbacks(scratch, "  []\n"),
        &["holds callback `case`, which the recipe lacks"],
    );
    check(
        "a lock that is none",
        |scratch| scratch.write("recipe.plugins.lock", "sha256"),
        &["recipe.plugins.lock is no lock of callbacks"],
    );
}

/// A locked file is refused before anything of it runs, and the lock reads the same from another folder.
#[test]
fn a_lock_moves_with_its_recipe() {
    let (first, second) = (locked(CASE), Scratch::with_callbacks(CASE));
    for file in ["case.wasm", "recipe.plugins.lock"] {
        std::fs::copy(first.path(file), second.path(file)).expect("both folders are there");
    }
    second.trained(&[]);
    let text = std::fs::read_to_string(second.path("recipe.plugins.lock")).expect("it was copied");
    assert!(text.contains("\"source\": \"case.wasm\""), "{text}");
}

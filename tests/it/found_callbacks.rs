//! Callbacks that a recipe names without a path: in which folders they are found, in which order, and that a file found so
//! is a file like any other, for grants, locks, policies, runs and their resumes.

use std::fs;

use crate::harness::wat_components::{NOTHING, component};
use crate::harness::{Finished, Scratch};

/// Folders of a case, from the first that is searched to the last.
const RECIPE: &str = ".";
const LISTED: &str = "listed";
const LISTED_NEXT: &str = "listed-next";
const USER: &str = "data-home/phasebox/plugins";

/// A case with a callback of this name in each of these folders. They differ in the phase that they are called at.
fn scratch(callbacks: &str, name: &str, folders: &[&str]) -> Scratch {
    let scratch = Scratch::with_callbacks(callbacks);
    let phases = [
        (RECIPE, "on-epoch-start"),
        (LISTED, "on-epoch-end"),
        (LISTED_NEXT, "on-train-loader-start"),
        (USER, "on-train-loader-end"),
    ];
    for (folder, phase) in phases {
        fs::create_dir_all(scratch.path(folder)).expect("ours");
        if folders.contains(&folder) {
            let file = format!("{folder}/{name}.wasm");
            scratch.write(&file, component(&[(phase, NOTHING)]));
        }
    }
    scratch
}

fn run(scratch: &Scratch, arguments: &[&str]) -> Finished {
    let mut command = scratch.command(arguments);
    let listed = format!("{LISTED}::{}", scratch.path(LISTED_NEXT).display());
    let child = command.env("PHASEBOX_PLUGINS", listed).spawn();
    scratch.finish(child.expect("the binary starts"))
}

/// The entry `- NAME` with a file of that name in `folders` means the file in `expected`.
fn check(name: &str, folders: &[&str], expected: &str) {
    let scratch = scratch(&format!("  - {name}\n"), name, folders);
    let finished = run(&scratch, &["check", "recipe.yaml"]);
    let said = scratch.readable(&finished.stdout);
    assert_eq!(finished.code, Some(0), "{folders:?}: {}", finished.stderr);
    assert!(said.contains(expected), "{folders:?}: {said}");
    let note =
        "which hides the stock callback of that name: for the stock callback write `stock: ema`";
    let is_hidden = name == "ema" && !folders.is_empty();
    assert_eq!(said.contains(note), is_hidden, "{folders:?}: {said}");
}

#[test]
fn a_name_is_the_first_file_in_the_order_of_the_folders() {
    let mine = |folders: &[&str], expected: &str| check("mine", folders, expected);
    mine(&[RECIPE, LISTED, LISTED_NEXT, USER], "  mine  mine.wasm ");
    mine(
        &[LISTED, LISTED_NEXT, USER],
        "  mine  [here]/listed/mine.wasm ",
    );
    mine(
        &[LISTED_NEXT, USER],
        "  mine  [here]/listed-next/mine.wasm ",
    );
    mine(
        &[USER],
        "  mine  [here]/data-home/phasebox/plugins/mine.wasm ",
    );
    check("ema", &[], "  ema  stock:ema ");
    check(
        "ema",
        &[USER],
        "  ema  [here]/data-home/phasebox/plugins/ema.wasm ",
    );
}

#[test]
fn a_name_that_nobody_has_is_refused_with_the_folders() {
    let scratch = scratch("  - mines\n", "mine", &[LISTED, USER]);
    let finished = run(&scratch, &["check", "recipe.yaml"]);
    assert_eq!(finished.code, Some(2), "{}", finished.stdout);
    let said = scratch.readable(&finished.stderr);
    let expected = "`mines.wasm` is in none of the folders ., [here]/listed, [here]/listed-next, \
                    [here]/data-home/phasebox/plugins; did you mean `mine`?";
    assert!(said.contains(expected), "{said}");
    assert!(said.contains("recipe.yaml:18: "), "{said}");
}

/// A stock callback's file under another name: it asks for a grant that no file has by itself.
#[test]
fn a_file_that_is_found_has_the_grants_that_the_recipe_gives() {
    for (entry, expected) in [
        (
            "  - mine: {max_norm: 1.0}\n",
            Some("which the recipe does not grant"),
        ),
        (
            "  - stock: mine\n",
            Some("there is no stock callback `mine`"),
        ),
        (
            "  - {wasm: mine, params: {max_norm: 1.0}, grants: [gradients]}\n",
            None,
        ),
    ] {
        let scratch = scratch(entry, "mine", &[]);
        let stock = fs::read(scratch.stock("grad-clip")).expect("stock callbacks are built");
        scratch.write("mine.wasm", stock);
        let finished = run(&scratch, &["check", "recipe.yaml"]);
        let code = if expected.is_some() { 2 } else { 0 };
        assert_eq!(finished.code, Some(code), "{entry}: {}", finished.stderr);
        let words = expected.unwrap_or_default();
        assert!(
            finished.stderr.contains(words),
            "{entry}: {}",
            finished.stderr
        );
    }
}

#[test]
fn locks_policies_and_digests_hold_it() {
    let scratch = scratch("  - mine\n", "mine", &[USER]);
    scratch.write("policy.yaml", "callbacks: [listed]");
    let finished = run(
        &scratch,
        &["check", "recipe.yaml", "--policy", "policy.yaml"],
    );
    let words = "plugins/mine.wasm: the policy of this machine";
    assert!(finished.stderr.contains(words), "{}", finished.stderr);
    assert_eq!(run(&scratch, &["lock", "recipe.yaml"]).code, Some(0));
    assert_eq!(run(&scratch, &["check", "recipe.yaml"]).code, Some(0));
    // Another file is found first from now on.
    scratch.write("mine.wasm", component(&[("on-epoch-end", NOTHING)]));
    let finished = run(&scratch, &["check", "recipe.yaml"]);
    assert_eq!(finished.code, Some(2), "{}", finished.stdout);
    let words = "recipe.plugins.lock holds it to sha256:";
    assert!(finished.stderr.contains(words), "{}", finished.stderr);
}

/// The folder of a run knows which file it was, wherever others are found later.
#[test]
fn a_run_goes_on_with_the_file_that_it_began_with() {
    let scratch = scratch("  - mine\n", "mine", &[LISTED]);
    assert_eq!(run(&scratch, &["train", "recipe.yaml"]).code, Some(0));
    let begun = scratch.run();
    let recipe = scratch.readable(&begun.text("recipe.yaml"));
    assert!(recipe.contains("[here]/listed/mine.wasm"), "{recipe}");
    let more = "training_hyperparams.max_epochs=3";
    let resumed = run(
        &scratch,
        &["train", "recipe.yaml", "--resume", begun.path(), more],
    );
    assert_eq!(resumed.code, Some(0), "{}", resumed.stderr);
    assert!(
        !resumed.stderr.contains("phase_callbacks"),
        "{}",
        resumed.stderr
    );
    // Without `PHASEBOX_PLUGINS`.
    let finished = scratch.phasebox(&["eval", begun.path()]);
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
}

#[test]
fn doctor_shows_the_folders() {
    let scratch = scratch("", "mine", &[]);
    fs::remove_dir_all(scratch.path(LISTED_NEXT)).expect("ours");
    let finished = run(&scratch, &["doctor"]);
    let said = scratch.readable(&finished.stdout);
    let expected = "searched    the recipe's folder, [here]/listed, [here]/listed-next (not there), \
                    [here]/data-home/phasebox/plugins";
    assert!(said.contains(expected), "{said}");
}

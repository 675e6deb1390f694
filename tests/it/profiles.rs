//! Profiles of callbacks: `phasebox test X.wasm --profile` names the function that takes the time, in trainings and in
//! replays; limits hold all the same.

use std::fs;

use crate::harness::wat_components::{LOOP, altered};
use crate::harness::{Finished, Scratch};

/// A callback with a function that takes three times as long as another.
fn uneven(body: &str) -> Vec<u8> {
    const END: &str = "(import \"host\" \"log\" (func $log (param i32 i32 i32)))";
    let counts = |name: &str, times: u32| {
        format!(
            "(func ${name} (local $left i32) (local.set $left (i32.const {times})) (loop $again \
             (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1))))))"
        )
    };
    let functions = format!(
        "{END} (func $deep (call $deep)) {} {}",
        counts("hot", 300_000),
        counts("cool", 100_000)
    );
    altered(&[("on-train-batch-end", body)], &[(END, &functions)])
}

const BOTH: &str = "(call $hot) (call $cool)";

fn scratch(body: &str) -> Scratch {
    let scratch = Scratch::with_callbacks("  - uneven.wasm: {}\n");
    scratch.write("uneven.wasm", uneven(body));
    scratch
}

/// The parts of all samples, in percent, that a profile gives to a function.
fn own_part(printed: &str, function: &str) -> f64 {
    let line = printed
        .lines()
        .find(|line| line.trim_end().ends_with(function));
    let line = line.unwrap_or_else(|| panic!("no `{function}` in {printed}"));
    let own = line.split_whitespace().next().expect("a part");
    own.trim_end_matches('%').parse().expect("a number")
}

fn check_parts(finished: &Finished) {
    let printed = &finished.stdout;
    let (hot, cool) = (own_part(printed, "hot"), own_part(printed, "cool"));
    assert!(
        (55.0..95.0).contains(&hot) && (5.0..45.0).contains(&cool),
        "{printed}"
    );
}

#[test]
fn the_function_that_takes_the_time_is_named() {
    let scratch = scratch(BOTH);
    let arguments = ["test", "uneven.wasm", "--profile=stacks.txt"];
    let finished = scratch.phasebox(&arguments);
    check_parts(&finished);
    let stacks = fs::read_to_string(scratch.path("stacks.txt")).expect("written");
    let beats: u64 = stacks
        .lines()
        .map(|line| line.rsplit_once(' ').expect("a number at the end").1)
        .map(|beats| beats.parse::<u64>().expect("a number"))
        .sum();
    assert!(stacks.contains("hot "), "{stacks}");
    let told = format!("profile  {beats} samples in ");
    assert!(
        finished.stdout.contains(&told),
        "{told}: {}",
        finished.stdout
    );
}

#[test]
fn a_replay_is_profiled_too() {
    let scratch = scratch(BOTH);
    scratch.trained(&["--trace"]);
    let run = scratch.run();
    let arguments = ["test", "uneven.wasm", "--replay", run.path(), "--profile"];
    let finished = scratch.phasebox(&arguments);
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    let printed = &finished.stdout;
    assert!(
        printed.contains("profile  ") && printed.contains("note: so few samples"),
        "{printed}"
    );
}

/// A callback that is profiled has no more time than any other, and its stack no more room.
#[test]
fn limits_hold_while_stacks_are_sampled() {
    for (body, words) in [
        (LOOP, "it did not return in time"),
        ("(call $deep)", "its call stack overflowed"),
    ] {
        let scratch = scratch(body);
        let finished = scratch.phasebox(&["test", "uneven.wasm", "--profile"]);
        assert_eq!(finished.code, Some(1), "{}", finished.stderr);
        assert!(finished.stderr.contains(words), "{}", finished.stderr);
        // The profile of a failure shows where it was.
        assert!(finished.stdout.contains("profile  "), "{}", finished.stdout);
    }
}

/// A look at the clock is no call of the host.
#[test]
fn a_profile_counts_no_calls_that_the_callback_has_not_made() {
    let body = "(call $hot) (call $hot) (call $hot)";
    let scratch = scratch(body);
    let crossings = |more: &[&str]| {
        let finished = scratch.phasebox(&[&["test", "uneven.wasm"], more].concat());
        let printed = finished.stdout;
        assert!(!printed.contains("the host, for hot"), "{printed}");
        let line = printed.lines().find(|line| line.starts_with("tested "));
        let line = line.unwrap_or_else(|| panic!("no report in {printed}"));
        line.split_whitespace().nth(5).expect("a count").to_owned()
    };
    assert_eq!(crossings(&["--profile"]), crossings(&[]));
}

#[test]
fn a_file_that_is_there_stays() {
    let scratch = scratch(BOTH);
    let before = fs::read(scratch.path("uneven.wasm")).expect("ours");
    for (file, words) in [
        ("uneven.wasm", "is there: name another file"),
        ("nowhere/stacks.txt", "lies in no folder"),
    ] {
        let profile = format!("--profile={file}");
        let finished = scratch.phasebox(&["test", "uneven.wasm", &profile]);
        assert_eq!(finished.code, Some(2), "{}", finished.stderr);
        assert!(finished.stderr.contains(words), "{}", finished.stderr);
    }
    assert_eq!(fs::read(scratch.path("uneven.wasm")).expect("ours"), before);
}

#[test]
fn instructions_are_no_time() {
    let scratch = scratch(BOTH);
    let recipe = fs::read_to_string(scratch.path("recipe.yaml")).expect("a recipe");
    scratch.write(
        "counted.yaml",
        recipe.replace(
            "training_hyperparams:\n",
            "training_hyperparams:\n  deterministic_callbacks: true\n",
        ),
    );
    let arguments = [
        "test",
        "uneven.wasm",
        "--recipe",
        "counted.yaml",
        "--profile",
    ];
    let finished = scratch.phasebox(&arguments);
    assert_eq!(finished.code, Some(2), "{}", finished.stderr);
    let words = "`--profile` measures time, and `deterministic_callbacks` counts instructions";
    assert!(finished.stderr.contains(words), "{}", finished.stderr);
}

//! A minute of the work that `cargo fuzz run` does for hours: the committed inputs, and mutations of them that are equal
//! in every run. Also checks that the monkey can call every function of the contract.

use std::collections::BTreeMap;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use phasebox_fuzz::{
    checkpoint, component, contract, data, debug_info, json, lock, log, monkey, project, recipe,
    registry, script, trace, weights,
};

/// Random numbers that are equal on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        // Marsaglia's xorshift64.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.next() as u8).collect()
    }
}

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(path)
}

/// The committed inputs of a target, by name.
fn corpus(target: &str) -> BTreeMap<String, Vec<u8>> {
    let folder = repository("host/fuzz/corpus").join(target);
    let entries =
        fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let read = |path: PathBuf| {
        let name = path
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        (name, fs::read(path).expect("an input"))
    };
    let inputs: BTreeMap<_, _> = paths.map(read).collect();
    assert!(
        inputs.len() > 5,
        "{} has only {} inputs",
        folder.display(),
        inputs.len()
    );
    inputs
}

/// A committed input with pieces changed, doubled, left out, or replaced by pieces of another input.
fn mutated(inputs: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let mut input = inputs[random.below(inputs.len())].clone();
    for _ in 0..1 + random.below(4) {
        let at = random.below(input.len());
        let end = (at + random.below(24)).min(input.len());
        let other = &inputs[random.below(inputs.len())];
        let from = random.below(other.len());
        let piece = match random.below(4) {
            0 => random.bytes(end - at),
            1 => input[at..end].repeat(2),
            2 => Vec::new(),
            _ => other[from..(from + 24).min(other.len())].to_vec(),
        };
        input.splice(at..end, piece);
    }
    input
}

/// Runs one input. One that fails is named, and kept for `cargo fuzz run TARGET FILE`.
fn check(target: &str, name: &str, input: &[u8], slowest: Duration, run: impl FnOnce(&[u8])) {
    let begun = Instant::now();
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| run(input))) {
        let kept = repository("target/tmp").join(format!("fuzz-{target}-{name}"));
        fs::write(&kept, input).expect("target/tmp can be written");
        eprintln!("target {target} failed with {}", kept.display());
        resume_unwind(panic);
    }
    assert!(
        begun.elapsed() < slowest,
        "target {target} took {:?} with {name}",
        begun.elapsed()
    );
}

/// Runs all committed inputs, then `mutations` of them.
fn check_all(target: &str, mutations: usize, slowest: Duration, mut run: impl FnMut(&[u8])) {
    let corpus = corpus(target);
    corpus
        .iter()
        .for_each(|(name, input)| check(target, name, input, slowest, &mut run));
    let inputs: Vec<Vec<u8>> = corpus.into_values().collect();
    let mut random = Random(1);
    for index in 0..mutations {
        let input = mutated(&inputs, &mut random);
        check(
            target,
            &format!("mutation-{index}"),
            &input,
            slowest,
            &mut run,
        );
    }
}

/// The time limits are generous: other tests share the cores, and the first input of each target has to warm up.
#[test]
fn recipes_are_read_or_refused() {
    let mut read = 0;
    check_all("recipe", 3000, Duration::from_secs(5), |input| {
        read += u32::from(recipe::run(input))
    });
    assert!(
        read > 50,
        "only {read} recipes were read: the others are refused too early to show anything"
    );
}

#[test]
fn components_are_run_or_refused() {
    let mut accepted = 0;
    check_all("component", 400, Duration::from_secs(20), |input| {
        accepted += u32::from(component::run(input))
    });
    assert!(
        accepted > 10,
        "only {accepted} components were accepted: nothing was run"
    );
}

/// Runs all committed inputs of a target and mutations of them, of which more than `least` are accepted: if fewer were, the
/// others would be refused too early to show anything.
fn check_accepted(target: &str, mutations: usize, least: usize, run: fn(&[u8]) -> bool) {
    let mut accepted = 0;
    check_all(target, mutations, Duration::from_secs(20), |input| {
        accepted += usize::from(run(input));
    });
    assert!(
        accepted > least,
        "target {target}: {accepted} were accepted"
    );
}

#[test]
fn lines_of_source_are_found_or_not() {
    check_accepted("debug_info", 1000, 100, debug_info::run);
}

#[test]
fn weights_are_read_or_refused() {
    check_accepted("weights", 5000, 100, weights::run);
}

#[test]
fn runs_go_on_or_are_refused() {
    check_accepted("checkpoint", 200, 10, checkpoint::run);
}

#[test]
fn locks_admit_what_they_name() {
    check_accepted("lock", 500, 10, lock::run);
}

#[test]
fn data_are_read_or_refused() {
    check_accepted("data", 2000, 100, data::run);
}

#[test]
fn scripts_are_run_or_refused() {
    check_accepted("script", 200, 10, script::run);
}

#[test]
fn projects_are_read_or_refused() {
    check_accepted("project", 2000, 100, project::run);
}

#[test]
fn answers_of_servers_are_taken_or_refused() {
    check_accepted("registry", 1000, 20, registry::run);
}

#[test]
fn traces_are_replayed_or_refused() {
    check_accepted("trace", 3000, 100, trace::run);
}

#[test]
fn json_takes_no_more_than_was_measured() {
    check_accepted("json", 5000, 100, json::run);
}

#[test]
fn resumed_logs_have_the_lines_they_should() {
    check_accepted("log", 2000, 100, log::run);
}

#[test]
fn the_monkey_calls_every_function_and_breaks_nothing() {
    let mut tried = BTreeMap::new();
    check_all("monkey", 200, Duration::from_secs(20), |input| {
        play(input, &mut tried)
    });
    let functions = contract::functions();
    let mut random = Random(2);
    for round in 0..ROUNDS {
        for index in 0..functions.len() {
            let (name, input) = (format!("often-{round}-{index}"), often(index, &mut random));
            check("monkey", &name, &input, Duration::from_secs(20), |input| {
                play(input, &mut tried)
            });
        }
        if tried.values().filter(|succeeded| !**succeeded).count() <= NEVER_THERE.len() {
            break;
        }
    }
    assert!(functions.len() > 200, "{functions:?}");
    let missing: Vec<&String> = functions
        .iter()
        .filter(|name| !tried.contains_key(*name))
        .collect();
    assert!(
        missing.is_empty(),
        "add to tests/guests/monkey/src/calls.rs: {missing:?}"
    );
    let refused: Vec<&String> = functions.iter().filter(|name| !tried[*name]).collect();
    assert_eq!(refused, NEVER_THERE, "calls that never succeeded");
    assert_eq!(
        tried.len(),
        functions.len(),
        "the contract has no more functions than the monkey calls"
    );
}

/// Adds the functions that the monkey called with this input: true for those with a call that succeeded.
fn play(input: &[u8], tried: &mut BTreeMap<String, bool>) {
    for (function, succeeded) in monkey::run(input) {
        *tried.entry(function.replace('_', "-")).or_insert(false) |= succeeded;
    }
}

/// The most programs for each function: some need two fitting handles and a number, which are found by chance.
const ROUNDS: u32 = 20;

/// No built-in data set has items beside inputs and target, so the host has none to give.
const NEVER_THERE: [&str; 1] = ["phase-context.additional-batch-item"];

/// Calls that the monkey names by one byte.
const ONE_BYTE: usize = 240;

/// Ends a turn of the monkey.
const NO_CALL: u8 = 255;

/// An input with all grants, any set-up, and a program in which every fourth piece calls one function. Every other one
/// begins late: some functions work at late phases alone.
fn often(function: usize, random: &mut Random) -> Vec<u8> {
    let mut input = vec![255, 255, random.next() as u8];
    if random.below(2) == 0 {
        input.resize(input.len() + random.below(40), NO_CALL);
    }
    for byte in random.bytes(800) {
        match (random.below(4), function.checked_sub(ONE_BYTE)) {
            (0, None) => input.push(function as u8),
            (0, Some(beyond)) => input.extend([ONE_BYTE as u8, beyond as u8]),
            _ => input.push(byte),
        }
    }
    input
}

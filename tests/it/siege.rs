//! Files of strangers that are small and made to cost much: looked at, loaded, and failing. Each is a row with the outcome
//! that is due, and takes at most twice the time and the memory of an honest file of its size. `docs/attacks.md` lists the
//! rows by kind.
//!
//! | file | rows |
//! |---|---|
//! | `compile` | what compiling costs |
//! | `structure` | sections, names, types and instances |
//! | `debug_information` | what a trap's backtrace costs |
//! | `descriptions` | what the answer to `describe` becomes |
//! | `recipes` | recipes and lists of runs |
//! | `tables` | tables, packed and not |
//! | `images` | images and folders of them |
//! | `weights` | safetensors and pickles |
//! | `runs` | manifests, summaries, logs and locks |
//!
//! `act` has the uses of files and an honest file for each. `watched` is a process, its time, and the memory of it and of
//! the processes that it starts. `sandbox` has the attacks of a callback on the training that it is part of.

mod act;
mod compile;
mod debug_information;
mod descriptions;
mod images;
mod recipes;
mod runs;
mod structure;
mod tables;
mod watched;
mod weights;

use std::collections::HashMap;

use crate::harness::wat_components::altered;
use crate::harness::{Scratch, alone};

use crate::sandbox::{How, attacks};

use self::act::{Act, INSPECT};
use self::watched::Watched;

/// A file and what becomes of it.
struct Row {
    name: &'static str,
    file: fn() -> Vec<u8>,
    act: &'static Act,
    /// The exit code, and words of the message.
    expect: (i32, &'static str),
}

/// Time that two equal processes may differ by.
const NOISE_SECONDS: f64 = 0.5;
/// Memory that two equal processes may differ by.
const NOISE_BYTES: u64 = 16 << 20;
/// The largest file that counts as of another's size.
const BUCKET_BYTES: usize = 256 << 10;

const PHASE: &str = "on-train-batch-start";
/// Traps in a function with a name, so that its line is looked up.
const FAILS: &str = "(call $fails)";

/// A callback that traps or not, with this text beside the code of its module.
fn with_code(body: &str, text: &str) -> Vec<u8> {
    const END: &str = "(import \"host\" \"log\" (func $log (param i32 i32 i32)))";
    let more = format!("{END} (func $fails unreachable) {text}");
    altered(&[(PHASE, body)], &[(END, &more)])
}

/// The use of a file in a folder of its own: with nothing compiled before, then again, unless it was refused.
struct Uses {
    cold: Watched,
    cached: Option<Watched>,
}

impl Uses {
    fn of(act: &Act, file: &[u8]) -> Uses {
        let scratch = Scratch::new();
        (act.place)(&scratch, file);
        let watch = || {
            let mut command = scratch.command(act.arguments);
            command.env("XDG_CACHE_HOME", scratch.path("cache"));
            Watched::run(&scratch, command)
        };
        let cold = watch();
        let cached = (cold.finished.code == Some(0)).then(watch);
        Uses { cold, cached }
    }
}

/// The uses of honest files, by what is done with them and their size.
#[derive(Default)]
struct Honest(HashMap<(*const Act, usize), Uses>);

impl Honest {
    fn forget(&mut self, act: &'static Act) {
        self.0.retain(|(of, _), _| !std::ptr::eq(*of, act));
    }

    /// The uses of an honest file that is no larger than so many bytes, but for small ones.
    fn of(&mut self, act: &'static Act, bytes: usize) -> &Uses {
        let size = bytes / BUCKET_BYTES * BUCKET_BYTES;
        let uses = || Uses::of(act, &(act.honest)(size));
        self.0.entry((act, size)).or_insert_with(uses)
    }
}

/// The looks at a row before its fault counts: a busy machine counts more time than was used.
const LOOKS: usize = 4;

/// The faults of a row, in words, if each look finds some.
fn check(row: &Row, honest: &mut Honest) -> Vec<String> {
    let mut found = faults(row, honest);
    for _ in 1..LOOKS {
        if found.is_empty() {
            break;
        }
        // The honest file may have been looked at while the machine was quicker.
        honest.forget(row.act);
        found = faults(row, honest);
    }
    found
}

fn faults(row: &Row, honest: &mut Honest) -> Vec<String> {
    let file = (row.file)();
    let found = Uses::of(row.act, &file);
    let honest = honest.of(row.act, file.len());
    let cold = fault(row, &found.cold, &honest.cold);
    let cached = found.cached.as_ref().zip(honest.cached.as_ref());
    let cached = cached.and_then(|(found, honest)| fault(row, found, honest));
    let faults = [("cold", cold), ("cached", cached)];
    let told = faults.map(|(when, fault)| Some(format!("{}, {when}: {}", row.name, fault?)));
    told.into_iter().flatten().collect()
}

fn fault(row: &Row, found: &Watched, honest: &Watched) -> Option<String> {
    let said = format!("{}{}", found.finished.stdout, found.finished.stderr);
    let (code, words) = row.expect;
    let is_due = found.finished.code == Some(code) && said.contains(words);
    let in_time = found.seconds <= 2.0 * honest.seconds + NOISE_SECONDS;
    let in_memory = found.peak_bytes <= 2 * honest.peak_bytes + NOISE_BYTES;
    let shown: String = said.chars().take(600).collect();
    (!is_due || !in_time || !in_memory).then(|| {
        format!(
            "ended with {:?} after {:.2} s and {} MiB, an honest file after {:.2} s and {} MiB: {shown}",
            found.finished.code,
            found.seconds,
            found.peak_bytes >> 20,
            honest.seconds,
            honest.peak_bytes >> 20
        )
    })
}

/// The rows of each file.
const ROWS: [&[Row]; 9] = [
    compile::ROWS,
    structure::ROWS,
    debug_information::ROWS,
    descriptions::ROWS,
    recipes::ROWS,
    tables::ROWS,
    images::ROWS,
    weights::ROWS,
    runs::ROWS,
];

/// The names of all rows.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    ROWS.into_iter().flatten().map(|row| row.name)
}

#[test]
fn a_strangers_file_costs_what_an_honest_one_does() {
    let _alone = alone();
    let mut honest = Honest::default();
    let mut faults = Vec::new();
    for row in ROWS.into_iter().flatten() {
        faults.extend(check(row, &mut honest));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Files of `sandbox` that `inspect` does not refuse at once: two spin for as long as `load_time` lets them, and one is
/// shown with its escapes.
const NOT_AT_ONCE: [&str; 3] = [
    "an_endless_start",
    "an_endless_describe",
    "a_description_that_draws",
];

/// The files that `sandbox` has refused, measured as those here.
#[test]
fn a_refused_file_costs_what_an_honest_one_does() {
    let _alone = alone();
    let mut honest = Honest::default();
    let mut faults = Vec::new();
    for attack in attacks() {
        let How::File(file) = attack.how else {
            continue;
        };
        if NOT_AT_ONCE.contains(&attack.name) {
            continue;
        }
        let row = Row {
            name: attack.name,
            file,
            act: &INSPECT,
            expect: (2, ""),
        };
        faults.extend(check(&row, &mut honest));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

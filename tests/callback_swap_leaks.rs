//! A process that trains a thousand times, each time with a callback that it has never seen, holds no more in the end
//! than after two hundred trainings. This is a program of its own, because other tests in it would hold memory, files
//! and threads too.

#[path = "it/harness/process_memory.rs"]
mod process_memory;
#[path = "it/harness/recipes.rs"]
#[expect(dead_code, reason = "other cases train the other recipes")]
mod recipes;
#[path = "it/harness/wat_components.rs"]
#[expect(dead_code, reason = "other cases make callbacks of the other bodies")]
mod wat_components;

use std::fs;
use std::path::Path;

use phasebox::assemble::{Assembly, Options, ProcessCache};
use phasebox_contract::digest::Digest;
use phasebox_recipe::Recipe;
use phasebox_train::trainer::Trainer;

use self::process_memory::ProcessMemory;
use self::recipes::ONE_BATCH;

const RUNS: u32 = 1_000;
/// By then every buffer has its size.
const WARM: u32 = 200;
/// Pages come and go with how the allocator places things. A leak of 10 KiB a run, a tenth of what a callback weighs,
/// would be more.
const MOST_GROWTH_BYTES: u64 = 8 << 20;
/// glibc's allocator reserves address space, not memory, for an arena when two threads allocate at the same
/// moment: this much at once, and for each thread at most once.
const ARENA_BYTES: u64 = 64 << 20;

/// Everything of this process that a run could leave behind.
#[derive(Debug)]
struct Held {
    memory: ProcessMemory,
    files: usize,
    threads: usize,
}

impl Held {
    fn now() -> Held {
        Held {
            memory: ProcessMemory::of("self"),
            files: count_entries("/proc/self/fd"),
            threads: count_entries("/proc/self/task"),
        }
    }
}

fn count_entries(folder: &str) -> usize {
    fs::read_dir(folder).expect("Linux").count()
}

#[test]
fn a_thousand_swaps_leave_nothing_behind() {
    tch::set_num_threads(1);
    let folder = tempfile::tempdir().expect("a folder");
    let recipe = format!("{ONE_BATCH}phase_callbacks:\n  - ./swap.wasm\n");
    fs::write(folder.path().join("recipe.yaml"), recipe).expect("ours");
    let mut cache = ProcessCache::default();
    (0..WARM).for_each(|number| train(folder.path(), number, &mut cache));
    let before = Held::now();
    (WARM..RUNS).for_each(|number| train(folder.path(), number, &mut cache));
    let after = Held::now();
    println!("after {WARM} runs: {before:?}\nafter {RUNS} runs: {after:?}");
    assert_eq!((after.files, after.threads), (before.files, before.threads));
    let threads = after.threads;
    let Held { memory: before, .. } = before;
    let Held { memory: after, .. } = after;
    check_growth("memory", before.resident_bytes, after.resident_bytes);
    let arenas = after.mapped_bytes.saturating_sub(before.mapped_bytes) / ARENA_BYTES;
    assert!(
        arenas <= threads as u64,
        "{arenas} new arenas for {threads} threads"
    );
    let reserved = before.mapped_bytes + arenas * ARENA_BYTES;
    check_growth("address space", reserved, after.mapped_bytes);
}

fn check_growth(of: &str, before: u64, after: u64) {
    let growth = after.saturating_sub(before);
    assert!(
        growth <= MOST_GROWTH_BYTES,
        "{growth} bytes of {of} from run {WARM} on"
    );
}

/// Trains with a callback that logs `number`, and checks that it was this callback.
fn train(folder: &Path, number: u32, cache: &mut ProcessCache) {
    let callback = wat_components::component(&[("on-epoch-end", &logs(number))]);
    fs::write(folder.join("swap.wasm"), &callback).expect("ours");
    let recipe = Recipe::load(folder.join("recipe.yaml"), &[]).expect("a recipe");
    let options = Options {
        runs_dir: folder.join("runs"),
        cache_dir: Some(folder.join("cache")),
        ..Options::default()
    };
    let trainer = Assembly::with(&recipe, options, cache).and_then(Assembly::trainer);
    let summary = trainer.and_then(Trainer::train).expect("it trains");
    check_callback(&summary.run, number, &callback);
    fs::remove_dir_all(&summary.run).expect("ours");
}

fn check_callback(run: &Path, number: u32, callback: &[u8]) {
    let lock = fs::read_to_string(run.join("plugins.lock")).expect("a run has it");
    assert!(
        lock.contains(&Digest::of(callback).to_string()),
        "run {number} has another callback"
    );
    let log = fs::read_to_string(run.join("metrics.jsonl")).expect("a run has it");
    let line = format!(r#""source":"swap","message":"{number:04}""#);
    assert_eq!(
        log.matches(&line).count(),
        1,
        "run {number} did not log {line}"
    );
}

/// Code that logs the four digits of `number`.
fn logs(number: u32) -> String {
    let mut digits = [0; 4];
    digits.copy_from_slice(format!("{number:04}").as_bytes());
    let digits = u32::from_le_bytes(digits);
    format!(
        "(i32.store (i32.const 600) (i32.const {digits})) \
         (call $log (i32.const 2) (i32.const 600) (i32.const 4))"
    )
}

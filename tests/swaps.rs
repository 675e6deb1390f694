//! That a process which trains a thousand times, each time with a callback it has never seen, holds no more in the end
//! than after two hundred. A program of its own: other tests in it would hold memory, files and threads too.

#[expect(dead_code, reason = "what other cases make callbacks of")]
mod components;

use std::fs;
use std::path::Path;

use phasebox::assemble::{Assembly, Options, Warm};
use phasebox_recipe::Recipe;
use phasebox_train::trainer::Trainer;
use sha2::{Digest as _, Sha256};

const RUNS: u32 = 1_000;
/// By then every buffer has its size.
const WARM: u32 = 200;
/// Pages come and go with how the allocator places things. A leak of 10 KiB a run, a tenth of what a callback weighs,
/// would be more.
const MOST_GROWTH_BYTES: u64 = 8 << 20;

const RECIPE: &str = "\
experiment_name: tiny
dataset: digits
train_dataloader_params: {batch_size: 16}
val_dataloader_params: {batch_size: 16}
architecture: mlp
arch_params: {hidden: [8]}
training_hyperparams:
  max_epochs: 1
  max_train_batches: 2
  max_valid_batches: 1
  initial_lr: 0.01
  loss: CrossEntropyLoss
  valid_metrics_list: [Accuracy]
phase_callbacks:
  - ./swap.wasm
";

/// What a process holds.
#[derive(Debug)]
struct Held {
    resident_bytes: u64,
    mapped_bytes: u64,
    files: usize,
    threads: usize,
}

impl Held {
    fn now() -> Held {
        let statm = fs::read_to_string("/proc/self/statm").expect("Linux");
        let pages: Vec<u64> = statm
            .split(' ')
            .filter_map(|pages| pages.trim().parse().ok())
            .collect();
        let entries = |folder| fs::read_dir(folder).expect("Linux").count();
        Held {
            resident_bytes: pages[1] * 4096,
            mapped_bytes: pages[0] * 4096,
            files: entries("/proc/self/fd"),
            threads: entries("/proc/self/task"),
        }
    }
}

#[test]
fn a_thousand_swaps_leave_nothing_behind() {
    tch::set_num_threads(1);
    let place = tempfile::tempdir().expect("a folder");
    fs::write(place.path().join("recipe.yaml"), RECIPE).expect("ours");
    let mut warm = Warm::default();
    (0..WARM).for_each(|number| run(place.path(), number, &mut warm));
    let before = Held::now();
    (WARM..RUNS).for_each(|number| run(place.path(), number, &mut warm));
    let after = Held::now();
    println!("after {WARM} runs: {before:?}\nafter {RUNS} runs: {after:?}");
    assert_eq!((after.files, after.threads), (before.files, before.threads));
    for (what, before, after) in [
        ("memory", before.resident_bytes, after.resident_bytes),
        ("address space", before.mapped_bytes, after.mapped_bytes),
    ] {
        let growth = after.saturating_sub(before);
        assert!(
            growth <= MOST_GROWTH_BYTES,
            "{growth} bytes of {what} from run {WARM} on"
        );
    }
}

/// A run with a callback that says `number`, and proof that it was that one.
fn run(place: &Path, number: u32, warm: &mut Warm) {
    let bytes = components::component(&[("on-epoch-end", &says(number))]);
    fs::write(place.join("swap.wasm"), &bytes).expect("ours");
    let recipe = Recipe::load(place.join("recipe.yaml"), &[]).expect("a recipe");
    let (runs_dir, cache_dir) = (place.join("runs"), Some(place.join("cache")));
    let options = Options {
        runs_dir,
        cache_dir,
        ..Options::default()
    };
    let trainer = Assembly::with(&recipe, options, warm).and_then(Assembly::trainer);
    let summary = trainer.and_then(Trainer::train).expect("it trains");
    let file = |name| fs::read_to_string(summary.run.join(name)).expect("a run has it");
    let digest: String = Sha256::digest(&bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert!(
        file("plugins.lock").contains(&digest),
        "run {number} has another callback"
    );
    let said = format!(r#""source":"swap","message":"{number:04}""#);
    assert_eq!(
        file("metrics.jsonl").matches(&said).count(),
        1,
        "run {number} did not say {said}"
    );
    fs::remove_dir_all(&summary.run).expect("ours");
}

/// Logs the four digits of `number`.
fn says(number: u32) -> String {
    let mut digits = [0; 4];
    digits.copy_from_slice(format!("{number:04}").as_bytes());
    let digits = u32::from_le_bytes(digits);
    format!(
        "(i32.store (i32.const 600) (i32.const {digits})) (call $log (i32.const 2) (i32.const 600) (i32.const 4))"
    )
}

//! The price of a call and of one more instance, language by language: private memory of the guests that are kept, and rows
//! of `plugins/sdk/languages.md` from release builds:
//! `PHASEBOX_TEST_LONG=1 cargo test -p phasebox --test it matrix::costs::the_price -- --nocapture`.

use std::fs;
use std::io::{BufRead as _, BufReader};

use super::guests::{Guest, kept, released};
use crate::harness::Scratch;
use crate::harness::process_memory::ProcessMemory;
use crate::harness::training::Training;

/// The most private memory of one more instance of a component.
const MOST_BYTES: u64 = 3 << 20;
/// Instances beside the first one.
const FURTHER: u64 = 8;
/// The numbers of calls of the host that are measured.
const CALLS: [u32; 3] = [0, 1, 8];
/// An epoch of 360 batches, whose nine phases call the guest; beside them are calls before and after the batches.
const BATCHES: &str = "train_dataloader_params.batch_size=4";
const LEAST_CALLS: u64 = 9 * 359;

#[test]
fn one_more_instance_takes_little_memory() {
    for guest in kept() {
        let bytes = further_bytes(&guest);
        assert!(bytes <= MOST_BYTES, "{}: {bytes} bytes", guest.language);
    }
}

#[test]
fn the_price_of_a_call() {
    println!("| | Release | One more instance | Nothing | 1 host call | 8 host calls |");
    let guests = released();
    assert!(!guests.is_empty());
    for guest in guests {
        let file = fs::metadata(&guest.component).expect("it was built");
        let calls = CALLS.map(|calls| format!("{:.1} µs", median_us(&guest, calls)));
        println!(
            "| {} | {:.0} KB | {:.1} MiB | {} |",
            guest.language,
            file.len() as f64 / 1e3,
            further_bytes(&guest) as f64 / f64::from(1 << 20),
            calls.join(" | ")
        );
    }
}

/// The median time of a call that asks the host so many times.
fn median_us(guest: &Guest, calls: u32) -> f64 {
    let path = guest.component.display();
    let entry = format!("{{wasm: '{path}', name: costs, params: {{task: costs, turns: {calls}}}}}");
    let run = Training::digits().epochs(1).with(BATCHES).callback(&entry);
    let costs = run.run().callback("costs");
    let called = costs["calls"].as_u64();
    assert!(called >= Some(LEAST_CALLS), "{}: {costs}", guest.language);
    costs["call_us"]["p50"].as_f64().expect("it was called")
}

fn further_bytes(guest: &Guest) -> u64 {
    let [one, all] = [1, 1 + FURTHER].map(|instances| private_bytes(guest, instances));
    all.saturating_sub(one) / FURTHER
}

/// The private memory of a training after two epochs with so many instances.
fn private_bytes(guest: &Guest, instances: u64) -> u64 {
    let path = guest.component.display();
    let entries: String = (0..instances)
        .map(|number| format!("  - {{wasm: '{path}', name: c{number}, params: {{task: costs}}}}\n"))
        .collect();
    let scratch = Scratch::with_callbacks(&entries);
    let epochs = "training_hyperparams.max_epochs=1000000";
    let arguments = ["train", "recipe.yaml", "--json", "--threads", "1", epochs];
    let mut child = scratch.start(&arguments);
    let lines = BufReader::new(child.stdout.take().expect("its output is ours")).lines();
    let ends = lines
        .map_while(Result::ok)
        .filter(|line| line.contains(r#""event":"epoch""#));
    let epochs = ends.take(2).count();
    let bytes = ProcessMemory::private_bytes(child.id());
    // It may have ended by itself.
    let _ = child.kill();
    let finished = scratch.finish(child);
    assert_eq!(epochs, 2, "{}: {}", guest.language, finished.stderr);
    bytes.expect("Linux counts it")
}

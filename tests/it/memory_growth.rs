//! A long run takes no more memory than a short one, with every stock callback at work.

use std::io::{BufRead as _, BufReader};
use std::process::Child;

use serde_json::Value;

use crate::harness::Scratch;
use crate::harness::process_memory::ProcessMemory;
use crate::harness::recipes::LONG;

/// 23 steps each.
const EPOCHS: usize = 60;
/// By then every buffer has its size.
const WARM: usize = 20;
const MOST_GROWTH_BYTES: u64 = 1 << 20;

#[test]
fn memory_stays_as_it_is() {
    let scratch = Scratch::new();
    scratch.write("recipe.yaml", LONG);
    let mut child = scratch.start(&["train", "recipe.yaml", "--json", "--threads", "1"]);
    let bytes = at_epoch_ends(&mut child);
    let finished = scratch.finish(child);
    assert_eq!(
        (finished.code, bytes.len()),
        (Some(0), EPOCHS),
        "{}",
        finished.stderr
    );
    let growth = bytes[EPOCHS - 2].saturating_sub(bytes[WARM]);
    assert!(
        growth <= MOST_GROWTH_BYTES,
        "{growth} bytes from epoch {WARM} on: {bytes:?}"
    );
}

/// The memory that the process holds, epoch by epoch.
fn at_epoch_ends(child: &mut Child) -> Vec<u64> {
    let events = BufReader::new(child.stdout.take().expect("its output is ours")).lines();
    let events = events
        .map(|line| serde_json::from_str(&line.expect("text")).expect("one JSON object a line"));
    let epochs = events.filter(|event: &Value| event["event"] == "epoch");
    // The last event may outlive its process.
    let process = child.id().to_string();
    epochs
        .map(|_| ProcessMemory::of(&process).resident_bytes)
        .collect()
}

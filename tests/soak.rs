//! That a long run takes no more memory than a short one, with every stock callback at work.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::Child;

use serde_json::Value;

use crate::harness::Place;

/// 23 steps each.
const EPOCHS: usize = 60;
/// By then every buffer has its size.
const WARM: usize = 20;
const MOST_GROWTH_BYTES: u64 = 1 << 20;

const RECIPE: &str = "\
experiment_name: tiny
dataset: digits
train_dataloader_params: {batch_size: 64}
val_dataloader_params: {batch_size: 360}
architecture: {mlp: {hidden: [16]}}
training_hyperparams:
  max_epochs: 60
  initial_lr: 0.001
  loss: CrossEntropyLoss
  train_metrics_list: [Accuracy]
  valid_metrics_list: [Accuracy]
phase_callbacks:
  - EarlyStopping: {patience: 1000000}
  - EMA: {decay: 0.99}
  - GradClip: {max_norm: 1.0}
  - GradNormMonitor: {every_n_steps: 10}
  - LrWarmupCosine: {warmup_steps: 50}
  - SaveFirstBatch: {max_images: 4}
  - TrainingStageSwitch: {next_stage_start_epoch: 2, set_loss: {label_smoothing: 0.0}}
  - Trace: {phases: [on-epoch-end], artifact: true}
";

#[test]
fn memory_stays_as_it_is() {
    let place = Place::new();
    place.write("recipe.yaml", RECIPE);
    let mut child = place.start(&["train", "recipe.yaml", "--json", "--threads", "1"]);
    let bytes = at_epoch_ends(&mut child);
    let finished = place.finish(child);
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
    epochs.map(|_| resident_bytes(child.id())).collect()
}

fn resident_bytes(process: u32) -> u64 {
    // Its last event may outlive the process.
    let numbers = fs::read_to_string(format!("/proc/{process}/statm")).unwrap_or_default();
    let pages = numbers
        .split(' ')
        .nth(1)
        .and_then(|pages| pages.parse::<u64>().ok());
    pages.unwrap_or(0) * 4096
}

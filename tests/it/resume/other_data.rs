//! Other samples than those that a checkpoint was trained on, in number the same: inside an epoch a position in them means
//! nothing, elsewhere it is said.

use crate::harness::Scratch;
use crate::harness::wat_components::{CHECKPOINT, component};

const RECIPE: &str = "\
experiment_name: tiny
dataset: {csv: {file: own.csv, target: y}}
train_dataloader_params: {batch_size: 4}
architecture: {mlp: {hidden: [4]}}
training_hyperparams:
  max_epochs: 1
  initial_lr: 0.01
  loss: CrossEntropyLoss
  valid_metrics_list: [Accuracy]
phase_callbacks:
  - {wasm: asks.wasm, grants: [checkpoint], when: {every: 3, unit: batch}}
";

/// Forty rows in two classes.
fn table(factor: usize) -> String {
    let row = |index: usize| format!("{},{},{}\n", index * factor % 7, index % 5, index % 2);
    let rows: String = (0..40).map(row).collect();
    format!("a,b,y\n{rows}")
}

#[test]
fn other_samples_are_noticed() {
    let scratch = Scratch::new();
    scratch.write("recipe.yaml", RECIPE);
    scratch.write("own.csv", table(1));
    let asks = component(&[("on-train-batch-end", CHECKPOINT)]);
    scratch.write("asks.wasm", asks);
    let run = scratch.trained(&[]);
    let inside = "training_hyperparams.ckpt_name=ckpt_asked";
    let more = "training_hyperparams.max_epochs=2";
    scratch.write("own.csv", table(3));
    let refused = scratch.train(&["--resume", run.path(), inside]);
    assert_eq!(refused.code, Some(2), "{}", refused.stderr);
    let words = "the training samples are others now: their names, labels or order differ";
    assert!(refused.stderr.contains(words), "{}", refused.stderr);
    let gone_on = scratch.train(&["--resume", run.path(), more]);
    assert_eq!(gone_on.code, Some(0), "{}", gone_on.stderr);
    for words in [
        "the training samples are others than those of the checkpoint",
        "the best value of `Accuracy` and the best models start anew",
    ] {
        assert!(gone_on.stderr.contains(words), "{}", gone_on.stderr);
    }
}

//! Names that are not there: one refusal lists all of a recipe, each with its line and remedy, before any part is built.

use crate::harness::{Scratch, TINY};

/// A recipe of SuperGradients' names, of which phasebox lacks one of each kind. Their parameters are not judged, and the
/// metric to watch is not missed.
const FOREIGN: &str = "\
experiment_name: foreign
dataset: cityscapes_train
dataset_params: {root: /data}
architecture: yolo_nas_s
arch_params: {in_channels: 3}
train_transforms:
  - RandomHorizontalFlip
  - KeypointsHSV: {hgain: 1}
train_dataloader_params: {collate_fn: KeypointsCollate}
training_hyperparams:
  max_epochs: 1
  initial_lr: 0.1
  lr_mode: {ReduceLROnPlateau: {patience: 3}}
  loss: {MultiTaskLoss: {parts: {boxes: PPYoloELoss, masks: {FocalLoss: {gamma: 2}}}}}
  optimizer: {Lion: {lr: 1}}
  train_metrics_list: [Accuracy, Accuracyy]
  valid_metrics_list: [IoUU, PoseEstimationMetrics: {num_joints: 17}]
  metric_to_watch: AP
phase_callbacks:
  - SlidingWindowValidationCallback: {transforms: []}
  - EarlyStoping
";

fn refused(recipe: &str) -> String {
    let scratch = Scratch::new();
    scratch.write("recipe.yaml", recipe);
    let finished = scratch.phasebox(&["check", "recipe.yaml"]);
    assert_eq!(
        finished.code,
        Some(2),
        "{}{}",
        finished.stdout,
        finished.stderr
    );
    scratch.readable(&finished.stderr)
}

#[test]
fn every_missing_name_is_in_the_one_refusal() {
    insta::assert_snapshot!(refused(FOREIGN));
}

#[test]
fn a_single_name_is_refused_in_one_line() {
    for (from, to, expected) in [
        (
            "architecture: mlp",
            "architecture: resnet101",
            "error: recipe.yaml:5: there is no network `resnet101` yet: use `resnet18`",
        ),
        (
            "dataset: {digits: {test_fraction: 0.1}}",
            "dataset: nonsense",
            "error: recipe.yaml:2: unknown data set `nonsense`; known: digits, ",
        ),
        (
            "dataset: {digits: {test_fraction: 0.1}}",
            "dataset: {digit: {test_fraction: 0.1}}",
            "error: recipe.yaml:2: unknown data set `digit`; did you mean `digits`?",
        ),
        (
            "valid_metrics_list: [Accuracy]",
            "valid_metrics_list: [{Acuracy: {num_classes: 3}}]",
            "error: recipe.yaml:15: unknown metric `Acuracy`; did you mean `Accuracy`?",
        ),
        (
            "loss: CrossEntropyLoss",
            "loss: CrossEntropy_Los",
            "error: recipe.yaml:13: unknown loss `CrossEntropy_Los`; did you mean `CrossEntropyLoss`?",
        ),
    ] {
        assert!(TINY.contains(from), "{from}");
        let recipe = format!("{}  []\n", TINY.replace(from, to));
        let refusal = refused(&recipe);
        assert!(refusal.starts_with(expected), "{refusal}");
    }
}

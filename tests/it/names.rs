//! Names that are not there: one refusal lists all of a recipe, each with its line and remedy, before any part is built.
//! Names of SuperGradients for what is there.

use crate::harness::training::Training;
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

#[test]
fn a_metric_to_watch_that_is_not_there_says_which_are() {
    let loss = "training_hyperparams.loss=MSELoss";
    let metrics = "training_hyperparams.valid_metrics_list=[MAE]";
    let train_metrics = "training_hyperparams.train_metrics_list=[]";
    let none = "~dataset.digits";
    let data = "dataset.csv={file: data.csv, target: y, task: regression}";
    let outputs = "arch_params.num_classes=1";
    let scratch = Scratch::with_callbacks("  []\n");
    let rows: String = (0..80)
        .map(|row| format!("{},{}\n", row % 7, row % 5))
        .collect();
    scratch.write("data.csv", format!("x,y\n{rows}"));
    let changes = [loss, metrics, train_metrics, none, data, outputs];
    let arguments = [&["check", "recipe.yaml"], &changes[..]].concat();
    let finished = scratch.phasebox(&arguments);
    let expected = "validation gives no `Accuracy`; known: loss, MAE; it is watched where nothing else is written: \
                    write `metric_to_watch: MAE`";
    assert!(finished.stderr.contains(expected), "{}", finished.stderr);
}

#[test]
fn a_key_of_another_section_is_told_its_section() {
    for (change, expected) in [
        (
            "training_hyperparams.batch_size=3",
            "it belongs in `train_dataloader_params`",
        ),
        (
            "training_hyperparams.num_classes=3",
            "it belongs in `arch_params`",
        ),
        (
            "training_hyperparams.weight_decay=0.1",
            "it belongs in `training_hyperparams.optimizer_params`",
        ),
        (
            "arch_params.label_smoothing=0.1",
            "it belongs in `training_hyperparams.criterion_params`",
        ),
        (
            "dataset.digits.batch_size=3",
            "it belongs in `train_dataloader_params`",
        ),
        (
            "dataset={csv: {file: a.csv}}",
            "(`dataset={csv: {file: a.csv}}`): `dataset` has two names, `digits` and `csv`: keep one",
        ),
        (
            "training_hyperparams.dataset=digits",
            "it belongs in the top level of the recipe",
        ),
        (
            "train_dataloader_params.max_epochs=3",
            "it belongs in `training_hyperparams`",
        ),
        (
            "training_hyperparams.optimizer_params.betas=3",
            "unknown parameter `betas`; known: ",
        ),
    ] {
        let scratch = Scratch::with_callbacks("  []\n");
        let finished = scratch.phasebox(&["check", "recipe.yaml", change]);
        assert_eq!(finished.code, Some(2), "{change}: {}", finished.stdout);
        assert!(
            finished.stderr.contains(expected),
            "{change}: {}",
            finished.stderr
        );
    }
}

#[test]
fn a_key_beside_a_callback_is_told_its_place() {
    let entry = "  - grad-clip: {max_norm: 1.0}\n    on_error: abort\n";
    let finished = Scratch::with_callbacks(entry).phasebox(&["check", "recipe.yaml"]);
    let expected = "recipe.yaml:19: `on_error` beside `grad-clip`; it belongs in the long form of its callback";
    assert!(finished.stderr.contains(expected), "{}", finished.stderr);
}

/// Entries by which a run stops after its third epoch: nothing improves by 1000.
const STOPPING: [&str; 5] = [
    "EarlyStop: {monitor: loss, phase: VALIDATION_EPOCH_END, min_delta: 1000, patience: 2, \
     mode: min, check_finite: true, threshold: null, verbose: true, strict: true}",
    "EarlyStop: {monitor: CrossEntropyLoss, min_delta: 1000, patience: 2}",
    "EarlyStop: {monitor: train/Accuracy, mode: max, phase: TRAIN_EPOCH_END, min_delta: 1000, patience: 2}",
    "EarlyStopping: {monitor: val_loss, min_delta: 1000, patience: 2}",
    "EarlyStopping: {monitor: valid/Accuracy, min_delta: 1000, patience: 2}",
];

#[test]
fn early_stop_has_supergradients_parameters_and_names_of_logs() {
    for entry in STOPPING {
        let (name, _) = entry.split_once(':').expect("a name");
        let training = Training::digits().callback(entry).epochs(9);
        let run = training.with("train_dataloader_params.max_batches=4").run();
        let waited = run.values(&format!("{name}/checks_without_improvement"));
        assert_eq!(waited, [0.0, 1.0, 2.0], "{entry}");
        let lines = if entry.contains("verbose") { 2 } else { 0 };
        assert_eq!(run.said(name, "info").len(), lines, "{entry}");
    }
}

#[test]
fn parameters_that_a_callback_does_not_have_are_refused() {
    for (entry, expected) in [
        (
            "EarlyStop: {monitor: loss, phase: TRAIN_BATCH_END}",
            "use `VALIDATION_EPOCH_END` or `TRAIN_EPOCH_END`, not `TRAIN_BATCH_END`",
        ),
        (
            "PPYoloETrainingStageSwitchCallback: {next_stage_start_epoch: 1}",
            "there is `static_assigner_end_epoch` alone",
        ),
        (
            "PPYoloETrainingStageSwitchCallback: {static_assigner_end_epoch: 1}",
            "there is no `use_static_assigner`; this run has",
        ),
        (
            "SaveFirstBatchCallbak",
            "there is no stock callback `SaveFirstBatchCallbak`; did you mean `SaveFirstBatchCallback`?",
        ),
        (
            "PPYoloETrainingStageSwitch",
            "did you mean `PPYoloETrainingStageSwitchCallback`?",
        ),
    ] {
        let (code, message) = Training::digits().callback(entry).fail();
        assert_eq!(code, 2, "{entry}: {message}");
        assert!(message.contains(expected), "{entry}: {message}");
    }
}

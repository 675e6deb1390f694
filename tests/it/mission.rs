//! The page that SuperGradients' users know: a training file that begins with the built-in defaults, a callback and a loss
//! by SuperGradients' names. It trains as it is, and writes the images that it promises.

use std::fs;

use crate::harness::{Run, Scratch};

/// `training_hyperparams/my_training_hyperparams.yaml`; the entry of its callback follows.
const TRAINING: &str = "\
defaults:
  - default_train_params

max_epochs: 3
lr_updates: [1, 2]
lr_decay_factor: 0.1
lr_mode: step
lr_warmup_epochs: 1
initial_lr: 0.1
loss: LabelSmoothingCrossEntropyLoss
criterion_params: {smooth_eps: 0.1}
optimizer: SGD
optimizer_params: {weight_decay: 1e-4, momentum: 0.9, nesterov: True}
zero_weight_decay_on_bias_and_bn: True
train_metrics_list: [Accuracy, Top5]
valid_metrics_list: [Accuracy, Top5]
metric_to_watch: Accuracy
greater_metric_to_watch_is_better: True
phase_callbacks:
";

const RECIPE: &str = "\
defaults:
  - training_hyperparams: my_training_hyperparams
  - _self_

experiment_name: tiny
architecture: mlp
dataset: digits
train_dataloader_params: {batch_size: 64}
val_dataloader_params: {batch_size: 128}
";

fn page(callback: &str) -> Scratch {
    let scratch = Scratch::new();
    let folder = scratch.path("training_hyperparams");
    fs::create_dir(&folder).expect("a folder");
    let training = format!("{TRAINING}  - {callback}\n");
    fs::write(folder.join("my_training_hyperparams.yaml"), training).expect("written");
    scratch.write("recipe.yaml", RECIPE);
    scratch
}

/// The pictures in a folder of the run.
fn pictures(run: &Run, folder: &str) -> Vec<String> {
    let entries = fs::read_dir(run.0.join(folder)).expect("a folder of pictures");
    let names = entries.map(|entry| entry.expect("a file").file_name());
    let mut names: Vec<String> = names.map(|name| name.to_string_lossy().into()).collect();
    names.sort();
    for name in &names {
        image::open(run.0.join(folder).join(name)).expect("a picture");
    }
    names
}

#[test]
fn the_page_trains_and_writes_its_pictures() {
    for callback in ["SaveFirstBatchCallback", "SaveFirstBatchCallback:"] {
        let scratch = page(callback);
        let run = scratch.trained(&[]);
        let kept = pictures(&run, "artifacts/SaveFirstBatchCallback");
        let expected = [
            "train_epoch_0000.png",
            "train_epoch_0001.png",
            "train_epoch_0002.png",
        ];
        assert_eq!(kept[..3], expected, "{callback}");
        assert_eq!(
            (kept.len(), pictures(&run, "images").len()),
            (6, 6),
            "{callback}"
        );
        let accuracy = run.summary()["best"]["value"].as_f64().expect("a number");
        assert!(accuracy > 0.8, "{callback}: {accuracy}");
    }
}

/// The built-in defaults hold where the user's file says nothing.
#[test]
fn the_defaults_and_the_page_are_obeyed() {
    let scratch = page("SaveFirstBatchCallback");
    let run = scratch.trained(&["training_hyperparams.lr_warmup_epochs=0"]);
    assert!(run.0.join("average_best_models.safetensors").is_file());
    let lines = run.metrics();
    let rates = lines.iter().filter(|line| line["name"] == "lr/default");
    let mut rates: Vec<f64> = rates.filter_map(|line| line["value"].as_f64()).collect();
    rates.dedup();
    assert_eq!(rates.len(), 3, "{rates:?}");
    for (rate, expected) in rates.iter().zip([0.1, 0.01, 0.001]) {
        assert!((rate - expected).abs() < 1e-9, "{rates:?}");
    }
}

/// The built-in defaults have no key that does nothing: the page gets no note about them.
#[test]
fn the_defaults_are_no_noise() {
    let checked = page("SaveFirstBatchCallback").phasebox(&["check", "recipe.yaml"]);
    assert_eq!(checked.code, Some(0), "{}", checked.stderr);
    let output = checked.stdout + &checked.stderr;
    assert!(!output.contains("default_train_params"), "{output}");
}

#[test]
fn an_unknown_default_names_the_built_in_ones() {
    let scratch = page("SaveFirstBatchCallback");
    scratch.write("recipe.yaml", "defaults: [default_train_parms]\n");
    let finished = scratch.phasebox(&["check", "recipe.yaml"]);
    assert_eq!(finished.code, Some(2));
    let message = &finished.stderr;
    assert!(message.contains("recipe.yaml:1: "), "{message}");
    assert!(message.contains("default_train_params"), "{message}");
}

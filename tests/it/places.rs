//! Wrong values: whatever the key, the refusal has the line of its value, in the file or on the command line.

use std::path::Path;

use anyhow::Result;
use phasebox::assemble::{Assembly, Options};
use phasebox_recipe::Recipe;

use crate::harness::Scratch;

/// A recipe with a key a line.
const WHOLE: &str = "\
experiment_name: tiny
dataset: digits
dataset_params:
  test_fraction: 0.1
train_dataloader_params:
  batch_size: 16
  shuffle: true
  drop_last: true
  num_workers: 0
  prefetch: 2
  max_batches: 3
val_dataloader_params:
  batch_size: 180
test_dataloader_params:
  batch_size: 180
train_transforms:
  resize: [8, 8]
val_transforms:
  resize: [8, 8]
architecture: mlp
arch_params:
  hidden: [16]
  dropout: 0.1
  num_classes: 10
checkpoint_params:
  strict_load: false
device: cpu
training_hyperparams:
  max_epochs: 3
  max_train_batches: 5
  max_valid_batches: 1
  batch_accumulate: 2
  run_validation_freq: 1
  run_test_freq: 1
  initial_lr: 0.01
  lr_mode: StepLRScheduler
  lr_updates: [1]
  lr_decay_factor: 0.1
  lr_warmup_epochs: 1
  warmup_mode: LinearEpochLRWarmup
  warmup_initial_lr: 0.001
  lr_cooldown_epochs: 1
  optimizer: AdamW
  optimizer_params:
    betas: [0.9, 0.999]
    eps: 1.0e-8
    weight_decay: 0.01
    amsgrad: true
  zero_weight_decay_on_bias_and_bn: true
  clip_grad_norm: 1.0
  mixed_precision: false
  channels_last: false
  loss: CrossEntropyLoss
  criterion_params:
    label_smoothing: 0.1
    ignore_index: -100
    weight: [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]
    reduction: mean
    z_loss: 0.1
  train_metrics_list: [Accuracy]
  valid_metrics_list: [Accuracy]
  metric_to_watch: Accuracy
  greater_metric_to_watch_is_better: true
  ema: true
  ema_params:
    decay: 0.9
    decay_type: exp
    beta: 15
  average_best_models: false
  nan_policy: abort
  record_steps: auto
  seed: 1
  silent_mode: true
  save_model: true
  save_ckpt_epoch_list: [1]
  save_ckpt_every_n_steps: 2
  ckpt_best_name: best
  allow_tf32: true
  deterministic_kernels: false
  deterministic_callbacks: false
  phase_callbacks:
    - EarlyStopping:
        monitor: Accuracy
        mode: max
        patience: 5
        min_delta: 0.1
    - stock: GradClip
      name: clip
      on_error: abort
      on_state: carry
      params:
        max_norm: 1.0
      when:
        every: 1
        unit: step
      limits:
        time: 1s
";

/// A value that no key takes.
const WRONG: &str = "[[wrong]]";

/// A key with a value on its line.
struct Key {
    /// Counted from 1.
    line: usize,
    /// The line up to its value.
    start: String,
    /// The keys that lead to it, as the command line writes them.
    path: String,
}

/// The keys of a recipe that have their value on the same line.
fn keys(recipe: &str) -> Vec<Key> {
    let mut above: Vec<(usize, String)> = Vec::new();
    let mut item = 0;
    let mut found = Vec::new();
    for (index, line) in recipe.lines().enumerate() {
        let (start, value) = line.split_once(':').expect("a key a line");
        let key = start.trim_start_matches([' ', '-']);
        let indent = start.len() - key.len();
        above.retain(|(depth, _)| *depth < indent.saturating_sub(1) || *depth + 2 == indent);
        above.retain(|(depth, _)| *depth < indent);
        if start.contains('-') {
            above.retain(|(depth, _)| *depth + 2 < indent);
            above.push((indent - 2, item.to_string()));
            item += 1;
        }
        let mut path: Vec<&str> = above.iter().map(|(_, key)| key.as_str()).collect();
        path.push(key);
        let path = path.join(".");
        above.push((indent, key.to_owned()));
        if !value.is_empty() {
            found.push(Key {
                line: index + 1,
                start: format!("{start}:"),
                path,
            });
        }
    }
    found
}

fn check(scratch: &Scratch, arguments: &[String]) -> Result<()> {
    let recipe = Recipe::load(scratch.path("recipe.yaml"), arguments)?;
    let options = Options {
        cache_dir: Some(Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache")),
        ..Options::default()
    };
    Assembly::new(&recipe, options).map(drop)
}

fn refusal(checked: Result<()>, key: &Key) -> String {
    let error = checked.expect_err(&key.path);
    format!("{error:#}")
}

#[test]
fn a_wrong_value_is_refused_at_its_line() {
    let scratch = Scratch::new();
    scratch.write("recipe.yaml", WHOLE);
    check(&scratch, &[]).expect("a good recipe");
    let mut wrong = Vec::new();
    for key in keys(WHOLE) {
        let mut lines: Vec<String> = WHOLE.lines().map(str::to_owned).collect();
        lines[key.line - 1] = format!("{} {WRONG}", key.start);
        scratch.write("recipe.yaml", lines.join("\n"));
        let message = refusal(check(&scratch, &[]), &key);
        let has_words = message.lines().next().is_some_and(|line| line.len() > 30);
        let place = format!("recipe.yaml:{}: ", key.line);
        if !message.contains(&place) || !has_words || is_serde_s(&message) {
            wrong.push(format!("{place}{}: {message}", key.path));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_device_that_is_not_there_is_refused_at_its_line() {
    let scratch = Scratch::new();
    scratch.write(
        "recipe.yaml",
        WHOLE.replace("device: cpu", "device: cuda:63"),
    );
    let error = check(&scratch, &[]).expect_err("no machine has so many");
    let message = format!("{error:#}");
    assert!(message.contains("recipe.yaml:27: "), "{message}");
}

#[test]
fn a_wrong_value_of_the_command_line_names_it() {
    let scratch = Scratch::new();
    scratch.write("recipe.yaml", WHOLE);
    let mut wrong = Vec::new();
    for key in keys(WHOLE) {
        let argument = format!("{}={WRONG}", key.path);
        let message = refusal(check(&scratch, std::slice::from_ref(&argument)), &key);
        if !message.contains(&format!("from the command line (`{argument}`): ")) {
            wrong.push(format!("{argument}: {message}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// True for words of serde or Rust, which no author of a recipe knows.
fn is_serde_s(message: &str) -> bool {
    let words = [
        "invalid type",
        "invalid value",
        "invalid length",
        "expected u",
        "expected f",
        "expected i",
        "tuple",
        "variant",
        "struct ",
        "untagged",
    ];
    words.iter().any(|word| message.contains(word))
}

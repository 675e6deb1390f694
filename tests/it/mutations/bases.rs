//! The recipes that are mutated: those that come with phasebox, made shorter, and small ones that have the other keys.

use std::fs;

use phasebox_recipe::Recipe;

use super::tree::Tree;
use crate::harness::{Scratch, repository};

/// A recipe without a key in vain.
pub(super) struct Base {
    pub(super) name: &'static str,
    pub(super) recipe: Tree,
}

/// Recipes of the repository, each with what makes it short.
const OURS: [(&str, &[(&str, &str)]); 4] = [
    (
        "digits",
        &[
            ("max_epochs: 30", "max_epochs: 2\n  max_train_batches: 3"),
            ("warmup_steps: 50", "warmup_steps: 2"),
            ("patience: 12", "patience: 1"),
        ],
    ),
    (
        "mnist5k",
        &[
            (
                "max_epochs: 8",
                "max_epochs: 2\n  max_train_batches: 2\n  max_valid_batches: 1",
            ),
            ("warmup_steps: 60", "warmup_steps: 2"),
            ("next_stage_start_epoch: 6", "next_stage_start_epoch: 1"),
            ("patience: 4", "patience: 1"),
        ],
    ),
    (
        "resnet18",
        &[
            ("batch_size: 32", "batch_size: 4"),
            ("batch_size: 100", "batch_size: 4"),
            ("max_train_batches: 60", "max_train_batches: 2"),
            ("max_valid_batches: 4", "max_valid_batches: 1"),
            ("warmup_steps: 10", "warmup_steps: 1"),
            ("every: 5", "every: 2"),
        ],
    ),
    (
        "torchscript",
        &[("max_epochs: 30", "max_epochs: 2\n  max_train_batches: 3")],
    ),
];

pub(super) fn bases(scratch: &Scratch) -> Vec<Base> {
    let rows: String = (0..40).map(row).collect();
    scratch.write("data.csv", format!("a,b,c,price,kind\n{rows}"));
    let ours = OURS
        .iter()
        .map(|(name, changes)| ours(scratch, name, changes));
    let small = SMALL.iter().map(|(name, text)| read(scratch, name, text));
    ours.chain(small).collect()
}

/// A row of `data.csv`.
fn row(number: usize) -> String {
    let [a, b, c] = [3, 5, 7].map(|factor| number * factor % 11);
    format!("{a},{b},{c},{},{}\n", a + b, ["x", "y", "z"][c % 3])
}

fn ours(scratch: &Scratch, name: &'static str, changes: &[(&str, &str)]) -> Base {
    let folder = repository("recipes");
    let path = folder.join(format!("{name}.yaml"));
    let mut text = fs::read_to_string(&path).expect("a recipe");
    for (old, new) in changes {
        assert!(text.contains(old), "{name}: {old}");
        text = text.replacen(old, new, 1);
    }
    if text.contains("data/") {
        text = text.replace("data/", &format!("{}/data/", folder.display()));
    }
    read(scratch, name, &text)
}

fn read(scratch: &Scratch, name: &'static str, text: &str) -> Base {
    let file = format!("{name}.yaml");
    let data = scratch.path("data.csv").display().to_string();
    let text = text.replace("data.csv", &data);
    scratch.write(&file, &text);
    let recipe = Recipe::load(scratch.path(&file), &[]).expect(name);
    let mut recipe = Tree::of(&recipe.resolved);
    recipe.replace(RATE, "${variables.rate}");
    if let Tree::Map(entries) = &mut recipe {
        entries.retain(|(key, _)| key != "base_folder" || text.contains("base_folder"));
    }
    Base { name, recipe }
}

/// A resolved recipe has a variable's value in the place of its name.
const RATE: (&str, &str) = ("initial_lr", "0.0517");

const SMALL: [(&str, &str); 5] = [
    (
        "steps",
        "\
experiment_name: steps
dataset: {digits: {test_fraction: 0.1}}
train_dataloader_params: {batch_size: 48, shuffle: true, drop_last: true, num_workers: 1, prefetch: 3}
val_dataloader_params: {batch_size: 100, max_batches: 2}
test_dataloader_params: {batch_size: 70, shuffle: true, drop_last: true}
train_transforms: {random_crop: {size: 8, padding: 1}, horizontal_flip: 0.5, normalize: {mean: [0.3], std: [0.4]}}
val_transforms: {normalize: {mean: [0.3], std: [0.4]}}
architecture: mlp
arch_params: {hidden: [12, 8], dropout: 0.2, activation: gelu}
training_hyperparams:
  max_epochs: 3
  max_train_batches: 3
  seed: 7
  batch_accumulate: 2
  clip_grad_norm: 0.5
  optimizer: SGD
  optimizer_params: {momentum: 0.8, weight_decay: 0.001, dampening: 0.1}
  zero_weight_decay_on_bias_and_bn: true
  initial_lr: 0.1
  lr_mode: StepLRScheduler
  lr_updates: [1, 2]
  lr_decay_factor: 0.3
  lr_warmup_epochs: 1
  warmup_mode: LinearEpochLRWarmup
  warmup_initial_lr: 0.01
  lr_cooldown_epochs: 1
  loss: LabelSmoothingCrossEntropyLoss
  criterion_params: {label_smoothing: 0.1, z_loss: 0.001, weight: [1, 1, 1, 1, 1, 2, 1, 1, 1, 1]}
  train_metrics_list: [Accuracy, TopK: {k: 3}]
  valid_metrics_list: [Accuracy, AUROC, PrecisionRecall]
  metric_to_watch: AUROC
  greater_metric_to_watch_is_better: true
  run_validation_freq: 2
  run_test_freq: 2
  save_ckpt_epoch_list: [1]
  save_ckpt_every_n_steps: 2
  ckpt_best_name: ckpt_good
  average_best_models: true
  record_steps: auto
  nan_policy: skip_step
  silent_mode: true
",
    ),
    (
        "cosine",
        "\
experiment_name: cosine
dataset: digits
train_dataloader_params: {batch_size: 32, max_batches: 4}
val_dataloader_params: {batch_size: 60}
architecture: convnet
arch_params: {channels: [4, 6], dropout: 0.1}
training_hyperparams:
  max_epochs: 2
  max_valid_batches: 2
  optimizer: AdamW
  optimizer_params: {betas: [0.8, 0.95], eps: 1.0e-6, weight_decay: 0.1, amsgrad: true}
  initial_lr: 0.01
  lr_mode: CosineLRScheduler
  cosine_final_lr_ratio: 0.2
  warmup_mode: LinearBatchLRWarmup
  lr_warmup_steps: 2
  warmup_initial_lr: 0.001
  mixed_precision: bf16
  channels_last: true
  ema: true
  ema_params: {decay: 0.7, decay_type: exp, beta: 5}
  loss: {CrossEntropyLoss: {label_smoothing: 0.2}}
  train_metrics_list: [F1]
  valid_metrics_list: [Top5, F1]
  metric_to_watch: Top5
  save_model: true
",
    ),
    (
        "tasks",
        "\
experiment_name: tasks
dataset:
  csv:
    file: data.csv
    features: {left: [a, b], right: [c]}
    target: {price: {column: price, task: regression}, kind: {column: kind}}
    validation_fraction: 0.3
    test_fraction: 0.2
    split_seed: 3
    standardize: false
train_dataloader_params: {batch_size: 8, shuffle: false}
architecture: multi_task_mlp
arch_params: {hidden: [6], heads: {price: 1, kind: 3}, activation: tanh}
training_hyperparams:
  max_epochs: 2
  optimizer: RMSprop
  optimizer_params: {alpha: 0.9, eps: 1.0e-6, momentum: 0.5, centered: true, weight_decay: 0.01}
  initial_lr: 0.01
  lr_mode: ExponentialLRScheduler
  lr_decay_factor: 0.5
  loss: MultiTaskLoss
  criterion_params:
    parts: {price: {HuberLoss: {delta: 0.7}}, kind: CrossEntropyLoss}
    weights: {price: 0.5, kind: 2}
  train_metrics_list: [MSE: {preds: price, target: price}]
  valid_metrics_list: [MAE: {preds: price, target: price}, Accuracy: {preds: kind, target: kind}]
  metric_to_watch: price/MAE
  greater_metric_to_watch_is_better: false
",
    ),
    (
        "boxes",
        "\
experiment_name: boxes
dataset: {scattered_digits: {size: 32, channels: 3, digits: [1, 2], scale: [1, 2], targets: boxes, train: 12, validation: 6, test: 3, seed: 4}}
train_dataloader_params: {batch_size: 6, collate_fn: DetectionCollateFN}
val_dataloader_params: {batch_size: 3, collate_fn: DetectionCollateFN}
train_transforms:
  - DetectionMosaic: {input_dim: 32, prob: 0.7, border_value: 20}
  - DetectionRandomAffine: {degrees: 5, translate: 0.1, scales: [0.7, 1.2], shear: 2, target_size: 32, filter_box_candidates: true, wh_thr: 3, ar_thr: 9, area_thr: 0.3, border_value: 40}
  - DetectionHSV: {prob: 0.6, hgain: 4, sgain: 20, vgain: 20}
  - DetectionHorizontalFlip: {prob: 0.4}
  - DetectionPaddedRescale: {input_dim: [32, 40], pad_value: 100}
  - DetectionTargetsFormatTransform: {output_format: LABEL_CXCYWH, min_bbox_edge_size: 9}
val_transforms:
  - DetectionPaddedRescale: {input_dim: [32, 40]}
architecture: {convnet: {channels: [4]}}
training_hyperparams:
  max_epochs: 2
  initial_lr: 0.01
  lr_mode: PolyLRScheduler
  loss: PresenceLoss
  criterion_params: {pos_weight: [2, 1, 1, 1, 1, 1, 1, 1, 1, 1]}
  metric_to_watch: loss
  greater_metric_to_watch_is_better: false
",
    ),
    (
        "callbacks",
        "\
experiment_name: callbacks
variables: {rate: 0.0517}
dataset: digits
train_dataloader_params: {batch_size: 64, max_batches: 3}
val_dataloader_params: {batch_size: 120}
architecture: linear
training_hyperparams:
  max_epochs: 3
  initial_lr: ${variables.rate}
  lr_mode:
    OneCycleLR: {max_lr: 0.2, pct_start: 0.4, div_factor: 5, final_div_factor: 50, anneal_strategy: linear}
  loss: CrossEntropyLoss
  valid_metrics_list: [Accuracy]
  deterministic_callbacks: true
  phase_callbacks:
    - stock: EMA
      name: average
      params: {decay: 0.6, decay_type: constant}
      on_error: disable
      on_state: carry
      order: {after: [monitor]}
      limits: {memory: 32MiB, host_calls: 50000}
    - stock: GradNormMonitor
      name: monitor
      params: {every_n_steps: 2, per_layer: true, histogram_bins: 5}
      when: {every: 2, unit: batch}
      grants: [sync]
      on_error: {reload: {strikes: 2, backoff: 3, then: abort}}
    - EarlyStopping: {monitor: Accuracy, mode: max, patience: 1, min_delta: 0.01, threshold: 0.99, start_from_epoch: 1}
    - GradClip: {max_value: 0.01}
    - Trace: {phases: [on-epoch-*], artifact: true, max_lines: 50}
    - TrainingStageSwitch: {next_stage_start_epoch: 1, set_loss: {label_smoothing: 0.1}}
    - SaveFirstBatch: {max_images: 3, stretch: false}
",
    ),
];

//! The recipes that cases train. Owns the texts; each says what it is for and what may follow at its end.

/// The smallest recipe that has every part: 5 train, 2 validation and 1 test batches an epoch, 2 batches a step.
/// Callbacks follow at its end, each indented by two.
pub(crate) const TINY: &str = "\
experiment_name: tiny
dataset: {digits: {test_fraction: 0.1}}
train_dataloader_params: {batch_size: 16}
val_dataloader_params: {batch_size: 180}
architecture: mlp
arch_params: {hidden: [16]}
training_hyperparams:
  max_epochs: 2
  max_train_batches: 5
  batch_accumulate: 2
  initial_lr: 0.01
  lr_mode: Constant
  loss: CrossEntropyLoss
  train_metrics_list: [Accuracy]
  valid_metrics_list: [Accuracy]
  average_best_models: true
phase_callbacks:
";

/// A recipe of everything that has a state: shuffling, dropout, an accumulation that does not divide the epoch,
/// moments, a moving average in the trainer and one in a callback, the best models, and stock callbacks. Callbacks
/// follow at its end.
pub(crate) const STATEFUL: &str = "\
experiment_name: tiny
dataset: digits
train_dataloader_params: {batch_size: 16, shuffle: true}
val_dataloader_params: {batch_size: 180}
architecture: mlp
arch_params: {hidden: [16], dropout: 0.3}
training_hyperparams:
  max_epochs: 4
  max_train_batches: 21
  batch_accumulate: 2
  optimizer: AdamW
  initial_lr: 0.01
  lr_mode: CosineLRScheduler
  ema: true
  ema_params: {decay: 0.9}
  loss: CrossEntropyLoss
  train_metrics_list: [Accuracy]
  valid_metrics_list: [Accuracy]
  average_best_models: true
  save_ckpt_every_n_steps: 2
  save_ckpt_epoch_list: [2]
phase_callbacks:
  - ema: {decay: 0.9}
  - early-stopping: {patience: 3}
  - grad-clip: {max_norm: 1.0}
  - lr-warmup-cosine: {warmup_steps: 5}
";

/// A recipe with everything that a callback can ask for: buffers, a moving average, an optimizer with state. Callbacks
/// follow at its end.
pub(crate) const EVERY_PART: &str = "\
experiment_name: tiny
dataset: {digits: {test_fraction: 0.1}}
train_dataloader_params: {batch_size: 16}
val_dataloader_params: {batch_size: 180}
architecture: convnet
arch_params: {channels: [4]}
training_hyperparams:
  max_epochs: 2
  max_train_batches: 5
  batch_accumulate: 2
  initial_lr: 0.01
  lr_mode: Constant
  optimizer: Adam
  optimizer_params: {weight_decay: 0}
  ema: true
  loss: CrossEntropyLoss
  train_metrics_list: [Accuracy]
  valid_metrics_list: [Accuracy]
phase_callbacks:
";

/// Sixty epochs of 23 steps with every stock callback that looks at classes.
pub(crate) const LONG: &str = "\
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
  - Script: {text: 'fn on_train_batch_end(ctx) { state.loss = ctx.loss().defer(); }'}
";

/// The recipe that `tensor_ops/rows.json` is written for: the rows know its network (the group `bn1.*`) and its seed.
/// Callbacks follow at its end.
pub(crate) const TENSOR_OPS: &str = "\
experiment_name: tiny
dataset: digits
train_dataloader_params: {batch_size: 64}
val_dataloader_params: {batch_size: 360}
architecture: convnet
arch_params: {channels: [2]}
training_hyperparams:
  max_epochs: 1
  max_train_batches: 1
  seed: 42
  initial_lr: 0.01
  lr_mode: Constant
  loss: CrossEntropyLoss
  valid_metrics_list: [Accuracy]
phase_callbacks:
";

/// A training of about a second with plain SGD, whose step is minus the rate times the gradient. The network and
/// callbacks follow at its end.
pub(crate) const TRAINING: &str = "\
experiment_name: tiny
dataset: digits
train_dataloader_params: {batch_size: 64, shuffle: true}
val_dataloader_params: {batch_size: 360}
training_hyperparams:
  max_epochs: 2
  optimizer: SGD
  optimizer_params: {momentum: 0, weight_decay: 0}
  initial_lr: 0.1
  lr_mode: Constant
  loss: CrossEntropyLoss
  train_metrics_list: [Accuracy]
  valid_metrics_list: [Accuracy]
";

/// Six epochs of 45 steps: 90 batches an epoch, the last one shorter, two batches a step, dropout, clipping. The case
/// puts its network in the place of `ARCHITECTURE`. Callbacks follow at its end.
pub(crate) const RECORDED: &str = "\
experiment_name: tiny
dataset: digits
train_dataloader_params: {batch_size: 16, shuffle: true}
val_dataloader_params: {batch_size: 360}
architecture: ARCHITECTURE
training_hyperparams:
  max_epochs: 6
  batch_accumulate: 2
  clip_grad_norm: 1.0
  initial_lr: 0.01
  lr_mode: CosineLRScheduler
  ema: true
  ema_params: {decay: 0.9}
  loss: CrossEntropyLoss
  train_metrics_list: [Accuracy, F1]
  valid_metrics_list: [Accuracy]
";

/// One epoch of one batch, for cases that call the trainer in their own process. Anything may follow at its end.
#[allow(dead_code, reason = "programs beside `it` take it")]
pub(crate) const ONE_BATCH: &str = "\
experiment_name: tiny
dataset: digits
train_dataloader_params: {batch_size: 16}
val_dataloader_params: {batch_size: 16}
architecture: mlp
arch_params: {hidden: [8]}
training_hyperparams:
  max_epochs: 1
  max_train_batches: 1
  max_valid_batches: 1
  initial_lr: 0.01
  loss: CrossEntropyLoss
  valid_metrics_list: [Accuracy]
";

/// Detection with everything that has a state: drawn scenes, sizes and colors, averaged weights, a second stage.
pub(crate) const DETECTION: &str = "\
experiment_name: tiny
dataset: {scattered_digits: {size: 64, channels: 3, digits: [1, 4], scale: [2.0, 3.0], train: 24, validation: 12}}
train_dataloader_params:
  batch_size: 4
  shuffle: true
  collate_fn: {MultiScaleCollateFunction: {min_image_size: 32, max_image_size: 96, image_size_steps: 32, change_frequency: 2}}
val_dataloader_params: {batch_size: 6, collate_fn: DetectionCollateFN}
train_transforms:
  - DetectionMosaic: {input_dim: 64, prob: 0.7}
  - DetectionRandomAffine: {degrees: 5, translate: 0.1, scales: [0.6, 1.4], shear: 2.0, target_size: 64, filter_box_candidates: true}
  - DetectionMixup: {input_dim: 64, mixup_scale: [0.5, 1.5], prob: 0.5, flip_prob: 0.5}
  - DetectionHSV: {prob: 1.0, hgain: 5, sgain: 30, vgain: 30}
  - DetectionHorizontalFlip: {prob: 0.5}
  - DetectionPaddedRescale: {input_dim: 64}
  - DetectionTargetsFormatTransform: {output_format: LABEL_CXCYWH}
val_transforms:
  - DetectionPaddedRescale: {input_dim: 64}
  - DetectionTargetsFormatTransform: {output_format: LABEL_CXCYWH}
architecture: custom_yolox
arch_params: {num_classes: 10, depth_mult_factor: 0.33, width_mult_factor: 0.125}
training_hyperparams:
  max_epochs: 5
  optimizer: SGD
  optimizer_params: {momentum: 0.9, nesterov: true, weight_decay: 0.0005}
  zero_weight_decay_on_bias_and_bn: true
  initial_lr: 0.01
  lr_mode: CosineLRScheduler
  lr_warmup_epochs: 1
  loss: YoloXDetectionLoss
  criterion_params: {strides: [8, 16, 32], num_classes: 10}
  ema: true
  ema_params: {decay: 0.9, decay_type: constant}
  save_ckpt_every_n_steps: 2
  valid_metrics_list:
    - DetectionMetrics:
        num_cls: 10
        normalize_targets: true
        post_prediction_callback: {YoloXPostPredictionCallback: {conf: 0.01, iou: 0.65}}
  metric_to_watch: Loss
  greater_metric_to_watch_is_better: false
phase_callbacks:
  - YoloXTrainingStageSwitchCallback: {next_stage_start_epoch: 3}
";

/// A detection network on small canvases of digits: 4 train and 2 validation batches of 8. The network and callbacks follow
/// at its end.
pub(crate) const BOXES: &str = "\
experiment_name: tiny
dataset: {scattered_digits: {size: 64, channels: 3, digits: [1, 2], scale: [2, 3], targets: boxes, train: 32, validation: 16}}
train_dataloader_params: {batch_size: 8, collate_fn: DetectionCollateFN}
val_dataloader_params: {batch_size: 8, collate_fn: DetectionCollateFN}
train_transforms: &transforms
  - DetectionPaddedRescale: {input_dim: [64, 64]}
  - DetectionTargetsFormatTransform: {output_format: LABEL_CXCYWH}
val_transforms: *transforms
training_hyperparams:
  max_epochs: 2
  initial_lr: 0.001
  loss: YoloXDetectionLoss
  criterion_params: {strides: [8, 16, 32], num_classes: 10}
  valid_metrics_list:
    - CocoMetrics:
        num_cls: 10
        post_prediction_callback: {YoloXPostPredictionCallback: {conf: 0.01, iou: 0.65}}
  metric_to_watch: AP50
";

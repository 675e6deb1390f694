//! Changes of a small recipe, each with the notes that follow. Owns the rows; how one is judged is said above.

/// Changes of `TINY`, and the notes that follow: the key, and words of the reason.
pub(super) type Row = (
    &'static [&'static str],
    &'static [(&'static str, &'static str)],
);

pub(super) const ROWS: &[Row] = &[
    (&[], &[]),
    (
        &["lr_updates=[1]"],
        &[("lr_updates", "the learning rate is constant")],
    ),
    (
        &[
            "lr_mode=step",
            "lr_decay_factor=0.1",
            "lr_updates=[1]",
            "cosine_final_lr_ratio=0.5",
        ],
        &[("cosine_final_lr_ratio", "`lr_mode` is StepLRScheduler")],
    ),
    (
        &["lr_mode=step", "lr_decay_factor=0.1", "lr_updates=[1,2,7]"],
        &[("lr_updates", "at 2, 7: the epochs of the run are 0 to 1")],
    ),
    (
        &[
            "lr_mode=step",
            "lr_decay_factor=0.1",
            "step_lr_update_freq=2",
        ],
        &[("step_lr_update_freq", "no update falls among them")],
    ),
    (
        &[
            "lr_mode=cosine",
            "lr_decay_factor=0.5",
            "step_lr_update_freq=1",
        ],
        &[
            ("step_lr_update_freq", "`lr_mode` is CosineLRScheduler"),
            ("lr_decay_factor", "`lr_mode` is CosineLRScheduler"),
        ],
    ),
    (
        &[
            "lr_mode=cosine",
            "lr_cooldown_epochs=1",
            "cosine_final_lr_ratio=0.5",
        ],
        &[],
    ),
    (
        &["lr_cooldown_epochs=1"],
        &[("lr_cooldown_epochs", "is constant")],
    ),
    (
        &["warmup_initial_lr=0.001", "warmup_mode=linear_batch_step"],
        &[
            ("warmup_mode", "no warm-up"),
            ("warmup_initial_lr", "no warm-up"),
        ],
    ),
    (
        &["lr_warmup_steps=4", "warmup_mode=linear_batch_step"],
        &[("lr_warmup_steps", "beyond 3 of them")],
    ),
    (
        &[
            "optimizer_params={momentum: 0, dampening: 0.5, weight_decay: 0}",
            "zero_weight_decay_on_bias_and_bn=true",
        ],
        &[
            ("zero_weight_decay_on_bias_and_bn", "no weight decay"),
            ("optimizer_params.dampening", "`momentum` is 0"),
        ],
    ),
    (
        &["max_train_batches=500"],
        &[("max_train_batches", "an epoch has 81 batches")],
    ),
    (
        &["max_valid_batches=2"],
        &[("max_valid_batches", "an epoch has 2 batches")],
    ),
    (
        &["train_dataloader_params.max_batches=3"],
        &[("max_train_batches", "own `max_batches` goes before it")],
    ),
    (
        &["ema_params={decay: 0.5}"],
        &[("ema_params", "`ema: true` reads it")],
    ),
    (
        &[
            "ema=true",
            "ema_params={decay: 0.5, decay_type: constant, beta: 3}",
        ],
        &[("ema_params.beta", "`decay_type` is `constant`")],
    ),
    (
        &[
            "save_model=false",
            "save_ckpt_epoch_list=[1]",
            "save_ckpt_every_n_steps=2",
        ],
        &[
            ("save_ckpt_epoch_list", "`save_model` is false"),
            ("save_ckpt_every_n_steps", "`save_model` is false"),
            ("save_model: false", "average_best_models.safetensors"),
        ],
    ),
    (
        &["save_ckpt_epoch_list=[0,2,3]"],
        &[(
            "save_ckpt_epoch_list",
            "at 0, 3: the epochs of the run are 1 to 2",
        )],
    ),
    (
        &["save_ckpt_every_n_steps=7"],
        &[("save_ckpt_every_n_steps", "the run has 6 steps")],
    ),
    (
        &["ckpt_name=ckpt_best"],
        &[("ckpt_name", "goes on with no other")],
    ),
    (
        &["checkpoint_params.strict_load=false"],
        &[("checkpoint_params.strict_load", "no `checkpoint_path`")],
    ),
    (
        &["allow_tf32=false"],
        &[("allow_tf32", "a CPU has no TensorFloat-32")],
    ),
    (
        &["deterministic_kernels=true"],
        &[("deterministic_kernels", "a CPU are deterministic already")],
    ),
    (
        &["deterministic_callbacks=true"],
        &[("deterministic_callbacks", "no callbacks")],
    ),
    (
        &[
            "dataset=digits",
            "run_test_freq=2",
            "test_dataloader_params={batch_size: 7}",
        ],
        &[
            ("run_test_freq", "no test part"),
            ("test_dataloader_params", "no test part"),
        ],
    ),
    (
        &["channels_last=true"],
        &[("channels_last", "no convolution")],
    ),
    (
        &["arch_params={hidden: [], dropout: 0.5, activation: gelu}"],
        &[
            ("arch_params.dropout", "no hidden layer"),
            ("arch_params.activation", "no hidden layer"),
        ],
    ),
    (
        &["base_folder=data"],
        &[("base_folder", "`digits` reads no file")],
    ),
    (
        &["val_dataloader_params.batch_size=400"],
        &[("val_dataloader_params.batch_size", "beyond 360")],
    ),
    (
        &[
            "val_dataloader_params.drop_last=true",
            "test_dataloader_params={batch_size: 100}",
        ],
        &[("val_dataloader_params.drop_last", "360 samples is full")],
    ),
    (
        &[
            "train_dataloader_params.drop_last=true",
            "max_train_batches=null",
        ],
        &[],
    ),
    (
        &[
            "train_dataloader_params.num_workers=0",
            "train_dataloader_params.prefetch=4",
        ],
        &[("train_dataloader_params.prefetch", "`num_workers` is 0")],
    ),
    (
        &["train_transforms={horizontal_flip: 0}"],
        &[("horizontal_flip", "probability is 0")],
    ),
    (
        &["train_transforms=[RandomHorizontalFlip: {prob: 0}, RandomCrop: {size: 8, fill: 3}]"],
        &[
            ("RandomHorizontalFlip", "`prob` is 0"),
            ("RandomCrop.fill", "`padding` is 0"),
            ("RandomCrop", "images are 8×8 there already"),
        ],
    ),
    (
        &[
            "phase_callbacks=[{stock: EarlyStopping, params: {patience: 1}, when: {every: 2, unit: step}}]",
        ],
        &[("when", "no batch calls the callback")],
    ),
    // Written at the value that it has by default.
    (
        &[
            "lr_decay_factor=0.1",
            "cosine_final_lr_ratio=0.01",
            "warmup_mode=LinearEpochLRWarmup",
            "lr_updates=[]",
            "lr_warmup_steps=0",
        ],
        &[
            ("lr_decay_factor", "the learning rate is constant"),
            ("cosine_final_lr_ratio", "the learning rate is constant"),
            ("warmup_mode", "no warm-up"),
        ],
    ),
    (
        &[
            "dataset=digits",
            "run_test_freq=1",
            "load_opt_params=true",
            "checkpoint_params.strict_load=true",
        ],
        &[
            ("run_test_freq", "no test part"),
            ("load_opt_params", "goes on with no other"),
            ("checkpoint_params.strict_load", "no `checkpoint_path`"),
        ],
    ),
    // Beyond the run.
    (
        &[
            "run_validation_freq=3",
            "run_test_freq=3",
            "batch_accumulate=6",
        ],
        &[
            ("run_validation_freq", "beyond 2, the epochs of the run"),
            ("run_test_freq", "beyond 2, the epochs of the run"),
            ("batch_accumulate", "beyond 5, the batches of an epoch"),
        ],
    ),
    (
        &[
            "run_validation_freq=2",
            "run_test_freq=2",
            "batch_accumulate=5",
        ],
        &[],
    ),
    (
        &["lr_mode={MultiStepLR: {milestones: [1, 4]}}"],
        &[("milestones", "at 4: the epochs of the run are 0 to 1")],
    ),
    (
        &["phase_callbacks=[{stock: EarlyStopping, params: {patience: 2}}]"],
        &[("EarlyStopping.patience", "the run has 2 checks")],
    ),
    (
        &[
            "phase_callbacks=[{stock: GradClip, params: {max_norm: 1.0}, when: {every: 7, unit: step}}]",
        ],
        &[("when", "beyond 6, the steps of the run")],
    ),
    (
        &[
            "phase_callbacks=[{stock: GradClip, params: {max_norm: 1.0}, when: {every: 3, unit: epoch}}]",
        ],
        &[("when", "beyond 2, the epochs of the run")],
    ),
    (
        &[
            "phase_callbacks=[{stock: GradClip, params: {max_norm: 1.0}, when: {every: 6, unit: batch}}]",
        ],
        &[("when", "beyond 5, the batches of a pass")],
    ),
    // Values that do nothing.
    (
        &["criterion_params={ignore_index: 77, weight: [1, 1, 1, 1, 1, 1, 1, 1, 1, 1.0]}"],
        &[
            ("criterion_params.ignore_index", "the classes are 0 to 9"),
            ("criterion_params.weight", "a weight of 1 changes nothing"),
        ],
    ),
    (
        &["loss={CrossEntropyLoss: {ignore_index: 10}}"],
        &[("ignore_index", "the classes are 0 to 9")],
    ),
    (&["criterion_params={ignore_index: 7}"], &[]),
    (
        &[
            "val_dataloader_params.shuffle=true",
            "test_dataloader_params={batch_size: 100, shuffle: true}",
        ],
        &[
            (
                "val_dataloader_params.shuffle",
                "does not depend on the order",
            ),
            (
                "test_dataloader_params.shuffle",
                "does not depend on the order",
            ),
        ],
    ),
    (
        &["val_dataloader_params.shuffle=true", "max_valid_batches=1"],
        &[],
    ),
    (
        &["lr_mode=step", "lr_decay_factor=1", "lr_updates=[1]"],
        &[("lr_decay_factor", "1 times the rate")],
    ),
    (
        &["lr_mode=cosine", "cosine_final_lr_ratio=1.0"],
        &[("cosine_final_lr_ratio", "write `lr_mode: Constant`")],
    ),
    (
        &["ema=true", "ema_params={decay: 0.0}"],
        &[("ema", "the average is the weights themselves")],
    ),
    (
        &[
            "train_transforms=[Resize: {size: 8}, ColorJitter: {}]",
            "val_transforms={resize: [8, 8]}",
        ],
        &[
            ("Resize", "images are 8×8 there already"),
            ("ColorJitter", "none of its ranges is given"),
            ("resize", "images are 8×8 there already"),
        ],
    ),
    (
        &[
            "train_transforms=[ColorJitter, DetectionTargetsFormatTransform: {output_format: LABEL_XYXY}]",
            "val_transforms=[DetectionTargetsFormatTransform]",
        ],
        &[
            ("ColorJitter", "none of its ranges is given"),
            (
                "DetectionTargetsFormatTransform",
                "samples here have no boxes",
            ),
            (
                "DetectionTargetsFormatTransform",
                "samples here have no boxes",
            ),
        ],
    ),
    (
        &[
            "train_transforms=[Resize: {size: 12}, CenterCrop: {size: 8}, RandomCrop: {size: 8}, Resize: {size: 8}, ColorJitter: {hue: 0.2}]",
        ],
        &[
            ("RandomCrop", "images are 8×8 there already"),
            ("Resize", "images are 8×8 there already"),
            ("ColorJitter", "neither saturation nor hue"),
        ],
    ),
    (
        &["train_transforms=[RandomCrop: {size: 8, padding: 1}, ColorJitter: {brightness: 0.1}]"],
        &[],
    ),
    (
        &[
            "train_transforms={normalize: {mean: [0.3], std: [0.4]}}",
            "val_transforms={normalize: {mean: [0.3], std: [0.5]}}",
        ],
        &[("Normalize", "samples of another scale")],
    ),
    (
        &["train_transforms=[ToTensor, Normalize: {mean: [0.3], std: [0.4]}]"],
        &[(
            "Normalize",
            "that of validation from the data set's mean and deviation",
        )],
    ),
    // The digits' own scale.
    (&["train_transforms=[ToTensor]"], &[]),
    (
        &["train_transforms=[Standardize: {max_value: 255}]"],
        &[("Standardize", "samples of another scale")],
    ),
    (
        &["train_transforms=[DetectionPaddedRescale: {input_dim: 8}]"],
        &[("DetectionPaddedRescale", "samples of another scale")],
    ),
    (
        &[
            "train_transforms=[RandomHorizontalFlip]",
            "val_transforms=[Standardize: {max_value: 255}]",
        ],
        &[("Standardize", "of training is from the data set's mean")],
    ),
    (
        &[
            "train_transforms=[RandomHorizontalFlip, Standardize: {max_value: 16}]",
            "val_transforms=[ToTensor]",
        ],
        &[],
    ),
    (
        &[
            "train_transforms=[ToTensor]",
            "val_transforms={normalize: {mean: [0], std: [1]}}",
        ],
        &[],
    ),
    // Keys beside others.
    (
        &["phase_callbacks=[EMA: {decay: 0.9, decay_type: threshold, beta: 3}]"],
        &[("EMA.beta", "`decay_type` is `threshold`")],
    ),
    (
        &["ema=true", "phase_callbacks=[EMA: {decay: 0.9}]"],
        &[("EMA", "the average of the loop")],
    ),
    (
        &[
            "lr_mode=cosine",
            "lr_warmup_epochs=1",
            "phase_callbacks=[LrWarmupCosine: {warmup_steps: 2}]",
        ],
        &[
            ("lr_mode", "the callback `LrWarmupCosine` sets the rate"),
            (
                "lr_warmup_epochs",
                "the callback `LrWarmupCosine` sets the rate",
            ),
        ],
    ),
    (
        &["phase_callbacks=[LrWarmupCosine: {warmup_steps: 2}]"],
        &[],
    ),
    (
        &[
            "phase_callbacks=[LrWarmupCosine: {warmup_steps: 2}, {stock: LrWarmupCosine, name: second}]",
        ],
        &[("LrWarmupCosine", "`second` sets the rate after it")],
    ),
    (
        &["train_dataloader_params.collate_fn=DetectionCollateFN"],
        &[(
            "train_dataloader_params.collate_fn",
            "the samples have no boxes",
        )],
    ),
    (
        &["save_model=false"],
        &[("save_model: false", "average_best_models.safetensors")],
    ),
    (
        &["phase_callbacks=[EarlyStopping: {monitor: Acuracy, strict: false, patience: 1}]"],
        &[("EarlyStopping", "nobody gives the metric `Acuracy`")],
    ),
];

//! The sections that well-known keys belong in, for a key that stands in another one.

/// A section, and keys that belong in it.
const HOMES: &[(&str, &[&str])] = &[
    (TRAINING, TRAINING_KEYS),
    (
        "train_dataloader_params",
        &[
            "batch_size",
            "shuffle",
            "drop_last",
            "num_workers",
            "prefetch",
            "max_batches",
            "collate_fn",
        ],
    ),
    (
        "arch_params",
        &["num_classes", "hidden", "dropout", "channels"],
    ),
    ("training_hyperparams.optimizer_params", OPTIMIZER_KEYS),
    ("training_hyperparams.criterion_params", LOSS_KEYS),
    (
        "training_hyperparams.ema_params",
        &["decay", "decay_type", "beta"],
    ),
    ("dataset_params", &["test_fraction", "root", "data_dir"]),
    ("checkpoint_params", &["checkpoint_path", "strict_load"]),
    (TOP, TOP_KEYS),
    (LONG_FORM, LONG_FORM_KEYS),
];

const TRAINING: &str = "training_hyperparams";
const TRAINING_KEYS: &[&str] = &[
    "max_epochs",
    "initial_lr",
    "lr_mode",
    "optimizer",
    "loss",
    "metric_to_watch",
    "ema",
    "clip_grad_norm",
    "batch_accumulate",
    "mixed_precision",
    "max_train_batches",
    "max_valid_batches",
];
const OPTIMIZER_KEYS: &[&str] = &[
    "weight_decay",
    "momentum",
    "nesterov",
    "dampening",
    "betas",
    "eps",
    "amsgrad",
    "alpha",
    "centered",
];
const LOSS_KEYS: &[&str] = &[
    "label_smoothing",
    "smooth_eps",
    "ignore_index",
    "weight",
    "pos_weight",
    "reduction",
    "delta",
];

const TOP: &str = "the top level of the recipe";
const TOP_KEYS: &[&str] = &[
    "experiment_name",
    "architecture",
    "arch_params",
    "dataset",
    "dataset_params",
    "train_dataloader_params",
    "val_dataloader_params",
    "checkpoint_params",
    "device",
];

/// The form of an entry of `phase_callbacks` that has other keys than parameters.
const LONG_FORM: &str =
    "the long form of its callback: `- stock: NAME`, and below it `params: {…}` and this key";
const LONG_FORM_KEYS: &[&str] = &[
    "on_error", "on_state", "when", "order", "limits", "grants", "digest", "wasi",
];

/// The end of a message about an unknown key: the section that it belongs in. Empty for a key that none has, or that
/// stands in its section already; `here` are the paths of the sections that it stands in.
pub fn home(key: &str, here: &[&str]) -> String {
    let mut homes = HOMES.iter();
    let found = homes.find(|(_, keys)| keys.contains(&key));
    match found {
        Some((section, _)) if here.contains(section) => String::new(),
        Some((words, _)) if [TOP, LONG_FORM].contains(words) => format!("; it belongs in {words}"),
        Some((section, _)) => format!("; it belongs in `{section}`"),
        None => String::new(),
    }
}

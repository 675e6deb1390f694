//! Keys of SuperGradients at a value that asks for nothing, or for what phasebox always does, or that SuperGradients
//! reads nowhere either. Owns the tables; at any other value a key stays in the tree, where reading it refuses it.

use super::super::node::{Content, Entry, Node};
use super::said::{Said, is_off};

/// The values at which a key is taken out.
#[derive(Clone, Copy)]
pub(super) enum Harmless {
    /// Empty or false.
    Off,
    /// These words, and empty.
    Word(&'static str),
    /// All; the note says what of any but an empty or false one.
    All(&'static str),
}

use Harmless::{All, Off, Word};

pub(super) type Table = &'static [(&'static str, Harmless)];

pub(super) const NOWHERE: &str = "nothing reads it, in SuperGradients neither";
const OWN_LOGS: &str = "every run writes metrics.jsonl and TensorBoard events to its folder";

const TOP: Table = &[
    ("ckpt_root_dir", Off),
    ("pre_launch_callbacks_list", Off),
    ("quantization_params", Off),
    ("train_dataloader", Off),
    ("val_dataloader", Off),
    ("test_dataloader", Off),
    ("test_dataloaders", Off),
    ("load_checkpoint", Off),
    ("project_name", All(NOWHERE)),
    ("result_path", All(NOWHERE)),
    ("experiment_suffix", All(NOWHERE)),
    ("data_loader_num_workers", All(NOWHERE)),
    ("cityscapes_ignored_label", All(NOWHERE)),
    ("dataset_name", All(NOWHERE)),
    ("data_root_dir", All(NOWHERE)),
];

const TRAINING: Table = &[
    ("torch_compile", Off),
    ("torch_compile_loss", Off),
    ("torch_compile_options", All("")),
    ("precise_bn", Off),
    (
        "precise_bn_batch_size",
        All("nothing reads it without `precise_bn`"),
    ),
    ("finetune", Off),
    ("enable_qat", Off),
    ("lr_schedule_function", Off),
    ("pre_prediction_callback", Off),
    ("resume_from_remote_sg_logger", Off),
    ("resume_strict_load", Off),
    ("sg_logger", Word("base_sg_logger")),
    ("launch_tensorboard", Off),
    (
        "tensorboard_port",
        All("nothing reads it without `launch_tensorboard`"),
    ),
    ("tb_files_user_prompt", Off),
    ("save_tensorboard_to_s3", Off),
    ("log_installed_packages", All(OWN_LOGS)),
    ("dataset_statistics", Off),
    ("kill_ddp_pgroup_on_end", All("")),
    (
        "multiply_head_lr",
        All(
            "nothing reads it, in SuperGradients since 3.4 neither; write rates by name as `initial_lr`",
        ),
    ),
    ("static_assigner_end_epoch", All(NOWHERE)),
    ("warmup_bias_lr", All(NOWHERE)),
    ("warmup_momentum", All(NOWHERE)),
];

/// Parameters that all metrics of torchmetrics have.
const METRIC: Table = &[
    ("dist_sync_on_step", All(ONE_PROCESS)),
    ("sync_on_compute", All(ONE_PROCESS)),
    ("process_group", Off),
    ("dist_sync_fn", Off),
    ("compute_on_cpu", Off),
    ("compute_with_cache", All("")),
];
const ONE_PROCESS: &str = "a run is one process: there is nothing to synchronize";

/// Keys of loaders' parameters.
const LOADER: Table = &[
    ("pin_memory", All("")),
    ("persistent_workers", All("")),
    (
        "worker_init_fn",
        Word("super_gradients.training.datasets.datasets_utils.worker_init_reset_seed"),
    ),
    ("sampler", Off),
    ("batch_sampler", Off),
    ("collate_fn", Off),
    ("generator", Off),
    ("multiprocessing_context", Off),
    ("timeout", Off),
    ("min_samples", Off),
];

/// True for a key at the top of a recipe of SuperGradients.
pub(super) fn has(key: &str) -> bool {
    TOP.iter().any(|(known, _)| *known == key)
}

/// True for a key of `training_hyperparams`.
pub(super) fn is_in_training(key: &str) -> bool {
    TRAINING.iter().any(|(known, _)| *known == key)
}

pub(super) fn lower(recipe: &mut Node, said: &mut Said) {
    take_out(recipe, TOP, said);
    if let Some(training) = recipe.get_mut("training_hyperparams") {
        take_out(training, TRAINING, said);
        for list in ["train_metrics_list", "valid_metrics_list"] {
            if let Some(metrics) = training.get_mut(list) {
                of_metrics(metrics, said);
            }
        }
    }
    for loader in ["train", "val", "test"] {
        if let Some(params) = recipe.get_mut(&format!("{loader}_dataloader_params")) {
            take_out(params, LOADER, said);
        }
    }
}

/// Parameters of the metrics of a list.
fn of_metrics(metrics: &mut Node, said: &mut Said) {
    let Content::List(metrics) = &mut metrics.content else {
        return;
    };
    for metric in metrics {
        if let Content::Map(named) = &mut metric.content {
            for metric in named {
                take_out(&mut metric.value, METRIC, said);
            }
        }
    }
}

pub(super) fn take_out(mapping: &mut Node, table: Table, said: &mut Said) {
    for (key, harmless) in table {
        let taken = mapping.take_if(key, |value| harmless.has(value));
        if let (Some(entry), All(words)) = (taken, harmless) {
            harmless_note(&entry, words, said);
        }
    }
}

fn harmless_note(entry: &Entry, words: &str, said: &mut Said) {
    if !words.is_empty() && !is_off(&entry.value) {
        said.note(entry, words);
    }
}

impl Harmless {
    fn has(self, value: &Node) -> bool {
        match self {
            Off => is_off(value),
            Word(word) => is_off(value) || value.as_str() == Some(word),
            All(_) => true,
        }
    }
}

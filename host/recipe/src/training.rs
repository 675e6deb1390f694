//! `training_hyperparams`: the keys of SuperGradients that phasebox honors, with their defaults.
//! Owns the keys and what is refused. The schedule, optimizer, loss and metrics are sections that their modules type.

use std::path::PathBuf;

use phasebox_contract::policy::NanPolicy;
use serde::Deserialize;

use super::callback_forms;
use super::callback_order;
use super::callbacks::CallbackEntry;
use super::node::{Content, Node};
use super::section_reader::{SectionReader, Unsupported};

/// How a run trains. Defaults are SuperGradients' unless the field says otherwise.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainingHyperparams {
    /// Epochs to train; required.
    pub max_epochs: u64,
    /// The keys of the learning-rate schedule that are written. The schedule types them.
    pub schedule: Node,
    /// Name of the optimizer, or `{name: parameters}`; `SGD` by default.
    pub optimizer: Node,
    /// Parameters of the optimizer.
    pub optimizer_params: Node,
    /// No weight decay for biases and normalization layers.
    pub zero_weight_decay_on_bias_and_bn: bool,
    /// Batches whose gradients make one step.
    pub batch_accumulate: u64,
    /// Largest 2-norm of all gradients together; None does not clip.
    pub clip_grad_norm: Option<f64>,
    /// Arithmetic of the forward pass.
    pub mixed_precision: Precision,
    /// Images and the weights of convolutions with the channels of a pixel together, as GPUs like them best.
    pub channels_last: bool,
    /// Name of the loss, or `{name: parameters}`; required.
    pub loss: Node,
    /// Parameters of the loss.
    pub criterion_params: Node,
    /// Metrics of the training batches.
    pub train_metrics_list: Node,
    /// Metrics of validation and test.
    pub valid_metrics_list: Node,
    /// The metric that decides which epoch is best.
    pub metric_to_watch: String,
    /// A greater value of that metric is better. None leaves it to the metric.
    pub greater_metric_to_watch_is_better: Option<bool>,
    /// Averages the weights with the stock callback EMA.
    pub ema: bool,
    /// Parameters of that callback: `decay`, `decay_type`, `beta`.
    pub ema_params: Node,
    /// Validates the average of the best checkpoints at the end. False by default, where SuperGradients' code has
    /// true and its documentation false: it costs memory and a validation nobody asked for.
    pub average_best_models: bool,
    /// The consequence of a loss that is not a number.
    pub nan_policy: NanPolicy,
    /// Steps are recorded and replayed where that is safe.
    pub record_steps: RecordSteps,
    /// Decides shuffling, initial weights and dropout.
    pub seed: u64,
    /// Prints nothing but errors.
    pub silent_mode: bool,
    /// How much of the data, how often.
    pub evaluation: Evaluation,
    /// The checkpoints that are kept on disk.
    pub saving: Saving,
    /// The earlier run or checkpoint to go on from.
    pub resume: Resume,
    /// Lets convolutions on a GPU round their operands to 10 bits (TensorFloat-32), as PyTorch does by default.
    pub allow_tf32: bool,
    /// Chooses kernels whose sums have a fixed order on a GPU too, so that equal runs end with equal bits.
    pub deterministic_kernels: bool,
    /// Counts callbacks' time in instructions, so that what they do depends on nothing but the recipe.
    pub deterministic_callbacks: bool,
    /// The callbacks, in the order they run in.
    pub phase_callbacks: Vec<CallbackEntry>,
}

/// How often validation and test run, and on how much.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evaluation {
    /// Epochs from one validation to the next.
    pub run_validation_freq: u64,
    /// Epochs from one test to the next.
    pub run_test_freq: u64,
    /// Ends training epochs after so many batches.
    pub max_train_batches: Option<u64>,
    /// Ends validation after so many batches.
    pub max_valid_batches: Option<u64>,
}

/// Which checkpoints a run writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saving {
    /// Writes checkpoints at all.
    pub save_model: bool,
    /// Epochs, counted from 1, whose checkpoint is kept for good.
    pub save_ckpt_epoch_list: Vec<u64>,
    /// Steps from one checkpoint inside an epoch to the next; None saves at the ends of epochs.
    pub save_ckpt_every_n_steps: Option<u64>,
    /// Name of the best epoch's checkpoint.
    pub ckpt_best_name: String,
}

/// Where a run goes on from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resume {
    /// Goes on with the newest run of this experiment.
    pub resume: bool,
    /// Goes on with this run of this experiment.
    pub run_id: Option<String>,
    /// Goes on from this checkpoint, resolved against the file that names it.
    pub resume_path: Option<PathBuf>,
    /// The checkpoint of a run to go on from.
    pub ckpt_name: String,
    /// Has no effect: a resumed run always takes over the optimizer's state.
    pub load_opt_params: bool,
}

/// Arithmetic of the forward pass. fp16 is left out: bfloat16 needs no loss scaling, so gradients are what they say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Precision {
    /// 32-bit floats.
    #[default]
    Single,
    /// Autocast to bfloat16.
    Bfloat16,
}

/// When steps are replayed from recordings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RecordSteps {
    /// Where that is safe; `phasebox check` says where.
    #[default]
    Auto,
    /// Never.
    Off,
}

/// The keys that make up [`TrainingHyperparams::schedule`].
const SCHEDULE_KEYS: &[&str] = &[
    "initial_lr",
    "lr_mode",
    "lr_updates",
    "lr_decay_factor",
    "step_lr_update_freq",
    "cosine_final_lr_ratio",
    "lr_warmup_epochs",
    "lr_warmup_steps",
    "warmup_initial_lr",
    "warmup_mode",
    "lr_cooldown_epochs",
];

const COMPILED: &str =
    "there is no compiler; steps run on fused and multi-tensor kernels; remove the key";
const LOGGING: &str =
    "every run writes metrics.jsonl and TensorBoard events to its folder; remove the key";
const BATCH_NORM: &str =
    "one process drives one device, so statistics are those of its batch; remove the key";
pub(super) const UNSUPPORTED: Unsupported = &[
    ("torch_compile", COMPILED),
    ("torch_compile_loss", COMPILED),
    ("torch_compile_options", COMPILED),
    ("sync_bn", BATCH_NORM),
    ("precise_bn", BATCH_NORM),
    ("precise_bn_batch_size", BATCH_NORM),
    (
        "enable_qat",
        "there is no quantization-aware training; remove the key",
    ),
    (
        "finetune",
        "freeze parameters in a callback (`freeze` on the net at on-training-start)",
    ),
    (
        "lr_schedule_function",
        "a recipe holds no code; write a callback that sets the learning rate",
    ),
    (
        "pre_prediction_callback",
        "it may be `DetectionMultiscalePrePredictionCallback`; for others write a callback that replaces the inputs at on-train-batch-start",
    ),
    (
        "resume_from_remote_sg_logger",
        "copy the checkpoint here and name it with `resume_path`",
    ),
    (
        "resume_strict_load",
        "a checkpoint is loaded whole or not at all; remove the key",
    ),
    ("sg_logger", LOGGING),
    ("sg_logger_params", LOGGING),
    ("launch_tensorboard", LOGGING),
    ("tensorboard_port", LOGGING),
    ("tb_files_user_prompt", LOGGING),
    ("save_tensorboard_to_s3", LOGGING),
    ("log_installed_packages", LOGGING),
    ("dataset_statistics", LOGGING),
    (
        "kill_ddp_pgroup_on_end",
        "a process group always ends with its run; remove the key",
    ),
];

/// Types the section.
pub(super) fn read(reader: &mut SectionReader<'_>) -> TrainingHyperparams {
    let callbacks = reader
        .find("phase_callbacks")
        .map_or(Ok(Vec::new()), callback_forms::read)
        .and_then(callback_order::in_order);
    TrainingHyperparams {
        max_epochs: reader.required_count("max_epochs"),
        schedule: reader.group(SCHEDULE_KEYS),
        optimizer: reader.section_or("optimizer", Content::Scalar("SGD".into())),
        optimizer_params: reader.mapping("optimizer_params"),
        zero_weight_decay_on_bias_and_bn: reader
            .value_or("zero_weight_decay_on_bias_and_bn", false),
        batch_accumulate: reader.count("batch_accumulate").unwrap_or(1),
        clip_grad_norm: reader.positive("clip_grad_norm"),
        mixed_precision: reader.value_or("mixed_precision", Precision::Single),
        channels_last: reader.value_or("channels_last", false),
        loss: reader.required_section("loss"),
        criterion_params: reader.mapping("criterion_params"),
        train_metrics_list: reader.list("train_metrics_list", "[Accuracy]"),
        valid_metrics_list: reader.list("valid_metrics_list", "[Accuracy]"),
        metric_to_watch: reader.value_or("metric_to_watch", "Accuracy".to_owned()),
        greater_metric_to_watch_is_better: reader.optional("greater_metric_to_watch_is_better"),
        ema: reader.value_or("ema", false),
        ema_params: reader.mapping("ema_params"),
        average_best_models: reader.value_or("average_best_models", false),
        nan_policy: reader.value_or("nan_policy", NanPolicy::Abort),
        record_steps: reader.value_or("record_steps", RecordSteps::Auto),
        seed: reader.value_or("seed", 42),
        silent_mode: reader.value_or("silent_mode", false),
        evaluation: evaluation(reader),
        saving: saving(reader),
        resume: resume(reader),
        allow_tf32: reader.value_or("allow_tf32", true),
        deterministic_kernels: reader.value_or("deterministic_kernels", false),
        deterministic_callbacks: reader.value_or("deterministic_callbacks", false),
        phase_callbacks: reader.keep(callbacks).unwrap_or_default(),
    }
}

fn evaluation(reader: &mut SectionReader<'_>) -> Evaluation {
    Evaluation {
        run_validation_freq: reader.count("run_validation_freq").unwrap_or(1),
        run_test_freq: reader.count("run_test_freq").unwrap_or(1),
        max_train_batches: reader.count("max_train_batches"),
        max_valid_batches: reader.count("max_valid_batches"),
    }
}

fn saving(reader: &mut SectionReader<'_>) -> Saving {
    Saving {
        save_model: reader.value_or("save_model", true),
        save_ckpt_epoch_list: reader.value_or("save_ckpt_epoch_list", Vec::new()),
        save_ckpt_every_n_steps: reader.count("save_ckpt_every_n_steps"),
        ckpt_best_name: best_name(reader),
    }
}

/// The name of the best epoch's checkpoint, which must be none of those that the trainer gives itself.
fn best_name(reader: &mut SectionReader<'_>) -> String {
    let written = written_best_name(reader);
    written.unwrap_or_else(|| "ckpt_best".to_owned())
}

fn written_best_name(reader: &mut SectionReader<'_>) -> Option<String> {
    let node = reader.find("ckpt_best_name")?;
    let name = reader.file_name("ckpt_best_name")?;
    let tag = name.strip_suffix(".pth").unwrap_or(&name);
    let tag = tag.strip_prefix("ckpt_").unwrap_or(tag);
    if !matches!(tag, "" | "latest" | "error") && !tag.starts_with("epoch_") {
        return Some(name);
    }
    let message =
        format!("`{name}` is the name of another checkpoint; choose one such as ckpt_best");
    reader.keep(Err(node.error(message)))
}

fn resume(reader: &mut SectionReader<'_>) -> Resume {
    Resume {
        resume: reader.value_or("resume", false),
        run_id: reader.file_name("run_id"),
        resume_path: reader.path("resume_path"),
        ckpt_name: reader
            .file_name("ckpt_name")
            .unwrap_or_else(|| "ckpt_latest".to_owned()),
        load_opt_params: reader.value_or("load_opt_params", true),
    }
}

impl<'de> Deserialize<'de> for Precision {
    fn deserialize<D: serde::Deserializer<'de>>(
        deserializer: D,
    ) -> std::result::Result<Self, D::Error> {
        match serde_json::Value::deserialize(deserializer)? {
            serde_json::Value::Bool(false) => Ok(Self::Single),
            serde_json::Value::Bool(true) => Ok(Self::Bfloat16),
            serde_json::Value::String(name) if name == "bf16" => Ok(Self::Bfloat16),
            other => Err(serde::de::Error::custom(format!(
                "expected true, false or bf16, found `{other}`"
            ))),
        }
    }
}

/// YAML reads `off` as false.
impl<'de> Deserialize<'de> for RecordSteps {
    fn deserialize<D: serde::Deserializer<'de>>(
        deserializer: D,
    ) -> std::result::Result<Self, D::Error> {
        match serde_json::Value::deserialize(deserializer)? {
            serde_json::Value::Bool(false) => Ok(Self::Off),
            serde_json::Value::String(name) if name == "off" => Ok(Self::Off),
            serde_json::Value::String(name) if name == "auto" => Ok(Self::Auto),
            other => Err(serde::de::Error::custom(format!(
                "expected auto or off, found `{other}`"
            ))),
        }
    }
}

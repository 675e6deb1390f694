//! Checkpoints: one folder per saved moment, readable at every instant, from any language.
//!
//! Owns the format and its place in a run's folder. When to save, what a resumed run does with the
//! numbers, and plugin policy belong to the trainer.
//!
//! ```text
//! <run>/ckpt_latest -> checkpoints/000017-step-200      a tag is a link, replaced atomically
//! <run>/ckpt_best   -> checkpoints/000012-step-150
//! <run>/checkpoints/000017-step-200/
//!     checkpoint.json          schema, State, size and sha256 of every file below, plugin identities
//!     model.safetensors        always there
//!     optimizer|ema|metrics|rng|….safetensors   only if they hold tensors
//!     callbacks/<name>.bin     a plugin's `save-state` bytes, opaque
//! ```
//!
//! Why links: `rename` cannot replace a folder that has files, and setting the old one aside first leaves a
//! moment without any. A fresh folder renamed into place plus a link renamed over the old link is complete
//! before and after every step, costs no second copy when one moment has two tags, and lets Python open
//! `ckpt_best/model.safetensors` directly.

mod folder;
mod store;
mod tensors;

pub use store::{Listed, list, load, newest, remove_tag, save};
pub use tensors::{NamedTensors, export_weights, load_weights};

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The tag every periodic save moves.
pub const LATEST: &str = "latest";
/// The tag of the best value of the watched metric so far.
pub const BEST: &str = "best";

/// All a run needs to go on as if it had never stopped. Plain data; tensors may be on any device and
/// are moved to the CPU while saving, which waits for the device. Loaded tensors are on the CPU.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// The numbers.
    pub state: State,
    /// Parameters and buffers by their dotted names.
    pub model: NamedTensors,
    /// Optimizer state, e.g. `layer.weight/momentum`; empty for a stateless optimizer.
    pub optimizer: NamedTensors,
    /// Averaged weights, if the run keeps some.
    pub ema: NamedTensors,
    /// Metric accumulators, for a save in the middle of an epoch.
    pub metrics: NamedTensors,
    /// Random generators, e.g. `cpu`, `cuda:0`, `loader`.
    pub rng: NamedTensors,
    /// Gradients that wait for their step, for a save in the middle of an accumulation.
    pub gradients: NamedTensors,
    /// The weights of the best models so far, if the run averages them: `<rank>/<parameter>`.
    pub best_models: NamedTensors,
    /// What the host keeps for callbacks: `<callback>///<name>`.
    pub callback_tensors: NamedTensors,
    /// One entry per callback that has state, in recipe order.
    pub callbacks: Vec<CallbackState>,
}

/// Where a run stands. Unknown fields are ignored and missing ones take their default, so that an older
/// checkpoint of the same schema loads.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct State {
    /// Epoch in progress, or to be started, from 0.
    pub epoch: u64,
    /// First batch of that epoch not yet trained on; 0 at an epoch's start.
    pub next_batch: u64,
    /// Finished optimizer steps.
    pub global_step: u64,
    /// Training samples seen in all epochs.
    pub samples_seen: u64,
    /// Bytes of `metrics.jsonl` by then: what lies beyond is logged again.
    pub metrics_bytes: u64,
    /// The metric that decides which checkpoint is best.
    pub watched: Option<Watched>,
    /// What has been accumulated towards the next optimizer step.
    pub accumulation: Accumulation,
    /// Inputs of the learning-rate schedule.
    pub schedule: Value,
    /// The loader's own state: order, seed, position.
    pub loader: Value,
    /// The criterion's own state.
    pub criterion: Value,
    /// What else the trainer needs to go on; typed by `trainer`.
    pub trainer: Value,
}

/// The watched metric and its best value so far.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Watched {
    /// Its name, e.g. `Accuracy`.
    pub metric: String,
    /// Whether a greater value is better.
    pub greater_is_better: bool,
    /// Best value so far. JSON has no NaN or infinity: both come back as `None`, "no best yet".
    pub best: Option<f64>,
    /// Epoch of that value.
    pub best_epoch: Option<u64>,
}

/// Gradient accumulation between two optimizer steps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Accumulation {
    /// Batches whose gradients await the next step.
    pub batches: u64,
    /// Samples in them.
    pub samples: u64,
}

/// One callback's saved state and whose it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CallbackState {
    /// The callback's name in the recipe; a valid file name.
    pub name: String,
    /// sha256 of the component that wrote it, in hex; empty for a native callback.
    pub plugin_sha256: String,
    /// That component's version, as it calls itself.
    pub version: String,
    /// The version of its state, as it counts them.
    pub state_version: u32,
    /// What its `save-state` returned.
    pub bytes: Vec<u8>,
}

#[cfg(test)]
mod tests;

//! Checkpoints: one folder per saved moment, readable at every instant, from any language.
//!
//! Owns the format and the folders' place in a run. The trainer decides when to save, and what a resumed run does with
//! the numbers. A callback's state is opaque here.
//!
//! ```text
//! <run>/ckpt_latest -> checkpoints/000017-step-200      a tag is a link, replaced atomically
//! <run>/ckpt_best   -> checkpoints/000012-step-150
//! <run>/checkpoints/000017-step-200/
//!     checkpoint.json          schema, State, size and sha256 of every file below, identities of callbacks
//!     checkpoint.json.sha256   the digest of that file, as `sha256sum --check` reads it
//!     model.safetensors        always there
//!     ema.safetensors          the average of `ema: true`, which is what was validated
//!     validated.safetensors    in the best checkpoint, what was validated, if a callback lent the network other weights
//!     optimizer|metrics|rng|….safetensors   only if they hold tensors
//!     callbacks/<name>.bin     a callback's own bytes, opaque
//! ```
//!
//! Tags are links because `rename` cannot replace a folder that has files, and setting the old one aside first leaves a
//! moment without any. A fresh folder renamed into place, and a link renamed over the old link, are complete before and
//! after every step. Two tags of one moment need no second copy, and Python opens `ckpt_best/model.safetensors` directly.

mod folder;
mod manifest;
mod pickle;
mod state_dict;
mod store;
mod tensors;
mod torch_file;
mod zip;

pub(crate) use store::save;
pub use store::{finish_cut_save, load, load_for, named, newest, state};
pub(crate) use tensors::export_weights;
pub use tensors::{NamedTensors, Weights, load_weights};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::callback::CallbackState;

/// The tag that every periodic save moves.
pub(crate) const LATEST: &str = "latest";

/// Everything that a run needs to go on as if it had never stopped. Plain data. Tensors may be on any device: saving
/// copies them to the CPU, which syncs. Loaded tensors are on the CPU.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// The numbers.
    pub state: State,
    /// Parameters and buffers by their dotted names.
    pub model: NamedTensors,
    /// Optimizer state, e.g. `layer.weight/momentum`; empty for a stateless optimizer.
    pub optimizer: NamedTensors,
    /// Averaged weights, if the run keeps some: those that are validated.
    pub ema: NamedTensors,
    /// The weights of the validation that made this the best checkpoint, where a callback had lent them to the network.
    /// Only written: a resumed run needs none.
    pub validated: NamedTensors,
    /// Metric accumulators, for a save in the middle of an epoch.
    pub metrics: NamedTensors,
    /// Random generators, e.g. `cpu`, `cuda:0`, `loader`.
    pub rng: NamedTensors,
    /// Gradients that wait for their step, for a save in the middle of an accumulation.
    pub gradients: NamedTensors,
    /// The weights of the best models so far, if the run averages them: `<rank>/<parameter>`.
    pub best_models: NamedTensors,
    /// One entry per callback, in the order they are called in.
    pub callbacks: Vec<SavedCallback>,
}

/// The numbers of a run. Unknown fields are ignored and missing ones take their default, so that an older checkpoint of
/// the same schema loads.
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
    /// Length of `metrics.jsonl` by then, in bytes: lines beyond are logged again.
    pub metrics_bytes: u64,
    /// The metric that decides which checkpoint is best.
    pub watched: Option<Watched>,
    /// The group of batches that waits for its optimizer step.
    pub accumulation: AccumulationState,
    /// Always null: a key of schema 1.
    pub(crate) schedule: (),
    /// Always null: a key of schema 1.
    pub(crate) loader: (),
    /// The criterion's own state.
    pub criterion: Value,
    /// The resolved recipe that the run was trained with. Null in schema 1, and of a trainer that was made by hand.
    pub recipe: Value,
    /// The rest that the trainer needs to go on; typed by `trainer`.
    pub trainer: Value,
}

/// The watched metric and its best value so far.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Watched {
    /// The metric's name, e.g. `Accuracy`.
    pub metric: String,
    /// A greater value is better.
    pub greater_is_better: bool,
    /// The best value so far. JSON has no infinity: it comes back as `None`, "no best yet".
    pub best: Option<f64>,
    /// The epoch of that value.
    pub best_epoch: Option<u64>,
}

/// Gradient accumulation between two optimizer steps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AccumulationState {
    /// Batches whose gradients wait for the next step.
    pub batches: u64,
    /// Always 0: a key of schema 1.
    pub(crate) samples: u64,
    /// The epoch's first batch of the group. None if no batch of the group was skipped: it is then `batches` before
    /// the next one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_batch: Option<u64>,
}

/// A callback's state, with the callback's name.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SavedCallback {
    /// The callback's name in the run; a valid file name.
    pub name: String,
    /// Its state.
    #[serde(flatten)]
    pub state: CallbackState,
}

#[cfg(test)]
mod tests;

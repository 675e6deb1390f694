//! The form of a trace's lines. What changes rarely stands in a line only where it differs from the line before.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::part::Part;
use crate::number::Number;

/// The version of the form; docs/formats.md says what changed with each.
pub(super) const SCHEMA: u64 = 2;

/// The first line: what is kept, and what the numbers depend on.
#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct Header {
    /// The version of the form.
    pub schema: u64,
    /// The phasebox that wrote it.
    pub phasebox: String,
    /// The parts whose tensors are kept.
    pub keeps: Vec<Part>,
    /// Threads of libtorch, on which the last bits of sums depend.
    pub threads: i32,
    /// "cpu", "cuda:0".
    pub device: String,
    /// Optimizer steps done when the trace began: more than 0 in a resumed run.
    pub first_step: u64,
    /// The sha256 of the run's recipe when the trace began.
    #[serde(default)]
    pub recipe: String,
    /// Bytes of the run's log when the trace began.
    #[serde(default)]
    pub log_bytes: u64,
}

/// A line: a phase, and what could be read there.
#[derive(Serialize, Deserialize, Default, Clone, Debug)]
pub(super) struct Event {
    pub(super) phase: String,
    pub(super) split: SplitName,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) epoch: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) batch: Option<u64>,
    pub(super) step: u64,
    pub(super) samples: u64,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(super) batch_size: u64,
    #[serde(default, skip_serializing_if = "is_false")]
    pub(super) is_last: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pub(super) is_boundary: bool,
    pub(super) accumulate: u32,
    #[serde(default, skip_serializing_if = "is_false")]
    pub(super) is_stopping: bool,
    pub(super) elapsed: Number,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) outcome: Option<String>,
    /// The parts that exist, kept or not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) has: Vec<Part>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) new: Option<Box<Changes>>,
}

/// A split, as a line names it.
#[derive(Serialize, Deserialize, Default, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(rename_all = "snake_case")]
pub(super) enum SplitName {
    #[default]
    Train,
    Validation,
    Test,
}

/// Values by name.
pub(super) type Numbers = BTreeMap<String, Number>;

/// The values that differ from those of the line before.
#[derive(Serialize, Deserialize, Default, Clone, Debug)]
pub(super) struct Changes {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) metrics: Option<Vec<(String, Number)>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) best: Option<(Number, u32)>,
    /// The optimizer's hyperparameters, by group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) groups: Option<BTreeMap<String, Numbers>>,
    /// The parameters of the loss and of the loaders.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) settings: Option<BTreeMap<String, Map<String, Value>>>,
    /// The names of the parameters that do not learn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) frozen: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) tensors: Vec<PhaseTensor>,
    /// The gradients are all zero.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(super) cleared: bool,
}

/// A tensor of a phase.
#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
pub(super) struct PhaseTensor {
    pub(super) of: Part,
    #[serde(flatten)]
    pub(super) stored: StoredTensor,
}

/// The line of a state that a resumed run went on with: between the header and the first phase, one for each callback.
#[derive(Serialize, Deserialize, Debug)]
pub(super) struct StateLine {
    /// The callback's name.
    pub(super) state: String,
    pub(super) sha256: String,
    pub(super) version: String,
    pub(super) state_version: u32,
    pub(super) random_draws: u64,
    /// Its own bytes, as a tensor of them; none if it had saved none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) bytes: Option<StoredTensor>,
    /// The tensors that were kept for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) tensors: Vec<StoredTensor>,
}

/// A tensor of `tensors.bin`.
#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
pub(super) struct StoredTensor {
    /// Empty for a tensor of the batch that has no name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) name: String,
    pub(super) dtype: String,
    pub(super) shape: Vec<i64>,
    /// The first of its bytes.
    pub(super) at: u64,
}

/// The last line: "complete", or "cut" and why.
#[derive(Serialize, Deserialize, Debug)]
pub(super) struct End {
    pub(super) end: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) why: Option<String>,
}

impl Changes {
    pub(super) fn is_empty(&self) -> bool {
        self.metrics.is_none()
            && self.best.is_none()
            && self.groups.is_none()
            && self.settings.is_none()
            && self.frozen.is_none()
            && self.tensors.is_empty()
            && !self.cleared
    }
}

fn is_false(value: &bool) -> bool {
    !value
}

fn is_zero(value: &u64) -> bool {
    *value == 0
}

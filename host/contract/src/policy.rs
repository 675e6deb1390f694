//! Choices that a recipe makes and a trainer obeys: when a callback is called, what follows from its failure, what
//! becomes of its saved state, and what a loss that is not a number does. Owns the values and their spelling in a
//! recipe. Reading them is the recipe's, acting on them the trainer's.

use serde::Deserialize;

/// The consequence of a callback's failure for the run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnError {
    /// The run ends as failed.
    #[default]
    Abort,
    /// The callback is not called again.
    Disable,
    /// The failure is logged. A callback that trapped cannot be called again and is disabled.
    Ignore,
    /// The callback begins anew with the state it saved last.
    Reload(Reload),
}

/// How often a failed callback is loaded again, and when: `{strikes: 3, backoff: 10, then: disable}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reload {
    /// The failure, counted from 1, after which the callback is not loaded again.
    pub strikes: u32,
    /// Optimizer steps without the callback after its first failure; after each further failure twice as many.
    pub backoff_steps: u64,
    /// The consequence of the last strike.
    pub then: LastStrike,
}

impl Default for Reload {
    fn default() -> Reload {
        Reload {
            strikes: 3,
            backoff_steps: 10,
            then: LastStrike::default(),
        }
    }
}

/// The consequence of a callback's last strike for the run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LastStrike {
    /// The callback is not called again.
    #[default]
    Disable,
    /// The run ends as failed.
    Abort,
}

/// The answer to a callback that imports WASI.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wasi {
    /// It gets WASI with nothing behind it.
    #[default]
    Answer,
    /// It is not loaded.
    Refuse,
}

/// The fate of a callback's state in the checkpoint that a run is resumed from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnState {
    /// The callback goes on with the state, also if it is another build of the callback. A callback that cannot read
    /// the state is refused.
    #[default]
    Carry,
    /// The callback begins as in a new run.
    Fresh,
}

/// A filter on the calls of a callback. The host applies it, so a call that is not due never enters the callback.
/// Phases outside the unit that is counted (an epoch phase under `unit: step`) always call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct When {
    /// The callback is called at multiples of this number; 1 is always.
    pub every: u64,
    /// The unit that the number counts.
    pub unit: LoopUnit,
}

impl Default for When {
    fn default() -> When {
        When {
            every: 1,
            unit: LoopUnit::default(),
        }
    }
}

/// The unit that `when.every` counts in the training loop.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LoopUnit {
    /// Optimizer steps.
    #[default]
    Step,
    /// Epochs.
    Epoch,
    /// Batches of the loader in progress; a step takes `batch_accumulate` of them.
    Batch,
}

/// The consequence of a loss that is not a number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NanPolicy {
    /// The run fails at the first batch after the loss has arrived from the device. Nothing waits for the loss.
    #[default]
    Abort,
    /// The batch has no backward pass. The trainer waits for every loss: syncs.
    SkipStep,
    /// Training goes on.
    Ignore,
}

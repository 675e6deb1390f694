//! How batches and runs end. Owns the words of it, as the contract and `summary.json` have them.

use std::fmt::{Display, Formatter, Result};

use crate::control::Request;

/// How a training batch ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BatchOutcome {
    /// The optimizer stepped.
    Stepped,
    /// The gradients wait for more batches.
    Accumulated,
    /// The batch had neither forward nor backward pass.
    SkippedBatch,
    /// The batch had no backward pass.
    SkippedBackward,
    /// The gradients were cleared instead of used.
    SkippedStep,
}

impl BatchOutcome {
    /// The name in the contract.
    pub fn name(self) -> &'static str {
        match self {
            BatchOutcome::Stepped => "stepped",
            BatchOutcome::Accumulated => "accumulated",
            BatchOutcome::SkippedBatch => "skipped-batch",
            BatchOutcome::SkippedBackward => "skipped-backward",
            BatchOutcome::SkippedStep => "skipped-step",
        }
    }

    /// True if the batch contributed no gradients.
    pub(crate) fn is_without_backward(self) -> bool {
        matches!(
            self,
            BatchOutcome::SkippedBatch | BatchOutcome::SkippedBackward
        )
    }
}

/// How a run ended. Its text is the `stop_reason` of `summary.json`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Ending {
    /// Every epoch was trained.
    Completed,
    /// A callback asked for the end: its reason, and its name.
    Stopped(String),
    /// A signal arrived.
    Interrupted,
    /// An error, with its causes.
    Failed(String),
}

impl Ending {
    /// The end that a callback has asked for.
    pub(crate) fn of(stop: &Request) -> Ending {
        Ending::Stopped(format!("{} (asked by `{}`)", stop.reason, stop.by))
    }
}

impl Display for Ending {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> Result {
        match self {
            Ending::Completed => formatter.write_str("completed"),
            Ending::Stopped(reason) => write!(formatter, "stopped: {reason}"),
            Ending::Interrupted => formatter.write_str("interrupted"),
            Ending::Failed(error) => write!(formatter, "failed: {error}"),
        }
    }
}

/// The end that a phase is about, for phases that end something. Its text is the contract's `outcome`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// At on-train-batch-end.
    Batch(BatchOutcome),
    /// At on-interrupt: SIGINT or SIGTERM.
    Signal(&'static str),
    /// At on-exception and on-training-end.
    Run(Ending),
}

impl Display for Outcome {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> Result {
        match self {
            Outcome::Batch(outcome) => formatter.write_str(outcome.name()),
            Outcome::Signal(signal) => formatter.write_str(signal),
            Outcome::Run(ending) => ending.fmt(formatter),
        }
    }
}

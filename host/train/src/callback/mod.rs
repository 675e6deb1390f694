//! Callbacks as the trainer sees them: the trait, and the values that callbacks give about themselves. Owns no order:
//! [`Callbacks`] calls them, and what happens when one fails is a [`FailurePolicy`](failure::FailurePolicy)'s.

mod counters;
mod failure;
mod run;

use anyhow::Result;
use phasebox_contract::limits::{Limits, Usage};
use phasebox_contract::phase::{Phase, PhaseSet};
use serde::{Deserialize, Serialize};
use tch::Tensor;

pub use self::counters::{Counters, Durations, Sample};
pub use self::failure::{CallbackFailed, Failure};
pub use self::run::{COUNTED, Callbacks};
use crate::checkpoint::SavedCallback;
use crate::context::{Context, Lendable};

/// Code that is called at phases of training.
pub trait Callback {
    /// The callback's name, unique within a run.
    fn name(&self) -> &str;

    /// The phases at which it wants to be called; asked once.
    fn phases(&self) -> PhaseSet;

    /// The inputs of a recorded step that the callback may change. `None` means unknown, and disables recording if the
    /// callback is called inside training batches. Asked once; the answer is binding.
    fn changes(&self) -> Option<Changes> {
        None
    }

    /// Checks the callback's parameters against the facts of the run, a JSON object whose keys `wit/callback.wit`
    /// documents. Asked of the callbacks of a recipe, before training begins.
    ///
    /// # Errors
    /// The callback's reason why it cannot work in this run.
    fn check_run(&mut self, _facts: &serde_json::Value) -> Result<()> {
        Ok(())
    }

    /// One call. Gradients are recorded only where [`Phase::records_gradients`] says so.
    ///
    /// # Errors
    /// The callback's own. The recipe's `on_error` says what an error does.
    fn on_phase(&mut self, phase: Phase, context: &mut Lendable<Context>) -> Result<()>;

    /// True if the callback can be called again after an error.
    fn is_usable(&self) -> bool {
        true
    }

    /// Begins anew after an error, with the newest state there is.
    ///
    /// # Errors
    /// If the callback cannot begin again.
    fn reload(&mut self) -> Result<()> {
        Ok(())
    }

    /// True if checkpoints hold it.
    fn is_saved(&self) -> bool {
        true
    }

    /// The state for a checkpoint.
    ///
    /// # Errors
    /// If the callback cannot save its state.
    fn save_state(&mut self) -> Result<CallbackState> {
        Ok(CallbackState::default())
    }

    /// Looks at the states that the run goes on with, those of all callbacks, before any is handed back.
    fn on_resume(&mut self, _states: &[SavedCallback]) {}

    /// Takes over the state from a checkpoint, before training goes on.
    ///
    /// # Errors
    /// If the callback cannot use that state.
    fn load_state(&mut self, _state: CallbackState) -> Result<()> {
        Ok(())
    }

    /// The callback's part of the summary.
    fn report(&self) -> CallbackReport {
        CallbackReport {
            name: self.name().to_owned(),
            source: "native".to_owned(),
            ..CallbackReport::default()
        }
    }
}

/// The parts of a batch in progress that a callback may change. Learning rates are none of them: every step reads those
/// anew. The default changes nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// The inputs.
    pub inputs: bool,
    /// The target.
    pub target: bool,
    /// The loss.
    pub loss: bool,
    /// Parameters of the loss function.
    pub criterion: bool,
    /// Weights and buffers, and which of them learn.
    pub parameters: bool,
    /// Gradients, which every step reads anew.
    pub gradients: bool,
    /// Hyperparameters of the optimizer.
    pub optimizer: bool,
    /// The rest of a batch, or its step, may be left out.
    pub skip: bool,
    /// The network may be run beside the loop, and gradients be made anew in other memory.
    pub passes: bool,
}

/// A callback, as the plan of recorded steps sees it.
#[derive(Clone, Copy, Debug)]
pub struct Subscriber<'a> {
    /// Its name in the run.
    pub name: &'a str,
    /// The phases at which it is called.
    pub phases: PhaseSet,
    /// Its changes; none if it does not say.
    pub changes: Option<Changes>,
}

impl<'a> Subscriber<'a> {
    /// The answers of `callback`.
    pub fn of(callback: &'a dyn Callback) -> Subscriber<'a> {
        Subscriber {
            name: callback.name(),
            phases: callback.phases(),
            changes: callback.changes(),
        }
    }
}

/// The state of one callback in a checkpoint. Its serialized form is the identity alone.
#[derive(Default, Debug, PartialEq, Serialize, Deserialize)]
pub struct CallbackState {
    /// The bytes that the callback gave itself; none if it saves nothing.
    #[serde(skip)]
    pub bytes: Option<Vec<u8>>,
    /// How many random numbers it has drawn.
    #[serde(skip)]
    pub random_draws: u64,
    /// Tensors that the host keeps for it, by name; on the run's device when they are handed back.
    #[serde(skip)]
    pub tensors: Vec<(String, Tensor)>,
    /// Digest of the code that saved it, in hex; empty for native callbacks.
    #[serde(rename = "plugin_sha256")]
    pub sha256: String,
    /// The version of that code, as it calls itself.
    #[serde(default)]
    pub version: String,
    /// The version of the state, as that code counts them.
    #[serde(default)]
    pub state_version: u32,
}

/// A callback, its work and its cost, for the summary.
#[derive(Default, Clone)]
#[expect(
    missing_docs,
    reason = "each is shown under its own name in summary.json"
)]
pub struct CallbackReport {
    pub name: String,
    pub source: String,
    pub sha256: String,
    pub grants: Vec<String>,
    pub counters: Counters,
    pub live_handles: u64,
    pub peak_memory_bytes: u64,
    /// Its limits and how much of them was used; none for native callbacks, which have no limits.
    pub limits: Option<(Limits, Usage)>,
    /// Its failures, and how many more there were.
    pub failures: (Vec<Failure>, u64),
}

//! Callbacks as the trainer sees them, and the list that calls them. Owns order and the host-side filter
//! (`when`); what happens when a callback fails is `failure`'s. Knows nothing of plugins.

mod failure;

use std::sync::Arc;

use anyhow::Result;
use phasebox_contract::limits::{Limits, Usage};
use phasebox_contract::phase::{Phase, PhaseSet};
use phasebox_contract::policy::{LoopUnit, OnError, When};
use tch::Tensor;
use torch_ext::GradientMode;

pub use self::failure::Failure;
use self::failure::{Conduct, Verdict};
use crate::context::{Context, Lendable};
use crate::counters::Counters;

/// Something that is called at phases of training.
pub trait Callback {
    /// Unique within a run.
    fn name(&self) -> &str;

    /// The phases at which it wants to be called; asked once.
    fn phases(&self) -> PhaseSet;

    /// What it may change that recorded work depends on; none if it does not say, and then nothing is recorded of
    /// batches it is called in. Asked once; a callback that says must keep its word.
    fn changes(&self) -> Option<Changes> {
        None
    }

    /// One call. Gradients are recorded only where [`Phase::records_gradients`] says so.
    ///
    /// # Errors
    /// Its own; what happens then is the recipe's `on_error`.
    fn on_phase(&mut self, phase: Phase, context: &mut Lendable<Context>) -> Result<()>;

    /// Whether it can be called again after an error.
    fn is_usable(&self) -> bool {
        true
    }

    /// Begins anew with the newest state there is, after an error.
    ///
    /// # Errors
    /// If it cannot begin again.
    fn reload(&mut self) -> Result<()> {
        Ok(())
    }

    /// What a checkpoint should hold of it.
    ///
    /// # Errors
    /// If its state cannot be had.
    fn save_state(&mut self) -> Result<CallbackState> {
        Ok(CallbackState::default())
    }

    /// The reverse, before training goes on.
    ///
    /// # Errors
    /// If it cannot use what was saved.
    fn load_state(&mut self, _state: CallbackState) -> Result<()> {
        Ok(())
    }

    /// What it did, for the summary.
    fn report(&self) -> CallbackReport {
        CallbackReport {
            name: self.name().to_owned(),
            source: "native".to_owned(),
            ..CallbackReport::default()
        }
    }
}

/// What a callback may change of a batch in progress, beside gradients and learning rates: those are read anew by
/// every step. The default changes nothing.
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
    /// Hyper-parameters of the optimizer.
    pub optimizer: bool,
    /// It may leave out the rest of a batch or a step.
    pub skip: bool,
}

/// A callback as planning sees it.
#[derive(Clone, Copy, Debug)]
pub struct Subscriber<'a> {
    /// Its name in the run.
    pub name: &'a str,
    /// When it is called.
    pub phases: PhaseSet,
    /// What it may change; none if it does not say.
    pub changes: Option<Changes>,
}

impl<'a> Subscriber<'a> {
    /// What `callback` says of itself.
    pub fn of(callback: &'a dyn Callback) -> Subscriber<'a> {
        Subscriber {
            name: callback.name(),
            phases: callback.phases(),
            changes: callback.changes(),
        }
    }
}

/// The state of one callback in a checkpoint.
#[derive(Default, Debug)]
pub struct CallbackState {
    /// What it gave itself; none if it saves nothing.
    pub bytes: Option<Vec<u8>>,
    /// Random numbers it has drawn.
    pub random_draws: u64,
    /// Tensors the host keeps for it; on the run's device when they are handed back.
    pub tensors: Vec<(String, Tensor)>,
    /// Digest of the code that saved it; empty for native callbacks.
    pub sha256: String,
    /// That code's version, as it calls itself.
    pub version: String,
    /// The version of the state, as that code counts them.
    pub state_version: u32,
}

/// What one callback is and did.
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
    /// What it may use and used; none for native callbacks, which have no limits.
    pub limits: Option<(Limits, Usage)>,
    /// Its failures, and how many more there were.
    pub failures: (Vec<Failure>, u64),
}

/// Whether a call at `phase` is due.
fn is_due(when: When, phase: Phase, context: &Context) -> bool {
    if when.every <= 1 {
        return true;
    }
    let in_batch = context.batch_idx.is_some();
    match when.unit {
        LoopUnit::Step if in_batch && !is_evaluation(phase) => {
            context.global_step.is_multiple_of(when.every)
        }
        LoopUnit::Batch if in_batch => context.batch_idx.unwrap_or(0).is_multiple_of(when.every),
        LoopUnit::Epoch => context
            .epoch
            .is_none_or(|epoch| u64::from(epoch).is_multiple_of(when.every)),
        LoopUnit::Step | LoopUnit::Batch => true,
    }
}

fn is_evaluation(phase: Phase) -> bool {
    use Phase::{TestBatchEnd, TestBatchStart, ValidationBatchEnd, ValidationBatchStart};
    matches!(
        phase,
        ValidationBatchStart | ValidationBatchEnd | TestBatchStart | TestBatchEnd
    )
}

/// A callback in its place in a run.
struct Entry {
    callback: Box<dyn Callback>,
    name: Arc<str>,
    /// The name again, lent to the context for the length of a call.
    asks_as: Option<Arc<str>>,
    when: When,
    conduct: Conduct,
}

/// The callbacks of a run, in order.
#[derive(Default)]
pub struct Callbacks {
    entries: Vec<Entry>,
    /// Phases that anybody wants: the one branch an unwanted phase costs.
    wanted: PhaseSet,
    /// For each phase, who wants it.
    subscribers: [Vec<usize>; Phase::ALL.len()],
}

impl Callbacks {
    /// Adds a callback after those that are there.
    pub fn push(&mut self, callback: Box<dyn Callback>, when: When, on_error: OnError) {
        let index = self.entries.len();
        for phase in callback.phases().iter() {
            self.wanted.insert(phase);
            self.subscribers[phase as usize].push(index);
        }
        let name: Arc<str> = callback.name().into();
        let asks_as = Some(name.clone());
        self.entries.push(Entry {
            callback,
            name,
            asks_as,
            when,
            conduct: Conduct::new(on_error),
        });
    }

    /// Whether a callback of that name is there.
    pub fn contains(&self, name: &str) -> bool {
        self.entries.iter().any(|entry| &*entry.name == name)
    }

    /// Calls everybody who wants `phase`, in order.
    ///
    /// # Errors
    /// Of the first callback whose failure ends the run, naming callback and phase.
    #[inline]
    pub fn fire(&mut self, phase: Phase, context: &mut Lendable<Context>) -> Result<()> {
        if self.wanted.contains(phase) {
            self.dispatch(phase, context)
        } else {
            Ok(())
        }
    }

    fn dispatch(&mut self, phase: Phase, context: &mut Lendable<Context>) -> Result<()> {
        context.phase = phase;
        context.control.global_step = context.global_step;
        let _recording = GradientMode::set(phase.records_gradients());
        let answer = self.call_subscribers(phase, context);
        // One copy for all values that were asked for meanwhile.
        torch_ext::send_scalars()?;
        answer
    }

    fn call_subscribers(&mut self, phase: Phase, context: &mut Lendable<Context>) -> Result<()> {
        let mut first = Ok(());
        for &index in &self.subscribers[phase as usize] {
            let entry = &mut self.entries[index];
            if !entry.conduct.is_called() {
                entry.reload_if_due(context.global_step)?;
            }
            if !entry.conduct.is_called() || !is_due(entry.when, phase, context) {
                continue;
            }
            match entry.call(phase, context) {
                Ok(()) => {}
                Err(error) if !is_last_word(phase) => return Err(error),
                Err(error) => first = first.and(Err(error)),
            }
        }
        first
    }

    /// The state of every callback, in order. One that cannot save its state has failed, and is left out if its
    /// policy lets the run go on.
    ///
    /// # Errors
    /// Names the callback whose state cannot be had.
    pub fn save_states(&mut self, global_step: u64) -> Result<Vec<(String, CallbackState)>> {
        let mut states = Vec::new();
        for entry in &mut self.entries {
            if !entry.callback.is_usable() && !entry.conduct.is_away() {
                continue;
            }
            match entry.callback.save_state() {
                Ok(state) => states.push((entry.name.to_string(), state)),
                Err(error) => entry.failed("save-state", global_step, error)?,
            }
        }
        Ok(states)
    }

    /// Hands saved states back by name. States of callbacks that are no longer in the recipe are named
    /// in the answer, not refused: removing a callback is legal.
    ///
    /// # Errors
    /// Names the callback that cannot use its state.
    pub fn load_states(&mut self, states: Vec<(String, CallbackState)>) -> Result<Vec<String>> {
        let mut unused = Vec::new();
        for (name, state) in states {
            match self.entries.iter_mut().find(|entry| *entry.name == *name) {
                Some(entry) => entry.callback.load_state(state)?,
                None => unused.push(name),
            }
        }
        Ok(unused)
    }

    /// Who is called when, in order.
    pub fn subscribers(&self) -> Vec<Subscriber<'_>> {
        self.entries
            .iter()
            .map(|entry| Subscriber::of(entry.callback.as_ref()))
            .collect()
    }

    /// What each did, in order.
    pub fn reports(&self) -> Vec<CallbackReport> {
        let report = |entry: &Entry| CallbackReport {
            failures: entry.conduct.failures(),
            ..entry.callback.report()
        };
        self.entries.iter().map(report).collect()
    }
}

/// Everybody is called at these, also after one has failed.
fn is_last_word(phase: Phase) -> bool {
    matches!(phase, Phase::Exception | Phase::TrainingEnd)
}

impl Entry {
    fn call(&mut self, phase: Phase, context: &mut Lendable<Context>) -> Result<()> {
        std::mem::swap(&mut context.control.asking, &mut self.asks_as);
        let answer = self.callback.on_phase(phase, context);
        std::mem::swap(&mut context.control.asking, &mut self.asks_as);
        let dropped = context.control.end_call(answer.is_ok());
        if std::mem::take(&mut context.control.disable_self) {
            self.conduct.leave();
        }
        answer.or_else(|error| {
            let error = if dropped.is_empty() {
                error
            } else {
                error.context(format!(
                    "what it asked for in this call ({}) is dropped",
                    dropped.join(", ")
                ))
            };
            self.failed(phase.name(), context.global_step, error)
        })
    }

    fn failed(&mut self, phase: &str, global_step: u64, error: anyhow::Error) -> Result<()> {
        let message = format!("{error:#}");
        let usable = self.callback.is_usable();
        let (verdict, done) = self.conduct.judge(phase, message, global_step, usable);
        let error = error.context(format!("callback `{}` failed at {phase}", self.name));
        match verdict {
            Verdict::Abort => Err(error),
            Verdict::GoOn => {
                tracing::warn!("{error:#}; {done}");
                Ok(())
            }
        }
    }

    fn reload_if_due(&mut self, global_step: u64) -> Result<()> {
        if !self.conduct.is_due(global_step) {
            return Ok(());
        }
        match self.callback.reload() {
            Ok(()) => {
                tracing::info!("callback `{}` is loaded again", self.name);
                self.conduct.come_back(global_step);
                Ok(())
            }
            Err(error) => self.failed("reload", global_step, error),
        }
    }
}

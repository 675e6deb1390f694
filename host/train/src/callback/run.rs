//! The callbacks of a run: who is called at which phase, and in which order. Owns the filter (`when`) that the host
//! applies, and passes failures to each callback's [`FailurePolicy`].

use std::sync::Arc;

use anyhow::Result;
use phasebox_contract::phase::{Phase, PhaseSet};
use phasebox_contract::policy::{LoopUnit, OnError, When};
use torch_ext::GradientMode;

use super::failure::{CallbackFailed, FailurePolicy, Verdict};
use super::{Callback, CallbackReport, Subscriber};
use crate::checkpoint::SavedCallback;
use crate::context::{Context, Lendable};

/// The target of messages that are thinned already: who shows them needs not count their repetitions.
pub const COUNTED: &str = "phasebox::counted";

/// A callback of the run, with what the recipe says about its calls.
struct Entry {
    callback: Box<dyn Callback>,
    name: Arc<str>,
    /// The name again, lent to the context for the length of a call: no reference count on the way.
    caller_name: Option<Arc<str>>,
    when: When,
    on_failure: FailurePolicy,
}

/// The callbacks of a run, in order.
#[derive(Default)]
pub struct Callbacks {
    entries: Vec<Entry>,
    /// Phases that any callback wants: a phase that none wants costs one branch.
    wanted: PhaseSet,
    /// For each phase, the indices of the callbacks that want it.
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
        let caller_name = Some(name.clone());
        self.entries.push(Entry {
            callback,
            name,
            caller_name,
            when,
            on_failure: FailurePolicy::new(on_error),
        });
    }

    /// True if a callback is called at `phase`.
    pub(crate) fn wants(&self, phase: Phase) -> bool {
        self.wanted.contains(phase)
    }

    /// Calls every callback that wants `phase`, in order.
    ///
    /// # Errors
    /// The error of the first callback whose failure ends the run, naming callback and phase.
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
        // One copy for all values that callbacks have asked for.
        torch_ext::send_scalars()?;
        answer
    }

    fn call_subscribers(&mut self, phase: Phase, context: &mut Lendable<Context>) -> Result<()> {
        let mut first = Ok(());
        for &index in &self.subscribers[phase as usize] {
            let entry = &mut self.entries[index];
            if !entry.on_failure.is_active() {
                entry.reload_if_due(context.global_step)?;
            }
            if !entry.on_failure.is_active() || !is_due(entry.when, phase, context) {
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

    /// The state of every callback, in order. A callback that cannot save its state has failed; it is left out if its
    /// policy lets the run go on. One that has ended the run gives the state that it saved last.
    ///
    /// # Errors
    /// Names the callback that cannot save its state.
    pub(crate) fn save_states(&mut self, global_step: u64) -> Result<Vec<SavedCallback>> {
        let mut states = Vec::new();
        for entry in &mut self.entries {
            let is_left_out = !entry.callback.is_usable() && entry.on_failure.is_left_out();
            if is_left_out || !entry.callback.is_saved() {
                continue;
            }
            match entry.callback.save_state() {
                Ok(state) => states.push(SavedCallback {
                    name: entry.name.to_string(),
                    state,
                }),
                Err(error) => entry.failed("save-state", global_step, error)?,
            }
        }
        Ok(states)
    }

    /// Shows all saved states to every callback, then hands them back by name. Answers the names of callbacks that are no longer in the recipe: removing one is
    /// legal.
    ///
    /// # Errors
    /// Names the callback that cannot use its state.
    pub(crate) fn load_states(&mut self, states: Vec<SavedCallback>) -> Result<Vec<String>> {
        for entry in &mut self.entries {
            entry.callback.on_resume(&states);
        }
        let mut unused = Vec::new();
        for SavedCallback { name, state } in states {
            match self.entries.iter_mut().find(|entry| *entry.name == *name) {
                Some(entry) => entry.callback.load_state(state)?,
                None => unused.push(name),
            }
        }
        Ok(unused)
    }

    /// The callbacks as planning sees them, in order.
    pub(crate) fn subscribers(&self) -> Vec<Subscriber<'_>> {
        self.entries
            .iter()
            .map(|entry| Subscriber::of(entry.callback.as_ref()))
            .collect()
    }

    /// The report of each callback, in order.
    pub(crate) fn reports(&self) -> Vec<CallbackReport> {
        self.entries.iter().map(Entry::report).collect()
    }
}

/// True if a call at `phase` is due.
fn is_due(when: When, phase: Phase, context: &Context) -> bool {
    if when.every <= 1 {
        return true;
    }
    let counted = match when.unit {
        LoopUnit::Step if phase.is_in_evaluation_batch() => None,
        LoopUnit::Step => context.batch_idx.map(|_| context.global_step),
        LoopUnit::Batch => context.batch_idx,
        LoopUnit::Epoch => context.epoch.map(u64::from),
    };
    counted.is_none_or(|count| count.is_multiple_of(when.every))
}

/// At these phases every callback is called, also after one has failed.
fn is_last_word(phase: Phase) -> bool {
    matches!(phase, Phase::Exception | Phase::TrainingEnd)
}

impl Entry {
    fn call(&mut self, phase: Phase, context: &mut Lendable<Context>) -> Result<()> {
        std::mem::swap(&mut context.control.caller, &mut self.caller_name);
        let answer = self.callback.on_phase(phase, context);
        std::mem::swap(&mut context.control.caller, &mut self.caller_name);
        if answer.is_ok() && !context.control.has_requests() {
            return Ok(());
        }
        self.settle(answer, phase, context)
    }

    /// Ends a call that failed or made requests: most calls do neither, and must not pay for it.
    #[cold]
    fn settle(
        &mut self,
        answer: Result<()>,
        phase: Phase,
        context: &mut Lendable<Context>,
    ) -> Result<()> {
        let dropped = context.control.end_call(answer.is_ok());
        if std::mem::take(&mut context.control.disable_self) {
            self.on_failure.disable();
        }
        answer.or_else(|error| {
            let error = with_dropped(error, &dropped);
            self.failed(phase.name(), context.global_step, error)
        })
    }

    fn failed(&mut self, phase: &str, global_step: u64, error: anyhow::Error) -> Result<()> {
        let message = format!("{error:#}");
        let usable = self.callback.is_usable();
        let (verdict, done) = self.on_failure.decide(phase, message, global_step, usable);
        let error = error.context(CallbackFailed {
            name: self.name.to_string(),
            phase: phase.to_owned(),
        });
        match verdict {
            Verdict::Abort => Err(error),
            Verdict::GoOn => {
                self.tell(&format!("{error:#}; {done}"));
                Ok(())
            }
        }
    }

    /// Tells people of a failure, or leaves it to the run's summary.
    fn tell(&self, failure: &str) {
        let count = self.on_failure.count();
        match count {
            _ if !self.on_failure.is_told() => {}
            0..=3 => tracing::warn!(target: COUNTED, "{failure}"),
            _ => tracing::warn!(target: COUNTED, "{failure} (failure {count} of this callback)"),
        }
    }

    #[cold]
    fn reload_if_due(&mut self, global_step: u64) -> Result<()> {
        if !self.on_failure.is_due(global_step) {
            return Ok(());
        }
        match self.callback.reload() {
            Ok(()) => {
                tracing::info!("callback `{}` is loaded again", self.name);
                self.on_failure.resume(global_step);
                Ok(())
            }
            Err(error) => self.failed("reload", global_step, error),
        }
    }

    fn report(&self) -> CallbackReport {
        CallbackReport {
            failures: self.on_failure.failures(),
            ..self.callback.report()
        }
    }
}

/// The error of a call whose requests are dropped with it.
fn with_dropped(error: anyhow::Error, dropped: &[String]) -> anyhow::Error {
    if dropped.is_empty() {
        return error;
    }
    let dropped = dropped.join(", ");
    error.context(format!(
        "what it asked for in this call ({dropped}) is dropped"
    ))
}

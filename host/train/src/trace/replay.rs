//! Callbacks fed with a trace: the same phases with what they could read there, and no training between them. Whatever they
//! change or ask for is noted and not obeyed.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use phasebox_contract::phase::Phase;
use torch_ext::GradientMode;

use super::apply::Position;
use super::asked::{Asked, Before, May, place};
use super::capture::LOSS_ITEMS;
use super::part::{Part, Parts};
use super::reader::TraceFile;
use crate::callback::Callbacks;
use crate::context::{Context, Lendable};
use crate::interrupt::Interrupt;
use crate::split::Split;
use crate::trainer::CallbackSummary;

/// Callbacks, and the trace to feed them with.
pub struct Replay {
    context: Lendable<Context>,
    callbacks: Callbacks,
    trace: TraceFile,
    position: Position,
    may: May,
    asked: Asked,
    calls: u64,
}

/// A replay, looked back upon.
pub struct Replayed {
    /// The callbacks, their work and their cost.
    pub callbacks: Vec<CallbackSummary>,
    /// Requests and changes of theirs, a line each.
    pub asked: Vec<String>,
    /// Phases of the trace at which somebody was called.
    pub phases: u64,
    /// The time from the first phase to the last.
    pub time: Duration,
    /// The failure that ended the replay, if one did.
    pub failure: Option<anyhow::Error>,
    /// Optimizer steps done at the last phase.
    pub last_step: u64,
    /// A signal ended the replay.
    pub is_interrupted: bool,
}

impl Replay {
    /// Makes ready: opens the log of the context, and hands the callbacks the states that the trace has of them.
    ///
    /// # Errors
    /// A log that cannot be written, and a state that its callback does not take.
    pub fn new(mut context: Context, mut callbacks: Callbacks, trace: TraceFile) -> Result<Replay> {
        context.logger.open(None)?;
        context.untraced = Some(Parts::default());
        let (mut states, mut grants) = (Vec::new(), Vec::new());
        for report in callbacks.reports() {
            states.extend(trace.state_of(&report.name)?);
            grants.extend(report.grants);
        }
        callbacks.load_states(states)?;
        Ok(Replay {
            context: Lendable::new(context),
            callbacks,
            trace,
            position: Position::default(),
            may: May::of(&grants),
            asked: Asked::default(),
            calls: 0,
        })
    }

    /// Calls the callbacks at each phase of the trace, in order.
    ///
    /// # Errors
    /// A line of the trace that makes no sense, and a log that cannot be written. A callback's failure is no error of the
    /// replay.
    pub fn run(mut self, interrupt: &Interrupt) -> Result<Replayed> {
        let begun = Instant::now();
        let _unrecorded = GradientMode::set(false);
        let mut failure = None;
        for index in 0..self.trace.len() {
            if interrupt.is_set() {
                break;
            }
            self.advance(index)
                .with_context(|| self.trace.place_of(index))?;
            failure = self.call(index)?;
            if failure.is_some() {
                break;
            }
            self.end(index)?;
        }
        self.context.logger.flush()?;
        Ok(Replayed {
            time: begun.elapsed(),
            callbacks: self
                .callbacks
                .reports()
                .into_iter()
                .map(CallbackSummary::from)
                .collect(),
            asked: self.asked.into_lines(),
            phases: self.calls,
            failure,
            last_step: self.context.global_step,
            is_interrupted: interrupt.is_set(),
        })
    }

    /// Goes on to a line, and does what the trainer does before its phase.
    fn advance(&mut self, index: usize) -> Result<()> {
        let context = &mut *self.context;
        self.position.advance(context, &self.trace, index)?;
        match context.phase {
            Phase::EpochStart => context.running_metrics.train.reset(),
            Phase::ValidationBatchEnd | Phase::TestBatchEnd => self.add_loss(index),
            _ => Ok(()),
        }
    }

    /// Calls the callbacks that want the phase. Answers the failure that would have ended the run.
    fn call(&mut self, index: usize) -> Result<Option<anyhow::Error>> {
        let (phase, _) = self.trace.events[index];
        if !self.callbacks.wants(phase) {
            return Ok(None);
        }
        self.calls += 1;
        let keeps = self.trace.keeps();
        self.position
            .apply_tensors(&mut self.context, &self.trace, phase)
            .with_context(|| self.trace.place_of(index))?;
        let before = Before::of(&self.may, keeps, &self.context)?;
        let answer = self.callbacks.fire(phase, &mut self.context);
        let context = &mut *self.context;
        self.asked.take_requests(context)?;
        let changed = before.compare(&self.may, &self.position, context, &mut self.asked)?;
        self.position.forget(changed);
        let place = place(context);
        Ok(answer.err().map(|error| error.context(place)))
    }

    /// Does what the trainer does after the phase.
    fn end(&mut self, index: usize) -> Result<()> {
        let context = &mut *self.context;
        match context.phase {
            Phase::TrainBatchLossEnd => self.add_loss(index),
            Phase::TrainBatchEnd => context.logger.flush_arrived(),
            Phase::ValidationLoaderStart | Phase::AverageBestModelsValidationStart => {
                context.running_metrics[Split::Validation].reset()
            }
            Phase::TestLoaderStart => context.running_metrics[Split::Test].reset(),
            _ => Ok(()),
        }
    }

    /// Adds the loss of the batch to the mean of its split.
    fn add_loss(&mut self, index: usize) -> Result<()> {
        let (_, event) = &self.trace.events[index];
        let new = event.new.iter().flat_map(|new| &new.tensors);
        let mut losses = new.filter(|tensor| tensor.of == Part::Loss);
        let Some(items) = losses.find(|tensor| tensor.stored.name == LOSS_ITEMS) else {
            return Ok(());
        };
        let items = self.trace.tensor(&items.stored)?;
        let context = &mut *self.context;
        let size = i64::try_from(context.batch_size).unwrap_or(i64::MAX);
        context.running_metrics[context.split].update_loss(&items, size)
    }
}

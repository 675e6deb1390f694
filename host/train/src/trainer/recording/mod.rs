//! Recorded steps: which batches are recorded, and what of a batch is replayed instead of done eagerly. Owns the
//! recordings by kind of batch, and the fall-backs, each with its reason. A step is divided by `plan`, recordings are
//! checked by `rehearsal`, and a [`Recorder`] makes them.
//!
//! A recording reads its batch from tensors of its own. It holds for one shape of batch and one place in an
//! accumulation, and as long as nothing was changed that is frozen into it: hyperparameters, the criterion, which
//! parameters learn. Learning rates are not frozen. Everything else is done eagerly, operation by operation, by the
//! calls that are recorded.

mod batch_kind;
mod plan;
mod recorded_batch;
mod recorder;
mod rehearsal;

use anyhow::{Context as _, Result, anyhow};
use phasebox_nn::optim::RECORDED_BYTES;
use serde::{Deserialize, Serialize};

use self::batch_kind::{BatchKind, Frozen};
pub use self::plan::{RecordingPlan, StepFacts};
use self::recorded_batch::{BatchTensors, RecordedBatch};
pub use self::recorder::{Recorder, Recording, StepOps};
use self::rehearsal::{Rehearsal, StateCopy};
use super::Settings;
use super::step_op::{self, StepOp};
use super::to_device::Landing;
use crate::callback::Subscriber;
use crate::context::Context;

/// Batches of a kind that are done eagerly first: state and gradients then exist, and libtorch has chosen its kernels.
const WARM_UP_BATCHES: u32 = 3;
/// Kinds of batches that are told apart; batches of other kinds are done eagerly.
const MAX_KINDS: usize = 8;
/// Recordings of one run: a callback that changes hyperparameters more often is faster without.
const MAX_RECORDINGS: u64 = 32;

/// The recordings of a run, for its summary.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(default)]
pub struct RecordedSteps {
    /// The segments of a step, if one was to be recorded.
    pub segments: Vec<String>,
    /// Why nothing, or no more, was recorded.
    pub not_recorded: Vec<String>,
    /// How often a step was recorded.
    pub recordings: u64,
    /// Training batches that were replayed.
    pub replayed_batches: u64,
    /// Training batches that were not.
    pub eager_batches: u64,
}

/// The recordings of a run.
#[derive(Default)]
pub(super) struct Recordings {
    plan: RecordingPlan,
    /// Without one, everything is done eagerly.
    recorder: Option<Box<dyn Recorder>>,
    kinds: Vec<(BatchKind, Stage)>,
    /// The state that the recordings of `kinds` were made with.
    frozen: Frozen,
    /// The kind whose recording replays the batch in progress.
    current: Option<usize>,
    report: RecordedSteps,
}

enum Stage {
    /// So many batches were done eagerly.
    WarmingUp(u32),
    Recorded(RecordedBatch),
}

impl Recordings {
    /// Records with `recorder` in place of the device's own.
    pub(super) fn record_with(&mut self, recorder: Box<dyn Recorder>) {
        self.recorder = Some(recorder);
    }

    /// Plans before training, and readies the recorder if there is something to record.
    pub(super) fn prepare(
        &mut self,
        subscribers: &[Subscriber<'_>],
        context: &mut Context,
        settings: &Settings,
    ) {
        let plan = RecordingPlan::new(subscribers, settings.facts(context.net.architecture()));
        context.accumulation.only_passes_add = plan.renews_gradients();
        let given = self.recorder.take();
        self.report.not_recorded = plan.obstacles().to_vec();
        if !plan.obstacles().is_empty() {
            return;
        }
        if context.optimizer.frees_gradients() {
            let limit = RECORDED_BYTES >> 20;
            let reason = format!("the parameters take more than {limit} MiB");
            self.report.not_recorded.push(reason);
            return;
        }
        self.report.segments = plan.describe();
        self.plan = plan;
        let mut recorder = given.unwrap_or_else(|| recorder::of(context.device));
        match recorder.prepare(context) {
            Ok(()) => self.recorder = Some(recorder),
            Err(error) => self.give_up(&error),
        }
    }

    /// Decides before the first operation of a batch whether it is replayed, and records it when it is time to.
    ///
    /// # Errors
    /// Only if the state that a rehearsal has changed cannot be put back.
    pub(super) fn begin_batch(&mut self, context: &mut Context, settings: &Settings) -> Result<()> {
        self.current = None;
        if self.recorder.is_some() && !context.control.skip_backward && !context.control.skip_step {
            self.current = self.recorded(context, settings)?;
        }
        match self.current {
            Some(_) => self.report.replayed_batches += 1,
            None => self.report.eager_batches += 1,
        }
        Ok(())
    }

    /// Does an operation, or replays the segment that it begins. The others of a segment have been replayed with its
    /// first.
    pub(super) fn perform(
        &mut self,
        op: StepOp,
        context: &mut Context,
        settings: &Settings,
    ) -> Result<()> {
        context.optimizer.upload_learning_rates()?;
        // Once gradients exist, the rest can be done eagerly, with what a callback has changed.
        if op > StepOp::Backward && self.frozen != Frozen::of(context) {
            self.current = None;
        }
        match self.current_batch() {
            Some(batch) => batch.replay(op, context, settings),
            None => step_op::perform(op, context, settings),
        }
    }

    /// The rest of the batch, if there is any, is done eagerly.
    pub(super) fn leave_batch(&mut self) {
        self.current = None;
    }

    /// The memory that the batch before was replayed from. The next one most likely is, too.
    pub(super) fn landing(&self) -> Option<Landing<'_>> {
        match self.kinds.get(self.current?) {
            Some((_, Stage::Recorded(batch))) => Some(batch.landing()),
            _ => None,
        }
    }

    pub(super) fn report(&self) -> RecordedSteps {
        self.report.clone()
    }

    fn current_batch(&mut self) -> Option<&mut RecordedBatch> {
        match self.kinds.get_mut(self.current?) {
            Some((_, Stage::Recorded(batch))) => Some(batch),
            _ => None,
        }
    }

    /// The index of the recording that the batch in the context can be replayed from. It holds that batch.
    fn recorded(&mut self, context: &mut Context, settings: &Settings) -> Result<Option<usize>> {
        let frozen = Frozen::of(context);
        if frozen != self.frozen {
            self.kinds.clear();
            self.frozen = frozen;
        }
        let Some(index) = self.kind_of(context) else {
            return Ok(None);
        };
        if let Stage::WarmingUp(seen) = &mut self.kinds[index].1 {
            *seen += 1;
            if *seen <= WARM_UP_BATCHES {
                return Ok(None);
            }
            let Some(batch) = self.record(index, context, settings)? else {
                return Ok(None);
            };
            self.kinds[index].1 = Stage::Recorded(batch);
        }
        if let Stage::Recorded(batch) = &self.kinds[index].1 {
            batch.take_in(context)?;
        }
        Ok(Some(index))
    }

    fn kind_of(&mut self, context: &Context) -> Option<usize> {
        let kind = BatchKind::of(context)?;
        let known = self.kinds.iter().position(|(known, _)| *known == kind);
        if known.is_none() && self.kinds.len() < MAX_KINDS {
            self.kinds.push((kind, Stage::WarmingUp(0)));
            return Some(self.kinds.len() - 1);
        }
        known
    }

    /// Records and rehearses. After a difference or an error the state is as before, and nothing is recorded any more.
    fn record(
        &mut self,
        index: usize,
        context: &mut Context,
        settings: &Settings,
    ) -> Result<Option<RecordedBatch>> {
        if self.report.recordings >= MAX_RECORDINGS {
            self.give_up(&anyhow!(
                "what is frozen into a recording changed more than {MAX_RECORDINGS} times"
            ));
            return Ok(None);
        }
        self.report.recordings += 1;
        let segments = self.plan.of_batch(self.kinds[index].0.completes_step);
        let Some(recorder) = &mut self.recorder else {
            return Ok(None);
        };
        let rehearsal = Rehearsal {
            start: StateCopy::of(context)?,
            batch: BatchTensors::of(context),
        };
        let rehearsed = rehearsal.record(segments, recorder.as_mut(), context, settings);
        rehearsal
            .reset(context)
            .context("the state before a rehearsal cannot be put back")?;
        Ok(rehearsed.map_err(|error| self.give_up(&error)).ok())
    }

    /// Records no more. Only a reason that nobody would expect is worth a warning.
    fn give_up(&mut self, error: &anyhow::Error) {
        if let Some(torch_ext::Error::TapeFull { .. }) = error.downcast_ref() {
            tracing::debug!("steps are not recorded: {error:#}");
        } else {
            tracing::warn!(
                "steps are not repeated from recordings: {error:#}; training goes on without"
            );
        }
        self.report.not_recorded.push(format!("{error:#}"));
        self.kinds.clear();
        self.recorder = None;
    }
}

impl Settings {
    /// The facts about these settings that decide how steps of a network of this architecture are recorded.
    pub fn facts<'a>(&self, architecture: &'a str) -> StepFacts<'a> {
        StepFacts {
            enabled: self.record_steps,
            architecture,
            nan_policy: self.nan_policy,
            clips: self.clip_grad_norm.is_some(),
        }
    }
}

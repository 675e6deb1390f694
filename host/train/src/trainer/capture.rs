//! Recorded steps: which batches are recorded, and what of a batch is repeated instead of done. Owns the recordings,
//! by what they were made for, and the fall-backs, each with its reason; how a step is divided is `segments`', whether
//! a recording is right `rehearsal` finds out, and how anything is recorded is a [`Recorder`]'s.
//!
//! A recording reads its batch from tensors of its own and is valid for one shape of batch, one place in an
//! accumulation, and as long as nothing was changed that is frozen into it: hyper-parameters, the criterion, which
//! parameters learn. Learning rates are not. Everything else is done eagerly, work by work, by the same calls.

use anyhow::{Context as _, Result, anyhow};
use serde::{Deserialize, Serialize};
use tch::{Kind, Tensor, no_grad};

use super::Settings;
use super::recorder::{self, Recorder, Recording};
use super::rehearsal::Moment;
use super::segments::{Facts, Plan};
use super::work::{self, Work};
use crate::callback::Subscriber;
use crate::context::Context;

/// Batches of a kind that are done eagerly first: state and gradients then exist, and libtorch has chosen its kernels.
const WARM_UP_BATCHES: u32 = 3;
/// Kinds of batches that are told apart; others are done eagerly.
const MAX_KINDS: usize = 8;
/// Recordings of one run: who changes hyper-parameters more often is faster without.
const MAX_RECORDINGS: u64 = 32;

/// What was recorded in a run, for its summary.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(default)]
pub struct RecordedSteps {
    /// The segments of a step, if one was to be recorded.
    pub segments: Vec<String>,
    /// Why nothing, or no more, was recorded.
    pub not_recorded: Vec<String>,
    /// How often a step was recorded.
    pub recordings: u64,
    /// Training batches that were repeated from recordings.
    pub replayed_batches: u64,
    /// Those that were not.
    pub eager_batches: u64,
}

/// The recordings of a run.
#[derive(Default)]
pub(super) struct Captures {
    plan: Plan,
    /// None: everything is done eagerly.
    recorder: Option<Box<dyn Recorder>>,
    kinds: Vec<(BatchKind, Stage)>,
    version: Version,
    /// The kind whose recording the batch in progress is repeated from.
    current: Option<usize>,
    report: RecordedSteps,
}

/// All that a recording is made for.
#[derive(PartialEq, Eq, Clone, Debug)]
struct BatchKind {
    inputs: Layout,
    target: Layout,
    /// Batches that make the step.
    group: u64,
    completes_step: bool,
}

type Layout = (Vec<i64>, Kind);

/// What is frozen into recordings, as numbers that differ after a change.
type Version = [u64; 3];

enum Stage {
    WarmingUp(u32),
    Recorded(Capture),
}

/// A recorded batch.
struct Capture {
    inputs: Tensor,
    target: Tensor,
    segments: Vec<Segment>,
}

struct Segment {
    works: Vec<Work>,
    /// What the works leave in the context, written by each replay.
    outputs: Outputs,
    recording: Box<dyn Recording>,
}

/// What a recording is made in place of.
struct Batch {
    inputs: Option<Tensor>,
    target: Option<Tensor>,
}

#[derive(Default)]
struct Outputs {
    preds: Option<Tensor>,
    loss: Option<Tensor>,
    loss_log_items: Option<Tensor>,
}

impl Captures {
    /// Records with `recorder` in place of the device's own.
    pub(super) fn record_with(&mut self, recorder: Box<dyn Recorder>) {
        self.recorder = Some(recorder);
    }

    /// Before training: plans, and readies the recorder if there is something to record.
    pub(super) fn prepare(
        &mut self,
        subscribers: &[Subscriber<'_>],
        context: &mut Context,
        settings: &Settings,
    ) {
        let plan = Plan::new(subscribers, settings.facts(context));
        let given = self.recorder.take();
        self.report.not_recorded = plan.obstacles().to_vec();
        if self.report.not_recorded.is_empty() {
            self.report.segments = plan.describe();
            self.plan = plan;
            let mut recorder = given.unwrap_or_else(|| recorder::of(context.device));
            match recorder.prepare(context) {
                Ok(()) => self.recorder = Some(recorder),
                Err(error) => self.give_up(&error),
            }
        }
    }

    /// Before the first work of a batch: decides whether it is repeated, and records it when it is time to.
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

    /// Does a work, or repeats the segment that it begins. The others of a segment have been done with its first.
    pub(super) fn run(
        &mut self,
        work: Work,
        context: &mut Context,
        settings: &Settings,
    ) -> Result<()> {
        context.optimizer.upload_learning_rates()?;
        // Once gradients exist, what comes can also be done as it now is to be.
        if work > Work::Backward && self.version != version(context) {
            self.current = None;
        }
        let capture = self
            .current
            .and_then(|index| match self.kinds.get_mut(index) {
                Some((_, Stage::Recorded(capture))) => Some(capture),
                _ => None,
            });
        match capture {
            Some(capture) => capture.repeat(work, context, settings),
            None => work::perform(work, context, settings),
        }
    }

    /// What is left of the batch is done eagerly, if it is done.
    pub(super) fn leave_batch(&mut self) {
        self.current = None;
    }

    pub(super) fn report(&self) -> RecordedSteps {
        self.report.clone()
    }

    /// The recording for the batch in the context, holding that batch.
    fn recorded(&mut self, context: &mut Context, settings: &Settings) -> Result<Option<usize>> {
        let version = version(context);
        if version != self.version {
            self.kinds.clear();
            self.version = version;
        }
        let Some(index) = self.kind_of(context) else {
            return Ok(None);
        };
        if let Stage::WarmingUp(seen) = &mut self.kinds[index].1 {
            *seen += 1;
            if *seen <= WARM_UP_BATCHES {
                return Ok(None);
            }
            let Some(capture) = self.record(index, context, settings)? else {
                return Ok(None);
            };
            self.kinds[index].1 = Stage::Recorded(capture);
        }
        if let Stage::Recorded(capture) = &self.kinds[index].1 {
            capture.take_in(context)?;
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

    /// Records and rehearses; on any difference or error everything is as before, and nothing is recorded any more.
    fn record(
        &mut self,
        index: usize,
        context: &mut Context,
        settings: &Settings,
    ) -> Result<Option<Capture>> {
        if self.report.recordings >= MAX_RECORDINGS {
            self.give_up(&anyhow!(
                "what is frozen into a recording changed more than {MAX_RECORDINGS} times"
            ));
            return Ok(None);
        }
        self.report.recordings += 1;
        let works = self.plan.of_batch(self.kinds[index].0.completes_step);
        let Some(recorder) = &mut self.recorder else {
            return Ok(None);
        };
        let start = Moment::of(context)?;
        let batch = Batch::of(context);
        let rehearsed = rehearsed(works, recorder.as_mut(), &batch, &start, context, settings);
        batch.put_into(context);
        forget_outputs(context);
        start
            .restore(context)
            .context("the state before a rehearsal cannot be put back")?;
        match rehearsed {
            Ok(capture) => Ok(Some(capture)),
            Err(error) => {
                self.give_up(&error);
                Ok(None)
            }
        }
    }

    /// Only what nobody would expect is worth a warning.
    fn give_up(&mut self, error: &anyhow::Error) {
        match error.downcast_ref() {
            Some(torch_ext::Error::TapeFull { .. }) => {
                tracing::debug!("steps are not recorded: {error:#}")
            }
            _ => {
                tracing::warn!(
                    "steps are not repeated from recordings: {error:#}; training goes on without"
                )
            }
        }
        self.report.not_recorded.push(format!("{error:#}"));
        self.kinds.clear();
        self.recorder = None;
    }
}

/// A recording of the batch in the context that does what eager work does. Leaves the context changed.
///
/// It is recorded with a batch of other numbers: whatever a recorder froze into it that it should have read then shows.
fn rehearsed(
    segments: Vec<Vec<Work>>,
    recorder: &mut dyn Recorder,
    batch: &Batch,
    start: &Moment,
    context: &mut Context,
    settings: &Settings,
) -> Result<Capture> {
    let works = segments.concat();
    let mut capture = Capture::record(segments, recorder, context, settings)?;
    batch.put_into(context);
    forget_outputs(context);
    start.restore(context)?;
    perform_all(&works, context, settings)?;
    let eager = outcome(context)?;
    forget_outputs(context);
    start.restore(context)?;
    capture.take_in(context)?;
    works
        .into_iter()
        .try_for_each(|work| capture.repeat(work, context, settings))?;
    match outcome(context)?.differs_from(&eager, start)? {
        None => Ok(capture),
        Some(difference) => Err(anyhow!("in a rehearsal {difference}")),
    }
}

/// All state, and the loss.
fn outcome(context: &Context) -> Result<Moment> {
    let mut moment = Moment::of(context)?;
    moment.add(
        "the loss",
        context.loss.as_ref().context("the batch has no loss")?,
    )?;
    Ok(moment)
}

/// So that nothing recorded can depend on what an earlier pass has left.
fn forget_outputs(context: &mut Context) {
    (context.preds, context.loss, context.loss_log_items) = (None, None, None);
}

fn version(context: &Context) -> Version {
    [
        context.net.version(),
        context.optimizer.version(),
        context.criterion.version(),
    ]
}

impl Settings {
    fn facts<'a>(&self, context: &'a Context) -> Facts<'a> {
        Facts {
            enabled: self.record_steps,
            architecture: context.net.architecture(),
            nan_policy: self.nan_policy,
            clips: self.clip_grad_norm.is_some(),
        }
    }
}

impl BatchKind {
    /// None without a whole batch.
    fn of(context: &Context) -> Option<BatchKind> {
        let layout = |tensor: &Tensor| (tensor.size(), tensor.kind());
        Some(BatchKind {
            inputs: layout(context.inputs.as_ref()?),
            target: layout(context.target.as_ref()?),
            group: work::group_size(context),
            completes_step: context.is_accumulation_boundary,
        })
    }
}

impl Capture {
    fn record(
        segments: Vec<Vec<Work>>,
        recorder: &mut dyn Recorder,
        context: &mut Context,
        settings: &Settings,
    ) -> Result<Capture> {
        let own = |tensor: &Option<Tensor>| -> Result<Tensor> {
            let tensor = tensor
                .as_ref()
                .context("the batch is incomplete")?
                .f_detach()?;
            Ok(tensor.f_empty_like()?)
        };
        let mut capture = Capture {
            inputs: own(&context.inputs)?,
            target: own(&context.target)?,
            segments: Vec::new(),
        };
        capture.take_in(context)?;
        no_grad(|| capture.inputs.f_copy_(&capture.inputs.f_flip([0])?))?;
        for works in segments {
            let mut all = |context: &mut Context| perform_all(&works, context, settings);
            let recording = recorder.record(context, &mut all)?;
            capture.segments.push(Segment {
                works,
                outputs: Outputs::of(context),
                recording,
            });
        }
        Ok(capture)
    }

    /// The batch in the context into the tensors that replays read, and these into the context.
    fn take_in(&self, context: &mut Context) -> Result<()> {
        for (own, place) in [
            (&self.inputs, &mut context.inputs),
            (&self.target, &mut context.target),
        ] {
            let given = place.as_ref().context("the batch is incomplete")?;
            if !is_same(own, given) {
                // A part of an earlier batch, which lay here, would be read while it is written.
                let apart = if torch_ext::shares_storage(own, given) {
                    torch_ext::owned_copy(given)?
                } else {
                    given.shallow_clone()
                };
                no_grad(|| own.shallow_clone().f_copy_(&apart))?;
            }
            *place = Some(own.shallow_clone());
        }
        Ok(())
    }

    fn repeat(&mut self, work: Work, context: &mut Context, settings: &Settings) -> Result<()> {
        let mut begun = self
            .segments
            .iter_mut()
            .filter(|segment| segment.works.first() == Some(&work));
        let Some(segment) = begun.next() else {
            return Ok(());
        };
        let works = &segment.works;
        let mut again = |context: &mut Context| perform_all(works, context, settings);
        segment.recording.replay(context, &mut again)?;
        segment.outputs.put_into(context);
        Ok(())
    }
}

fn perform_all(works: &[Work], context: &mut Context, settings: &Settings) -> Result<()> {
    works
        .iter()
        .try_for_each(|work| work::perform(*work, context, settings))
}

impl Batch {
    fn of(context: &Context) -> Batch {
        Batch {
            inputs: handle(&context.inputs),
            target: handle(&context.target),
        }
    }

    fn put_into(&self, context: &mut Context) {
        (context.inputs, context.target) = (handle(&self.inputs), handle(&self.target));
    }
}

impl Outputs {
    fn of(context: &Context) -> Outputs {
        Outputs {
            preds: handle(&context.preds),
            loss: handle(&context.loss),
            loss_log_items: handle(&context.loss_log_items),
        }
    }

    fn put_into(&self, context: &mut Context) {
        context.preds = handle(&self.preds);
        context.loss = handle(&self.loss);
        context.loss_log_items = handle(&self.loss_log_items);
    }
}

/// Whether both are the very same memory, seen the same way.
fn is_same(left: &Tensor, right: &Tensor) -> bool {
    left.data_ptr() == right.data_ptr()
        && left.size() == right.size()
        && left.stride() == right.stride()
}

fn handle(tensor: &Option<Tensor>) -> Option<Tensor> {
    tensor.as_ref().map(Tensor::shallow_clone)
}

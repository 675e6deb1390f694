//! The loop: epochs, batches, steps, and the phases between them, as `phase` draws it. Owns the order in
//! which things happen; what is done is in `work`, `step`, `evaluate` and `saving`. It knows callbacks only
//! as [`Callbacks`], and works on the [`Context`] that they see.

mod capture;
mod evaluate;
mod placement;
mod recorder;
mod rehearsal;
mod saving;
mod segments;
mod step;
mod summary;
mod work;

use std::collections::VecDeque;

use anyhow::{Context as _, Result, anyhow};
use phasebox_contract::phase::Phase;
use phasebox_contract::policy::NanPolicy;
use phasebox_data::Batch;
use phasebox_files::atomic_file::Durability;
use phasebox_nn::best_models::BestModels;
use phasebox_nn::schedule::Schedule;
use torch_ext::{Deferred, GradientMode};

use self::capture::Captures;
pub use self::capture::RecordedSteps;
use self::placement::Placement;
pub use self::recorder::{Recorder, Recording, Works};
pub use self::segments::{Facts, Plan};
pub use self::summary::{PluginSummary, Summary};
use self::work::Work;
use crate::callback::Callbacks;
use crate::context::{Context, Lendable, Outcome, Split};
use crate::control::StopAt;
use crate::interrupt::Interrupt;
use crate::logger::{Logged, Progress, RunFolder};

/// How to train, beyond what the parts of the context say.
pub struct Settings {
    /// Epochs to train.
    pub max_epochs: u32,
    /// Epochs from one validation to the next.
    pub validation_every: u32,
    /// Epochs from one test to the next.
    pub test_every: u32,
    /// Largest 2-norm of all gradients together.
    pub clip_grad_norm: Option<f64>,
    /// Forward pass and loss in bfloat16.
    pub autocast: bool,
    /// Images with the channels of a pixel together in memory.
    pub channels_last: bool,
    /// What a loss that is not a number does.
    pub nan_policy: NanPolicy,
    /// Steps are repeated from recordings where that is safe.
    pub record_steps: bool,
    /// Validate the average of the best models at the end.
    pub average_best_models: bool,
    /// Which checkpoints are written.
    pub saving: Saving,
}

/// Which checkpoints are written.
pub struct Saving {
    /// Whether any are.
    pub enabled: bool,
    /// Epochs, counted from 1, whose checkpoint is kept.
    pub epochs: Vec<u32>,
    /// Steps from one checkpoint inside an epoch to the next.
    pub every_steps: Option<u64>,
    /// Tag of the best epoch's checkpoint.
    pub best_tag: String,
    /// What a checkpoint survives.
    pub durability: Durability,
}

/// Where training is: what a checkpoint says and a resume goes on from.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
struct Position {
    epoch: u32,
    /// First batch of it not yet trained on.
    next_batch: u64,
}

/// Where the batch in progress stands, should an error end the run in it.
#[derive(Clone, Copy)]
struct Underway {
    /// The first batch whose gradients wait for the same step.
    group_start: u64,
    /// The step is taken.
    stepped: bool,
}

/// How a run ended without an error.
enum Ending {
    Completed,
    Stopped(String),
    Interrupted,
}

/// Trains a network. Made by `assemble`, or by hand from its parts.
pub struct Trainer {
    context: Lendable<Context>,
    callbacks: Callbacks,
    settings: Settings,
    schedule: Schedule,
    run: RunFolder,
    progress: Progress,
    interrupt: Interrupt,
    placement: Placement,
    position: Position,
    underway: Option<Underway>,
    best_models: BestModels,
    /// The rate that the schedule set last, a group each: a callback's own holds until the schedule's changes.
    scheduled: Vec<f64>,
    /// Losses on their way, oldest first, with their batch.
    losses: VecDeque<(u64, Deferred)>,
    last_loss: Option<f64>,
    /// This epoch's metrics so far, for the person who watches.
    shown: Vec<(String, f64)>,
    steps_at_start: u64,
    /// A checkpoint was loaded, which had seen this much logged: on-checkpoint-loaded is due.
    resumed: Option<Logged>,
    captures: Captures,
    /// Waits of the loop itself for the device.
    syncs: u64,
}

impl Trainer {
    /// Puts the parts together; nothing happens yet.
    pub fn new(
        context: Context,
        callbacks: Callbacks,
        settings: Settings,
        schedule: Schedule,
        run: RunFolder,
        progress: Progress,
        interrupt: Interrupt,
    ) -> Trainer {
        let placement = Placement::new(context.device, settings.channels_last);
        Trainer {
            best_models: BestModels::new(context.run.greater_metric_to_watch_is_better),
            scheduled: Vec::new(),
            context: Lendable::new(context),
            callbacks,
            settings,
            schedule,
            run,
            progress,
            interrupt,
            placement,
            position: Position::default(),
            underway: None,
            losses: VecDeque::new(),
            last_loss: None,
            shown: Vec::new(),
            steps_at_start: 0,
            resumed: None,
            captures: Captures::default(),
            syncs: 0,
        }
    }

    /// Records steps with `recorder` in place of the device's own.
    pub fn record_with(&mut self, recorder: Box<dyn Recorder>) {
        self.captures.record_with(recorder);
    }

    /// Trains to the end, and says how it was. Whatever happens, on-training-end fires once, logs are
    /// complete and a summary is written.
    ///
    /// # Errors
    /// What ended training: a part's failure, or a callback's, named with its phase.
    pub fn train(mut self) -> Result<Summary> {
        self.context.logger.open(self.resumed)?;
        self.context.started = std::time::Instant::now();
        self.steps_at_start = self.context.global_step;
        self.captures.prepare(
            &self.callbacks.subscribers(),
            &mut self.context,
            &self.settings,
        );
        // Forward pass and loss switch it on for themselves.
        let _unrecorded = GradientMode::set(false);
        let ending = self.run();
        self.finish(ending)
    }

    fn run(&mut self) -> Result<Ending> {
        if self.resumed.take().is_some() {
            self.fire(Phase::CheckpointLoaded)?;
        }
        self.fire(Phase::TrainingStart)?;
        while self.position.epoch < self.settings.max_epochs {
            if let Some(ending) = self.epoch()? {
                return Ok(ending);
            }
        }
        if self.settings.average_best_models {
            self.validate_average()?;
        }
        Ok(Ending::Completed)
    }

    /// One epoch: training, then whatever is due after it.
    fn epoch(&mut self) -> Result<Option<Ending>> {
        if let Some(ending) = self.train_epoch()? {
            return Ok(Some(ending));
        }
        let epoch = self.position.epoch;
        let is_due =
            |every: u32| (epoch + 1).is_multiple_of(every) || epoch + 1 == self.settings.max_epochs;
        let (validates, tests) = (
            is_due(self.settings.validation_every),
            is_due(self.settings.test_every),
        );
        let is_best = validates && self.validate()?;
        if tests && self.context.test_loader.is_some() {
            self.test()?;
        }
        self.context.batch_idx = None;
        self.fire(Phase::EpochEnd)?;
        self.show_epoch()?;
        self.context.logger.flush()?;
        self.position = Position {
            epoch: epoch + 1,
            next_batch: 0,
        };
        self.save_epoch(is_best)?;
        self.ending_after(StopAt::Epoch)
    }

    /// The training part of an epoch, from wherever it stands.
    fn train_epoch(&mut self) -> Result<Option<Ending>> {
        let Position { epoch, next_batch } = self.position;
        self.begin_epoch(epoch, next_batch)?;
        while let Some(batch) = self.context.train_loader.next() {
            let batch = batch.with_context(|| {
                format!(
                    "batch {} of epoch {epoch} cannot be read",
                    self.position.next_batch
                )
            })?;
            let outcome = self.train_batch(batch)?;
            self.end_batch(outcome)?;
            if let Some(ending) = self.between_batches(outcome)? {
                return Ok(Some(ending));
            }
            if std::mem::take(&mut self.context.control.stop_epoch) {
                break;
            }
        }
        self.end_train_loader()?;
        Ok(None)
    }

    /// A resumed epoch has begun already: its phases fired and its metrics hold what came before.
    fn begin_epoch(&mut self, epoch: u32, next_batch: u64) -> Result<()> {
        self.context.epoch = Some(epoch);
        self.context.split = Split::Train;
        self.context.logger.set_epoch(u64::from(epoch));
        if next_batch == 0 {
            self.context.train_metrics.reset()?;
            self.apply_schedule();
            self.fire(Phase::EpochStart)?;
            self.fire(Phase::TrainLoaderStart)?;
        }
        let context = &mut *self.context;
        context.train_loader.start(epoch, next_batch)?;
        let (epochs, batches) = (self.settings.max_epochs, context.train_loader.batches());
        self.progress.start_epoch(
            u64::from(epoch),
            u64::from(epochs),
            Some(batches),
            next_batch,
        );
        Ok(())
    }

    /// One batch, from the device to the optimizer.
    fn train_batch(&mut self, batch: Batch) -> Result<Outcome> {
        self.place(batch)?;
        self.fire(Phase::TrainBatchStart)?;
        if self.context.control.skip_batch {
            return Ok(Outcome::SkippedBatch);
        }
        self.captures
            .begin_batch(&mut self.context, &self.settings)?;
        self.work(Work::Forward)?;
        self.fire(Phase::TrainBatchForwardEnd)?;
        self.work(Work::Loss)?;
        self.fire(Phase::TrainBatchLossEnd)?;
        self.work(Work::Metrics)?;
        self.watch_loss()?;
        if self.context.control.skip_backward {
            return Ok(Outcome::SkippedBackward);
        }
        self.work(Work::Backward)?;
        self.context.accumulated += 1;
        self.fire(Phase::TrainBatchBackwardEnd)?;
        if !self.context.is_accumulation_boundary {
            return Ok(Outcome::Accumulated);
        }
        self.optimizer_step()
    }

    /// From complete gradients to new parameters.
    fn optimizer_step(&mut self) -> Result<Outcome> {
        self.fire(Phase::TrainBatchGradientStepStart)?;
        self.work(Work::Clip)?;
        self.fire(Phase::TrainBatchGradientReady)?;
        if self.context.control.skip_step {
            self.clear_gradients()?;
            return Ok(Outcome::SkippedStep);
        }
        self.work(Work::Step)?;
        // The step is taken: what belongs to it is completed before a callback's error may end the run.
        let fired = self.fire(Phase::TrainBatchOptimizerStepped);
        self.work(Work::Clear)?;
        self.count_step()?;
        fired?;
        self.fire(Phase::TrainBatchGradientStepEnd)?;
        Ok(Outcome::Stepped)
    }

    /// The batch is behind us, whatever became of it.
    fn end_batch(&mut self, outcome: Outcome) -> Result<()> {
        let is_skipped = matches!(outcome, Outcome::SkippedBatch | Outcome::SkippedBackward);
        if is_skipped && self.context.is_accumulation_boundary && self.context.accumulated > 0 {
            // What the group's other batches have accumulated is not lost with this one.
            self.captures.leave_batch();
            self.optimizer_step()?;
        }
        self.context.outcome = Some(outcome.name().to_owned());
        self.position.next_batch += 1;
        self.underway = None;
        let fired = self.fire(Phase::TrainBatchEnd);
        self.context.outcome = None;
        fired?;
        let samples = self
            .context
            .inputs
            .as_ref()
            .map_or(0, |inputs| inputs.size()[0]) as u64;
        self.context.clear_batch();
        self.progress.batch(samples, self.last_loss)
    }

    /// Obeys what was asked for during the batch.
    fn between_batches(&mut self, outcome: Outcome) -> Result<Option<Ending>> {
        self.context.control.check_conditions()?;
        self.check_losses()?;
        self.context.logger.flush_arrived()?;
        if std::mem::take(&mut self.context.control.validate) {
            self.validate_within_epoch()?;
        }
        let stepped = outcome == Outcome::Stepped;
        self.save_within_epoch(stepped)?;
        if let Some(signal) = self.interrupt.take() {
            return self.interrupted(signal).map(Some);
        }
        self.ending_after(if stepped { StopAt::Step } else { StopAt::Batch })
    }

    fn end_train_loader(&mut self) -> Result<()> {
        self.context.batch_idx = None;
        self.wait_for_losses()?;
        self.publish_metrics("train")?;
        self.fire(Phase::TrainLoaderEnd)
    }

    /// The end of training that somebody asked for, if it is due after `completed`.
    fn ending_after(&mut self, completed: StopAt) -> Result<Option<Ending>> {
        let control = &self.context.control;
        if let Some(abort) = &control.abort {
            return Err(anyhow!(
                "callback `{}` aborted the run: {}",
                abort.by,
                abort.reason
            ));
        }
        let asked = control
            .stop
            .as_ref()
            .filter(|(at, _)| *at >= completed || completed == StopAt::Epoch);
        Ok(
            asked
                .map(|(_, ask)| Ending::Stopped(format!("{} (asked by `{}`)", ask.reason, ask.by))),
        )
    }

    fn interrupted(&mut self, signal: &'static str) -> Result<Ending> {
        self.context.outcome = Some(signal.to_owned());
        self.fire(Phase::Interrupt)?;
        self.context.outcome = None;
        self.save(&[crate::checkpoint::LATEST.to_owned()])?;
        Ok(Ending::Interrupted)
    }

    /// Tells everybody how it ended and writes the summary. The first error is the one that is returned.
    fn finish(mut self, ending: Result<Ending>) -> Result<Summary> {
        let stop_reason = match &ending {
            Ok(Ending::Completed) => "completed".to_owned(),
            Ok(Ending::Stopped(reason)) => format!("stopped: {reason}"),
            Ok(Ending::Interrupted) => "interrupted".to_owned(),
            Err(error) => format!("failed: {error:#}"),
        };
        if ending.is_err() {
            self.rescue(&stop_reason);
        }
        self.context.outcome = Some(stop_reason.clone());
        let last = self.fire(Phase::TrainingEnd);
        let stop_reason = match &last {
            Err(error) if ending.is_ok() => format!("failed: {error:#}"),
            _ => stop_reason,
        };
        let flushed = self.context.logger.flush();
        let summary = self.summarize(&stop_reason);
        let first = [ending.map(drop), last, flushed]
            .into_iter()
            .fold(Ok(()), or_told);
        match summary {
            Ok(summary) => first.map(|()| summary),
            Err(error) => {
                or_told(first, Err(error)).and_then(|()| Err(anyhow!("there is no summary")))
            }
        }
    }

    /// After an error: on-exception, and what there is into `ckpt_error`. Errors here cannot hide the first one.
    fn rescue(&mut self, stop_reason: &str) {
        self.context.outcome = Some(stop_reason.to_owned());
        if let Err(error) = self.fire(Phase::Exception) {
            tracing::warn!("{error:#}");
        }
        self.context.clear_batch();
        match self
            .settle()
            .and_then(|()| self.save(&["error".to_owned()]))
        {
            Ok(()) if self.settings.saving.enabled => {
                tracing::info!("the state at the error is in ckpt_error")
            }
            Ok(()) => {}
            Err(error) => tracing::warn!("the state at the error cannot be saved: {error:#}"),
        }
    }

    /// A batch that an error cut short counts if its step was taken. Otherwise it is to be trained again, and
    /// so are those whose gradients waited with its own.
    fn settle(&mut self) -> Result<()> {
        match self.underway.take() {
            None => Ok(()),
            Some(Underway { stepped: true, .. }) => {
                self.position.next_batch += 1;
                Ok(())
            }
            Some(Underway { group_start, .. }) => {
                self.position.next_batch = group_start;
                self.clear_gradients()
            }
        }
    }

    fn work(&mut self, work: Work) -> Result<()> {
        self.captures.run(work, &mut self.context, &self.settings)
    }

    fn fire(&mut self, phase: Phase) -> Result<()> {
        self.callbacks.fire(phase, &mut self.context)
    }
}

/// The first error stands; later ones are told.
fn or_told(first: Result<()>, next: Result<()>) -> Result<()> {
    match (first, next) {
        (Err(first), Err(next)) => {
            tracing::warn!("after that: {next:#}");
            Err(first)
        }
        (first, next) => first.and(next),
    }
}

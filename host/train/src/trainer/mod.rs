//! The training loop: epochs, batches, steps, and the phases between them, as `phase` draws it. Owns the order in which
//! things happen. The operations of a step are in `step_op`, what surrounds them in `bookkeeping`, passes without
//! training in `evaluate`. The loop knows callbacks only as [`Callbacks`] and works on the [`Context`] that they see.

mod bookkeeping;
mod checkpointing;
mod classes;
mod decisions;
mod ending;
mod evaluate;
mod evaluation;
pub mod extra_pass;
mod finite;
mod gives_way;
mod known_data;
mod loss_watch;
mod predictions;
mod recording;
mod restore;
mod resume;
mod schedule_driver;
mod settings;
mod step_op;
mod summary;
mod to_device;
mod validated;

use std::cell::OnceCell;

use anyhow::{Context as _, Result};
use phasebox_contract::phase::Phase;
use phasebox_data::Batch;
use phasebox_nn::best_models::BestModels;
use phasebox_nn::schedule::Schedule;
use serde::{Deserialize, Serialize};
use tch::Device;
use torch_ext::GradientMode;

pub use self::classes::check_classes;
pub use self::evaluation::Evaluation;
pub use self::gives_way::GivesWay;
use self::known_data::KnownData;
pub use self::known_data::OfCheckpoint;
pub use self::loss_watch::LossNotFinite;
use self::loss_watch::LossWatch;
pub use self::predictions::Predictor;
use self::recording::Recordings;
pub use self::recording::{RecordedSteps, Recorder, Recording, RecordingPlan, StepFacts, StepOps};
pub use self::resume::Changed;
use self::schedule_driver::ScheduleDriver;
pub use self::settings::{Saving, Settings};
use self::step_op::StepOp;
pub use self::summary::{CallbackSummary, Summary};
use self::to_device::ToDevice;
use crate::callback::Callbacks;
use crate::checkpoint::NamedTensors;
use crate::context::{Context, Lendable};
use crate::control::StopAt;
use crate::interrupt::Interrupt;
use crate::logger::{Logged, Progress, RunFolder, RunLock};
use crate::outcome::{BatchOutcome, Ending, Outcome};
use crate::split::Split;

/// Where training is: what a checkpoint says and a resumed run goes on from.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
struct Position {
    epoch: u32,
    /// First batch of the epoch not yet trained on.
    next_batch: u64,
    stage: Stage,
}

impl Position {
    /// True if nothing of the epoch has happened.
    fn is_at_start(self) -> bool {
        self.next_batch == 0 && self.stage == Stage::Train
    }
}

/// The part of an epoch that is under way.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Stage {
    #[default]
    Train,
    Validation,
    /// Validation is over.
    Test {
        is_best: bool,
    },
}

/// The progress of a batch, should an error end the run in it.
#[derive(Clone, Copy)]
enum Underway {
    BeforeStep,
    Stepped,
}

/// Trains a network. Made by `assemble` from a recipe, or by hand.
pub struct Trainer {
    context: Lendable<Context>,
    callbacks: Callbacks,
    settings: Settings,
    schedule: ScheduleDriver,
    run: RunFolder,
    progress: Progress,
    interrupt: Interrupt,
    /// Nobody goes on with the run: its folder is removed after it.
    is_trial: bool,
    to_device: ToDevice,
    position: Position,
    /// None between two batches.
    underway: Option<Underway>,
    best_models: BestModels,
    /// The weights of the best validation, where they are not the network's, until they are saved.
    validated: NamedTensors,
    /// The tags of a save that failed: the checkpoint of the error has earned them, too.
    unsaved: Vec<String>,
    loss_watch: LossWatch,
    /// The metric to watch was not a number, and the log says so.
    nan_was_watched: bool,
    recordings: Recordings,
    /// Optimizer steps of the parts before a resume.
    steps_at_start: u64,
    /// A checkpoint was loaded, which had seen this much logged: on-checkpoint-loaded is due.
    resumed: Option<Logged>,
    /// The length of the log, in bytes, when the pass under way began: a pass that is cut short is logged anew.
    pass_began: Option<u64>,
    /// The summary of a run that is over: it was resumed, and nothing is left to train.
    earlier: Option<Summary>,
    /// Keeps other processes from the run's folder.
    lock: Option<RunLock>,
    /// Waits of the loop for the device, those for losses aside.
    syncs: u64,
    /// The prefix under which the metrics computed last were logged; empty before the first.
    metrics_of: String,
    /// The data as checkpoints know them, once one needs it.
    data: OnceCell<KnownData>,
}

impl Trainer {
    /// Puts everything together; nothing happens yet. Shows nothing and notices no signal unless told to.
    pub fn new(
        context: Context,
        callbacks: Callbacks,
        settings: Settings,
        schedule: Schedule,
        run: RunFolder,
    ) -> Trainer {
        Trainer {
            to_device: ToDevice::new(context.device, settings.channels_last),
            best_models: BestModels::new(context.run.greater_metric_to_watch_is_better),
            loss_watch: LossWatch::new(settings.nan_policy),
            nan_was_watched: false,
            validated: Vec::new(),
            unsaved: Vec::new(),
            schedule: ScheduleDriver::new(schedule),
            context: Lendable::new(context),
            callbacks,
            settings,
            run,
            progress: Progress::silent(),
            interrupt: Interrupt::ignored(),
            is_trial: false,
            position: Position::default(),
            underway: None,
            recordings: Recordings::default(),
            steps_at_start: 0,
            resumed: None,
            pass_began: None,
            earlier: None,
            lock: None,
            syncs: 0,
            metrics_of: String::new(),
            data: OnceCell::new(),
        }
    }

    /// The data as checkpoints know them. Reads the first sample, the first time.
    fn data(&self) -> &KnownData {
        self.data.get_or_init(|| KnownData::of(&self.context))
    }

    /// Shows how the run goes on.
    pub fn show_on(&mut self, progress: Progress) {
        self.progress = progress;
    }

    /// Keeps the lock of the run's folder until the run has ended.
    pub fn hold(&mut self, lock: RunLock) {
        self.lock = Some(lock);
    }

    /// Tells no way to go on: the run's folder is removed after it.
    pub fn is_for_trial(&mut self) {
        self.is_trial = true;
    }

    /// Ends the run, with a checkpoint, after the batch or before the one that is being made when `interrupt` notices a signal.
    pub fn interrupt_on(&mut self, interrupt: Interrupt) {
        let context = &mut *self.context;
        let loaders = [&mut context.train_loader, &mut context.valid_loader];
        for loader in loaders.into_iter().chain(&mut context.test_loader) {
            loader.stop_on(interrupt.asked());
        }
        self.interrupt = interrupt;
    }

    /// Records steps with `recorder` in place of the device's own.
    pub fn record_with(&mut self, recorder: Box<dyn Recorder>) {
        self.recordings.record_with(recorder);
    }

    /// Trains to the end. In every case on-training-end fires once, logs are complete and a summary is written.
    ///
    /// # Errors
    /// The error that ended training. A callback's names the callback and the phase.
    pub fn train(mut self) -> Result<Summary> {
        if let Some(summary) = self.earlier.take() {
            return self.leave_as_it_is(summary);
        }
        if let Err(error) = self.context.logger.open(self.resumed) {
            return self.finish_unbegun(error);
        }
        if self.context.device == Device::Cpu {
            // Not before: what reads a large file would take twice as much.
            torch_ext::keep_freed_memory();
        }
        self.context.started = std::time::Instant::now();
        self.steps_at_start = self.context.global_step;
        self.recordings.prepare(
            &self.callbacks.subscribers(),
            &mut self.context,
            &self.settings,
        );
        // Forward pass and loss switch gradient mode on for themselves.
        let _unrecorded = GradientMode::set(false);
        let ending = self.run();
        let ending = self.unless_cut(ending);
        self.finish(ending)
    }

    fn run(&mut self) -> Result<Ending> {
        let standing = self.resumed.and_then(|_| self.standing_stop());
        if self.resumed.take().is_some() {
            self.fire(Phase::CheckpointLoaded)?;
        }
        self.fire(Phase::TrainingStart)?;
        if let Some(ending) = standing {
            return Ok(ending);
        }
        while self.position.epoch < self.settings.max_epochs {
            self.look_for_signal()?;
            if let Some(ending) = self.epoch()? {
                return Ok(ending);
            }
        }
        if self.settings.average_best_models {
            self.validate_average()?;
        }
        Ok(Ending::Completed)
    }

    /// One epoch: training, then the passes and the checkpoint that are due after it.
    fn epoch(&mut self) -> Result<Option<Ending>> {
        let epoch = self.position.epoch;
        self.context.epoch = Some(epoch);
        self.context.logger.set_epoch(u64::from(epoch));
        if self.position.stage == Stage::Train {
            if let Some(ending) = self.train_epoch()? {
                return Ok(Some(ending));
            }
            self.position.stage = Stage::Validation;
        } else {
            self.show_epoch();
        }
        let is_best = self.evaluate_epoch()?;
        self.context.batch_idx = None;
        self.fire(Phase::EpochEnd)?;
        self.progress.end_epoch(self.context.global_step)?;
        self.context.logger.flush()?;
        self.position = Position {
            epoch: self.settings.epoch_after(self.position.epoch),
            ..Position::default()
        };
        self.save_epoch(is_best)?;
        self.ending_after(StopAt::Epoch)
    }

    /// The passes that are due after an epoch, from the one it stands at. Answers whether the epoch is the best so far.
    fn evaluate_epoch(&mut self) -> Result<bool> {
        if self.position.stage == Stage::Validation {
            let is_best = self.is_due(self.settings.validation_every) && self.validate()?;
            self.position.stage = Stage::Test { is_best };
        }
        if self.is_due(self.settings.test_every) && self.context.test_loader.is_some() {
            self.test()?;
        }
        Ok(self.position.stage == Stage::Test { is_best: true })
    }

    /// True if a pass that comes every so many epochs comes after this one. The last epoch has each.
    fn is_due(&self, every: u32) -> bool {
        let epochs = self.position.epoch + 1;
        epochs.is_multiple_of(every) || epochs == self.settings.max_epochs
    }

    /// The training part of an epoch, from the batch it stands at.
    fn train_epoch(&mut self) -> Result<Option<Ending>> {
        let Position {
            epoch, next_batch, ..
        } = self.position;
        self.begin_epoch(epoch, next_batch)?;
        if next_batch > 0 && self.resume_between_batches()? {
            self.end_train_loader()?;
            return Ok(None);
        }
        while let Some(batch) = self.context.train_loader.next() {
            let number = self.position.next_batch;
            let stepped = self
                .unless_stopped(batch)?
                .and_then(|batch| self.whole_batch(batch))
                .with_context(|| format!("batch {number} of epoch {epoch}"))?;
            if let Some(ending) = self.between_batches(stepped)? {
                return Ok(Some(ending));
            }
            if std::mem::take(&mut self.context.control.stop_epoch) {
                break;
            }
        }
        self.end_train_loader()?;
        Ok(None)
    }

    /// A batch to its end. Answers whether the optimizer stepped, for this batch or for those that waited for it.
    fn whole_batch(&mut self, batch: Batch) -> Result<bool> {
        let steps_before = self.context.global_step;
        let outcome = self.train_batch(batch)?;
        self.end_batch(outcome)?;
        Ok(self.context.global_step > steps_before)
    }

    /// Begins an epoch at its batch `next_batch`. One that is resumed in its middle has begun already: its phases have
    /// fired, and its metrics hold the batches before.
    fn begin_epoch(&mut self, epoch: u32, next_batch: u64) -> Result<()> {
        self.context.split = Split::Train;
        if next_batch == 0 {
            self.context.running_metrics.train.reset()?;
            self.apply_schedule();
            self.fire(Phase::EpochStart)?;
            self.fire(Phase::TrainLoaderStart)?;
        }
        self.context.train_loader.start(epoch, next_batch)?;
        self.show_epoch();
        Ok(())
    }

    /// Shows the epoch and the batch that the run stands at.
    fn show_epoch(&mut self) {
        let Position {
            epoch, next_batch, ..
        } = self.position;
        self.progress.start_epoch(
            u64::from(epoch),
            u64::from(self.settings.max_epochs),
            Some(self.context.train_loader.batches()),
            next_batch,
        );
    }

    /// One batch, from the device to the optimizer.
    fn train_batch(&mut self, batch: Batch) -> Result<BatchOutcome> {
        self.begin_batch(batch)?;
        self.fire(Phase::TrainBatchStart)?;
        if self.context.control.skip_batch {
            return Ok(BatchOutcome::SkippedBatch);
        }
        self.recordings
            .begin_batch(&mut self.context, &self.settings)?;
        self.perform(StepOp::Forward)?;
        self.fire(Phase::TrainBatchForwardEnd)?;
        self.perform(StepOp::Loss)?;
        self.fire(Phase::TrainBatchLossEnd)?;
        self.perform(StepOp::Metrics)?;
        step_op::gather(&mut self.context)?;
        self.watch_loss()?;
        if self.context.control.skip_backward {
            return Ok(BatchOutcome::SkippedBackward);
        }
        self.perform(StepOp::Backward)?;
        self.context.accumulation.contribute();
        self.fire(Phase::TrainBatchBackwardEnd)?;
        if !self.context.is_accumulation_boundary {
            return Ok(BatchOutcome::Accumulated);
        }
        self.optimizer_step()
    }

    /// From complete gradients to new parameters. A reduction of gradients over several processes belongs at its
    /// beginning, as an operation [`StepOp`] between [`StepOp::Backward`] and [`StepOp::Clip`]: callbacks at
    /// on-train-batch-gradient-step-start then see the gradients of all, and so does clipping. It would be performed
    /// where there are several processes, and recorded like the others.
    fn optimizer_step(&mut self) -> Result<BatchOutcome> {
        self.fire(Phase::TrainBatchGradientStepStart)?;
        self.perform(StepOp::Clip)?;
        self.fire(Phase::TrainBatchGradientReady)?;
        if self.context.control.skip_step {
            self.clear_gradients()?;
            return Ok(BatchOutcome::SkippedStep);
        }
        self.perform(StepOp::Step)?;
        // The step is taken: it is completed before a callback's error may end the run.
        let fired = self.fire(Phase::TrainBatchOptimizerStepped);
        self.perform(StepOp::Clear)?;
        self.count_step()?;
        fired?;
        self.fire(Phase::TrainBatchGradientStepEnd)?;
        Ok(BatchOutcome::Stepped)
    }

    /// Tells callbacks how the batch ended, and forgets it.
    fn end_batch(&mut self, outcome: BatchOutcome) -> Result<()> {
        if outcome.is_without_backward() && self.context.is_group_waiting() {
            // The gradients of the group's other batches are not lost with this one.
            self.recordings.leave_batch();
            self.optimizer_step()?;
        }
        self.position.next_batch += 1;
        self.underway = None;
        self.context.outcome = Some(Outcome::Batch(outcome));
        let fired = self.fire(Phase::TrainBatchEnd);
        self.context.outcome = None;
        fired?;
        let samples = self.context.batch_size;
        self.context.clear_batch();
        self.progress.batch(samples, self.loss_watch.last());
        Ok(())
    }

    /// Does what callbacks asked for during the batch.
    fn between_batches(&mut self, stepped: bool) -> Result<Option<Ending>> {
        self.look_at_arrived_values()?;
        self.context.logger.flush_arrived()?;
        if std::mem::take(&mut self.context.control.validate) {
            self.validate_within_epoch()?;
        }
        self.save_within_epoch(stepped)?;
        self.look_for_signal()?;
        self.ending_after(if stepped { StopAt::Step } else { StopAt::Batch })
    }

    fn end_train_loader(&mut self) -> Result<()> {
        self.context.batch_idx = None;
        self.loss_watch.wait_for_all()?;
        self.publish_metrics(Split::Train)?;
        self.log_learning_rates()?;
        self.fire(Phase::TrainLoaderEnd)
    }

    fn perform(&mut self, op: StepOp) -> Result<()> {
        self.recordings
            .perform(op, &mut self.context, &self.settings)
    }

    fn fire(&mut self, phase: Phase) -> Result<()> {
        self.callbacks.fire(phase, &mut self.context)
    }
}

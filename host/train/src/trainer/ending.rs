//! The end of a run: what is told, saved and written, whatever ended it. Owns the order of that, and which of several
//! errors is returned.

use std::io;

use anyhow::{Error, Result, anyhow, ensure};
use phasebox_contract::phase::Phase;

use super::{Summary, Trainer, Underway};
use crate::callback::CallbackFailed;
use crate::checkpoint::{self, LATEST};
use crate::outcome::{Ending, Outcome};

/// Tag of the checkpoint that a failed run leaves.
const ERROR: &str = "error";

/// The name of a signal that cuts the run short, on the way to where the run ends.
#[derive(Debug, thiserror::Error)]
#[error("{0} has arrived")]
pub(super) struct Cut(pub(super) &'static str);

impl Trainer {
    /// The ending, where a run that a signal cut short is interrupted and no failure.
    pub(super) fn unless_cut(&mut self, ended: Result<Ending>) -> Result<Ending> {
        let cut = ended.as_ref().err().and_then(|error| error.downcast_ref());
        match cut {
            Some(Cut(signal)) => self.interrupted(signal),
            None => ended,
        }
    }

    /// Ends a run that a signal interrupts, with a checkpoint of where it stands: between two batches, or before or in a
    /// pass, which a resumed run makes anew.
    fn interrupted(&mut self, signal: &'static str) -> Result<Ending> {
        self.context.outcome = Some(Outcome::Signal(signal));
        self.fire(Phase::Interrupt)?;
        self.context.outcome = None;
        let mut tags = vec![LATEST.to_owned()];
        tags.append(&mut self.context.control.checkpoints);
        self.save(&tags)?;
        Ok(Ending::Interrupted)
    }

    /// Ends a run whose log could not be opened. Callbacks are not told, for they have not been told of a beginning.
    pub(super) fn finish_unbegun(mut self, error: Error) -> Result<Summary> {
        let ending = Ending::Failed(format!("{error:#}"));
        let summary = self.summarize(&ending);
        first_error(Err(error), summary)
    }

    /// Tells callbacks how the run ended and writes the summary.
    ///
    /// # Errors
    /// The first of all: the one that ended the run, or one that happened here.
    pub(super) fn finish(mut self, ended: Result<Ending>) -> Result<Summary> {
        let (ending, ended) = match ended {
            Ok(ending) => (ending, Ok(())),
            Err(error) => (Ending::Failed(format!("{error:#}")), Err(error)),
        };
        self.context.outcome = Some(Outcome::Run(ending.clone()));
        if let Err(error) = &ended {
            self.rescue(error);
        }
        let last = self.fire(Phase::TrainingEnd);
        let ending = match &last {
            Err(error) if ended.is_ok() => Ending::Failed(format!("{error:#}")),
            _ => ending,
        };
        let flushed = self.context.logger.flush();
        let summary = self.summarize(&ending);
        let ended = first_error(first_error(ended, last), flushed);
        let ended = first_error(ended, summary);
        let ended = ended.and_then(|summary| self.unless_log_is_lost(summary));
        ended.map_err(|error| self.with_remedy(error))
    }

    /// Fails a run whose log was removed: nobody else would notice.
    fn unless_log_is_lost(&self, summary: Summary) -> Result<Summary> {
        ensure!(
            !self.context.logger.has_lost(),
            "logs in {} were removed while the run trained, and lack values; weights and checkpoints are whole ({})",
            self.run.path().display(),
            summary.stop_reason
        );
        Ok(summary)
    }

    /// The error with the way on, if the file system is the cause.
    fn with_remedy(&self, error: Error) -> Error {
        let is_of_files = error.chain().any(|cause| cause.is::<io::Error>());
        let run = self.run.path();
        match checkpoint::newest(run) {
            Ok(Some(newest)) if is_of_files => anyhow!(
                "{error:#}\nhint: once files can be written again, go on from {} with `--resume {}`",
                newest.display(),
                run.display()
            ),
            _ => error,
        }
    }

    /// After an error: fires on-exception and saves the state there is as `ckpt_error`. An error of this is only told,
    /// so that it cannot hide the first one.
    fn rescue(&mut self, cause: &Error) {
        if let Err(error) = self.fire(Phase::Exception) {
            tracing::warn!("{error:#}");
        }
        self.context.clear_batch();
        match self.save_after_error() {
            Ok(()) if self.settings.saving.enabled && !self.is_trial => {
                tracing::info!(
                    "the state at the error is in ckpt_error{}",
                    self.way_on(cause)
                )
            }
            Ok(()) => {}
            Err(error) => tracing::warn!("the state at the error cannot be saved: {error:#}"),
        }
    }

    /// The way to go on after a callback has ended the run; empty after any other error.
    fn way_on(&self, cause: &Error) -> String {
        if !cause.is::<CallbackFailed>() {
            return String::new();
        }
        format!(
            ": with the callback repaired, or with `on_error: disable` in its entry to train without it, go on with \
             `--resume {} training_hyperparams.ckpt_name=ckpt_{ERROR}`; a callback that trapped has the state there that it saved last",
            self.run.path().display()
        )
    }

    fn save_after_error(&mut self) -> Result<()> {
        self.rewind_unfinished_batch()?;
        let mut tags = std::mem::take(&mut self.unsaved);
        tags.push(ERROR.to_owned());
        self.save(&tags)
    }

    /// A batch that an error cut short counts if its step was taken. Otherwise it is to be trained again, together with
    /// the batches whose gradients wait for the same step.
    fn rewind_unfinished_batch(&mut self) -> Result<()> {
        match self.underway.take() {
            None => Ok(()),
            Some(Underway::Stepped) => {
                self.position.next_batch += 1;
                Ok(())
            }
            Some(Underway::BeforeStep) => {
                let first = self.context.accumulation.first_batch();
                self.forget_samples_since(first);
                self.position.next_batch = first;
                self.clear_gradients()
            }
        }
    }

    /// Takes the samples from batch `first` of the epoch to the one in progress back out of the count. Only that one may
    /// have fewer than the others: it may be the epoch's last.
    fn forget_samples_since(&mut self, first: u64) {
        let whole_batches = self.position.next_batch.saturating_sub(first);
        let context = &mut *self.context;
        let full = context.train_loader.batch_size() as u64;
        let samples = whole_batches * full + context.batch_size;
        context.samples_seen = context.samples_seen.saturating_sub(samples);
    }
}

/// The first error, or what came next; a second error is only told.
fn first_error<T>(first: Result<()>, next: Result<T>) -> Result<T> {
    match (first, next) {
        (Err(first), Err(next)) => {
            tracing::warn!("after that: {next:#}");
            Err(first)
        }
        (first, next) => first.and(next),
    }
}

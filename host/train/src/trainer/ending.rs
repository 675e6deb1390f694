//! The end of a run: what is told, saved and written, whatever ended it. Owns the order of that, and which of several
//! errors is returned.

use anyhow::Result;
use phasebox_contract::phase::Phase;

use super::{Summary, Trainer, Underway};
use crate::checkpoint::LATEST;
use crate::outcome::{Ending, Outcome};

/// Tag of the checkpoint that a failed run leaves.
const ERROR: &str = "error";

impl Trainer {
    /// Ends a run that a signal interrupts, with a checkpoint.
    pub(super) fn interrupted(&mut self, signal: &'static str) -> Result<Ending> {
        self.context.outcome = Some(Outcome::Signal(signal));
        self.fire(Phase::Interrupt)?;
        self.context.outcome = None;
        self.save(&[LATEST.to_owned()])?;
        Ok(Ending::Interrupted)
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
        if ended.is_err() {
            self.rescue();
        }
        let last = self.fire(Phase::TrainingEnd);
        let ending = match &last {
            Err(error) if ended.is_ok() => Ending::Failed(format!("{error:#}")),
            _ => ending,
        };
        let flushed = self.context.logger.flush();
        let summary = self.summarize(&ending);
        let ended = first_error(first_error(ended, last), flushed);
        first_error(ended, summary)
    }

    /// After an error: fires on-exception and saves the state there is as `ckpt_error`. An error of this is only told,
    /// so that it cannot hide the first one.
    fn rescue(&mut self) {
        if let Err(error) = self.fire(Phase::Exception) {
            tracing::warn!("{error:#}");
        }
        self.context.clear_batch();
        match self.save_after_error() {
            Ok(()) if self.settings.saving.enabled => {
                tracing::info!("the state at the error is in ckpt_error")
            }
            Ok(()) => {}
            Err(error) => tracing::warn!("the state at the error cannot be saved: {error:#}"),
        }
    }

    fn save_after_error(&mut self) -> Result<()> {
        self.rewind_unfinished_batch()?;
        self.save(&[ERROR.to_owned()])
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
                self.position.next_batch = self.context.accumulation.first_batch();
                self.clear_gradients()
            }
        }
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

//! Decisions that depend on a value of this process: a loss, a metric, a signal, a callback's request. Here is the one
//! place for the processes of a run to agree on each, since all of them must skip, stop or save the same batch. Owns no
//! consequence: the loop has them.

use anyhow::{Context as _, Result, anyhow};
use phasebox_contract::phase::Phase;
use phasebox_data::{Batch, Stopped};
use phasebox_nn::ema::Ema;
use phasebox_nn::model::Model;

use super::Trainer;
use super::ending::Cut;
use super::finite;
use crate::control::StopAt;
use crate::outcome::Ending;

impl Trainer {
    /// Asks for the value of the loss that will be used, and decides whether the batch has a backward pass. Syncs under
    /// `nan_policy: skip_step` alone.
    pub(super) fn watch_loss(&mut self) -> Result<()> {
        let Some(loss) = &self.context.loss else {
            return Ok(());
        };
        if let Some(value) = self.loss_watch.watch(loss, self.position)? {
            let control = &mut self.context.control;
            control.request("skip-backward", &format!("nan_policy: the loss is {value}"));
            control.skip_backward = true;
        }
        Ok(())
    }

    /// Looks at the losses, and at the values of conditional stops, that have arrived since the batch before.
    ///
    /// # Errors
    /// If a loss is not finite and `nan_policy` ends the run for it.
    pub(super) fn look_at_arrived_values(&mut self) -> Result<()> {
        self.context.control.check_conditions()?;
        self.loss_watch.read_arrived()
    }

    /// Looks for a signal.
    ///
    /// # Errors
    /// [`Cut`], if one has arrived: the run ends, with a checkpoint, where it stands.
    pub(super) fn look_for_signal(&self) -> Result<()> {
        match self.interrupt.take() {
            Some(signal) => Err(Cut(signal).into()),
            None => Ok(()),
        }
    }

    /// A batch of a loader, or its error. One that a signal stopped is no failure of its own.
    ///
    /// # Errors
    /// As [`Trainer::look_for_signal`].
    pub(super) fn unless_stopped(&self, batch: Result<Batch>) -> Result<Result<Batch>> {
        if matches!(&batch, Err(error) if error.is::<Stopped>()) {
            self.look_for_signal()?;
        }
        Ok(batch.context("it cannot be read"))
    }

    /// The end of training that a callback asked for, if it is due after `completed`.
    ///
    /// # Errors
    /// If a callback aborted the run.
    pub(super) fn ending_after(&mut self, completed: StopAt) -> Result<Option<Ending>> {
        let control = &self.context.control;
        if let Some(abort) = &control.abort {
            return Err(anyhow!(
                "callback `{}` aborted the run: {}",
                abort.by,
                abort.reason
            ));
        }
        Ok(control.stop_after(completed).map(Ending::of))
    }

    /// Compares the watched metric, of validation or of a callback, with the best so far. A value that is not a number is
    /// never the best.
    pub(super) fn decide_best(&mut self) -> Result<bool> {
        let context = &mut *self.context;
        let watched = &context.run.metric_to_watch;
        let value = context.metric(watched).with_context(|| missing(watched))?;
        if value.is_nan() {
            self.warn_of_nan();
            return Ok(false);
        }
        let is_better = context.is_better_than_best(value);
        let is_kept = is_better || self.settings.average_best_models;
        if is_kept && !self.is_finite()? {
            return Ok(false);
        }
        if self.settings.average_best_models {
            let weights = self.validated().state();
            self.best_models.offer(value, &weights)?;
        }
        if is_better {
            let context = &mut *self.context;
            context.best_metric = Some(value);
            context.best_epoch = context.epoch;
            self.fire(Phase::ValidationEndBestEpoch)?;
        }
        Ok(is_better)
    }

    /// The network that validation judged: the moving average, if the loop keeps one.
    fn validated(&self) -> &Model {
        let context = &*self.context;
        let average = context.ema_model.as_ref().map(Ema::model);
        average.unwrap_or(&context.net)
    }

    /// False, with a warning, if a weight or buffer of the network or of its average is not finite: no such state may be
    /// called the best, whatever its metrics. Syncs once.
    fn is_finite(&self) -> Result<bool> {
        let context = &*self.context;
        let average = context.ema_model.as_ref().map(|ema| ema.model().state());
        let mut all = context.net.state();
        all.extend(average.into_iter().flatten());
        let Some(name) = finite::first_that_is_not(&all)? else {
            return Ok(true);
        };
        tracing::warn!(
            "epoch {} is not kept as the best, though its `{}` would be: `{name}` of the network is not finite",
            context.epoch.unwrap_or(0),
            context.run.metric_to_watch
        );
        Ok(false)
    }

    /// Says once a run that the watched metric is not a number.
    fn warn_of_nan(&mut self) {
        if !std::mem::replace(&mut self.nan_was_watched, true) {
            let watched = &self.context.run.metric_to_watch;
            tracing::warn!(
                "the metric to watch, `{watched}`, is not a number: no such epoch is the best"
            );
        }
    }
}

/// The reason why there is no value to compare. Only names of callbacks' metrics have a `/`.
fn missing(watched: &str) -> String {
    match watched.split_once('/') {
        None => format!("validation gave no metric `{watched}`"),
        Some((callback, name)) => format!(
            "callback `{callback}` did not publish its metric `{name}` at on-validation-loader-end, and \
             `metric_to_watch: {watched}` needs it there each time"
        ),
    }
}

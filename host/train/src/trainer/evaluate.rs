//! Passes over data that is not trained on: validation, test, and the average of the best models. Owns their order of
//! phases and the metrics they publish; which epoch is best is in `decisions`.

use anyhow::{Context as _, Result};
use phasebox_contract::phase::Phase;
use phasebox_data::{Batch, DataLoader};
use torch_ext::GradientMode;

use super::{Trainer, step_op};
use crate::checkpoint::NamedTensors;
use crate::split::Split;

/// Prefix of the names under which the metrics of the average of the best models are logged.
const AVERAGE: &str = "average_best_models";

impl Trainer {
    /// Validates. Answers whether the watched metric is the best so far.
    pub(super) fn validate(&mut self) -> Result<bool> {
        self.validate_only()?;
        let is_best = self.decide_best()?;
        self.pass_began = None;
        self.keep_validated(is_best)?;
        Ok(is_best)
    }

    /// Validates, and decides nothing.
    pub(super) fn validate_only(&mut self) -> Result<()> {
        self.begin_pass(Split::Validation)?;
        self.fire(Phase::ValidationLoaderStart)?;
        self.evaluate(Phase::ValidationBatchStart, Phase::ValidationBatchEnd)?;
        self.publish_metrics(Split::Validation)?;
        self.note_validated()?;
        self.fire(Phase::ValidationLoaderEnd)
    }

    /// Makes ready for a pass over a split. If the pass is cut short it will be made anew, and so will its log, which is
    /// therefore brought up to date before it.
    fn begin_pass(&mut self, split: Split) -> Result<()> {
        self.context.split = split;
        self.context.batch_idx = None;
        self.context.logger.flush()?;
        self.pass_began = Some(self.context.logger.metrics_bytes()?);
        Ok(())
    }

    /// A validation that a callback asked for, between two batches. Training goes on where it was.
    pub(super) fn validate_within_epoch(&mut self) -> Result<()> {
        let batch_idx = self.context.batch_idx;
        let validated = self.validate();
        // Still asked for, should a signal or an error have ended it: a resumed run makes it anew.
        self.context.control.validate = validated.is_err();
        if validated? {
            let best = self.settings.saving.best_tag.clone();
            self.save(&[best])?;
        }
        self.context.split = Split::Train;
        self.context.batch_idx = batch_idx;
        Ok(())
    }

    /// Tests on data that decides nothing.
    pub(super) fn test(&mut self) -> Result<()> {
        self.begin_pass(Split::Test)?;
        self.fire(Phase::TestLoaderStart)?;
        self.evaluate(Phase::TestBatchStart, Phase::TestBatchEnd)?;
        self.publish_metrics(Split::Test)?;
        self.fire(Phase::TestLoaderEnd)?;
        self.pass_began = None;
        Ok(())
    }

    /// Validates the average of the best models, then puts the weights back.
    pub(super) fn validate_average(&mut self) -> Result<()> {
        let mean = self.best_models.mean()?;
        if mean.is_empty() {
            return Ok(());
        }
        self.begin_pass(Split::Validation)?;
        // A run that was resumed after its last epoch has begun none.
        let last = self.position.epoch.saturating_sub(1);
        self.context.epoch = Some(last);
        self.context.logger.set_epoch(u64::from(last));
        // The average is of whole networks: a moving average kept beside must not stand in for it.
        let ema = self.context.ema_model.take();
        let weights = copies(&self.context.net.state())?;
        self.context.net.load_state(&mean, true)?;
        let validated = self.validate_as_average();
        self.context.net.load_state(&weights, true)?;
        self.context.ema_model = ema;
        validated?;
        self.pass_began = None;
        let file = self.run.path().join("average_best_models.safetensors");
        crate::checkpoint::export_weights(&file, &mean)
    }

    fn validate_as_average(&mut self) -> Result<()> {
        self.fire(Phase::AverageBestModelsValidationStart)?;
        self.evaluate(Phase::ValidationBatchStart, Phase::ValidationBatchEnd)?;
        self.publish_metrics_as(AVERAGE)?;
        self.fire(Phase::AverageBestModelsValidationEnd)?;
        self.progress.end_epoch(self.context.global_step)
    }

    /// One pass over the loader of the split in progress.
    fn evaluate(&mut self, start: Phase, end: Phase) -> Result<()> {
        let context = &mut *self.context;
        context.running_metrics[context.split].reset()?;
        let epoch = context.epoch.unwrap_or(0);
        self.loader()?.start(epoch, 0)?;
        let mut index = 0;
        loop {
            self.look_for_signal()?;
            let Some(batch) = self.loader()?.next() else {
                break;
            };
            self.unless_stopped(batch)?
                .and_then(|batch| self.evaluate_batch(batch, index, start, end))
                .with_context(|| self.place(index))?;
            index += 1;
        }
        self.context.batch_idx = None;
        Ok(())
    }

    fn place(&self, index: u64) -> String {
        let split = self.context.split.name();
        let epoch = self.context.epoch.unwrap_or(0);
        format!("batch {index} of the {split} after epoch {epoch}")
    }

    fn evaluate_batch(&mut self, batch: Batch, index: u64, start: Phase, end: Phase) -> Result<()> {
        let batch = self.to_device.upload(batch, None)?;
        let batches = self.loader()?.batches();
        self.context.begin_batch(batch, index, batches);
        self.fire(start)?;
        self.compute_without_gradients()?;
        self.fire(end)?;
        self.context.clear_batch();
        Ok(())
    }

    fn compute_without_gradients(&mut self) -> Result<()> {
        let _unrecorded = GradientMode::set(false);
        let context = &mut *self.context;
        step_op::forward(context, false)?;
        step_op::loss(context)?;
        step_op::metrics(context)?;
        step_op::gather(context)
    }

    pub(super) fn loader(&mut self) -> Result<&mut DataLoader> {
        let context = &mut *self.context;
        context
            .loader_mut(context.split)
            .context("this run has no test set")
    }

    /// Publishes the metrics of a split, for callbacks, the log and people who watch. Syncs once.
    pub(super) fn publish_metrics(&mut self, split: Split) -> Result<()> {
        self.publish_metrics_as(split.metrics_prefix())
    }

    /// Publishes the metrics of the split in progress under `<prefix>/<metric>`. Syncs once.
    fn publish_metrics_as(&mut self, prefix: &str) -> Result<()> {
        self.syncs += 1;
        let context = &mut *self.context;
        let values = context.running_metrics[context.split].compute()?;
        for (name, value) in &values {
            let name = format!("{prefix}/{name}");
            context.logger.scalar(context.global_step, &name, *value)?;
            self.progress.add_metric(name, *value);
        }
        context.metrics_dict = values;
        prefix.clone_into(&mut self.metrics_of);
        Ok(())
    }

    /// Logs the learning rate of each parameter group.
    pub(super) fn log_learning_rates(&mut self) -> Result<()> {
        let context = &mut *self.context;
        for group in context.optimizer.groups() {
            let name = format!("lr/{}", group.name);
            let rate = group.learning_rate;
            context.logger.scalar(context.global_step, &name, rate)?;
        }
        Ok(())
    }
}

/// Copies in memory of their own, on the same device. Do not sync.
pub(super) fn copies(state: &[(String, tch::Tensor)]) -> Result<NamedTensors> {
    let mut copies = Vec::with_capacity(state.len());
    for (name, tensor) in state {
        copies.push((name.clone(), torch_ext::owned_copy(tensor)?));
    }
    Ok(copies)
}

//! Passes over data that is not trained on: validation, test, and the average of the best models.

use anyhow::{Context as _, Result};
use phasebox_contract::phase::Phase;
use phasebox_data::Batch;

use super::{Trainer, work};
use crate::context::Split;

impl Trainer {
    /// Validates, and says whether the watched metric is the best so far.
    pub(super) fn validate(&mut self) -> Result<bool> {
        self.context.split = Split::Validation;
        self.context.batch_idx = None;
        self.fire(Phase::ValidationLoaderStart)?;
        self.evaluate(Phase::ValidationBatchStart, Phase::ValidationBatchEnd)?;
        self.publish_metrics("valid")?;
        self.fire(Phase::ValidationLoaderEnd)?;
        self.decide_best()
    }

    /// A validation that a callback asked for, between two batches. Training goes on where it was.
    pub(super) fn validate_within_epoch(&mut self) -> Result<()> {
        let batch_idx = self.context.batch_idx;
        if self.validate()? {
            let best = self.settings.saving.best_tag.clone();
            self.save(&[best])?;
        }
        self.context.split = Split::Train;
        self.context.batch_idx = batch_idx;
        Ok(())
    }

    pub(super) fn test(&mut self) -> Result<()> {
        self.context.split = Split::Test;
        self.context.batch_idx = None;
        self.fire(Phase::TestLoaderStart)?;
        self.evaluate(Phase::TestBatchStart, Phase::TestBatchEnd)?;
        self.publish_metrics("test")?;
        self.fire(Phase::TestLoaderEnd)
    }

    /// Validates the average of the best models, then puts the weights back.
    pub(super) fn validate_average(&mut self) -> Result<()> {
        let mean = self.best_models.mean()?;
        if mean.is_empty() {
            return Ok(());
        }
        self.context.split = Split::Validation;
        // A run that was resumed after its last epoch has begun none.
        let last = self.position.epoch.saturating_sub(1);
        self.context.epoch = Some(last);
        self.context.logger.set_epoch(u64::from(last));
        // The average is of whole networks: a moving average kept beside must not stand in for it.
        let ema = self.context.ema_model.take();
        let weights = copies(&self.context.net.state())?;
        self.context.net.load_state(&mean, true)?;
        self.fire(Phase::AverageBestModelsValidationStart)?;
        self.evaluate(Phase::ValidationBatchStart, Phase::ValidationBatchEnd)?;
        self.publish_metrics("average_best_models")?;
        self.fire(Phase::AverageBestModelsValidationEnd)?;
        self.show_epoch()?;
        crate::checkpoint::export_weights(
            &self.run.path().join("average_best_models.safetensors"),
            &mean,
        )?;
        self.context.net.load_state(&weights, true)?;
        self.context.ema_model = ema;
        Ok(())
    }

    fn evaluate(&mut self, start: Phase, end: Phase) -> Result<()> {
        let epoch = self.context.epoch.unwrap_or(0);
        self.context.metrics_mut().reset()?;
        self.loader()?.start(epoch, 0)?;
        let mut index = 0;
        while let Some(batch) = self.loader()?.next() {
            let batch =
                batch.with_context(|| format!("evaluation batch {index} cannot be read"))?;
            self.evaluate_batch(batch, index, start, end)?;
            index += 1;
        }
        self.context.batch_idx = None;
        Ok(())
    }

    fn evaluate_batch(&mut self, batch: Batch, index: u64, start: Phase, end: Phase) -> Result<()> {
        let batch = self.placement.place(batch)?;
        let batches = self.loader()?.batches();
        let context = &mut *self.context;
        context.batch_idx = Some(index);
        context.is_last_batch = index + 1 == batches;
        context.inputs = Some(batch.inputs);
        context.target = Some(batch.target);
        context.additional_batch_items = batch.additional_items;
        self.fire(start)?;
        {
            let _unrecorded = tch::no_grad_guard();
            let context = &mut *self.context;
            work::forward(context, &self.settings, false)?;
            work::loss(context, &self.settings)?;
            work::metrics(context)?;
        }
        self.fire(end)?;
        self.context.clear_batch();
        Ok(())
    }

    fn loader(&mut self) -> Result<&mut phasebox_data::DataLoader> {
        let context = &mut *self.context;
        match context.split {
            Split::Test => context
                .test_loader
                .as_mut()
                .context("this run has no test set"),
            _ => Ok(&mut context.valid_loader),
        }
    }

    /// Metrics of the split, for callbacks, the log and the person who watches. Syncs once.
    pub(super) fn publish_metrics(&mut self, prefix: &str) -> Result<()> {
        self.syncs += 1;
        let context = &mut *self.context;
        let values = context.metrics().compute()?;
        for (name, value) in &values {
            context
                .logger
                .scalar(context.global_step, &format!("{prefix}/{name}"), *value)?;
        }
        if prefix == "train" {
            for group in context.optimizer.groups() {
                let name = format!("lr/{}", group.name);
                context
                    .logger
                    .scalar(context.global_step, &name, group.learning_rate)?;
            }
        }
        self.shown.extend(
            values
                .iter()
                .map(|(name, value)| (format!("{prefix}/{name}"), *value)),
        );
        self.context.metrics_dict = values;
        Ok(())
    }

    /// One line for what the epoch's passes have given.
    pub(super) fn show_epoch(&mut self) -> Result<()> {
        let shown = std::mem::take(&mut self.shown);
        self.progress.end_epoch(self.context.global_step, &shown)
    }

    /// Compares the watched metric with the best so far.
    fn decide_best(&mut self) -> Result<bool> {
        let context = &mut *self.context;
        let watched = context.run.metric_to_watch.clone();
        let value = context
            .metric(&watched)
            .with_context(|| format!("validation gave no metric `{watched}`"))?;
        let greater = context.run.greater_metric_to_watch_is_better;
        let is_best = context
            .best_metric
            .is_none_or(|best| if greater { value > best } else { value < best });
        if self.settings.average_best_models {
            self.best_models.offer(value, &self.context.net.state())?;
        }
        if is_best && !value.is_nan() {
            self.context.best_metric = Some(value);
            self.context.best_epoch = self.context.epoch;
            self.fire(Phase::ValidationEndBestEpoch)?;
        }
        Ok(is_best && !value.is_nan())
    }
}

fn copies(state: &[(String, tch::Tensor)]) -> Result<Vec<(String, tch::Tensor)>> {
    let copy =
        |(name, tensor): &(String, tch::Tensor)| Ok((name.clone(), torch_ext::owned_copy(tensor)?));
    state.iter().map(copy).collect()
}

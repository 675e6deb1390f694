//! What happens within a batch: the work between two phases.

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use tch::Tensor;
use torch_ext::{Autocast, AutocastDevice, Deferred};

use super::{NanPolicy, Trainer, Underway};
use crate::context::Split;
use crate::data::Batch;
use crate::schedule::Progress as ScheduleProgress;

/// Losses that may be on their way before one is waited for: a device that far behind is not worth more memory.
const MAX_LOSSES_ON_THEIR_WAY: usize = 256;

impl Trainer {
    /// The batch, onto the device. Also decides whether it completes an accumulation.
    pub(super) fn place(&mut self, batch: Batch) -> Result<()> {
        let context = &mut *self.context;
        let device = context.device;
        context.samples_seen += batch.len() as u64;
        context.inputs = Some(batch.inputs.f_to_device(device)?);
        context.target = Some(batch.target.f_to_device(device)?);
        context.additional_batch_items = to_device(batch.additional_items, device)?;
        let (index, batches) = (self.position.next_batch, context.train_loader.batches());
        if context.accumulated == 0
            && let Some(accumulation) = context.control.accumulation.take()
        {
            context.accumulation = accumulation;
        }
        context.batch_idx = Some(index);
        context.is_last_batch = index + 1 == batches;
        let group_start = index.saturating_sub(u64::from(context.accumulated));
        let in_group = index - group_start + 1;
        context.is_accumulation_boundary =
            in_group >= u64::from(context.accumulation) || context.is_last_batch;
        context.control.begin_batch();
        self.underway = Some(Underway { group_start, stepped: false });
        Ok(())
    }

    /// preds ← net(inputs), or the moving average's in evaluation.
    pub(super) fn forward(&mut self, train: bool) -> Result<()> {
        let context = &mut *self.context;
        let _autocast = autocast(self.settings.autocast, context.device)?;
        let inputs = context.inputs.as_ref().context("the batch has no inputs")?;
        let net = match &context.ema_model {
            Some(ema) if context.split != Split::Train => ema.model(),
            _ => &context.net,
        };
        context.preds = Some(net.forward(inputs, train)?);
        Ok(())
    }

    /// loss ← criterion(preds, target)
    pub(super) fn compute_loss(&mut self) -> Result<()> {
        let context = &mut *self.context;
        let _autocast = autocast(self.settings.autocast, context.device)?;
        let preds = context.preds.as_ref().context("the batch has no predictions")?;
        let target = context.target.as_ref().context("the batch has no target")?;
        let output = context.criterion.forward(preds, target)?;
        context.loss = Some(output.loss);
        context.loss_log_items = Some(output.items);
        Ok(())
    }

    /// Running metrics and the watch over the loss, of the loss that will be used.
    pub(super) fn record_batch(&mut self) -> Result<()> {
        self.update_metrics()?;
        let Some(loss) = &self.context.loss else { return Ok(()) };
        let mut value = Deferred::new(loss)?;
        if self.settings.nan_policy == NanPolicy::SkipStep {
            let value = value.wait()?;
            self.last_loss = Some(value);
            if !value.is_finite() {
                let reason = format!("nan_policy: the loss is {value}");
                self.context.control.ask("skip-backward", &reason);
                self.context.control.skip_backward = true;
            }
            return Ok(());
        }
        self.losses.push_back((self.position.next_batch, value));
        Ok(())
    }

    /// Totals of the split in progress, on the device.
    pub(super) fn update_metrics(&mut self) -> Result<()> {
        let context = &mut *self.context;
        let metrics = match context.split {
            Split::Train => &mut context.train_metrics,
            Split::Validation => &mut context.valid_metrics,
            Split::Test => &mut context.test_metrics,
        };
        let (Some(preds), Some(target)) = (&context.preds, &context.target) else { return Ok(()) };
        if let Some(items) = &context.loss_log_items {
            metrics.update_loss(items, target.size().first().copied().unwrap_or(1))?;
        }
        metrics.update(&preds.f_detach()?, target)
    }

    /// Reads the losses that have arrived.
    pub(super) fn check_losses(&mut self) -> Result<()> {
        let is_far_behind = self.losses.len() > MAX_LOSSES_ON_THEIR_WAY;
        while let Some((batch, value)) = self.losses.front_mut() {
            let (batch, value) = (*batch, if is_far_behind { Some(value.wait()?) } else { value.poll()? });
            let Some(value) = value else { return Ok(()) };
            self.losses.pop_front();
            self.take_loss(batch, value)?;
        }
        Ok(())
    }

    /// Waits for those that have not.
    pub(super) fn wait_for_losses(&mut self) -> Result<()> {
        while let Some((batch, mut value)) = self.losses.pop_front() {
            let value = value.wait()?;
            self.take_loss(batch, value)?;
        }
        Ok(())
    }

    fn take_loss(&mut self, batch: u64, value: f64) -> Result<()> {
        self.last_loss = Some(value);
        if value.is_finite() || self.settings.nan_policy != NanPolicy::Abort {
            return Ok(());
        }
        bail!(
            "the loss is {value} at batch {batch} of epoch {}: lower the learning rate, clip gradients, or set \
             `nan_policy: skip_step` or `ignore`",
            self.position.epoch
        )
    }

    /// Adds this batch's gradients. The loss is divided by the batches of its group, so that accumulation
    /// over n batches is one batch n times as large.
    pub(super) fn backward(&mut self) -> Result<()> {
        let context = &mut *self.context;
        let loss = context.loss.as_ref().context("the batch has no loss")?;
        ensure!(
            loss.requires_grad(),
            "the loss does not depend on any parameter: is the whole network frozen?"
        );
        let index = context.batch_idx.unwrap_or(0);
        let group_start = index.saturating_sub(u64::from(context.accumulated));
        let left = context.train_loader.batches().saturating_sub(group_start).max(1);
        match left.min(u64::from(context.accumulation)) {
            0 | 1 => loss.f_backward()?,
            group => loss.f_div_scalar(group as f64)?.f_backward()?,
        }
        context.accumulated += 1;
        Ok(())
    }

    pub(super) fn clip_gradients(&mut self) -> Result<()> {
        if let Some(max_norm) = self.settings.clip_grad_norm {
            let _norm_before = self.context.optimizer.gradients()?.clip_grad_norm_(max_norm, 2.0)?;
        }
        Ok(())
    }

    pub(super) fn clear_gradients(&mut self) -> Result<()> {
        self.context.accumulated = 0;
        self.context.optimizer.zero_grad()
    }

    /// After a step: the count, the moving average, the next step's learning rate.
    pub(super) fn count_step(&mut self) -> Result<()> {
        self.context.global_step += 1;
        if let Some(underway) = &mut self.underway {
            underway.stepped = true;
        }
        let total_steps = self.context.steps_per_epoch() * u64::from(self.settings.max_epochs);
        if let Some(ema) = &self.context.ema_model {
            ema.update(self.context.global_step, total_steps)?;
        }
        self.apply_schedule();
        Ok(())
    }

    /// Sets the schedule's rates where they differ from what it set last.
    pub(super) fn apply_schedule(&mut self) {
        let context = &mut *self.context;
        let progress = ScheduleProgress {
            epoch: u64::from(self.position.epoch),
            step_in_run: context.global_step,
            steps_per_epoch: context.steps_per_epoch(),
            max_epochs: u64::from(self.settings.max_epochs),
        };
        let groups = context.optimizer.groups_mut();
        self.scheduled.resize(groups.len(), f64::NAN);
        for (group, scheduled) in groups.iter_mut().zip(&mut self.scheduled) {
            let rate = self.schedule.learning_rate(group.initial_learning_rate, progress);
            if rate != *scheduled {
                (group.learning_rate, *scheduled) = (rate, rate);
            }
        }
    }
}

fn to_device(items: Vec<(String, Tensor)>, device: tch::Device) -> Result<Vec<(String, Tensor)>> {
    items.into_iter().map(|(name, tensor)| Ok((name, tensor.f_to_device(device)?))).collect()
}

fn autocast(wanted: bool, device: tch::Device) -> Result<Option<Autocast>> {
    if !wanted {
        return Ok(None);
    }
    let device = AutocastDevice::try_from(device).map_err(|error| anyhow!(error))?;
    Ok(Some(Autocast::on(device, tch::Kind::BFloat16)?))
}

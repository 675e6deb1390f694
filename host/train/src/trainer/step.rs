//! What happens around a batch's works: placing it, the watch over the loss, counts, averages and rates.

use anyhow::{Result, bail};
use phasebox_contract::policy::NanPolicy;
use phasebox_data::Batch;
use phasebox_nn::schedule::Progress as ScheduleProgress;
use torch_ext::Deferred;

use super::work::Work;
use super::{Trainer, Underway};

/// Losses that may be on their way before one is waited for: a device that far behind is not worth more memory.
const MAX_LOSSES_ON_THEIR_WAY: usize = 256;

impl Trainer {
    /// The batch, onto the device. Also decides whether it completes an accumulation.
    pub(super) fn place(&mut self, batch: Batch) -> Result<()> {
        let batch = self.placement.place(batch)?;
        let context = &mut *self.context;
        context.samples_seen += batch.len() as u64;
        context.inputs = Some(batch.inputs);
        context.target = Some(batch.target);
        context.additional_batch_items = batch.additional_items;
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
        self.underway = Some(Underway {
            group_start,
            stepped: false,
        });
        Ok(())
    }

    /// Asks for the value of the loss that will be used, which arrives later.
    pub(super) fn watch_loss(&mut self) -> Result<()> {
        let Some(loss) = &self.context.loss else {
            return Ok(());
        };
        let mut value = Deferred::new(loss)?;
        if self.settings.nan_policy == NanPolicy::SkipStep {
            self.syncs += 1;
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

    /// Reads the losses that have arrived.
    pub(super) fn check_losses(&mut self) -> Result<()> {
        let is_far_behind = self.losses.len() > MAX_LOSSES_ON_THEIR_WAY;
        self.syncs += u64::from(is_far_behind);
        while let Some((batch, value)) = self.losses.front_mut() {
            let (batch, value) = (
                *batch,
                if is_far_behind {
                    Some(value.wait()?)
                } else {
                    value.poll()?
                },
            );
            let Some(value) = value else { return Ok(()) };
            self.losses.pop_front();
            self.take_loss(batch, value)?;
        }
        Ok(())
    }

    /// Waits for those that have not.
    pub(super) fn wait_for_losses(&mut self) -> Result<()> {
        self.syncs += u64::from(!self.losses.is_empty());
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

    /// In place of a step. What is left of the batch is done eagerly.
    pub(super) fn clear_gradients(&mut self) -> Result<()> {
        self.captures.leave_batch();
        self.context.accumulated = 0;
        self.work(Work::Clear)
    }

    /// After a step: the count, the moving average, the next step's learning rate.
    pub(super) fn count_step(&mut self) -> Result<()> {
        self.context.accumulated = 0;
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
            let rate = self
                .schedule
                .learning_rate(group.initial_learning_rate, progress);
            if rate != *scheduled {
                (group.learning_rate, *scheduled) = (rate, rate);
            }
        }
    }
}

//! The frame around the operations of a batch: its beginning, counts, averages and rates.

use anyhow::Result;
use phasebox_data::Batch;
use phasebox_nn::schedule::Progress as ScheduleProgress;

use super::{StepOp, Trainer, Underway};

impl Trainer {
    /// Puts the batch onto the device and decides whether it completes a step.
    pub(super) fn begin_batch(&mut self, batch: Batch) -> Result<()> {
        let batch = self.to_device.upload(batch, self.recordings.landing())?;
        let index = self.position.next_batch;
        let context = &mut *self.context;
        context.samples_seen += batch.size as u64;
        context.begin_batch(batch, index, context.train_loader.batches());
        context.begin_contribution(index);
        context.control.begin_batch();
        self.underway = Some(Underway::BeforeStep);
        Ok(())
    }

    /// Clears gradients in place of a step. The rest of the batch is done eagerly.
    pub(super) fn clear_gradients(&mut self) -> Result<()> {
        self.recordings.leave_batch();
        self.context.accumulation.end_group();
        self.perform(StepOp::Clear)
    }

    /// Counts a step, updates the moving average and sets the next step's learning rates.
    pub(super) fn count_step(&mut self) -> Result<()> {
        let context = &mut *self.context;
        context.accumulation.end_group();
        context.global_step += 1;
        self.underway = self.underway.map(|_| Underway::Stepped);
        let total_steps = context.steps_per_epoch() * u64::from(self.settings.max_epochs);
        if let Some(ema) = &context.ema_model {
            ema.update(context.global_step, total_steps)?;
        }
        self.apply_schedule();
        Ok(())
    }

    /// Sets the schedule's rates where they differ from those that it set last.
    pub(super) fn apply_schedule(&mut self) {
        let context = &mut *self.context;
        let progress = ScheduleProgress {
            epoch: u64::from(self.position.epoch),
            step_in_run: context.global_step,
            steps_per_epoch: context.steps_per_epoch(),
            max_epochs: u64::from(self.settings.max_epochs),
        };
        self.schedule.apply(context.optimizer.as_mut(), progress);
    }
}

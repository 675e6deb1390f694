//! Logs the loss of every batch, on its way from the device: one of the three callbacks that trainers are compared with.

use phasebox_sdk::prelude::*;

/// Logs the loss of every batch.
#[derive(Parameters)]
struct LossLog;

#[callback]
impl LossLog {
    fn on_train_batch_loss_end(&mut self, ctx: &PhaseContext) -> Result<()> {
        ctx.log_tensor("loss", &ctx.loss()?)
    }
}

//! Reads every tensor of a batch by name, and publishes the share of right answers of two heads as a metric of its own.

use phasebox_sdk::prelude::*;

/// The share of samples whose digit and parity are both right.
#[derive(Parameters)]
struct NamedItems {
    #[skip]
    right: f64,
    #[skip]
    samples: f64,
}

#[callback(grants = ["sync"], metrics = ["both_right"])]
impl NamedItems {
    fn on_train_batch_end(&mut self, ctx: &PhaseContext) -> Result<()> {
        let parts = ctx.loss_log_items()?;
        for (index, name) in ctx.loss_logging_items_names().iter().enumerate() {
            let part = parts.select(0, index as i64)?;
            ctx.log_tensor(&format!("part/{name}"), &part)?;
        }
        log_means(ctx, "inputs", &ctx.inputs_group()?)?;
        log_means(ctx, "target", &ctx.target_group()?)?;
        log_means(ctx, "preds", &ctx.preds_group()?)
    }

    fn on_validation_loader_start(&mut self, _: &PhaseContext) -> Result<()> {
        (self.right, self.samples) = (0.0, 0.0);
        Ok(())
    }

    fn on_validation_batch_end(&mut self, ctx: &PhaseContext) -> Result<()> {
        let (preds, target) = (ctx.preds_group()?, ctx.target_group()?);
        let digit = preds.get("digit")?.argmax(1, false)?;
        let digit = digit.eq(&target.get("digit")?)?;
        let odd = preds.get("odd")?.gt_scalar(0.0)?;
        let odd = odd.eq(&target.get("odd")?.gt_scalar(0.5)?)?.squeeze(1)?;
        self.right += digit.logical_and(&odd)?.sum(&[], false)?.item()?;
        self.samples += ctx.batch_size() as f64;
        Ok(())
    }

    fn on_validation_loader_end(&mut self, ctx: &PhaseContext) -> Result<()> {
        ctx.publish_metric("both_right", self.right / self.samples)
    }
}

/// Logs the mean of each member under its name.
fn log_means(ctx: &PhaseContext, what: &str, group: &TensorGroup) -> Result<()> {
    for name in group.names()? {
        let values = group.get(&name)?.to_dtype(Dtype::Float32)?;
        ctx.log_tensor(&format!("{what}/{name}"), &values.mean(&[], false)?)?;
    }
    Ok(())
}

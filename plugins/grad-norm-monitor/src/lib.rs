//! Logs how large gradients are and how far a step moves the weights. Norms stay on the device and
//! do not sync; histograms do.

use phasebox_sdk::prelude::*;

/// Logs the norm of the final gradients and the ratio of update to weights.
#[derive(Parameters)]
struct GradNormMonitor {
    /// Look at every n-th optimizer step.
    #[default(1)]
    every_n_steps: u64,
    /// The order of the norms.
    #[default(2.0)]
    norm_type: f64,
    /// The parameters to look at, such as `backbone.*`.
    #[default("*".into())]
    parameter_glob: String,
    /// Also log the norm of each parameter's gradient: two crossings each.
    #[default(false)]
    per_layer: bool,
    /// Log how far the step moves the weights: costs a copy of them for the length of the step.
    #[default(true)]
    update_ratio: bool,
    /// Log a histogram of each parameter's gradient with so many bins.
    histogram_bins: Option<u32>,
    #[skip]
    before: Option<TensorGroup>,
}

#[callback(grants = ["sync"])]
impl GradNormMonitor {
    fn configure(&mut self) -> Result<()> {
        if self.every_n_steps == 0 {
            return Err(Error::invalid(
                "parameter `every_n_steps`: at least 1 is needed",
            ));
        }
        Ok(())
    }

    fn on_train_batch_gradient_ready(&mut self, ctx: &PhaseContext) -> Result<()> {
        if !ctx.global_step().is_multiple_of(self.every_n_steps) {
            return Ok(());
        }
        let (net, logger) = (ctx.net()?, ctx.sg_logger()?);
        let gradients = net.gradients()?.matching(&self.parameter_glob)?;
        logger.scalar_tensor("grad_norm", &gradients.norm(self.norm_type)?)?;
        if self.per_layer {
            self.log_layers(&gradients, &logger)?;
        }
        if let Some(bins) = self.histogram_bins {
            log_histograms(&gradients, &logger, bins)?;
        }
        if self.update_ratio {
            self.before = Some(
                net.parameters()?
                    .matching(&self.parameter_glob)?
                    .duplicate()?,
            );
        }
        Ok(())
    }

    fn on_train_batch_optimizer_stepped(&mut self, ctx: &PhaseContext) -> Result<()> {
        let Some(update) = self.before.take() else {
            return Ok(());
        };
        let weights = ctx.net()?.parameters()?.matching(&self.parameter_glob)?;
        let size = update.norm(self.norm_type)?.clamp(Some(1e-12), None)?;
        update.add_in_place(&weights, -1.0)?;
        ctx.log_tensor("update_ratio", &update.norm(self.norm_type)?.div(&size)?)
    }

    fn log_layers(&self, gradients: &TensorGroup, logger: &Logger) -> Result<()> {
        let norms = gradients.norms(self.norm_type)?;
        for (index, name) in gradients.names()?.iter().enumerate() {
            logger.scalar_tensor(
                &format!("grad_norm/{name}"),
                &norms.select(0, index as i64)?,
            )?;
        }
        Ok(())
    }
}

fn log_histograms(gradients: &TensorGroup, logger: &Logger, bins: u32) -> Result<()> {
    for name in gradients.names()? {
        logger.histogram(&format!("grad/{name}"), &gradients.get(&name)?, bins)?;
    }
    Ok(())
}

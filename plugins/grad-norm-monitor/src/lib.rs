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
    /// Log how far the step moves the weights: costs a copy of them.
    #[default(true)]
    update_ratio: bool,
    /// Log a histogram of each parameter's gradient with so many bins.
    histogram_bins: Option<u32>,
    /// The weights before the last step that was looked at.
    #[skip]
    before: Option<TensorGroup>,
    /// The step in progress is looked at.
    #[skip]
    is_watched: bool,
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
        if !self.is_due(ctx) {
            return Ok(());
        }
        let gradients = self.chosen(ctx.gradients()?)?;
        ctx.log_tensor("grad_norm", &gradients.norm(self.norm_type)?)?;
        if self.per_layer {
            self.log_layers(&gradients, ctx)?;
        }
        if let Some(bins) = self.histogram_bins {
            log_histograms(&gradients, &ctx.sg_logger()?, bins)?;
        }
        if self.update_ratio {
            self.copy_weights(&self.chosen(ctx.parameters()?)?)?;
        }
        Ok(())
    }

    fn on_train_batch_optimizer_stepped(&mut self, ctx: &PhaseContext) -> Result<()> {
        let before = match &self.before {
            Some(before) if self.is_watched => before,
            _ => return Ok(()),
        };
        let weights = self.chosen(ctx.parameters()?)?;
        let ratio = weights.relative_change(before, self.norm_type)?;
        ctx.log_tensor("update_ratio", &ratio)?;
        self.is_watched = false;
        Ok(())
    }

    fn is_due(&self, ctx: &PhaseContext) -> bool {
        self.every_n_steps == 1 || ctx.global_step().is_multiple_of(self.every_n_steps)
    }

    /// The members that the parameter `parameter_glob` names.
    fn chosen(&self, all: TensorGroup) -> Result<TensorGroup> {
        match self.parameter_glob.as_str() {
            "*" => Ok(all),
            glob => all.matching(glob),
        }
    }

    /// The memory of the first copy serves all later ones.
    fn copy_weights(&mut self, weights: &TensorGroup) -> Result<()> {
        self.is_watched = true;
        match &self.before {
            Some(before) => before.copy_in_place(weights),
            None => {
                self.before = Some(weights.duplicate()?);
                Ok(())
            }
        }
    }

    fn log_layers(&self, gradients: &TensorGroup, ctx: &PhaseContext) -> Result<()> {
        let norms = gradients.norms(self.norm_type)?;
        for (index, name) in gradients.names()?.iter().enumerate() {
            let norm = norms.select(0, index as i64)?;
            ctx.log_tensor(&format!("grad_norm/{name}"), &norm)?;
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

//! Limits gradients before the optimizer uses them: by norm, like `torch.nn.utils.clip_grad_norm_`, or by value.

use phasebox_sdk::prelude::*;

/// Scales gradients so that their norm stays below `max_norm`, or cuts each element at `max_value`.
#[derive(Parameters)]
struct GradClip {
    /// The largest norm of all gradients together.
    max_norm: Option<f64>,
    /// The largest magnitude of one element.
    max_value: Option<f64>,
    /// The order of the norm.
    #[default(2.0)]
    norm_type: f64,
}

#[callback(grants = ["gradients"])]
impl GradClip {
    fn configure(&mut self) -> Result<()> {
        let limit = match (self.max_norm, self.max_value) {
            (Some(limit), None) | (None, Some(limit)) => limit,
            _ => return Err(Error::invalid("give either `max_norm` or `max_value`")),
        };
        if !(limit > 0.0 && self.norm_type > 0.0) {
            return Err(Error::invalid(format!(
                "the limit and `norm_type` must be above 0, not {limit} and {}",
                self.norm_type
            )));
        }
        Ok(())
    }

    fn on_train_batch_gradient_step_start(&mut self, ctx: &PhaseContext) -> Result<()> {
        if let Some(max_norm) = self.max_norm {
            return ctx.clip_and_log_gradients(max_norm, self.norm_type, "norm");
        }
        let gradients = ctx.gradients()?;
        let norm = gradients.norm(self.norm_type)?;
        gradients.clip_value_in_place(self.max_value.unwrap_or(f64::INFINITY))?;
        ctx.log_tensor("norm", &norm)
    }
}

//! Publishes what it is told as its metric, epoch by epoch, and checks its parameters against the run.

use phasebox_sdk::prelude::*;
use phasebox_sdk::serde_json::Value;

/// Publishes a score at the end of each validation.
#[derive(Parameters)]
struct Publisher {
    /// The score of each epoch; an epoch without one publishes nothing.
    scores: Vec<f64>,
    /// Hand the score over as a tensor.
    #[default(false)]
    as_tensor: bool,
    /// A key of the facts of the run, and its value as it must be.
    fact: Option<(String, Value)>,
}

#[callback(grants = ["sync"], metrics = ["score"])]
impl Publisher {
    fn check_run(&mut self, facts: &Value) -> Result<()> {
        let Some((path, expected)) = &self.fact else {
            return Ok(());
        };
        let found = facts.pointer(path).unwrap_or(&Value::Null);
        if found == expected {
            Ok(())
        } else {
            Err(Error::invalid(format!("{path} is {found}")))
        }
    }

    fn on_validation_loader_end(&mut self, ctx: &PhaseContext) -> Result<()> {
        let epoch = ctx.epoch().unwrap_or(0) as usize;
        let Some(score) = self.scores.get(epoch) else {
            return Ok(());
        };
        // Replaced by the next line.
        ctx.publish_metric("score", -1.0)?;
        if self.as_tensor {
            let score = tensor::full(&[1], *score, Dtype::Float64, "")?;
            ctx.publish_metric_tensor("score", &score)
        } else {
            ctx.publish_metric("score", *score)
        }
    }
}

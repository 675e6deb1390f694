//! Sets the learning rate before every optimizer step. This file reads the recipe and the context; `schedule` is the
//! arithmetic.

mod schedule;

use phasebox_sdk::prelude::*;
use phasebox_sdk::serde_json::{self, Value};
use schedule::Schedule;

/// Warms the learning rate up linearly, step by step, then lowers it along a cosine.
#[derive(Parameters)]
struct LrWarmupCosine {
    /// The rate after the warm-up; by default the recipe's `initial_lr`.
    initial_lr: Option<f64>,
    /// Optimizer steps of the warm-up.
    #[default(0)]
    warmup_steps: u64,
    /// The first rate of the warm-up, as a share of `initial_lr`; by default 1 / (warmup_steps + 1).
    warmup_initial_ratio: Option<f64>,
    /// The rate at the end of the run, as a share of `initial_lr`.
    #[default(0.01)]
    final_lr_ratio: f64,
}

#[callback(grants = ["optimizer"])]
impl LrWarmupCosine {
    fn configure(&mut self) -> Result<()> {
        let ratios = [
            self.final_lr_ratio,
            self.warmup_initial_ratio.unwrap_or(0.0),
        ];
        if ratios.iter().any(|ratio| !(0.0..=1.0).contains(ratio)) {
            return Err(Error::invalid(
                "`final_lr_ratio` and `warmup_initial_ratio` are shares from 0 to 1",
            ));
        }
        Ok(())
    }

    fn check_run(&mut self, facts: &Value) -> Result<()> {
        let epochs = facts["epochs"].as_u64().unwrap_or(u64::MAX);
        let in_epoch = facts["steps_per_epoch"].as_u64().unwrap_or(u64::MAX);
        let steps = epochs.saturating_mul(in_epoch);
        if self.warmup_steps > steps {
            return Err(Error::invalid(format!(
                "parameter `warmup_steps`: the run has {steps} steps, fewer than {}",
                self.warmup_steps
            )));
        }
        if self.initial_lr.is_none() && has_different_rates(&facts["optimizer"]["groups"]) {
            return Err(Error::invalid(
                "the recipe has no single `initial_lr`: give it to the callback",
            ));
        }
        Ok(())
    }

    fn on_training_start(&mut self, ctx: &PhaseContext) -> Result<()> {
        if self.initial_lr.is_none() {
            self.initial_lr = Some(recipe_initial_lr(&ctx.training_params())?);
        }
        Ok(())
    }

    fn on_train_batch_gradient_step_start(&mut self, ctx: &PhaseContext) -> Result<()> {
        let (step, max_steps) = ctx.progress();
        let schedule = Schedule {
            warmup_steps: self.warmup_steps,
            warmup_initial_ratio: self
                .warmup_initial_ratio
                .unwrap_or(1.0 / (self.warmup_steps as f64 + 1.0)),
            final_lr_ratio: self.final_lr_ratio,
            max_steps,
        };
        let rate = self.initial_lr.unwrap_or_default() * schedule.ratio(step);
        ctx.set_learning_rate("", rate)
    }
}

/// True if parameter groups begin with different learning rates.
fn has_different_rates(groups: &Value) -> bool {
    let groups = groups.as_array().map_or(&[][..], Vec::as_slice);
    let rates = groups.iter().map(|group| &group["learning_rate"]);
    rates.clone().any(|rate| Some(rate) != rates.clone().next())
}

/// `initial_lr` of the recipe's `training_hyperparams`.
fn recipe_initial_lr(training_params: &str) -> Result<f64> {
    let params: Value = serde_json::from_str(training_params)?;
    params["initial_lr"].as_f64().ok_or_else(|| {
        Error::invalid("the recipe has no single `initial_lr`: give it to the callback")
    })
}

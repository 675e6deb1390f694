//! Keeps an exponential average of the weights on the device and lends it to validation and test. This file moves
//! tensors; `decay` is the arithmetic.

mod decay;

use decay::DecayType;
use phasebox_sdk::prelude::*;

/// Validates and tests with an exponential moving average of the weights.
#[derive(Parameters)]
struct Ema {
    /// The share of the average that a step keeps in the end.
    #[default(0.9999)]
    decay: f64,
    /// The way to `decay`: `constant`, `exp` or `threshold`.
    #[default(DecayType::Exp)]
    decay_type: DecayType,
    /// The speed at which `exp` reaches `decay`.
    #[default(15.0)]
    beta: f64,
    /// Also average tensors that are saved but not trained, such as running means.
    #[default(true)]
    use_buffers: bool,
    /// The network holds the average and the storage holds the weights.
    #[state]
    swapped: bool,
    /// The network holds the average of the best checkpoints, which must stay as it is.
    #[skip]
    averages_best: bool,
    /// A glob of the buffers that are averaged, if there are any.
    #[skip]
    averaged_buffers: Option<String>,
}

#[callback(grants = ["parameters"], state)]
impl Ema {
    fn configure(&mut self) -> Result<()> {
        if !(0.0..1.0).contains(&self.decay) || self.beta <= 0.0 {
            return Err(Error::invalid(
                "parameters `decay` and `beta`: 0 ≤ decay < 1 and beta > 0 are needed",
            ));
        }
        Ok(())
    }

    fn on_training_start(&mut self, ctx: &PhaseContext) -> Result<()> {
        if self.use_buffers {
            self.averaged_buffers = floating(&ctx.buffers()?)?;
        }
        for (name, group) in self.groups(ctx)? {
            if storage::load_group(name)?.is_none() {
                storage::store_group(name, &group)?;
            }
        }
        // A checkpoint taken during validation.
        self.give_back(ctx)
    }

    fn on_train_batch_optimizer_stepped(&mut self, ctx: &PhaseContext) -> Result<()> {
        // The step in progress is not counted yet.
        let (steps, max_steps) = ctx.progress();
        let kept = self
            .decay_type
            .at(self.decay, self.beta, steps + 1, max_steps);
        for (name, group) in self.groups(ctx)? {
            shadow(name)?.lerp_in_place(&group, 1.0 - kept)?;
        }
        Ok(())
    }

    fn on_validation_loader_start(&mut self, ctx: &PhaseContext) -> Result<()> {
        self.lend(ctx)
    }

    fn on_validation_loader_end(&mut self, ctx: &PhaseContext) -> Result<()> {
        self.give_back(ctx)
    }

    fn on_test_loader_start(&mut self, ctx: &PhaseContext) -> Result<()> {
        self.lend(ctx)
    }

    fn on_test_loader_end(&mut self, ctx: &PhaseContext) -> Result<()> {
        self.give_back(ctx)
    }

    fn on_average_best_models_validation_start(&mut self, _: &PhaseContext) -> Result<()> {
        self.averages_best = true;
        Ok(())
    }

    fn on_average_best_models_validation_end(&mut self, _: &PhaseContext) -> Result<()> {
        self.averages_best = false;
        Ok(())
    }

    fn lend(&mut self, ctx: &PhaseContext) -> Result<()> {
        if self.swapped || self.averages_best {
            Ok(())
        } else {
            self.swap(ctx)
        }
    }

    fn give_back(&mut self, ctx: &PhaseContext) -> Result<()> {
        if self.swapped { self.swap(ctx) } else { Ok(()) }
    }

    fn swap(&mut self, ctx: &PhaseContext) -> Result<()> {
        for (name, group) in self.groups(ctx)? {
            shadow(name)?.swap_in_place(&group)?;
        }
        self.swapped = !self.swapped;
        Ok(())
    }

    /// The network's tensors by the name their average is kept under.
    fn groups(&self, ctx: &PhaseContext) -> Result<Vec<(&'static str, TensorGroup)>> {
        let mut groups = vec![("parameters", ctx.parameters()?)];
        if let Some(glob) = &self.averaged_buffers {
            groups.push(("buffers", ctx.buffers()?.matching(glob)?));
        }
        Ok(groups)
    }
}

/// A glob of the members that have a mean: a count of batches has none.
fn floating(buffers: &TensorGroup) -> Result<Option<String>> {
    let mut names = Vec::new();
    for name in buffers.names()? {
        let dtype = buffers.get(&name)?.info()?.dtype;
        if matches!(
            dtype,
            Dtype::Float16 | Dtype::Bfloat16 | Dtype::Float32 | Dtype::Float64
        ) {
            names.push(name);
        }
    }
    Ok((!names.is_empty()).then(|| format!("{{{}}}", names.join(","))))
}

fn shadow(name: &str) -> Result<TensorGroup> {
    storage::load_group(name)?
        .ok_or_else(|| Error::not_available(format!("no average of the {name} is kept")))
}

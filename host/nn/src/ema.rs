//! The moving average of the weights that the loop itself keeps (`ema: true`). Owns the shadow network and
//! the decay; the trainer decides when the average is updated and validated.
//!
//! shadow ← decay · shadow + (1 − decay) · weights after every optimizer step, parameters and floating-point
//! buffers alike. Decays are those of SuperGradients' ModelEMA.

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};
use torch_ext::TensorList;

use crate::model::Model;

/// The growth of the decay at the start, when the average is still of random weights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DecayType {
    /// The final decay from the first step on.
    Constant,
    /// decay · (1 − e^(−beta · step / total steps))
    #[default]
    Exp,
    /// min(decay, (1 + step) / (10 + step))
    Threshold,
}

/// `ema_params` of a recipe.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct EmaConfig {
    /// The final share of the old average, 0 to 1.
    pub decay: f64,
    /// The way to the final decay.
    pub decay_type: DecayType,
    /// The speed of [`DecayType::Exp`].
    pub beta: f64,
}

impl Default for EmaConfig {
    fn default() -> EmaConfig {
        EmaConfig {
            decay: 0.9999,
            decay_type: DecayType::Exp,
            beta: 15.0,
        }
    }
}

impl EmaConfig {
    /// Refuses values with which the average grows without bound or turns around.
    fn check(&self) -> Result<()> {
        let EmaConfig { decay, beta, .. } = *self;
        ensure!(
            (0.0..=1.0).contains(&decay),
            "`decay` is {decay}; give a number from 0 to 1"
        );
        let grows = self.decay_type == DecayType::Exp;
        ensure!(
            !grows || (beta > 0.0 && beta.is_finite()),
            "`beta` is {beta}; give a number above 0"
        );
        Ok(())
    }

    /// The decay at optimizer step `step` (from 1) of `total_steps`.
    pub(crate) fn decay_at(&self, step: u64, total_steps: u64) -> f64 {
        match self.decay_type {
            DecayType::Constant => self.decay,
            DecayType::Exp => {
                self.decay * (1.0 - (-self.beta * step as f64 / total_steps.max(1) as f64).exp())
            }
            DecayType::Threshold => self.decay.min((1 + step) as f64 / (10 + step) as f64),
        }
    }
}

/// A network whose weights are the average of another's.
pub struct Ema {
    config: EmaConfig,
    model: Model,
    shadow: TensorList,
    source: TensorList,
}

impl Ema {
    /// Starts from the weights of `net`.
    ///
    /// # Errors
    /// A decay outside 0 to 1, a `beta` that is not above 0, or a network that cannot be built twice.
    pub fn new(config: EmaConfig, net: &Model) -> Result<Ema> {
        config.check()?;
        let model = net.duplicate()?;
        Ok(Ema {
            config,
            shadow: averaged(&model)?,
            source: averaged(net)?,
            model,
        })
    }

    /// Takes in the weights after optimizer step `step` (from 1). One multi-tensor kernel, no sync.
    ///
    /// # Errors
    /// libtorch's reason.
    pub fn update(&self, step: u64, total_steps: u64) -> Result<()> {
        let weight = 1.0 - self.config.decay_at(step, total_steps);
        Ok(tch::no_grad(|| self.shadow.lerp_(&self.source, weight))?)
    }

    /// The network with the averaged weights.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// The network with the averaged weights, to load a checkpoint into.
    pub fn model_mut(&mut self) -> &mut Model {
        &mut self.model
    }
}

/// The tensors that are averaged: all but counts of batches and the like.
fn averaged(model: &Model) -> Result<TensorList> {
    let all = model.parameters().iter().chain(model.buffers());
    let mut floating = Vec::new();
    for (_, tensor) in all.filter(|(_, tensor)| tensor.is_floating_point()) {
        floating.push(tensor.f_detach()?);
    }
    Ok(TensorList::from_tensors(&floating)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers by the formulas of SuperGradients' `ema_decay_schedules.py`, computed with Python's `math`.
    #[test]
    fn decays_are_those_of_supergradients() {
        let check = |decay_type, step, expected: f64| {
            let config = EmaConfig {
                decay: 0.9999,
                decay_type,
                beta: 15.0,
            };
            let found = config.decay_at(step, 1000);
            assert!(
                (found - expected).abs() < 1e-12,
                "{decay_type:?} at {step}: {found}"
            );
        };
        check(DecayType::Constant, 1, 0.9999);
        check(DecayType::Exp, 10, 0.139_278_094_372_584_7);
        check(DecayType::Exp, 500, 0.999_346_970_938_289_3);
        check(DecayType::Threshold, 1, 0.181_818_181_818_181_82);
        check(DecayType::Threshold, 100_000, 0.9999);
    }
}

//! RMSprop, the rule of `torch.optim.RMSprop` on multi-tensor operations: libtorch has no fused kernel for it. Owns no
//! tensors. Sources: Hinton's lecture 6e; Graves 2013 (centered).

use anyhow::Result;
use serde::Deserialize;
use torch_ext::{LearningRate, TensorList};

use super::rule::{Rule, Step};
use super::state::Lists;

/// Overwritten in every step: the gradient plus the L2 penalty.
const DECAYED: &str = "decayed_gradient";
/// Overwritten in every step: the divisor of the gradients.
const DENOMINATOR: &str = "denominator";

/// Settings of `RMSprop`, with PyTorch's names and defaults.
#[derive(Clone, Copy, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RmsProp {
    /// The smoothing factor of the squared gradients, from 0 to 1.
    alpha: f64,
    /// Added to the denominator.
    eps: f64,
    /// The L2 penalty that groups start with.
    weight_decay: f64,
    /// From 0 (no momentum) to less than 1.
    momentum: f64,
    /// Divides by the estimated variance instead of the second moment.
    centered: bool,
}

impl Default for RmsProp {
    fn default() -> Self {
        Self {
            alpha: 0.99,
            eps: 1e-8,
            weight_decay: 0.0,
            momentum: 0.0,
            centered: false,
        }
    }
}

impl Rule for RmsProp {
    fn weight_decay(&self) -> f64 {
        self.weight_decay
    }

    fn hyperparameters(&self) -> &'static [&'static str] {
        &["alpha", "eps", "momentum"]
    }

    fn hyperparameter(&mut self, name: &str) -> Option<&mut f64> {
        match name {
            "alpha" => Some(&mut self.alpha),
            "eps" => Some(&mut self.eps),
            "momentum" => Some(&mut self.momentum),
            _ => None,
        }
    }

    fn buffers(&self) -> Vec<&'static str> {
        let mut names = vec!["square_avg"];
        names.extend(self.centered.then_some("grad_avg"));
        names.extend((self.momentum > 0.0).then_some("momentum_buffer"));
        names
    }

    fn scratch(&self, weight_decay: f64) -> Vec<&'static str> {
        let mut names = vec![DENOMINATOR];
        names.extend((weight_decay > 0.0).then_some(DECAYED));
        names
    }

    fn update(&self, lists: &Lists, step: Step<'_>) -> Result<()> {
        let gradients = self.decayed(lists, step.weight_decay)?;
        self.accumulate(lists, gradients)?;
        if self.momentum > 0.0 {
            let momentum = lists.buffer("momentum_buffer");
            momentum.mul_scalar_(self.momentum)?;
            momentum.addcdiv_(gradients, lists.buffer(DENOMINATOR), 1.0)?;
            subtract_scaled(lists, momentum, step.learning_rate)
        } else {
            subtract_quotient(lists, gradients, step.learning_rate)
        }
    }
}

impl RmsProp {
    /// The gradients with the penalty; callbacks still find the plain ones.
    fn decayed<'a>(&self, lists: &'a Lists, weight_decay: f64) -> Result<&'a TensorList> {
        if weight_decay == 0.0 {
            return Ok(&lists.gradients);
        }
        let decayed = lists.buffer(DECAYED);
        decayed.copy_(&lists.gradients)?;
        decayed.add_(&lists.parameters, weight_decay)?;
        Ok(decayed)
    }

    /// Updates the averages and leaves the denominator in its scratch buffer.
    fn accumulate(&self, lists: &Lists, gradients: &TensorList) -> Result<()> {
        let square_avg = lists.buffer("square_avg");
        let denominator = lists.buffer(DENOMINATOR);
        square_avg.mul_scalar_(self.alpha)?;
        square_avg.addcmul_(gradients, gradients, 1.0 - self.alpha)?;
        denominator.copy_(square_avg)?;
        if self.centered {
            let grad_avg = lists.buffer("grad_avg");
            grad_avg.lerp_(gradients, 1.0 - self.alpha)?;
            denominator.addcmul_(grad_avg, grad_avg, -1.0)?;
        }
        denominator.sqrt_()?;
        Ok(denominator.add_scalar_(self.eps)?)
    }
}

/// `parameters -= lr * momentum`. The arithmetic does not depend on where the rate lies: a recorded step gives the
/// same bits as one that is not.
fn subtract_scaled(
    lists: &Lists,
    momentum: &TensorList,
    learning_rate: LearningRate<'_>,
) -> Result<()> {
    // The denominator is no longer needed, so its memory holds the scaled momentum.
    let scaled = lists.buffer(DENOMINATOR);
    scaled.copy_(momentum)?;
    match learning_rate {
        LearningRate::Host(rate) => scaled.mul_scalar_(rate)?,
        LearningRate::Device(rate) => scaled.mul_tensor_(rate)?,
    }
    Ok(lists.parameters.add_(scaled, -1.0)?)
}

/// `parameters -= lr * gradients / denominator`, by the arithmetic of [`subtract_scaled`].
fn subtract_quotient(
    lists: &Lists,
    gradients: &TensorList,
    learning_rate: LearningRate<'_>,
) -> Result<()> {
    let denominator = lists.buffer(DENOMINATOR);
    match learning_rate {
        LearningRate::Host(rate) => denominator.div_scalar_(rate)?,
        LearningRate::Device(rate) => denominator.div_tensor_(rate)?,
    }
    Ok(lists.parameters.addcdiv_(gradients, denominator, -1.0)?)
}

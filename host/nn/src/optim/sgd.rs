//! Stochastic gradient descent with momentum, the rule of `torch.optim.SGD` on `at::_fused_sgd_`. Owns no tensors.

use anyhow::{Result, ensure};
use serde::Deserialize;
use torch_ext::{SgdStep, fused_sgd_};

use super::rule::{Rule, Step};
use super::state::Lists;

const MOMENTUM_BUFFER: &str = "momentum_buffer";

/// Settings of `SGD`, with PyTorch's names and defaults.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Sgd {
    /// From 0 (no momentum) to less than 1.
    momentum: f64,
    /// Share of the gradient that the momentum leaves out, from 0 to 1.
    dampening: f64,
    /// The L2 penalty that groups start with.
    weight_decay: f64,
    /// Nesterov's momentum; needs momentum and no dampening.
    nesterov: bool,
}

impl Rule for Sgd {
    fn weight_decay(&self) -> f64 {
        self.weight_decay
    }

    fn hyperparameters(&self) -> &'static [&'static str] {
        &["momentum", "dampening"]
    }

    fn hyperparameter(&mut self, name: &str) -> Option<&mut f64> {
        match name {
            "momentum" => Some(&mut self.momentum),
            "dampening" => Some(&mut self.dampening),
            _ => None,
        }
    }

    fn check(&self) -> Result<()> {
        ensure!(
            !self.nesterov || (self.momentum > 0.0 && self.dampening == 0.0),
            "nesterov needs a momentum and no dampening\nhint: set momentum above 0 and dampening to 0, or drop nesterov"
        );
        Ok(())
    }

    fn buffers(&self) -> Vec<&'static str> {
        if self.momentum > 0.0 {
            vec![MOMENTUM_BUFFER]
        } else {
            Vec::new()
        }
    }

    // The buffer of a first step is the whole gradient. From zeros the formula gives the same, unless dampening takes
    // a part away; only then do first steps differ.
    fn counts_steps(&self) -> bool {
        self.first_step_differs()
    }

    fn first_step_differs(&self) -> bool {
        self.momentum > 0.0 && self.dampening > 0.0
    }

    fn update(&self, lists: &Lists, step: Step<'_>) -> Result<()> {
        let step = SgdStep {
            learning_rate: step.learning_rate,
            weight_decay: step.weight_decay,
            momentum: self.momentum,
            dampening: self.dampening,
            nesterov: self.nesterov,
            first: step.first,
        };
        Ok(fused_sgd_(
            &lists.parameters,
            &lists.gradients,
            lists.buffer(MOMENTUM_BUFFER),
            &step,
        )?)
    }
}

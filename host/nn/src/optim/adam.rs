//! Adam and AdamW, the rules of `torch.optim.Adam` and `AdamW` on `at::_fused_adam_` and `at::_fused_adamw_`. Owns no
//! tensors. Sources: Kingma & Ba 2015; Reddi et al. 2018 (amsgrad); Loshchilov & Hutter 2019 (AdamW).

use anyhow::Result;
use serde::{Deserialize, Serialize};
use torch_ext::{AdamState, AdamStep, fused_adam_};

use super::rule::{Rule, Step};
use super::state::Lists;

/// Settings of `Adam` and `AdamW`, with PyTorch's names and defaults.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Adam {
    /// The decay rates of the two moments, each from 0 to less than 1.
    pub betas: (f64, f64),
    /// Added to the denominator.
    pub eps: f64,
    /// The weight decay that groups start with; unset it is 0 for Adam and 0.01 for AdamW.
    pub weight_decay: Option<f64>,
    /// Whether to divide by the largest second moment so far.
    pub amsgrad: bool,
    /// Set by the optimizer's name: whether weights decay apart from the gradient.
    #[serde(skip)]
    decoupled: bool,
}

impl Default for Adam {
    fn default() -> Self {
        Self {
            betas: (0.9, 0.999),
            eps: 1e-8,
            weight_decay: None,
            amsgrad: false,
            decoupled: false,
        }
    }
}

impl Adam {
    pub(super) fn coupled(self) -> Self {
        Self {
            decoupled: false,
            ..self
        }
    }

    pub(super) fn decoupled(self) -> Self {
        Self {
            decoupled: true,
            ..self
        }
    }
}

impl Rule for Adam {
    fn name(&self) -> &'static str {
        if self.decoupled { "AdamW" } else { "Adam" }
    }

    fn hyperparameters(&self) -> &'static [&'static str] {
        &["beta1", "beta2", "eps"]
    }

    // `momentum` is the first decay rate, as for PyTorch's schedules that cycle momentum.
    fn hyperparameter(&mut self, name: &str) -> Option<&mut f64> {
        match name {
            "beta1" | "momentum" => Some(&mut self.betas.0),
            "beta2" => Some(&mut self.betas.1),
            "eps" => Some(&mut self.eps),
            _ => None,
        }
    }

    fn buffers(&self) -> Vec<&'static str> {
        let mut names = vec!["exp_avg", "exp_avg_sq"];
        names.extend(self.amsgrad.then_some("max_exp_avg_sq"));
        names
    }

    fn counts_steps(&self) -> bool {
        true
    }

    fn update(&self, lists: &Lists, step: Step<'_>) -> Result<()> {
        let state = AdamState {
            exp_avgs: lists.buffer("exp_avg"),
            exp_avg_sqs: lists.buffer("exp_avg_sq"),
            max_exp_avg_sqs: lists.buffer("max_exp_avg_sq"),
            steps: &lists.steps,
        };
        let step = AdamStep {
            learning_rate: step.learning_rate,
            betas: self.betas,
            weight_decay: step.weight_decay,
            eps: self.eps,
            amsgrad: self.amsgrad,
            decoupled: self.decoupled,
        };
        Ok(fused_adam_(
            &lists.parameters,
            &lists.gradients,
            &state,
            &step,
        )?)
    }
}

//! Adam and AdamW, the rules of `torch.optim.Adam` and `AdamW` on `at::_fused_adam_` and `at::_fused_adamw_`. Owns no
//! tensors. Sources: Kingma & Ba 2015; Reddi et al. 2018 (amsgrad); Loshchilov & Hutter 2019 (AdamW).

use anyhow::Result;
use serde::Deserialize;
use serde_json::Value;
use torch_ext::{AdamState, AdamStep, fused_adam_};

use super::config::{Settings, typed};
use super::rule::{Rule, Step};
use super::state::Lists;

/// Settings of `Adam` and `AdamW`, with PyTorch's names and defaults.
#[derive(Clone, Copy, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Adam {
    /// The decay rates of the two moments, each from 0 to less than 1.
    betas: (f64, f64),
    /// Added to the denominator.
    eps: f64,
    /// The weight decay that groups start with; unset it is 0 for Adam and 0.01 for AdamW.
    weight_decay: Option<f64>,
    /// Divides by the largest second moment so far.
    amsgrad: bool,
    /// Weights decay apart from the gradient; set by the optimizer's name.
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

/// Reads the settings of `AdamW`.
pub(super) fn read_decoupled(params: Value) -> serde_json::Result<Box<dyn Settings>> {
    let adam: Adam = typed(params)?;
    Ok(Box::new(Adam {
        decoupled: true,
        ..adam
    }))
}

impl Rule for Adam {
    fn weight_decay(&self) -> f64 {
        let default = if self.decoupled { 0.01 } else { 0.0 };
        self.weight_decay.unwrap_or(default)
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

//! The recipe's `optimizer` and `optimizer_params`: names as in SuperGradients, parameters with the names and defaults
//! of `torch.optim`. Owns parsing; ranges are checked when the optimizer is built.

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Adam, RmsProp, Sgd};

/// An optimizer by name, with its settings. Serializes as the two recipe keys.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "optimizer", content = "optimizer_params")]
pub enum OptimizerConfig {
    /// Stochastic gradient descent.
    #[serde(rename = "SGD")]
    Sgd(Sgd),
    /// Adam with an L2 penalty.
    Adam(Adam),
    /// Adam with decoupled weight decay, 0.01 unless given.
    AdamW(Adam),
    /// RMSprop.
    #[serde(rename = "RMSprop")]
    RmsProp(RmsProp),
}

impl OptimizerConfig {
    /// The names a recipe may use.
    pub const NAMES: [&'static str; 4] = ["SGD", "Adam", "AdamW", "RMSprop"];

    /// Reads the two recipe keys. `SGD` without any `optimizer_params` gets SuperGradients' momentum of 0.9 and weight
    /// decay of 1e-4; as soon as one is given, all others have PyTorch's defaults.
    pub fn from_recipe(name: &str, params: &Value) -> Result<Self> {
        let Some(name) = Self::NAMES
            .into_iter()
            .find(|known| known.eq_ignore_ascii_case(name))
        else {
            bail!(
                "optimizer: there is no `{name}`\nhint: use one of {}",
                Self::NAMES.join(", ")
            );
        };
        let params = match (name, params) {
            ("SGD", Value::Null) => json!({"momentum": 0.9, "weight_decay": 1e-4}),
            ("SGD", Value::Object(map)) if map.is_empty() => {
                json!({"momentum": 0.9, "weight_decay": 1e-4})
            }
            (_, Value::Null) => json!({}),
            (_, given) => given.clone(),
        };
        serde_json::from_value(json!({"optimizer": name, "optimizer_params": params}))
            .with_context(|| format!("optimizer_params of `{name}`"))
    }

    /// The weight decay that groups start with.
    pub fn weight_decay(&self) -> f64 {
        match self {
            Self::Sgd(rule) => rule.weight_decay,
            Self::Adam(rule) => rule.weight_decay.unwrap_or(0.0),
            Self::AdamW(rule) => rule.weight_decay.unwrap_or(0.01),
            Self::RmsProp(rule) => rule.weight_decay,
        }
    }
}

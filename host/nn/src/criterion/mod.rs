//! Losses by name, and [`Criterion`]: one loss whose parameters callbacks can read and change while it trains.
//! Owns the checks of shapes and parameters; keeps no running average (`metrics` does) and calls no backward.
//!
//! Every loss is a mean over its elements, computed in float32 at least: half precision predictions are widened.
mod binary_cross_entropy;
mod cross_entropy;
mod regression;
#[cfg(test)]
mod tests;
mod weights;

use anyhow::{Context, Result, anyhow, bail, ensure};
use phasebox_contract::suggest;
use serde::Serialize;
use serde_json::{Map, Value, json};
use tch::{Device, Kind, Tensor};

pub use binary_cross_entropy::BceWithLogitsParams;
pub use cross_entropy::CrossEntropyParams;
pub use regression::{HuberParams, L1Params, MseParams};

use crate::align_target::align_target;
use crate::params;
use crate::refusal;
use crate::revision;

/// Every loss a recipe can name. Case, `_` and a final `Loss` do not matter: `cross_entropy` is the first.
pub const LOSSES: [&str; 5] = [
    "CrossEntropyLoss",
    "BCEWithLogitsLoss",
    "MSELoss",
    "L1Loss",
    "HuberLoss",
];

/// A loss with its checked `criterion_params`.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
#[allow(
    missing_docs,
    reason = "each variant is the loss of that name; its params are documented"
)]
pub enum CriterionConfig {
    CrossEntropy(CrossEntropyParams),
    BceWithLogits(BceWithLogitsParams),
    Mse(MseParams),
    L1(L1Params),
    Huber(HuberParams),
}

impl CriterionConfig {
    /// Reads `criterion_params` for the loss `name`. SuperGradients' `LabelSmoothingCrossEntropyLoss` is
    /// `CrossEntropyLoss`.
    ///
    /// # Errors
    /// An unknown loss (with the list and the nearest name); an unknown, mistyped or out-of-range parameter.
    pub fn parse(name: &str, block: &Value) -> Result<CriterionConfig> {
        let owner = format!("loss `{name}`");
        let config = match short(name).as_str() {
            "crossentropy" | "labelsmoothingcrossentropy" => {
                CriterionConfig::CrossEntropy(params::read(&owner, block)?)
            }
            "bcewithlogits" => CriterionConfig::BceWithLogits(params::read(&owner, block)?),
            "mse" => CriterionConfig::Mse(params::read(&owner, block)?),
            "l1" => CriterionConfig::L1(params::read(&owner, block)?),
            "huber" => CriterionConfig::Huber(params::read(&owner, block)?),
            _ => return Err(anyhow!(suggest::unknown("loss", name, &LOSSES))),
        };
        config
            .check()
            .with_context(|| format!("parameters of {owner}"))?;
        Ok(config)
    }

    /// The name as PyTorch writes it.
    pub fn name(&self) -> &'static str {
        match self {
            CriterionConfig::CrossEntropy(_) => "CrossEntropyLoss",
            CriterionConfig::BceWithLogits(_) => "BCEWithLogitsLoss",
            CriterionConfig::Mse(_) => "MSELoss",
            CriterionConfig::L1(_) => "L1Loss",
            CriterionConfig::Huber(_) => "HuberLoss",
        }
    }

    fn check(&self) -> Result<()> {
        match self {
            CriterionConfig::CrossEntropy(params) => params.check(),
            CriterionConfig::BceWithLogits(params) => params.check(),
            CriterionConfig::Mse(params) => params.check(),
            CriterionConfig::L1(_) => Ok(()),
            CriterionConfig::Huber(params) => params.check(),
        }
    }

    fn weights(&self) -> Option<&Vec<f64>> {
        match self {
            CriterionConfig::CrossEntropy(params) => params.weight.as_ref(),
            CriterionConfig::BceWithLogits(params) => params.pos_weight.as_ref(),
            _ => None,
        }
    }
}

/// `CrossEntropyLoss`, `cross_entropy_loss` and `cross_entropy` are one name.
fn short(name: &str) -> String {
    let letters: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    let lower = letters.to_ascii_lowercase();
    lower
        .strip_suffix("loss")
        .map_or(lower.clone(), str::to_owned)
}

/// One batch's loss.
pub struct LossOutput {
    /// 0-d, with gradient: what backward starts from.
    pub loss: Tensor,
    /// 1-d, detached, one number for each of [`Criterion::item_names`]; shares memory with `loss`.
    pub items: Tensor,
}

/// A loss in use. Its parameters may change between batches.
pub struct Criterion {
    config: CriterionConfig,
    /// `weight` or `pos_weight` on the device, float32 `[classes]`.
    weights: Option<Tensor>,
    device: Device,
    version: u64,
}

impl Criterion {
    /// A loss for predictions on `device`.
    ///
    /// # Errors
    /// Only if the class weights cannot be moved to `device`.
    pub fn new(config: CriterionConfig, device: Device) -> Result<Criterion> {
        let weights = weights::tensor(config.weights(), device)?;
        Ok(Criterion {
            config,
            weights,
            device,
            version: revision::fresh(),
        })
    }

    /// The loss of a batch, a mean over its elements. No sync.
    ///
    /// `CrossEntropyLoss` takes `preds` `[N, C, …]` with class indices `[N, …]` (any integer kind) or class
    /// probabilities `[N, C, …]`; the others a target shaped as `preds`, where `[N]` also fits `[N, 1]`.
    ///
    /// # Errors
    /// Shapes and kinds that do not go together, in words. A class index out of range is an error on the CPU; on CUDA
    /// it would be a device assert, after which the process cannot use the device. So every target must have
    /// passed [`Criterion::check_target`] once: it costs a sync, and here there is none.
    pub fn forward(&self, preds: &Tensor, target: &Tensor) -> Result<LossOutput> {
        let loss = self
            .loss(preds, target)
            .map_err(|error| self.refusal(preds, target, &error))?;
        let items = loss.f_detach()?.f_reshape([1])?;
        Ok(LossOutput { loss, items })
    }

    fn loss(&self, preds: &Tensor, target: &Tensor) -> Result<Tensor> {
        let weights = self.weights.as_ref();
        match &self.config {
            CriterionConfig::CrossEntropy(params) => params.forward(weights, preds, target),
            CriterionConfig::BceWithLogits(params) => params.forward(weights, preds, target),
            CriterionConfig::Mse(params) => params.forward(preds, target),
            CriterionConfig::L1(params) => params.forward(preds, target),
            CriterionConfig::Huber(params) => params.forward(preds, target),
        }
    }

    fn refusal(&self, preds: &Tensor, target: &Tensor, error: &anyhow::Error) -> anyhow::Error {
        refusal::of_pair(self.name(), preds, target, error)
    }

    /// Whether all values of a target are ones this loss can take with `num_classes` classes. One sync: call it once
    /// for a data set, on the CPU, and once for a target a callback puts in place of the loader's. Probabilities
    /// (a float target of `CrossEntropyLoss`) index nothing and are not read.
    ///
    /// # Errors
    /// The first class index out of range, or that a binary target leaves 0–1.
    pub fn check_target(&self, target: &Tensor, num_classes: i64) -> Result<()> {
        match &self.config {
            CriterionConfig::CrossEntropy(params) => params.check_target(target, num_classes),
            CriterionConfig::BceWithLogits(params) => params.check_target(target),
            _ => Ok(()),
        }
    }

    /// The name as PyTorch writes it.
    pub fn name(&self) -> &'static str {
        self.config.name()
    }

    /// Another number after each change of a parameter.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// What the numbers in [`LossOutput::items`] are.
    pub fn item_names(&self) -> &'static [&'static str] {
        &["loss"]
    }

    /// All parameters with their present values.
    pub fn parameters(&self) -> Map<String, Value> {
        match serde_json::to_value(&self.config) {
            Ok(Value::Object(parameters)) => parameters,
            _ => Map::new(),
        }
    }

    /// The present value of one parameter.
    ///
    /// # Errors
    /// An unknown key, with those there are.
    pub fn get(&self, key: &str) -> Result<Value> {
        let parameters = self.parameters();
        parameters
            .get(key)
            .cloned()
            .ok_or_else(|| self.unknown_key(key, &parameters))
    }

    /// Changes one parameter from the next batch on, with the checks a recipe's value gets. No sync.
    ///
    /// # Errors
    /// An unknown key, a wrong type, a value out of range; the criterion is as before then.
    pub fn set(&mut self, key: &str, value: Value) -> Result<()> {
        let mut parameters = self.parameters();
        ensure!(
            parameters.contains_key(key),
            self.unknown_key(key, &parameters)
        );
        parameters.insert(key.to_owned(), value);
        self.replace(&Value::Object(parameters))
    }

    fn unknown_key(&self, key: &str, parameters: &Map<String, Value>) -> anyhow::Error {
        let known: Vec<&str> = parameters.keys().map(String::as_str).collect();
        let what = format!("parameter of loss `{}`", self.name());
        anyhow!(suggest::unknown(&what, key, &known))
    }

    /// Name and parameters, for a checkpoint.
    pub fn state(&self) -> Value {
        json!({"name": self.name(), "parameters": self.parameters()})
    }

    /// Takes the parameters of a [`Criterion::state`].
    ///
    /// # Errors
    /// The state of another loss, or parameters that no longer check; the criterion is as before then.
    pub fn restore(&mut self, state: &Value) -> Result<()> {
        if state["name"] != self.name() {
            bail!(
                "this state is of loss {}, the recipe trains with `{}`",
                state["name"],
                self.name()
            );
        }
        self.replace(&state["parameters"])
    }

    fn replace(&mut self, parameters: &Value) -> Result<()> {
        *self = Criterion::new(
            CriterionConfig::parse(self.name(), parameters)?,
            self.device,
        )?;
        Ok(())
    }
}

/// Predictions in at least float32: a mean over half precision loses the digits that matter.
fn full_precision(preds: &Tensor) -> Result<Tensor> {
    ensure!(preds.is_floating_point(), "preds must be a float tensor");
    match preds.kind() {
        Kind::Half | Kind::BFloat16 => Ok(preds.f_to_kind(Kind::Float)?),
        _ => Ok(preds.shallow_clone()),
    }
}

/// `target` in the shape and kind of `preds`.
fn comparable(preds: &Tensor, target: &Tensor) -> Result<Tensor> {
    Ok(align_target(preds, target)?.f_to_kind(preds.kind())?)
}

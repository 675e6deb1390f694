//! The recipe's `optimizer` and `optimizer_params`: names as in SuperGradients, parameters with the names and defaults
//! of `torch.optim`. Owns parsing; ranges are checked when the optimizer is built.

use anyhow::{Context, Result, anyhow};
use phasebox_contract::missing;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use tch::Tensor;

use super::adam::{self, Adam};
use super::rmsprop::RmsProp;
use super::rule::Rule;
use super::sgd;
use super::stepper::Stepper;
use super::{Grouping, Optimizer};
use crate::missing::OPTIMIZERS as NOT_THERE;

/// Every optimizer a recipe can name, whatever the case.
const OPTIMIZERS: &[(&str, Read)] = &[
    ("SGD", sgd::read),
    ("Adam", read::<Adam>),
    ("AdamW", adam::read_decoupled),
    ("RMSprop", read::<RmsProp>),
];

/// Reads the `optimizer_params` of one optimizer, an object.
type Read = fn(Value) -> serde_json::Result<Box<dyn Settings>>;

pub(super) fn read<R>(params: Value) -> serde_json::Result<Box<dyn Settings>>
where
    R: Rule + DeserializeOwned + 'static,
{
    Ok(Box::new(serde_json::from_value::<R>(params)?))
}

/// A [`Rule`] whose type is not known.
pub(super) trait Settings {
    /// Builds the optimizer that follows the rule.
    fn build(
        &self,
        name: &'static str,
        parameters: Vec<(String, Tensor)>,
        grouping: &Grouping,
    ) -> Result<Box<dyn Optimizer>>;
}

impl<R: Rule + 'static> Settings for R {
    fn build(
        &self,
        name: &'static str,
        parameters: Vec<(String, Tensor)>,
        grouping: &Grouping,
    ) -> Result<Box<dyn Optimizer>> {
        let groups = grouping.split(parameters, self.weight_decay())?;
        Ok(Box::new(Stepper::new(name, self.clone(), groups)?))
    }
}

/// The row of an optimizer.
fn find(name: &str) -> Result<&'static (&'static str, Read)> {
    let mut rows = OPTIMIZERS.iter();
    let row = rows.find(|(known, _)| known.eq_ignore_ascii_case(name));
    row.ok_or_else(|| {
        let known: Vec<&str> = OPTIMIZERS.iter().map(|(name, _)| *name).collect();
        anyhow!(missing::refusal("optimizer", name, &known, NOT_THERE))
    })
}

/// Refuses a name that no optimizer has.
///
/// # Errors
/// The remedy for an optimizer of SuperGradients or PyTorch that is not there yet; "did you mean" for any other name.
pub fn check_name(name: &str) -> Result<()> {
    find(name).map(drop)
}

/// An optimizer by name, with its settings.
pub struct OptimizerConfig {
    pub(super) name: &'static str,
    pub(super) settings: Box<dyn Settings>,
}

impl OptimizerConfig {
    /// Reads the two recipe keys. `SGD` without any `optimizer_params` gets SuperGradients' momentum of 0.9 and weight
    /// decay of 1e-4; as soon as one parameter is given, all others have PyTorch's defaults.
    ///
    /// # Errors
    /// An unknown optimizer, with the list of those that exist; an unknown or mistyped parameter.
    pub fn from_recipe(name: &str, params: &Value) -> Result<Self> {
        let (name, read) = find(name)?;
        let params = match params {
            Value::Null => Value::Object(Map::new()),
            given => given.clone(),
        };
        let settings = read(params).with_context(|| format!("optimizer_params of `{name}`"))?;
        Ok(Self { name, settings })
    }
}

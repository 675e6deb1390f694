//! The recipe's `optimizer` and `optimizer_params`: names and defaults as in SuperGradients, which has its own for some
//! parameters of `torch.optim`. Owns parsing; ranges are checked when the optimizer is built.

use anyhow::{Context, Result, anyhow, ensure};
use phasebox_contract::missing;
use serde::de::{DeserializeOwned, Error as _};
use serde_json::{Map, Value};
use tch::Tensor;

use super::adam::{self, Adam};
use super::rmsprop::RmsProp;
use super::rule::Rule;
use super::sgd::Sgd;
use super::stepper::Stepper;
use super::{Grouping, Optimizer};
use crate::missing::OPTIMIZERS as NOT_THERE;

/// Every optimizer a recipe can name, whatever the case.
const OPTIMIZERS: &[Row] = &[
    Row {
        name: "SGD",
        defaults: DECAYED_WITH_MOMENTUM,
        read: read::<Sgd>,
    },
    Row {
        name: "Adam",
        defaults: DECAYED,
        read: read::<Adam>,
    },
    Row {
        name: "AdamW",
        defaults: &[],
        read: adam::read_decoupled,
    },
    Row {
        name: "RMSprop",
        defaults: DECAYED_WITH_MOMENTUM,
        read: read::<RmsProp>,
    },
];
const DECAYED: &[(&str, f64)] = &[("weight_decay", 1e-4)];
const DECAYED_WITH_MOMENTUM: &[(&str, f64)] = &[("weight_decay", 1e-4), ("momentum", 0.9)];

/// One optimizer of the registry.
struct Row {
    name: &'static str,
    /// Defaults of SuperGradients that are not PyTorch's. Each holds unless the recipe writes that parameter.
    defaults: &'static [(&'static str, f64)],
    read: Read,
}

/// Reads the `optimizer_params` of one optimizer, an object.
type Read = fn(Value) -> serde_json::Result<Box<dyn Settings>>;

pub(super) fn read<R>(params: Value) -> serde_json::Result<Box<dyn Settings>>
where
    R: Rule + DeserializeOwned + 'static,
{
    Ok(Box::new(typed::<R>(params)?))
}

/// The settings with the name of a key before its fault.
pub(super) fn typed<R: DeserializeOwned>(params: Value) -> serde_json::Result<R> {
    serde_path_to_error::deserialize(params).map_err(|error| {
        let path = error.path().to_string();
        match path.as_str() {
            "." => error.into_inner(),
            key => serde_json::Error::custom(format!("`{key}`: {}", error.inner())),
        }
    })
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

impl Row {
    /// The parameters of a recipe, with the defaults of those that are not written.
    fn with_defaults(&self, params: &Value) -> Value {
        let mut merged = Map::new();
        for (key, value) in self.defaults {
            merged.insert((*key).to_owned(), (*value).into());
        }
        match params {
            Value::Object(written) => merged.extend(written.clone()),
            Value::Null => {}
            other => return other.clone(),
        }
        Value::Object(merged)
    }
}

/// The row of an optimizer.
fn find(name: &str) -> Result<&'static Row> {
    let mut rows = OPTIMIZERS.iter();
    let row = rows.find(|row| row.name.eq_ignore_ascii_case(name));
    row.ok_or_else(|| {
        let known: Vec<&str> = OPTIMIZERS.iter().map(|row| row.name).collect();
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
    /// Reads the two recipe keys. A parameter that is not written has SuperGradients' default, or else PyTorch's: SGD has
    /// a momentum of 0.9, and SGD, Adam and RMSprop a weight decay of 1e-4; RMSprop has that momentum, too.
    ///
    /// # Errors
    /// An unknown optimizer, with the list of those that exist; an unknown or mistyped parameter.
    pub fn from_recipe(name: &str, params: &Value) -> Result<Self> {
        let row = find(name)?;
        let name = row.name;
        // serde would take a list for the fields in their order.
        ensure!(
            params.is_object() || params.is_null(),
            "optimizer_params of `{name}`: a mapping is wanted, not {params}"
        );
        let settings = (row.read)(row.with_defaults(params));
        let settings = settings.with_context(|| format!("optimizer_params of `{name}`"))?;
        Ok(Self { name, settings })
    }
}

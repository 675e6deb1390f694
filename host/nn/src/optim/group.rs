//! Parameter groups and how a recipe forms them. Owns names, members, learning rate and weight decay of each group;
//! the remaining hyperparameters are the rule's.

use std::collections::BTreeMap;
use std::fmt;

use anyhow::{Result, anyhow, bail, ensure};
use globset::GlobMatcher;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use tch::Tensor;

use super::hyperparameter;
use crate::glob;

/// The group of parameters that no other group takes.
const DEFAULT: &str = "default";
/// The group, or its suffix, of biases and normalization parameters that do not decay.
const NO_WEIGHT_DECAY: &str = "no-weight-decay";

/// Parameters that are updated with the same hyperparameters.
#[derive(Debug)]
pub struct ParameterGroup {
    /// Unique among the groups of an optimizer.
    pub name: String,
    /// Names and leaf tensors; fixed once the optimizer is built.
    pub parameters: Vec<(String, Tensor)>,
    /// The learning rate of the next step.
    pub learning_rate: f64,
    /// The learning rate that schedules are relative to.
    pub initial_learning_rate: f64,
    /// The L2 penalty, or for AdamW the decoupled decay.
    pub weight_decay: f64,
}

/// The recipe's `initial_lr`: one number, or numbers by group.
#[derive(Clone, Debug, PartialEq)]
pub enum LearningRates {
    /// One learning rate for all parameters.
    Single(f64),
    /// By the start of names, as in SuperGradients (`back` takes `backbone.conv.weight`), or by glob (`*.bias`); the
    /// longest key that matches wins, and `default` takes the rest. A rate of 0 freezes.
    ByName(BTreeMap<String, f64>),
}

impl<'de> Deserialize<'de> for LearningRates {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        reader.deserialize_any(RatesVisitor)
    }
}

struct RatesVisitor;

impl<'de> Visitor<'de> for RatesVisitor {
    type Value = LearningRates;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a number, or a mapping from names of parameters to numbers")
    }

    fn visit_f64<E>(self, rate: f64) -> Result<LearningRates, E> {
        Ok(LearningRates::Single(rate))
    }

    fn visit_u64<E>(self, rate: u64) -> Result<LearningRates, E> {
        Ok(LearningRates::Single(rate as f64))
    }

    fn visit_i64<E>(self, rate: i64) -> Result<LearningRates, E> {
        Ok(LearningRates::Single(rate as f64))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<LearningRates, A::Error> {
        let mut rates = BTreeMap::new();
        while let Some((name, rate)) = access.next_entry()? {
            rates.insert(name, rate);
        }
        Ok(LearningRates::ByName(rates))
    }
}

/// The recipe's keys that put parameters into groups.
#[derive(Clone, Debug, PartialEq)]
pub struct Grouping {
    /// The recipe's `initial_lr`.
    pub learning_rates: LearningRates,
    /// Parameters of at most one dimension, as those of biases and normalization, form groups that do not decay.
    pub zero_weight_decay_on_bias_and_bn: bool,
}

impl Grouping {
    /// Forms the groups, in the order of their keys; empty groups are left out.
    pub(super) fn split(
        &self,
        parameters: Vec<(String, Tensor)>,
        weight_decay: f64,
    ) -> Result<Vec<ParameterGroup>> {
        ensure!(
            !parameters.is_empty(),
            "optimizer: the model has no parameters\nhint: choose an architecture with layers to train"
        );
        let mut groups = Vec::new();
        for (name, learning_rate, members) in self.by_learning_rate(parameters)? {
            hyperparameter::check_range("lr", learning_rate)
                .map_err(|error| anyhow!("`initial_lr`: group `{name}`: {error}"))?;
            let free_name = if name == DEFAULT {
                NO_WEIGHT_DECAY.into()
            } else {
                format!("{name}/{NO_WEIGHT_DECAY}")
            };
            let members = members.into_iter();
            let (free, decaying) = members.partition(|(_, tensor)| self.is_free_of_decay(tensor));
            groups.push(ParameterGroup::new(
                name,
                decaying,
                learning_rate,
                weight_decay,
            ));
            groups.push(ParameterGroup::new(free_name, free, learning_rate, 0.0));
        }
        groups.retain(|group| !group.parameters.is_empty());
        Ok(groups)
    }

    fn is_free_of_decay(&self, tensor: &Tensor) -> bool {
        self.zero_weight_decay_on_bias_and_bn && tensor.dim() <= 1
    }

    fn by_learning_rate(&self, parameters: Vec<(String, Tensor)>) -> Result<Vec<NamedGroup>> {
        match &self.learning_rates {
            LearningRates::Single(rate) => Ok(vec![(DEFAULT.into(), *rate, parameters)]),
            LearningRates::ByName(rates) => by_name(rates, parameters),
        }
    }
}

/// Name, learning rate and members.
type NamedGroup = (String, f64, Vec<(String, Tensor)>);

/// Gives each parameter to the longest key that takes it.
fn by_name(
    rates: &BTreeMap<String, f64>,
    parameters: Vec<(String, Tensor)>,
) -> Result<Vec<NamedGroup>> {
    let keys = Key::sorted(rates)?;
    let mut groups: BTreeMap<&str, Vec<_>> =
        rates.keys().map(|key| (key.as_str(), Vec::new())).collect();
    for parameter in parameters {
        let key = keys.iter().find(|key| key.takes(&parameter.0));
        let members = groups.get_mut(key.map_or(DEFAULT, |key| key.text));
        let Some(members) = members else {
            bail!(
                "initial_lr: no group takes parameter `{}`\nhint: add `default: <lr>`",
                parameter.0
            );
        };
        members.push(parameter);
    }
    check_used(&groups)?;
    let mut trained = Vec::new();
    for (key, members) in groups {
        match rates[key] {
            0.0 => freeze(&members)?,
            rate => trained.push((key.to_owned(), rate, members)),
        }
    }
    ensure!(
        !trained.is_empty(),
        "`initial_lr`: every rate is 0, so nothing is trained\nhint: give one group a rate"
    );
    Ok(trained)
}

/// Takes parameters out of training, as SuperGradients does with a rate of 0.
fn freeze(members: &[(String, Tensor)]) -> Result<()> {
    for (_, tensor) in members {
        let _ = tensor.f_set_requires_grad(false)?;
    }
    Ok(())
}

/// Refuses a key that took no parameter.
fn check_used(groups: &BTreeMap<&str, Vec<(String, Tensor)>>) -> Result<()> {
    for (key, members) in groups {
        ensure!(
            !members.is_empty() || *key == DEFAULT,
            "`initial_lr`: group `{key}` takes no parameter\nhint: remove it, or give a module path or glob of the model"
        );
    }
    Ok(())
}

/// A key of `initial_lr`.
struct Key<'a> {
    text: &'a str,
    glob: GlobMatcher,
}

impl<'a> Key<'a> {
    /// All keys but the default, the longest first.
    fn sorted(rates: &'a BTreeMap<String, f64>) -> Result<Vec<Self>> {
        let named = rates.keys().filter(|key| *key != DEFAULT);
        let mut keys: Vec<Key> = named.map(|key| Key::new(key)).collect::<Result<_>>()?;
        keys.sort_by_key(|key| std::cmp::Reverse(key.text.len()));
        Ok(keys)
    }

    fn new(text: &'a str) -> Result<Self> {
        let glob =
            glob::compile(text).map_err(|error| anyhow!("initial_lr: key `{text}`: {error}"))?;
        Ok(Self { text, glob })
    }

    fn takes(&self, parameter: &str) -> bool {
        parameter.starts_with(self.text) || self.glob.is_match(parameter)
    }
}

impl ParameterGroup {
    fn new(
        name: String,
        parameters: Vec<(String, Tensor)>,
        learning_rate: f64,
        weight_decay: f64,
    ) -> Self {
        Self {
            name,
            parameters,
            learning_rate,
            initial_learning_rate: learning_rate,
            weight_decay,
        }
    }
}

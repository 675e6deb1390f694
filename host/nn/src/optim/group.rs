//! Parameter groups and how a recipe forms them. Owns names, members, learning rate and weight decay of each group;
//! the remaining hyper-parameters are the rule's.

use std::collections::BTreeMap;

use anyhow::{Result, anyhow, bail, ensure};
use globset::GlobMatcher;
use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::hyperparameter;
use crate::glob;

/// The group of parameters that no other group takes.
const DEFAULT: &str = "default";
/// The group, or its suffix, of biases and normalization parameters that do not decay.
const NO_WEIGHT_DECAY: &str = "no-weight-decay";

/// Parameters that are updated with the same hyper-parameters.
#[derive(Debug)]
pub struct ParameterGroup {
    /// Unique among the groups of an optimizer.
    pub name: String,
    /// Names and leaf tensors; fixed once the optimizer is built.
    pub parameters: Vec<(String, Tensor)>,
    /// What the next step uses.
    pub learning_rate: f64,
    /// What schedules are relative to.
    pub initial_learning_rate: f64,
    /// The L2 penalty, or for AdamW the decoupled decay.
    pub weight_decay: f64,
}

/// The recipe's `initial_lr`: one number, or numbers by group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum LearningRates {
    /// The same for all parameters.
    Single(f64),
    /// By module path (`backbone` takes `backbone.conv.weight`) or glob (`*.bias`); the longest key that matches
    /// wins, and `default` takes the rest.
    ByName(BTreeMap<String, f64>),
}

/// How parameters are put into groups.
#[derive(Clone, Debug, PartialEq)]
pub struct Grouping {
    /// The recipe's `initial_lr`.
    pub learning_rates: LearningRates,
    /// Whether parameters of at most one dimension, which biases and normalization have, form groups that do not decay.
    pub zero_weight_decay_on_bias_and_bn: bool,
}

impl Grouping {
    /// Forms the groups, in the order of their keys; empty ones are left out.
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
            hyperparameter::check_range("lr", learning_rate)?;
            let (free, decaying) = members
                .into_iter()
                .partition(|(_, tensor)| self.is_free_of_decay(tensor));
            let free_name = if name == DEFAULT {
                NO_WEIGHT_DECAY.into()
            } else {
                format!("{name}/{NO_WEIGHT_DECAY}")
            };
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

fn by_name(
    rates: &BTreeMap<String, f64>,
    parameters: Vec<(String, Tensor)>,
) -> Result<Vec<NamedGroup>> {
    let mut groups: BTreeMap<&str, Vec<_>> =
        rates.keys().map(|key| (key.as_str(), Vec::new())).collect();
    let mut keys: Vec<Key> = rates
        .keys()
        .filter(|key| *key != DEFAULT)
        .map(|key| Key::new(key))
        .collect::<Result<_>>()?;
    keys.sort_by_key(|key| std::cmp::Reverse(key.text.len()));
    for parameter in parameters {
        let key = keys
            .iter()
            .find(|key| key.takes(&parameter.0))
            .map_or(DEFAULT, |key| key.text);
        match groups.get_mut(key) {
            Some(members) => members.push(parameter),
            None => {
                bail!(
                    "initial_lr: no group takes parameter `{}`\nhint: add `default: <lr>`",
                    parameter.0
                )
            }
        }
    }
    if let Some((key, _)) = groups
        .iter()
        .find(|(key, members)| members.is_empty() && **key != DEFAULT)
    {
        bail!(
            "initial_lr: group `{key}` takes no parameter\nhint: remove it, or give a module path or glob of the model"
        );
    }
    Ok(groups
        .into_iter()
        .map(|(key, members)| (key.to_owned(), rates[key], members))
        .collect())
}

/// A key of `initial_lr`.
struct Key<'a> {
    text: &'a str,
    glob: GlobMatcher,
}

impl<'a> Key<'a> {
    fn new(text: &'a str) -> Result<Self> {
        let glob =
            glob::compile(text).map_err(|error| anyhow!("initial_lr: key `{text}`: {error}"))?;
        Ok(Self { text, glob })
    }

    fn takes(&self, parameter: &str) -> bool {
        let inside = parameter
            .strip_prefix(self.text)
            .is_some_and(|rest| rest.starts_with('.'));
        inside || self.glob.is_match(parameter)
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

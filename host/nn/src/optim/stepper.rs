//! The one implementation of `Optimizer`, generic over the rule. Owns groups, rules and state and keeps them in step;
//! leaves arithmetic to the rule.

use std::collections::HashMap;

use anyhow::{Context, Result, bail, ensure};
use tch::{Device, Tensor};
use torch_ext::TensorList;

use super::hyperparameter::check_range;
use super::rule::{Rule, Step};
use super::state::GroupState;
use super::{Optimizer, ParameterGroup, RECORDED_BYTES};
use crate::revision;

/// The most names that an error lists.
const LISTED: usize = 5;

/// An optimizer that applies rule `R`.
pub(super) struct Stepper<R> {
    name: &'static str,
    groups: Vec<ParameterGroup>,
    /// One per group, so that groups may differ in every hyperparameter.
    rules: Vec<R>,
    states: Vec<GroupState>,
    all: TensorList,
    present: Vec<bool>,
    gradients: TensorList,
    /// Gradients are freed rather than zeroed.
    frees: bool,
    /// The parameters that had a gradient when gradients were freed.
    freed: Vec<bool>,
    version: u64,
}

impl<R: Rule> Stepper<R> {
    /// An optimizer with zeroed state, named `name` in recipes.
    pub(super) fn new(
        name: &'static str,
        mut rule: R,
        groups: Vec<ParameterGroup>,
    ) -> Result<Self> {
        check(&mut rule).context("optimizer_params")?;
        let all = TensorList::from_tensors(groups.iter().flat_map(tensors))?;
        let states = groups.iter().map(|group| GroupState::new(tensors(group)));
        let mut stepper = Self {
            name,
            states: states.collect::<Result<_>>()?,
            rules: vec![rule; groups.len()],
            groups,
            present: vec![false; all.len()],
            frees: false,
            freed: vec![false; all.len()],
            all,
            gradients: TensorList::new(),
            version: revision::fresh(),
        };
        stepper.frees = stepper.are_large();
        for index in 0..stepper.groups.len() {
            check_range("weight_decay", stepper.groups[index].weight_decay)
                .context("optimizer_params")?;
            stepper.ensure_state(index)?;
        }
        Ok(stepper)
    }

    /// The parameters are so large that no step on them is ever recorded.
    fn are_large(&self) -> bool {
        let mut parameters = self.groups.iter().flat_map(tensors);
        let bytes: u64 = parameters.clone().map(torch_ext::bytes).sum();
        parameters.all(|parameter| parameter.device() == Device::Cpu)
            && bytes > RECORDED_BYTES as u64
    }

    /// Allocates the state that the hyperparameters ask for; to be called after each change of one.
    fn ensure_state(&mut self, index: usize) -> Result<()> {
        let (rule, decay) = (&self.rules[index], self.groups[index].weight_decay);
        self.states[index].ensure(&rule.buffers(), &rule.scratch(decay), rule.counts_steps())
    }

    fn index_of(&self, group: &str) -> Result<usize> {
        let index = self.groups.iter().position(|known| known.name == group);
        index.with_context(|| {
            let names: Vec<&str> = self.groups.iter().map(|known| &*known.name).collect();
            let names = names.join(", ");
            format!("the optimizer has no group `{group}`; its groups are {names}")
        })
    }

    /// Changes a hyperparameter of the rule, unless the rule then makes no sense.
    fn set_of_rule(&mut self, index: usize, name: &str, value: f64) -> Result<()> {
        let mut rule = self.rules[index].clone();
        let place = rule.hyperparameter(name);
        *place.ok_or_else(|| self.unknown(name))? = value;
        rule.check()?;
        self.rules[index] = rule;
        Ok(())
    }

    fn unknown(&self, name: &str) -> anyhow::Error {
        let names = self.hyperparameter_names().join(", ");
        anyhow::anyhow!(
            "{} has no hyperparameter `{name}`; it has {names}",
            self.name()
        )
    }

    fn step_group(group: &ParameterGroup, rule: &R, state: &mut GroupState) -> Result<()> {
        state.refresh()?;
        if state.active().parameters.is_empty() {
            return Ok(());
        }
        state.count()?;
        let learning_rate = state.learning_rate(group.learning_rate);
        let step = Step {
            learning_rate,
            weight_decay: group.weight_decay,
            first: false,
        };
        if rule.first_step_differs() && state.has_fresh() {
            for (lists, first) in state.split()? {
                if !lists.parameters.is_empty() {
                    rule.update(&lists, Step { first, ..step })?;
                }
            }
        } else {
            rule.update(state.active(), step)?;
        }
        state.mark_started();
        Ok(())
    }
}

impl<R: Rule> Optimizer for Stepper<R> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn groups(&self) -> &[ParameterGroup] {
        &self.groups
    }

    fn groups_mut(&mut self) -> &mut [ParameterGroup] {
        &mut self.groups
    }

    fn step(&mut self) -> Result<()> {
        self.restore_gradients()?;
        let rules = self.rules.iter();
        for ((group, rule), state) in self.groups.iter().zip(rules).zip(&mut self.states) {
            Self::step_group(group, rule, state)
                .with_context(|| format!("optimizer step of group `{}`", group.name))?;
        }
        Ok(())
    }

    fn zero_grad(&mut self) -> Result<()> {
        if self.frees {
            return Ok(self.all.drop_gradients(true, &mut self.freed)?);
        }
        Ok(self.gradients.zero_gradients_of(&self.all)?)
    }

    fn free_gradients(&mut self) -> Result<()> {
        Ok(self.all.drop_gradients(false, &mut self.freed)?)
    }

    fn frees_gradients(&self) -> bool {
        self.frees
    }

    fn restore_gradients(&mut self) -> Result<()> {
        Ok(self.all.fill_gradients(&self.freed)?)
    }

    fn gradients(&mut self) -> Result<&TensorList> {
        self.gradients
            .set_gradients_of(&self.all, &mut self.present)?;
        Ok(&self.gradients)
    }

    fn hyperparameter_names(&self) -> Vec<&'static str> {
        let own = self.rules.first().map_or(&[][..], Rule::hyperparameters);
        ["lr", "weight_decay"]
            .into_iter()
            .chain(own.iter().copied())
            .collect()
    }

    fn hyperparameter(&self, group: &str, name: &str) -> Result<f64> {
        let index = self.index_of(group)?;
        match name {
            "lr" => Ok(self.groups[index].learning_rate),
            "weight_decay" => Ok(self.groups[index].weight_decay),
            _ => self.rules[index]
                .clone()
                .hyperparameter(name)
                .map(|value| *value)
                .ok_or_else(|| self.unknown(name)),
        }
    }

    fn set_hyperparameter(&mut self, group: &str, name: &str, value: f64) -> Result<()> {
        let index = self.index_of(group)?;
        check_range(name, value).with_context(|| format!("group `{group}` of {}", self.name()))?;
        if name != "lr" && self.hyperparameter(group, name)? != value {
            self.version = revision::fresh();
        }
        match name {
            "lr" => {
                self.groups[index].learning_rate = value;
                return Ok(());
            }
            "weight_decay" => self.groups[index].weight_decay = value,
            _ => self.set_of_rule(index, name, value)?,
        }
        self.ensure_state(index)
    }

    fn version(&self) -> u64 {
        self.version
    }

    fn state(&self) -> Vec<(String, Tensor)> {
        let groups = self.groups.iter().zip(&self.states);
        let mut named = Vec::new();
        for (group, state) in groups {
            for (buffer, index, tensor) in state.saved() {
                let parameter = &group.parameters[index].0;
                named.push((format!("{buffer}/{parameter}"), tensor));
            }
        }
        named
    }

    fn state_names(&self) -> Vec<String> {
        self.state().into_iter().map(|(name, _)| name).collect()
    }

    fn load_state(&mut self, saved: Vec<(String, Tensor)>) -> Result<()> {
        let live = self.state();
        let mut saved: HashMap<String, Tensor> = saved.into_iter().collect();
        refuse(
            live.iter()
                .map(|(name, _)| name)
                .filter(|name| !saved.contains_key(*name)),
            "lacks",
        )?;
        let mut pairs = Vec::with_capacity(live.len());
        for (name, target) in live {
            let source = saved
                .remove(&name)
                .with_context(|| format!("the saved state lacks {name}"))?;
            let (expected, found) = (target.size(), source.size());
            ensure!(
                expected == found,
                "saved state {name} has shape {found:?}, the optimizer's has {expected:?}"
            );
            pairs.push((target, source));
        }
        refuse(saved.keys(), "has more than this optimizer:")?;
        let targets = TensorList::from_tensors(pairs.iter().map(|(target, _)| target))?;
        self.version = revision::fresh();
        targets.copy_(&TensorList::from_tensors(
            pairs.iter().map(|(_, source)| source),
        )?)?;
        self.states.iter_mut().try_for_each(GroupState::loaded)
    }

    fn use_device_learning_rates(&mut self) -> Result<()> {
        let mut groups = self.groups.iter().zip(&mut self.states);
        groups.try_for_each(|(group, state)| state.use_device_learning_rate(group.learning_rate))
    }

    fn upload_learning_rates(&mut self) -> Result<()> {
        let mut groups = self.groups.iter().zip(&mut self.states);
        groups.try_for_each(|(group, state)| state.upload_learning_rate(group.learning_rate))
    }
}

/// Checks each hyperparameter, then their combination.
fn check(rule: &mut impl Rule) -> Result<()> {
    for name in rule.hyperparameters() {
        let value = rule.hyperparameter(name).map_or(0.0, |value| *value);
        check_range(name, value)?;
    }
    rule.check()
}

fn tensors(group: &ParameterGroup) -> impl Iterator<Item = &Tensor> + Clone {
    group.parameters.iter().map(|(_, tensor)| tensor)
}

/// An error that lists the first of `names`, if there are any.
fn refuse<'a>(names: impl Iterator<Item = &'a String>, verb: &str) -> Result<()> {
    let names: Vec<&str> = names.map(String::as_str).collect();
    if names.is_empty() {
        return Ok(());
    }
    let first = names[..names.len().min(LISTED)].join(", ");
    let rest = match names.len().saturating_sub(LISTED) {
        0 => String::new(),
        others => format!(" and {others} others"),
    };
    bail!(
        "the saved optimizer state {verb} {first}{rest}\nhint: resume with the optimizer and the model of the saved run"
    );
}

//! The contract's `optimizer`: hyperparameters by group, and the optimizer's state.

use std::collections::HashSet;

use phasebox_contract::grants::Grant;
use phasebox_nn::optim::{Optimizer, ParameterGroup};
use phasebox_nn::tensor_group::TensorGroup;
use tch::Tensor;
use wasmtime::component::Resource;

use super::argument_checks::check_word;
use crate::bindings::context::HostOptimizer;
use crate::bindings::types::ErrorCode;
use crate::error::{HostResult, clip, refuse};
use crate::markers::{GroupHandle, OptimizerHandle};
use crate::owner::Owner;
use crate::state::PluginState;

/// The name of the learning rate among hyperparameters.
pub(super) const LEARNING_RATE: &str = "lr";

type This = Resource<OptimizerHandle>;

impl PluginState {
    /// The number of a group; with "" the one that all groups share.
    pub(super) fn read_hyperparameter(&mut self, group: &str, name: &str) -> HostResult<f64> {
        check_word(group)?;
        check_word(name)?;
        let optimizer = self.context()?.optimizer.as_ref();
        match (group, optimizer.groups()) {
            ("", [only]) => Ok(optimizer.hyperparameter(&only.name, name)?),
            ("", _) => shared(optimizer, name),
            _ => Ok(optimizer.hyperparameter(group, name)?),
        }
    }

    /// Sets the number of a group; with "" of every group.
    pub(super) fn write_hyperparameter(
        &mut self,
        group: &str,
        name: &str,
        value: f64,
    ) -> HostResult<()> {
        self.require(Grant::Optimizer)?;
        check_word(group)?;
        check_word(name)?;
        let optimizer = &mut self.context()?.optimizer;
        if !group.is_empty() {
            return Ok(optimizer.set_hyperparameter(group, name, value)?);
        }
        for group in group_names(optimizer.as_ref()) {
            optimizer.set_hyperparameter(&group, name, value)?;
        }
        Ok(())
    }

    /// The tensors of one kind, of the parameters that `is_wanted` names.
    fn optimizer_state(
        &mut self,
        name: &str,
        is_wanted: impl Fn(&str) -> bool,
    ) -> HostResult<Resource<GroupHandle>> {
        check_word(name)?;
        self.check_trains("state of the optimizer")?;
        let prefix = format!("{name}/");
        let optimizer = &self.context()?.optimizer;
        let all = optimizer.state().into_iter();
        let of_kind = all.filter_map(|entry| without_prefix(entry, &prefix));
        let named: Vec<_> = of_kind.filter(|(name, _)| is_wanted(name)).collect();
        if named.is_empty() {
            let known = kinds(optimizer.as_ref()).join(", ");
            let name = clip(name);
            return refuse(
                ErrorCode::NotAvailable,
                format!("the optimizer keeps no `{name}` (yet); it keeps: {known}"),
            );
        }
        self.lend_group(TensorGroup::new(named)?, Owner::OptimizerState)
    }

    /// The parameters of a group; with "" of all groups.
    fn parameters_of(&mut self, group: &str) -> HostResult<Vec<String>> {
        check_word(group)?;
        let groups = self.context()?.optimizer.groups();
        let chosen: Vec<&ParameterGroup> = groups
            .iter()
            .filter(|known| group.is_empty() || known.name == group)
            .collect();
        if chosen.is_empty() {
            let known: Vec<&str> = groups.iter().map(|known| known.name.as_str()).collect();
            return refuse(
                ErrorCode::InvalidArgument,
                format!(
                    "the optimizer has no group `{}`; its groups are {}",
                    clip(group),
                    known.join(", ")
                ),
            );
        }
        let parameters = chosen.iter().flat_map(|group| &group.parameters);
        Ok(parameters.map(|(name, _)| name.clone()).collect())
    }
}

impl HostOptimizer for PluginState {
    fn name(&mut self, _: This) -> wasmtime::Result<String> {
        Ok(self.context_or_trap()?.optimizer.name().to_owned())
    }

    fn group_names(&mut self, _: This) -> wasmtime::Result<Vec<String>> {
        let context = self.context_or_trap()?;
        Ok(group_names(context.optimizer.as_ref()))
    }

    fn learning_rate(&mut self, _: This, group: String) -> HostResult<f64> {
        self.read_hyperparameter(&group, LEARNING_RATE)
    }

    fn set_learning_rate(&mut self, _: This, group: String, value: f64) -> HostResult<()> {
        self.write_hyperparameter(&group, LEARNING_RATE, value)
    }

    fn hyperparameter(&mut self, _: This, group: String, name: String) -> HostResult<f64> {
        self.read_hyperparameter(&group, &name)
    }

    fn set_hyperparameter(
        &mut self,
        _: This,
        group: String,
        name: String,
        value: f64,
    ) -> HostResult<()> {
        self.write_hyperparameter(&group, &name, value)
    }

    fn state(&mut self, _: This, name: String) -> HostResult<Resource<GroupHandle>> {
        self.optimizer_state(&name, |_| true)
    }

    fn group_state(
        &mut self,
        _: This,
        group: String,
        name: String,
    ) -> HostResult<Resource<GroupHandle>> {
        let members: HashSet<String> = self.parameters_of(&group)?.into_iter().collect();
        self.optimizer_state(&name, |parameter| members.contains(parameter))
    }

    fn state_names(&mut self, _: This) -> wasmtime::Result<Vec<String>> {
        let context = self.context_or_trap()?;
        Ok(kinds(context.optimizer.as_ref()))
    }

    fn parameter_names(&mut self, _: This, group: String) -> HostResult<Vec<String>> {
        self.parameters_of(&group)
    }

    fn drop(&mut self, _: This) -> wasmtime::Result<()> {
        Ok(())
    }
}

/// The number that all groups share.
#[cold]
fn shared(optimizer: &dyn Optimizer, name: &str) -> HostResult<f64> {
    let mut values = Vec::new();
    for group in optimizer.groups() {
        values.push((
            group.name.as_str(),
            optimizer.hyperparameter(&group.name, name)?,
        ));
    }
    let first = values.first().map_or(f64::NAN, |(_, value)| *value);
    if values.iter().all(|(_, value)| *value == first) {
        return Ok(first);
    }
    let each: Vec<String> = values
        .iter()
        .map(|(group, value)| format!("{group} {value}"))
        .collect();
    refuse(
        ErrorCode::InvalidArgument,
        format!(
            "the groups have different `{name}` ({}): name one of them",
            each.join(", ")
        ),
    )
}

/// The kinds of state, each once.
fn kinds(optimizer: &dyn Optimizer) -> Vec<String> {
    let mut kinds: Vec<String> = Vec::new();
    for name in optimizer.state_names() {
        match name.split_once('/') {
            Some((kind, _)) if !kinds.iter().any(|known| known == kind) => {
                kinds.push(kind.to_owned());
            }
            _ => {}
        }
    }
    kinds
}

fn group_names(optimizer: &dyn Optimizer) -> Vec<String> {
    let groups = optimizer.groups();
    groups.iter().map(|group| group.name.clone()).collect()
}

/// A tensor of the optimizer's state under the parameter's name alone, if its key begins with `prefix`.
fn without_prefix(entry: (String, Tensor), prefix: &str) -> Option<(String, Tensor)> {
    let (key, tensor) = entry;
    Some((key.strip_prefix(prefix)?.to_owned(), tensor))
}

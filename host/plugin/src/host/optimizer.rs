//! The contract's `optimizer`: hyperparameters by group, and the optimizer's state.

use phasebox_contract::grants::Grant;
use phasebox_nn::optim::Optimizer;
use phasebox_nn::tensor_group::TensorGroup;
use tch::Tensor;
use wasmtime::component::Resource;

use crate::bindings::context::HostOptimizer;
use crate::bindings::types::ErrorCode;
use crate::error::{HostResult, clip, refuse};
use crate::markers::{GroupHandle, OptimizerHandle};
use crate::owner::Owner;
use crate::state::PluginState;

type This = Resource<OptimizerHandle>;

impl HostOptimizer for PluginState {
    fn name(&mut self, _: This) -> wasmtime::Result<String> {
        Ok(self.context_or_trap()?.optimizer.name().to_owned())
    }

    fn group_names(&mut self, _: This) -> wasmtime::Result<Vec<String>> {
        let context = self.context_or_trap()?;
        Ok(group_names(context.optimizer.as_ref()))
    }

    fn learning_rate(&mut self, this: This, group: String) -> HostResult<f64> {
        self.hyperparameter(this, group, "lr".to_owned())
    }

    fn set_learning_rate(&mut self, this: This, group: String, value: f64) -> HostResult<()> {
        self.set_hyperparameter(this, group, "lr".to_owned(), value)
    }

    fn hyperparameter(&mut self, _: This, group: String, name: String) -> HostResult<f64> {
        let optimizer = &self.context()?.optimizer;
        let first = optimizer.groups().first().map(|group| group.name.as_str());
        let group = match group.as_str() {
            "" => first.unwrap_or_default(),
            named => named,
        };
        Ok(optimizer.hyperparameter(group, &name)?)
    }

    fn set_hyperparameter(
        &mut self,
        _: This,
        group: String,
        name: String,
        value: f64,
    ) -> HostResult<()> {
        self.require(Grant::Optimizer)?;
        let optimizer = &mut self.context()?.optimizer;
        let groups = match group.as_str() {
            "" => group_names(optimizer.as_ref()),
            _ => vec![group],
        };
        for group in &groups {
            optimizer.set_hyperparameter(group, &name, value)?;
        }
        Ok(())
    }

    fn state(&mut self, _: This, name: String) -> HostResult<Resource<GroupHandle>> {
        let prefix = format!("{name}/");
        let optimizer = &self.context()?.optimizer;
        let named: Vec<_> = optimizer
            .state()
            .into_iter()
            .filter_map(|entry| without_prefix(entry, &prefix))
            .collect();
        if named.is_empty() {
            let known = optimizer.state_names().join(", ");
            let name = clip(&name);
            return refuse(
                ErrorCode::NotAvailable,
                format!("the optimizer keeps no `{name}` (yet); it keeps: {known}"),
            );
        }
        self.lend_group(TensorGroup::new(named)?, Owner::OptimizerState)
    }

    fn drop(&mut self, _: This) -> wasmtime::Result<()> {
        Ok(())
    }
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

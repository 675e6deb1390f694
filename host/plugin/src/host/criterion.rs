//! The contract's `criterion`: the loss function and its parameters.

use phasebox_contract::grants::Grant;
use wasmtime::component::Resource;

use super::argument_checks::check_word;
use crate::bindings::context::HostCriterion;
use crate::error::HostResult;
use crate::markers::CriterionHandle;
use crate::state::PluginState;

type This = Resource<CriterionHandle>;

impl HostCriterion for PluginState {
    fn name(&mut self, _: This) -> wasmtime::Result<String> {
        Ok(self.context_or_trap()?.criterion.name().to_owned())
    }

    fn parameters(&mut self, _: This) -> wasmtime::Result<Vec<String>> {
        let parameters = self.context_or_trap()?.criterion.parameters();
        Ok(parameters.keys().cloned().collect())
    }

    fn get(&mut self, _: This, key: String) -> HostResult<String> {
        check_word(&key)?;
        Ok(self.context()?.criterion.get(&key)?.to_string())
    }

    fn set(&mut self, _: This, key: String, value: String) -> HostResult<()> {
        self.require(Grant::Criterion)?;
        check_word(&key)?;
        let value = self.json_value(&value)?;
        Ok(self.context()?.criterion.set(&key, value)?)
    }

    fn drop(&mut self, _: This) -> wasmtime::Result<()> {
        Ok(())
    }
}

//! The contract's `data-loader`: the loader of one split and its parameters.

use phasebox_contract::grants::Grant;
use phasebox_data::DataLoader;
use phasebox_train::split::Split;
use wasmtime::component::Resource;

use super::argument_checks::check_word;
use crate::bindings::context::HostDataLoader;
use crate::bindings::types::ErrorCode;
use crate::error::{HostError, HostResult, refusal};
use crate::markers::{LoaderHandle, TEST, TRAIN};
use crate::state::PluginState;

type This = Resource<LoaderHandle>;

/// The split that the number of a loader's or a metrics' handle stands for.
pub(super) fn split_of(number: u32) -> Split {
    match number {
        TRAIN => Split::Train,
        TEST => Split::Test,
        _ => Split::Validation,
    }
}

impl PluginState {
    fn loader(&mut self, this: &This) -> HostResult<&mut DataLoader> {
        self.context()?
            .loader_mut(split_of(this.rep()))
            .ok_or_else(|| refusal(ErrorCode::NotAvailable, "this run has no test set"))
    }

    fn loader_or_trap(&mut self, this: &This) -> wasmtime::Result<&mut DataLoader> {
        self.loader(this).map_err(HostError::into_trap)
    }
}

impl HostDataLoader for PluginState {
    fn name(&mut self, this: This) -> wasmtime::Result<String> {
        let name = match split_of(this.rep()) {
            Split::Train => "train",
            Split::Validation => "validation",
            Split::Test => "test",
        };
        Ok(name.to_owned())
    }

    fn batches(&mut self, this: This) -> wasmtime::Result<u64> {
        Ok(self.loader_or_trap(&this)?.batches())
    }

    fn samples(&mut self, this: This) -> wasmtime::Result<u64> {
        Ok(self.loader_or_trap(&this)?.samples())
    }

    fn batch_size(&mut self, this: This) -> wasmtime::Result<u32> {
        Ok(self.loader_or_trap(&this)?.batch_size() as u32)
    }

    fn parameters(&mut self, this: This) -> wasmtime::Result<Vec<String>> {
        Ok(self.loader_or_trap(&this)?.parameters())
    }

    fn get(&mut self, this: This, key: String) -> HostResult<String> {
        check_word(&key)?;
        Ok(self.loader(&this)?.get(&key)?.to_string())
    }

    fn set(&mut self, this: This, key: String, value: String) -> HostResult<()> {
        self.require(Grant::Loaders)?;
        check_word(&key)?;
        let value = self.json_value(&value)?;
        Ok(self.loader(&this)?.set(&key, value)?)
    }

    fn drop(&mut self, _: This) -> wasmtime::Result<()> {
        Ok(())
    }
}

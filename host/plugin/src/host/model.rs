//! The contract's `model`: the network in training, or its moving average.

use phasebox_contract::grants::Grant;
use phasebox_nn::model::Model;
use wasmtime::component::Resource;

use crate::bindings::context::HostModel;
use crate::bindings::types::ErrorCode;
use crate::error::{HostError, HostResult, refuse};
use crate::markers::{EMA, GroupHandle, ModelHandle};
use crate::owner::Owner;
use crate::state::PluginState;

type This = Resource<ModelHandle>;

impl PluginState {
    fn model(&mut self, this: &This) -> HostResult<&Model> {
        let context = self.context()?;
        match (this.rep(), &context.ema_model) {
            (EMA, Some(ema)) => Ok(ema.model()),
            (EMA, None) => refuse(ErrorCode::NotAvailable, "this run keeps no moving average"),
            _ => Ok(&context.net),
        }
    }
}

impl HostModel for PluginState {
    fn architecture(&mut self, this: This) -> wasmtime::Result<String> {
        let model = self.model(&this).map_err(HostError::into_trap)?;
        Ok(model.architecture().to_owned())
    }

    fn parameters(&mut self, this: This) -> HostResult<Resource<GroupHandle>> {
        let members = self.model(&this)?.parameter_group()?;
        self.lend_group(members, Owner::Parameters)
    }

    fn gradients(&mut self, this: This) -> HostResult<Resource<GroupHandle>> {
        if this.rep() == EMA {
            return refuse(
                ErrorCode::NotAvailable,
                "the moving average has no gradients",
            );
        }
        self.context()?.optimizer.restore_gradients()?;
        let members = self.model(&this)?.gradient_group()?;
        if members.is_empty() {
            return refuse(
                ErrorCode::NotAvailable,
                "there are gradients from on-train-batch-backward-end of the first batch on",
            );
        }
        self.lend_group(members, Owner::Gradients)
    }

    fn buffers(&mut self, this: This) -> HostResult<Resource<GroupHandle>> {
        let members = self.model(&this)?.buffer_group()?;
        self.lend_group(members, Owner::Parameters)
    }

    fn freeze(&mut self, this: This, glob: String) -> HostResult<u32> {
        self.require(Grant::Parameters)?;
        Ok(self.model(&this)?.freeze(&glob)? as u32)
    }

    fn unfreeze(&mut self, this: This, glob: String) -> HostResult<u32> {
        self.require(Grant::Parameters)?;
        Ok(self.model(&this)?.unfreeze(&glob)? as u32)
    }

    fn drop(&mut self, _: This) -> wasmtime::Result<()> {
        Ok(())
    }
}

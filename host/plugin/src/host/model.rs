//! The contract's `model`: the network in training, or its moving average.

use std::rc::Rc;

use phasebox_contract::grants::Grant;
use phasebox_nn::model::Model;
use phasebox_nn::tensor_group::TensorGroup;
use phasebox_train::trace::Part;
use wasmtime::component::Resource;

use super::argument_checks::check_word;
use crate::bindings::context::HostModel;
use crate::bindings::types::ErrorCode;
use crate::error::{HostError, HostResult, clip, refuse};
use crate::markers::{EMA, GroupHandle, ModelHandle, TensorHandle};
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

    /// Refuses a part of the network, or of its moving average, that a replayed trace did not keep.
    fn check_part(&mut self, this: &This, part: Part) -> HostResult<()> {
        match this.rep() {
            EMA => self.check_trains("moving average"),
            _ => self.check_traced(part),
        }
    }

    /// The parameters of the network in training.
    pub(super) fn parameter_group(&mut self) -> HostResult<Rc<TensorGroup>> {
        self.check_traced(Part::Parameters)?;
        Ok(self.context()?.net.parameter_group()?)
    }

    /// The buffers of the network in training.
    pub(super) fn buffer_group(&mut self) -> HostResult<Rc<TensorGroup>> {
        self.check_traced(Part::Buffers)?;
        Ok(self.context()?.net.buffer_group()?)
    }

    /// The gradients of the network in training.
    pub(super) fn gradient_group(&mut self) -> HostResult<Rc<TensorGroup>> {
        self.check_traced(Part::Gradients)?;
        let context = self.context()?;
        context.optimizer.restore_gradients()?;
        let members = context.net.gradient_group()?;
        if members.is_empty() {
            return refuse(
                ErrorCode::NotAvailable,
                "there are gradients from on-train-batch-backward-end of the first batch on",
            );
        }
        Ok(members)
    }
}

impl HostModel for PluginState {
    fn architecture(&mut self, this: This) -> wasmtime::Result<String> {
        let model = self.model(&this).map_err(HostError::into_trap)?;
        Ok(model.architecture().to_owned())
    }

    fn parameters(&mut self, this: This) -> HostResult<Resource<GroupHandle>> {
        self.check_part(&this, Part::Parameters)?;
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
        let members = self.gradient_group()?;
        self.lend_group(members, Owner::Gradients)
    }

    fn buffers(&mut self, this: This) -> HostResult<Resource<GroupHandle>> {
        self.check_part(&this, Part::Buffers)?;
        let members = self.model(&this)?.buffer_group()?;
        self.lend_group(members, Owner::Parameters)
    }

    fn freeze(&mut self, this: This, glob: String) -> HostResult<u32> {
        self.require(Grant::Parameters)?;
        check_word(&glob)?;
        Ok(self.model(&this)?.freeze(&glob)? as u32)
    }

    fn unfreeze(&mut self, this: This, glob: String) -> HostResult<u32> {
        self.require(Grant::Parameters)?;
        check_word(&glob)?;
        Ok(self.model(&this)?.unfreeze(&glob)? as u32)
    }

    fn requires_grad(&mut self, this: This, parameter: String) -> HostResult<bool> {
        check_word(&parameter)?;
        let parameters = self.model(&this)?.parameters();
        let found = parameters.iter().find(|(name, _)| *name == parameter);
        let Some((_, tensor)) = found else {
            let parameter = clip(&parameter);
            return refuse(
                ErrorCode::NotAvailable,
                format!("no parameter is named `{parameter}`; `parameters` lists them"),
            );
        };
        Ok(tensor.requires_grad())
    }

    fn forward(
        &mut self,
        this: This,
        inputs: Vec<Resource<TensorHandle>>,
        mode: String,
    ) -> HostResult<Resource<GroupHandle>> {
        self.pass_forward(this.rep() == EMA, &inputs, &mode)
    }

    fn drop(&mut self, _: This) -> wasmtime::Result<()> {
        Ok(())
    }
}

//! Replacements of parts of the batch, which `set-inputs`, `set-target` and `set-loss` make: when they
//! are allowed, what they must look like, and whose the tensor is that becomes a part.

use phasebox_contract::phase::Phase;
use tch::Tensor;
use torch_ext::owned_copy;
use wasmtime::component::Resource;

use crate::bindings::types::ErrorCode;
use crate::error::{HostResult, refuse};
use crate::markers::TensorHandle;
use crate::owner::Owner;
use crate::state::PluginState;
use crate::torch_call::torch_call;

/// The phases at which new inputs are still read.
pub(super) const BATCH_STARTS: &[Phase] = &[
    Phase::TrainBatchStart,
    Phase::ValidationBatchStart,
    Phase::TestBatchStart,
];
/// The phases at which a new target is still read.
pub(super) const BEFORE_LOSS: &[Phase] = &[
    Phase::TrainBatchStart,
    Phase::ValidationBatchStart,
    Phase::TestBatchStart,
    Phase::TrainBatchForwardEnd,
];

impl PluginState {
    /// The tensor that is to become `part` of the batch: `value` itself if it is the callback's own or that
    /// part already, otherwise a copy. Without the copy, the grant to change the part would reach into the
    /// tensor it was taken from, such as a parameter.
    pub(super) fn become_part(
        &mut self,
        value: &Resource<TensorHandle>,
        part: Owner,
    ) -> HostResult<Tensor> {
        let entry = self.tensors.get(value.rep())?;
        if entry.owner == Owner::Callback || entry.owner == part {
            return Ok(entry.tensor.shallow_clone());
        }
        self.launch(1)?;
        let tensor = self.tensor(value)?;
        if tensor.requires_grad() {
            // The gradient still flows through the copy to the parameters.
            return Ok(torch_call(|| tensor.f_multiply_scalar(1.0))?);
        }
        Ok(owned_copy(tensor)?)
    }
}

/// A loss as the trainer takes it, 0-d. Refuses a tensor that backward cannot start from.
pub(super) fn as_loss(value: &Tensor) -> HostResult<Tensor> {
    if torch_ext::numel(value) != 1 {
        return refuse(
            ErrorCode::ShapeMismatch,
            format!("a loss has one element, this is {:?}", value.size()),
        );
    }
    if !value.requires_grad() {
        return refuse(
            ErrorCode::InvalidArgument,
            "this tensor has no way back to the parameters: make it from the loss or the predictions",
        );
    }
    Ok(value.f_reshape(&[] as &[i64])?)
}

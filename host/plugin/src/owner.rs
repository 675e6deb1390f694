//! The tensors behind handles, and whose they are: the owner decides which grant a change needs.

use std::rc::Rc;

use phasebox_contract::grants::{Grant, Grants};
use phasebox_nn::tensor_group::TensorGroup;
use tch::Tensor;

use crate::bindings::types::ErrorCode;
use crate::error::{HostResult, refuse};
use crate::grants;

/// The owner of a tensor. A view has the owner of its source.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Owner {
    /// The callback itself, which made the tensor or had it kept.
    Callback,
    Inputs,
    Target,
    Predictions,
    Loss,
    Gradients,
    Parameters,
    OptimizerState,
}

impl Owner {
    /// Refuses a change in place that the recipe does not grant.
    pub(crate) fn check_change(self, grants: Grants) -> HostResult<()> {
        match self {
            Owner::Callback => Ok(()),
            Owner::Inputs => grants::require(grants, Grant::Inputs),
            Owner::Target => grants::require(grants, Grant::Target),
            Owner::Loss => grants::require(grants, Grant::Loss),
            Owner::Gradients => grants::require(grants, Grant::Gradients),
            Owner::Parameters => grants::require(grants, Grant::Parameters),
            Owner::OptimizerState => grants::require(grants, Grant::Optimizer),
            Owner::Predictions => refuse(
                ErrorCode::Denied,
                "predictions cannot be changed in place; replace the loss with `set-loss`",
            ),
        }
    }
}

/// One tensor behind a handle. It is a shallow clone: making a handle copies no data.
pub(crate) struct TensorEntry {
    pub(crate) tensor: Tensor,
    pub(crate) owner: Owner,
    /// Bytes that count against the limit `tensors` until the guest drops the handle; 0 if not kept.
    pub(crate) charged_bytes: u64,
}

/// Many tensors behind one handle.
pub(crate) struct GroupEntry {
    pub(crate) members: Rc<TensorGroup>,
    pub(crate) owner: Owner,
    /// Bytes that count against the limit `tensors` until the guest drops the handle; 0 if not kept.
    pub(crate) charged_bytes: u64,
}

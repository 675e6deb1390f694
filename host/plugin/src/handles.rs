//! The host types behind the contract's resources. Tensors, groups and deferred scalars live in arenas;
//! the parts of the trainer need none: their handle's number says which part it is.

#![expect(unreachable_pub, reason = "bindgen! re-exports the markers as public")]

use std::rc::Rc;

use phasebox_contract::grants::{Grant, Grants};
use phasebox_nn::tensor_group::TensorGroup;
use tch::Tensor;

use super::bindings::phasebox::train::types::ErrorCode;
use super::error::{HostResult, refuse};
use super::grants;

/// Marks a handle to one tensor.
pub enum TensorHandle {}
/// Marks a handle to a scalar on its way.
pub enum DeferredHandle {}
/// Marks a handle to a group of tensors.
pub enum GroupHandle {}
/// Marks the lent context; there is only one.
pub enum ContextHandle {}
/// Marks a network: [`NET`] or [`EMA`].
pub enum ModelHandle {}
/// Marks the optimizer; there is only one.
pub enum OptimizerHandle {}
/// Marks the loss function; there is only one.
pub enum CriterionHandle {}
/// Marks a loader: [`TRAIN`], [`VALIDATION`] or [`TEST`].
pub enum LoaderHandle {}
/// Marks running metrics: [`TRAIN`], [`VALIDATION`] or [`TEST`].
pub enum MetricsHandle {}
/// Marks the run's loggers; there is only one set.
pub enum LoggerHandle {}

pub(crate) const NET: u32 = 0;
pub(crate) const EMA: u32 = 1;
pub(crate) const TRAIN: u32 = 0;
pub(crate) const VALIDATION: u32 = 1;
pub(crate) const TEST: u32 = 2;

/// Whose tensor it is, which decides who may change it. Views inherit it from their source.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Owner {
    /// Made by the callback, or kept for it.
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
    /// Refuses a change that the recipe does not grant.
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

/// One tensor behind a handle. The tensor is a shallow clone: no data is copied to make a handle.
pub(crate) struct TensorEntry {
    pub(crate) tensor: Tensor,
    pub(crate) owner: Owner,
    /// What is charged to the callback's `tensors` limit while it is kept.
    pub(crate) charged_bytes: u64,
}

/// Many tensors behind one handle.
pub(crate) struct GroupEntry {
    pub(crate) members: Rc<TensorGroup>,
    pub(crate) owner: Owner,
    pub(crate) charged_bytes: u64,
}

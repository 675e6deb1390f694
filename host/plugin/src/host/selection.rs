//! The steps of operations that follow indices or masks. An index out of range never reaches libtorch: on
//! a GPU it would fault the device for good, and on the CPU it would stop an operation half done.

use tch::{Device, Kind, Tensor};

use super::argument_checks::length_of;
use super::size_checks::{check_elements, check_same_size};
use super::tensor_steps::{Handle, Torch};
use crate::bindings::types::ErrorCode;
use crate::error::{HostResult, refuse};
use crate::state::PluginState;
use crate::torch_call::torch_call;

impl PluginState {
    /// Entries `indices` of dimension `dim`.
    pub(super) fn at_entries(
        &mut self,
        this: &Handle,
        dim: i64,
        indices: &Handle,
    ) -> HostResult<Handle> {
        self.launch(1)?;
        let (x, at) = (self.tensor(this)?, self.tensor(indices)?);
        let length = length_of(x, dim)?;
        check_entries(at, length)?;
        let others = x.numel() as u64 / length as u64;
        let elements = check_elements(others.checked_mul(at.numel() as u64))?;
        self.check_room(elements)?;
        let (x, indices) = (self.tensor(this)?, self.tensor(indices)?);
        let safe = safe_indices(indices, length)?;
        let selected = x.f_index_select(dim, &safe)?;
        self.make(selected)
    }

    /// An operation on a tensor and indices into its dimension `dim`, which the operation may follow
    /// blindly. Its result is as large as one of both.
    pub(super) fn at_indices(
        &mut self,
        this: &Handle,
        dim: i64,
        indices: &Handle,
        operation: impl FnOnce(&Tensor, &Tensor) -> Torch<Tensor>,
    ) -> HostResult<Handle> {
        self.launch(1)?;
        let here = check_same_size(self.tensor(this)?)?;
        let there = check_same_size(self.tensor(indices)?)?;
        self.check_room(here.min(there))?;
        let (x, indices) = (self.tensor(this)?, self.tensor(indices)?);
        let safe = safe_indices(indices, length_of(x, dim)?)?;
        let result = torch_call(|| operation(x, &safe))?;
        self.make(result)
    }
}

/// Indices that are 1-d, into a dimension that has entries.
fn check_entries(indices: &Tensor, length: i64) -> HostResult<()> {
    let rank = indices.dim();
    if rank != 1 {
        return refuse(
            ErrorCode::ShapeMismatch,
            format!("indices are 1-d, not {rank}-d"),
        );
    }
    check_not_empty(length)
}

fn check_not_empty(length: i64) -> HostResult<()> {
    if length > 0 {
        return Ok(());
    }
    refuse(
        ErrorCode::InvalidArgument,
        "nothing can be selected from an empty dimension",
    )
}

/// Indices into a dimension of `length` entries, none of which is out of range. Does not sync: indices on
/// a GPU are wrapped there, and those on the CPU are looked at.
fn safe_indices(indices: &Tensor, length: i64) -> HostResult<Tensor> {
    let kind = indices.kind();
    if kind != Kind::Int64 {
        return refuse(
            ErrorCode::DtypeMismatch,
            format!("indices are int64, not {kind:?}"),
        );
    }
    if torch_ext::numel(indices) == 0 {
        return Ok(indices.shallow_clone());
    }
    check_not_empty(length)?;
    if indices.device() == Device::Cpu {
        check_range(indices, length)?;
        return Ok(indices.shallow_clone());
    }
    Ok(torch_call(|| indices.f_remainder(length))?)
}

/// Refuses indices on the CPU, at least one, if one of them is out of range.
fn check_range(indices: &Tensor, length: i64) -> HostResult<()> {
    let (smallest, largest) = indices.f_aminmax(None, false)?;
    let smallest = smallest.f_int64_value(&[])?;
    let largest = largest.f_int64_value(&[])?;
    if smallest >= 0 && largest < length {
        return Ok(());
    }
    let wrong = if smallest < 0 { smallest } else { largest };
    refuse(
        ErrorCode::InvalidArgument,
        format!("index {wrong} is out of range: the dimension has {length} entries"),
    )
}

/// Refuses a tensor whose places, one index for each element and dimension, are too many.
pub(super) fn check_places(tensor: &Tensor) -> HostResult<()> {
    let rank = tensor.dim() as u64;
    check_elements((tensor.numel() as u64).checked_mul(rank.max(1))).map(drop)
}

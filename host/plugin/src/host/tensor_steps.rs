//! The steps that tensor operations are made of, in the order in which each operation takes them: count
//! the launch, look the handles up, check sizes and rights, run, charge the result and hand it out.
//!
//! | step | result |
//! |---|---|
//! | `unary`, `map`, `binary`, `binary_of_floats`, `binary_direct` | a new tensor of the callback |
//! | `unary_pair` | two new tensors of the callback |
//! | `view` | a tensor that shares memory with its source, and has the source's owner |
//! | `in_place`, `in_place_by`, `in_place_by_direct` | a change of a tensor, if the recipe grants it |
//! | `read`, `read_number` | elements on the CPU |
//! | `keep_entry` | a tensor that outlives the call |
//! | `check_noise`, `draw_normal` | random numbers in place of a tensor's own |

use phasebox_contract::limits::Limit;
use tch::{Device, Kind, TchError, Tensor};
use torch_ext::owned_copy;
use wasmtime::component::Resource;

use super::argument_checks::check_one_element;
use super::size_checks::{check_broadcast, check_made, check_same_size, check_shape, product};
use crate::bindings::types::ErrorCode;
use crate::error::{HostError, HostResult, refuse};
use crate::markers::TensorHandle;
use crate::owner::{Owner, TensorEntry};
use crate::state::PluginState;
use crate::torch_call::torch_call;

pub(super) type Handle = Resource<TensorHandle>;
pub(super) type Pair = (Handle, Handle);
pub(super) type Torch<T> = Result<T, TchError>;

/// The elements of a tensor whose copies count.
const LARGE: usize = 1 << 20;

/// The most bytes that one `read-…` copies.
const MAX_READ_BYTES: u64 = 16 << 20;

impl PluginState {
    /// An operation on one operand whose result is as large or smaller.
    pub(super) fn unary(
        &mut self,
        this: &Handle,
        operation: impl FnOnce(&Tensor) -> Torch<Tensor>,
    ) -> HostResult<Handle> {
        self.launch(1)?;
        let elements = check_same_size(self.tensor(this)?)?;
        self.check_room(elements.min(1))?;
        let operand = self.tensor(this)?;
        let result = torch_call(|| operation(operand))?;
        self.make(result)
    }

    /// An operation on one operand whose result has its shape.
    pub(super) fn map(
        &mut self,
        this: &Handle,
        operation: impl FnOnce(&Tensor) -> Torch<Tensor>,
    ) -> HostResult<Handle> {
        let elements = torch_ext::numel(self.tensor(this)?) as u64;
        self.check_room(elements)?;
        self.unary(this, operation)
    }

    /// An operation on one operand with two results, each as large or smaller.
    pub(super) fn unary_pair(
        &mut self,
        this: &Handle,
        operation: impl FnOnce(&Tensor) -> Torch<(Tensor, Tensor)>,
    ) -> HostResult<Pair> {
        self.launch(1)?;
        let elements = check_same_size(self.tensor(this)?)?;
        self.check_room(elements.min(1))?;
        let operand = self.tensor(this)?;
        let (first, second) = torch_call(|| operation(operand))?;
        Ok((self.make(first)?, self.make(second)?))
    }

    /// An operation on two operands that broadcast.
    pub(super) fn binary(
        &mut self,
        this: &Handle,
        other: &Handle,
        operation: impl FnOnce(&Tensor, &Tensor) -> Torch<Tensor>,
    ) -> HostResult<Handle> {
        self.binary_direct(this, other, |a, b| torch_call(|| operation(a, b)))
    }

    /// An operation on two operands that broadcast, which are converted to floating point first.
    pub(super) fn binary_of_floats(
        &mut self,
        this: &Handle,
        other: &Handle,
        operation: impl FnOnce(&Tensor, &Tensor) -> Torch<Tensor>,
    ) -> HostResult<Handle> {
        let (a, b) = (self.tensor(this)?, self.tensor(other)?);
        if !a.is_floating_point() && !b.is_floating_point() {
            let elements = (torch_ext::numel(a) + torch_ext::numel(b)) as u64;
            self.check_room(elements.saturating_mul(4))?;
        }
        self.binary(this, other, operation)
    }

    /// An operation of torch-ext on two operands that broadcast: it needs no `torch_call`.
    pub(super) fn binary_direct<E>(
        &mut self,
        this: &Handle,
        other: &Handle,
        operation: impl FnOnce(&Tensor, &Tensor) -> Result<Tensor, E>,
    ) -> HostResult<Handle>
    where
        HostError: From<E>,
    {
        self.launch(1)?;
        let a = self.tensor(this)?;
        let b = self.tensor(other)?;
        let elements = check_broadcast([a, b])?;
        let room = elements + bytes_of_casts(a, b);
        self.check_room(room)?;
        let result = operation(self.tensor(this)?, self.tensor(other)?)?;
        self.make(result)
    }

    /// A result that shares memory with its source, and therefore its owner.
    pub(super) fn view(
        &mut self,
        this: &Handle,
        operation: impl FnOnce(&Tensor) -> Torch<Tensor>,
    ) -> HostResult<Handle> {
        let source = self.tensors.get(this.rep())?;
        let owner = source.owner;
        let result = operation(&source.tensor)?;
        check_made(&result)?;
        self.lend(result, owner)
    }

    /// The tensor itself under another handle.
    pub(super) fn same(&mut self, this: &Handle) -> HostResult<Handle> {
        self.view(this, |tensor| Ok(tensor.shallow_clone()))
    }

    /// A change of `this`, if the recipe grants it.
    pub(super) fn in_place(
        &mut self,
        this: &Handle,
        operation: impl FnOnce(&mut Tensor) -> Torch<()>,
    ) -> HostResult<()> {
        self.launch(1)?;
        let entry = self.tensors.get_mut(this.rep())?;
        entry.owner.check_change(self.grants)?;
        Ok(torch_call(|| operation(&mut entry.tensor))?)
    }

    /// A change of `this` by `other`, if the recipe grants it.
    pub(super) fn in_place_by(
        &mut self,
        this: &Handle,
        other: &Handle,
        operation: impl FnOnce(&mut Tensor, &Tensor) -> Torch<()>,
    ) -> HostResult<()> {
        self.in_place_by_direct(this, other, |tensor, other| {
            torch_call(|| operation(tensor, other))
        })
    }

    /// A change of `this` by `other` with an operation of torch-ext: it needs no `torch_call`.
    pub(super) fn in_place_by_direct<E>(
        &mut self,
        this: &Handle,
        other: &Handle,
        operation: impl FnOnce(&mut Tensor, &Tensor) -> Result<(), E>,
    ) -> HostResult<()>
    where
        HostError: From<E>,
    {
        self.launch(1)?;
        if this.rep() == other.rep() {
            let entry = self.tensors.get_mut(this.rep())?;
            entry.owner.check_change(self.grants)?;
            let same = entry.tensor.shallow_clone();
            return Ok(operation(&mut entry.tensor, &same)?);
        }
        let [entry, other] = self.tensors.get_two_mut([this.rep(), other.rep()])?;
        entry.owner.check_change(self.grants)?;
        Ok(operation(&mut entry.tensor, &other.tensor)?)
    }

    /// `length` elements from `offset` on in row-major order, on the CPU as `kind`. Syncs.
    pub(super) fn read(
        &mut self,
        this: &Handle,
        offset: u64,
        length: u32,
        kind: Kind,
    ) -> HostResult<Tensor> {
        let bytes = check_read_length(length, kind)?;
        let tensor = self.tensor(this)?;
        check_read_range(offset, length, tensor.numel() as u64)?;
        check_same_size(tensor)?;
        let flat = tensor.f_detach()?.f_reshape([-1])?;
        let piece = flat.f_narrow(0, offset as i64, i64::from(length))?;
        self.count_sync()?;
        self.count_copied(bytes)?;
        let on_cpu = piece.f_to_device(Device::Cpu)?;
        Ok(on_cpu.f_to_kind(kind)?.f_contiguous()?)
    }

    /// The only element. Syncs.
    pub(super) fn read_number(&mut self, this: &Handle) -> HostResult<f64> {
        check_one_element(self.tensor(this)?)?;
        self.count_sync()?;
        Ok(self.tensor(this)?.f_reshape([1])?.f_double_value(&[0])?)
    }

    /// A handle to the tensor of `this` that lasts until the guest drops it. The caller has charged it.
    pub(super) fn keep_entry(&mut self, this: &Handle, charged_bytes: u64) -> HostResult<Handle> {
        let tensor = tensor_to_keep(self.tensors.get(this.rep())?)?;
        let index = self.tensors.insert_kept(TensorEntry {
            tensor,
            owner: Owner::Callback,
            charged_bytes,
        })?;
        Ok(Resource::new_own(index))
    }

    /// The shape of a tensor that noise may replace. Called before anything is drawn: a refusal leaves the
    /// generator as it was.
    pub(super) fn check_noise(&self, this: &Handle) -> HostResult<Vec<i64>> {
        let entry = self.tensors.get(this.rep())?;
        entry.owner.check_change(self.grants)?;
        if !entry.tensor.is_floating_point() {
            let kind = entry.tensor.kind();
            return refuse(
                ErrorCode::DtypeMismatch,
                format!("normal noise is not for {kind:?}"),
            );
        }
        let shape = entry.tensor.size();
        check_shape(&shape)?;
        Ok(shape)
    }

    /// Normal numbers from the callback's generator, charged as a tensor of this shape.
    pub(super) fn draw_normal(
        &mut self,
        shape: &[i64],
        mean: f32,
        std: f32,
    ) -> HostResult<Vec<f32>> {
        let elements = product(shape).unwrap_or(0);
        self.charge(Limit::CallTensors, elements.saturating_mul(4))?;
        let values = (0..elements).map(|_| self.random.normal() * std + mean);
        Ok(values.collect())
    }
}

/// The bytes of the copies that an operation makes of large operands with different dtypes: the narrower one is converted.
#[inline]
fn bytes_of_casts(a: &Tensor, b: &Tensor) -> u64 {
    let elements = torch_ext::numel(a).max(torch_ext::numel(b));
    if elements < LARGE || a.kind() == b.kind() {
        return 0;
    }
    let width = |tensor: &Tensor| tensor.kind().elt_size_in_bytes();
    elements as u64 * width(a).max(width(b)) as u64
}

/// The callback's own tensor as it is; a copy of one that the trainer goes on to change.
fn tensor_to_keep(entry: &TensorEntry) -> HostResult<Tensor> {
    let tensor = &entry.tensor;
    if entry.owner == Owner::Callback && fills_its_memory(tensor)? {
        return Ok(tensor.f_detach()?);
    }
    Ok(owned_copy(tensor)?)
}

/// False for a view of something larger, which a kept view would keep alive as a whole.
fn fills_its_memory(tensor: &Tensor) -> HostResult<bool> {
    Ok(torch_ext::storage_bytes(tensor)? as u64 <= torch_ext::bytes(tensor))
}

/// The bytes of one read, if they are not too many.
fn check_read_length(length: u32, kind: Kind) -> HostResult<u64> {
    let element_bytes = kind.elt_size_in_bytes() as u64;
    let bytes = u64::from(length) * element_bytes;
    if bytes <= MAX_READ_BYTES {
        return Ok(bytes);
    }
    let most = MAX_READ_BYTES / element_bytes;
    refuse(
        ErrorCode::TooLarge,
        format!("one read may copy {most} elements, not {length}: read in pieces"),
    )
}

fn check_read_range(offset: u64, length: u32, elements: u64) -> HostResult<()> {
    match offset.checked_add(u64::from(length)) {
        Some(end) if end <= elements => Ok(()),
        _ => refuse(
            ErrorCode::InvalidArgument,
            format!("elements {offset}..{offset}+{length} are not in a tensor of {elements}"),
        ),
    }
}

//! Host side of the contract's `tensor` interface for single tensors: one short function an operation,
//! built from six steps (`unary`, `binary`, `view`, `in_place`, …). Decides no policy: sizes are checked
//! in `checks`, rights in `grants`, quotas in `store`. Only fallible libtorch calls.

use phasebox_component::Profile;
use phasebox_contract::grants::Grant;
use phasebox_contract::limits::Limit;
use tch::{Device, Kind, TchError, Tensor};
use torch_ext::{Deferred, owned_copy};
use wasmtime::component::Resource;

use super::bindings::phasebox::train::tensor::{Host, HostDeferred, HostTensor};
use super::bindings::phasebox::train::types::{Dtype, ErrorCode, TensorInfo};
use super::caught::caught;
use super::checks::{
    check_broadcast, check_elements, check_made, check_matmul, check_same_size, check_shape,
    check_whole, dtype_of, is_integer, kind_of, product, scalar_for,
};
use super::error::{HostError, HostResult, refuse};
use super::handles::{DeferredHandle, Owner, TensorEntry, TensorHandle};
use super::store::PluginState;

type Handle = Resource<TensorHandle>;
type Torch<T> = std::result::Result<T, TchError>;

/// What one `read-…` may copy, in bytes.
const MAX_READ_BYTES: u64 = 16 << 20;
/// torch.quantile sorts; it refuses more than this itself, in words that name no limit of ours.
const MAX_QUANTILE_ELEMENTS: usize = 16 << 20;
/// Bins of a histogram and classes of a one-hot encoding.
const MAX_BINS: u32 = 65_536;
/// Tensors joined in one call.
pub(super) const MAX_JOINED: usize = 4096;

/// The steps that operations are made of.
impl PluginState {
    /// One operand, a result of its size or smaller.
    fn unary(
        &mut self,
        this: &Handle,
        operation: impl FnOnce(&Tensor) -> Torch<Tensor>,
    ) -> HostResult<Handle> {
        self.launch(1)?;
        let operand = self.tensor(this)?;
        check_same_size(operand)?;
        let result = caught(|| operation(operand))?;
        self.make(result)
    }

    /// Two operands that broadcast.
    fn binary(
        &mut self,
        this: &Handle,
        other: &Handle,
        operation: impl FnOnce(&Tensor, &Tensor) -> Torch<Tensor>,
    ) -> HostResult<Handle> {
        self.binary_of_ours(this, other, |a, b| caught(|| operation(a, b)))
    }

    /// The same for an operation that is not tch's: it needs nothing caught.
    fn binary_of_ours<E>(
        &mut self,
        this: &Handle,
        other: &Handle,
        operation: impl FnOnce(&Tensor, &Tensor) -> Result<Tensor, E>,
    ) -> HostResult<Handle>
    where
        HostError: From<E>,
    {
        self.launch(1)?;
        let (a, b) = (self.tensor(this)?, self.tensor(other)?);
        check_broadcast([a, b])?;
        let result = operation(a, b)?;
        self.make(result)
    }

    /// A result that shares memory with its source, and so its owner.
    fn view(
        &mut self,
        this: &Handle,
        operation: impl FnOnce(&Tensor) -> Torch<Tensor>,
    ) -> HostResult<Handle> {
        let source = self.tensors.get(this.rep())?;
        let (result, owner) = (operation(&source.tensor)?, source.owner);
        check_made(&result)?;
        self.lend(result, owner)
    }

    /// A change of `this`, if the recipe grants it.
    fn in_place(
        &mut self,
        this: &Handle,
        operation: impl FnOnce(&mut Tensor) -> Torch<()>,
    ) -> HostResult<()> {
        self.launch(1)?;
        let entry = self.tensors.get_mut(this.rep())?;
        entry.owner.check_change(self.grants)?;
        Ok(caught(|| operation(&mut entry.tensor))?)
    }

    /// A change of `this` by `other`.
    fn in_place_by(
        &mut self,
        this: &Handle,
        other: &Handle,
        operation: impl FnOnce(&mut Tensor, &Tensor) -> Torch<()>,
    ) -> HostResult<()> {
        self.in_place_by_ours(this, other, |tensor, other| {
            caught(|| operation(tensor, other))
        })
    }

    /// The same for an operation that is not tch's.
    fn in_place_by_ours<E>(
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

    /// A new tensor, sized and charged before it is made.
    fn create(
        &mut self,
        shape: &[i64],
        kind: Kind,
        device: &str,
        make: impl FnOnce(&mut Self, Device) -> HostResult<Tensor>,
    ) -> HostResult<Handle> {
        check_shape(shape)?;
        let device = self.device(device)?;
        let elements = product(shape).unwrap_or(u64::MAX);
        self.charge(
            Limit::CallTensors,
            elements.saturating_mul(kind.elt_size_in_bytes() as u64),
        )?;
        self.launch(1)?;
        let tensor = make(self, device)?;
        self.lend(tensor, Owner::Callback)
    }

    /// `length` elements from `offset` on, on the CPU as `kind`. Syncs.
    fn read(&mut self, this: &Handle, offset: u64, length: u32, kind: Kind) -> HostResult<Tensor> {
        let bytes = u64::from(length) * kind.elt_size_in_bytes() as u64;
        if bytes > MAX_READ_BYTES {
            return refuse(
                ErrorCode::TooLarge,
                format!(
                    "one read may copy {} elements, not {length}: read in pieces",
                    MAX_READ_BYTES / kind.elt_size_in_bytes() as u64
                ),
            );
        }
        let tensor = self.tensor(this)?;
        let numel = tensor.numel() as u64;
        if offset
            .checked_add(u64::from(length))
            .is_none_or(|end| end > numel)
        {
            return refuse(
                ErrorCode::InvalidArgument,
                format!("elements {offset}..{offset}+{length} are not in a tensor of {numel}"),
            );
        }
        check_same_size(tensor)?;
        let part =
            tensor
                .f_detach()?
                .f_reshape([-1])?
                .f_narrow(0, offset as i64, i64::from(length))?;
        self.count_sync()?;
        self.count_copied(bytes)?;
        Ok(part
            .f_to_device(Device::Cpu)?
            .f_to_kind(kind)?
            .f_contiguous()?)
    }
}

/// A tensor as `keep` has it.
fn kept(entry: &TensorEntry) -> HostResult<Tensor> {
    let TensorEntry { tensor, owner, .. } = entry;
    // A view of something larger would keep all of it alive: copied like a tensor of the trainer.
    let as_it_is = *owner == Owner::Callback
        && torch_ext::storage_bytes(tensor)? as u64 <= torch_ext::bytes(tensor);
    Ok(if as_it_is {
        tensor.f_detach()?
    } else {
        owned_copy(tensor)?
    })
}

/// A shape without what −1 stands for.
fn known_lengths(shape: &[i64]) -> Vec<i64> {
    shape
        .iter()
        .map(|length| if *length == -1 { 1 } else { *length })
        .collect()
}

fn one_element(tensor: &Tensor) -> HostResult<()> {
    if torch_ext::numel(tensor) == 1 {
        return Ok(());
    }
    refuse(
        ErrorCode::ShapeMismatch,
        format!(
            "one element is needed, this tensor is {:?}: reduce it first",
            tensor.size()
        ),
    )
}

fn limit(what: &str, count: u32) -> HostResult<()> {
    if (1..=MAX_BINS).contains(&count) {
        return Ok(());
    }
    refuse(
        ErrorCode::InvalidArgument,
        format!("{what} must be 1 to {MAX_BINS}, not {count}"),
    )
}

fn clamp(tensor: &Tensor, min: Option<f64>, max: Option<f64>) -> Torch<Tensor> {
    match (min, max) {
        (Some(min), Some(max)) => tensor.f_clamp(min, max),
        (Some(min), None) => tensor.f_clamp_min(min),
        (None, Some(max)) => tensor.f_clamp_max(max),
        (None, None) => Ok(tensor.shallow_clone()),
    }
}

/// Counts over [min, max]. torch.histc takes its range from the data here, so both ends are added as
/// elements and everything outside, not-a-number included, is moved onto an end; both are then taken
/// off again. Stays on the device.
fn histogram(values: &Tensor, bins: i64, min: f64, max: f64) -> Torch<Tensor> {
    let values = values.f_detach()?.f_reshape([-1])?.f_to_kind(Kind::Float)?;
    let below = values.f_ge(min)?.f_logical_not()?;
    let above = values.f_gt(max)?;
    let ends = Tensor::f_from_slice(&[min as f32, max as f32])?.f_to_device(values.device())?;
    let inside = values.f_masked_fill(&below, min)?.f_clamp_max(max)?;
    let counts = Tensor::f_cat(&[&inside, &ends], 0)?.f_histc(bins)?;
    let taken_off = |mask: &Tensor| mask.f_sum(Kind::Float)?.f_add_scalar(1.0);
    let _ = counts.f_select(0, 0)?.f_subtract_(&taken_off(&below)?)?;
    let _ = counts
        .f_select(0, bins - 1)?
        .f_subtract_(&taken_off(&above)?)?;
    Ok(counts)
}

impl HostTensor for PluginState {
    fn info(&mut self, this: Handle) -> HostResult<TensorInfo> {
        let tensor = self.tensor(&this)?;
        Ok(TensorInfo {
            shape: tensor.size(),
            dtype: dtype_of(tensor.kind()),
            device: phasebox_train::device::name(tensor.device()),
            requires_grad: tensor.requires_grad(),
        })
    }

    fn keep(&mut self, this: Handle) -> HostResult<Handle> {
        let charged_bytes = torch_ext::bytes(self.tensor(&this)?);
        self.charge_kept(charged_bytes)?;
        let kept = kept(self.tensors.get(this.rep())?).and_then(|tensor| {
            self.tensors.insert_kept(TensorEntry {
                tensor,
                owner: Owner::Callback,
                charged_bytes,
            })
        });
        Ok(Resource::new_own(
            kept.inspect_err(|_| self.release_kept(charged_bytes))?,
        ))
    }

    fn item(&mut self, this: Handle) -> HostResult<f64> {
        one_element(self.tensor(&this)?)?;
        self.count_sync()?;
        Ok(self.tensor(&this)?.f_reshape([1])?.f_double_value(&[0])?)
    }

    fn defer(&mut self, this: Handle) -> HostResult<Resource<DeferredHandle>> {
        let tensor = self.tensor(&this)?;
        one_element(tensor)?;
        let deferred = Deferred::new(tensor)?;
        Ok(Resource::new_own(self.scalars.insert_kept(deferred)?))
    }

    fn read_f32(&mut self, this: Handle, offset: u64, length: u32) -> HostResult<Vec<f32>> {
        let part = self.read(&this, offset, length, Kind::Float)?;
        let mut values = vec![0f32; length as usize];
        part.f_copy_data(&mut values, length as usize)?;
        Ok(values)
    }

    fn read_s64(&mut self, this: Handle, offset: u64, length: u32) -> HostResult<Vec<i64>> {
        let part = self.read(&this, offset, length, Kind::Int64)?;
        let mut values = vec![0i64; length as usize];
        part.f_copy_data(&mut values, length as usize)?;
        Ok(values)
    }

    fn add(&mut self, this: Handle, other: Handle, alpha: f64) -> HostResult<Handle> {
        check_whole(&[self.tensor(&this)?, self.tensor(&other)?], &[alpha])?;
        self.binary_of_ours(&this, &other, |x, y| torch_ext::add(x, y, alpha))
    }

    fn sub(&mut self, this: Handle, other: Handle) -> HostResult<Handle> {
        self.binary(&this, &other, |x, y| x.f_sub(y))
    }

    fn mul(&mut self, this: Handle, other: Handle) -> HostResult<Handle> {
        self.binary(&this, &other, |x, y| x.f_mul(y))
    }

    fn div(&mut self, this: Handle, other: Handle) -> HostResult<Handle> {
        self.binary(&this, &other, |x, y| x.f_div(y))
    }

    fn maximum(&mut self, this: Handle, other: Handle) -> HostResult<Handle> {
        self.binary(&this, &other, |x, y| x.f_maximum(y))
    }

    fn minimum(&mut self, this: Handle, other: Handle) -> HostResult<Handle> {
        self.binary(&this, &other, |x, y| x.f_minimum(y))
    }

    fn lerp(&mut self, this: Handle, end: Handle, weight: f64) -> HostResult<Handle> {
        self.binary(&this, &end, |x, end| x.f_lerp(end, weight))
    }

    fn affine(&mut self, this: Handle, scale: f64, shift: f64) -> HostResult<Handle> {
        self.unary(&this, |x| x.f_multiply_scalar(scale)?.f_add_scalar(shift))
    }

    fn pow(&mut self, this: Handle, exponent: f64) -> HostResult<Handle> {
        self.unary(&this, |x| x.f_pow_tensor_scalar(exponent))
    }

    fn clamp(&mut self, this: Handle, min: Option<f64>, max: Option<f64>) -> HostResult<Handle> {
        check_bounds(min, max)?;
        self.unary(&this, |x| clamp(x, min, max))
    }

    fn neg(&mut self, this: Handle) -> HostResult<Handle> {
        self.unary(&this, Tensor::f_neg)
    }

    fn abs(&mut self, this: Handle) -> HostResult<Handle> {
        self.unary(&this, Tensor::f_abs)
    }

    fn sign(&mut self, this: Handle) -> HostResult<Handle> {
        self.unary(&this, Tensor::f_sign)
    }

    fn exp(&mut self, this: Handle) -> HostResult<Handle> {
        self.unary(&this, Tensor::f_exp)
    }

    fn log(&mut self, this: Handle) -> HostResult<Handle> {
        self.unary(&this, Tensor::f_log)
    }

    fn sqrt(&mut self, this: Handle) -> HostResult<Handle> {
        self.unary(&this, Tensor::f_sqrt)
    }

    fn sin(&mut self, this: Handle) -> HostResult<Handle> {
        self.unary(&this, Tensor::f_sin)
    }

    fn cos(&mut self, this: Handle) -> HostResult<Handle> {
        self.unary(&this, Tensor::f_cos)
    }

    fn floor(&mut self, this: Handle) -> HostResult<Handle> {
        self.unary(&this, Tensor::f_floor)
    }

    fn round(&mut self, this: Handle) -> HostResult<Handle> {
        self.unary(&this, Tensor::f_round)
    }

    fn tanh(&mut self, this: Handle) -> HostResult<Handle> {
        self.unary(&this, Tensor::f_tanh)
    }

    fn sigmoid(&mut self, this: Handle) -> HostResult<Handle> {
        self.unary(&this, Tensor::f_sigmoid)
    }

    fn relu(&mut self, this: Handle) -> HostResult<Handle> {
        self.unary(&this, Tensor::f_relu)
    }

    fn softmax(&mut self, this: Handle, dim: i64) -> HostResult<Handle> {
        self.unary(&this, |x| x.f_softmax(dim, None))
    }

    fn log_softmax(&mut self, this: Handle, dim: i64) -> HostResult<Handle> {
        self.unary(&this, |x| x.f_log_softmax(dim, None))
    }

    fn cumsum(&mut self, this: Handle, dim: i64) -> HostResult<Handle> {
        self.unary(&this, |x| x.f_cumsum(dim, None))
    }

    fn eq(&mut self, this: Handle, other: Handle) -> HostResult<Handle> {
        self.binary(&this, &other, |x, y| x.f_eq_tensor(y))
    }

    fn lt(&mut self, this: Handle, other: Handle) -> HostResult<Handle> {
        self.binary(&this, &other, |x, y| x.f_lt_tensor(y))
    }

    fn le(&mut self, this: Handle, other: Handle) -> HostResult<Handle> {
        self.binary(&this, &other, |x, y| x.f_le_tensor(y))
    }

    fn eq_scalar(&mut self, this: Handle, value: f64) -> HostResult<Handle> {
        self.unary(&this, |x| x.f_eq(value))
    }

    fn lt_scalar(&mut self, this: Handle, value: f64) -> HostResult<Handle> {
        self.unary(&this, |x| x.f_lt(value))
    }

    fn le_scalar(&mut self, this: Handle, value: f64) -> HostResult<Handle> {
        self.unary(&this, |x| x.f_le(value))
    }

    fn gt_scalar(&mut self, this: Handle, value: f64) -> HostResult<Handle> {
        self.unary(&this, |x| x.f_gt(value))
    }

    fn ge_scalar(&mut self, this: Handle, value: f64) -> HostResult<Handle> {
        self.unary(&this, |x| x.f_ge(value))
    }

    fn isfinite(&mut self, this: Handle) -> HostResult<Handle> {
        self.unary(&this, Tensor::f_isfinite)
    }

    fn logical_not(&mut self, this: Handle) -> HostResult<Handle> {
        self.unary(&this, Tensor::f_logical_not)
    }

    fn logical_and(&mut self, this: Handle, other: Handle) -> HostResult<Handle> {
        self.binary(&this, &other, |x, y| x.f_logical_and(y))
    }

    fn logical_or(&mut self, this: Handle, other: Handle) -> HostResult<Handle> {
        self.binary(&this, &other, |x, y| x.f_logical_or(y))
    }

    fn choose(&mut self, this: Handle, if_true: Handle, if_false: Handle) -> HostResult<Handle> {
        let condition = self.tensor(&this)?.shallow_clone();
        check_broadcast([&condition, self.tensor(&if_true)?, self.tensor(&if_false)?])?;
        self.binary(&if_true, &if_false, |yes, no| {
            yes.f_where_self(&condition, no)
        })
    }

    fn sum(&mut self, this: Handle, dims: Vec<i64>, keepdim: bool) -> HostResult<Handle> {
        self.unary(&this, |x| x.f_sum_dim_intlist(&dims[..], keepdim, None))
    }

    fn mean(&mut self, this: Handle, dims: Vec<i64>, keepdim: bool) -> HostResult<Handle> {
        self.unary(&this, |x| x.f_mean_dim(&dims[..], keepdim, None))
    }

    fn amin(&mut self, this: Handle, dims: Vec<i64>, keepdim: bool) -> HostResult<Handle> {
        self.unary(&this, |x| x.f_amin(&dims, keepdim))
    }

    fn amax(&mut self, this: Handle, dims: Vec<i64>, keepdim: bool) -> HostResult<Handle> {
        self.unary(&this, |x| x.f_amax(&dims, keepdim))
    }

    fn std(
        &mut self,
        this: Handle,
        dims: Vec<i64>,
        unbiased: bool,
        keepdim: bool,
    ) -> HostResult<Handle> {
        self.unary(&this, |x| x.f_std_dim(&dims[..], unbiased, keepdim))
    }

    fn norm(&mut self, this: Handle, p: f64, dims: Vec<i64>, keepdim: bool) -> HostResult<Handle> {
        check_order(p)?;
        self.unary(&this, |x| x.f_norm_scalaropt_dim(p, &dims, keepdim))
    }

    fn all(&mut self, this: Handle) -> HostResult<Handle> {
        self.unary(&this, Tensor::f_all)
    }

    fn any(&mut self, this: Handle) -> HostResult<Handle> {
        self.unary(&this, Tensor::f_any)
    }

    fn argmax(&mut self, this: Handle, dim: i64, keepdim: bool) -> HostResult<Handle> {
        self.unary(&this, |x| x.f_argmax(dim, keepdim))
    }

    fn argmin(&mut self, this: Handle, dim: i64, keepdim: bool) -> HostResult<Handle> {
        self.unary(&this, |x| x.f_argmin(dim, keepdim))
    }

    fn topk(&mut self, this: Handle, k: u32, dim: i64) -> HostResult<(Handle, Handle)> {
        self.launch(1)?;
        let operand = self.tensor(&this)?;
        check_same_size(operand)?;
        let (values, indices) = operand.f_topk(i64::from(k), dim, true, true)?;
        Ok((self.make(values)?, self.make(indices)?))
    }

    fn quantile(&mut self, this: Handle, q: f64) -> HostResult<Handle> {
        if !(0.0..=1.0).contains(&q) {
            return refuse(
                ErrorCode::InvalidArgument,
                format!("a quantile is between 0 and 1, not {q}"),
            );
        }
        let numel = self.tensor(&this)?.numel();
        if numel > MAX_QUANTILE_ELEMENTS {
            return refuse(
                ErrorCode::TooLarge,
                format!("a quantile may be taken of {MAX_QUANTILE_ELEMENTS} elements, not {numel}"),
            );
        }
        self.unary(&this, |x| {
            x.f_reshape([-1])?
                .f_quantile_scalar(q, None, false, "linear")
        })
    }

    fn histogram(&mut self, this: Handle, bins: u32, min: f64, max: f64) -> HostResult<Handle> {
        limit("bins", bins)?;
        // As f32, which is what the elements become.
        if !(min.is_finite() && max.is_finite() && (min as f32) < max as f32) {
            return refuse(
                ErrorCode::InvalidArgument,
                format!("min must be below max in float32 and both finite, not {min} and {max}"),
            );
        }
        self.unary(&this, |x| histogram(x, i64::from(bins), min, max))
    }

    fn count_nonzero(&mut self, this: Handle) -> HostResult<Handle> {
        self.unary(&this, |x| x.f_count_nonzero(None))
    }

    fn count_nonfinite(&mut self, this: Handle) -> HostResult<Handle> {
        self.unary(&this, |x| {
            x.f_isfinite()?.f_logical_not()?.f_sum(Kind::Int64)
        })
    }

    fn reshape(&mut self, this: Handle, shape: Vec<i64>) -> HostResult<Handle> {
        check_shape(&known_lengths(&shape))?;
        let source = self.tensor(&this)?;
        check_same_size(source)?;
        let before = source.data_ptr();
        let reshaped = source.f_reshape(&shape)?;
        if reshaped.data_ptr() == before {
            return self.view(&this, |_| Ok(reshaped));
        }
        self.launch(1)?;
        self.make(reshaped)
    }

    fn permute(&mut self, this: Handle, dims: Vec<i64>) -> HostResult<Handle> {
        self.view(&this, |x| x.f_permute(&dims))
    }

    fn transpose(&mut self, this: Handle, dim0: i64, dim1: i64) -> HostResult<Handle> {
        self.view(&this, |x| x.f_transpose(dim0, dim1))
    }

    fn squeeze(&mut self, this: Handle, dim: i64) -> HostResult<Handle> {
        self.view(&this, |x| x.f_squeeze_dim(dim))
    }

    fn unsqueeze(&mut self, this: Handle, dim: i64) -> HostResult<Handle> {
        self.view(&this, |x| x.f_unsqueeze(dim))
    }

    fn expand(&mut self, this: Handle, shape: Vec<i64>) -> HostResult<Handle> {
        // A size that could be made, since what follows may make it.
        check_shape(&known_lengths(&shape))?;
        let expanded = self.tensor(&this)?.f_expand(&shape, false)?;
        check_same_size(&expanded)?;
        self.view(&this, |_| Ok(expanded))
    }

    fn narrow(&mut self, this: Handle, dim: i64, start: i64, length: i64) -> HostResult<Handle> {
        self.view(&this, |x| x.f_narrow(dim, start, length))
    }

    fn select(&mut self, this: Handle, dim: i64, index: i64) -> HostResult<Handle> {
        self.view(&this, |x| x.f_select(dim, index))
    }

    fn flip(&mut self, this: Handle, dims: Vec<i64>) -> HostResult<Handle> {
        self.unary(&this, |x| x.f_flip(&dims))
    }

    fn roll(&mut self, this: Handle, shift: i64, dim: i64) -> HostResult<Handle> {
        self.unary(&this, |x| x.f_roll([shift], [dim]))
    }

    fn index_select(&mut self, this: Handle, dim: i64, indices: Handle) -> HostResult<Handle> {
        self.launch(1)?;
        let (x, indices) = (self.tensor(&this)?, self.tensor(&indices)?);
        let length = length_of(x, dim)?;
        check_indices(indices, length)?;
        let others = x.numel() as u64 / length as u64;
        check_elements(others.checked_mul(indices.numel() as u64))?;
        // An index out of range faults a GPU for good; the CPU only raises.
        let safe = match x.device() {
            Device::Cpu => indices.shallow_clone(),
            _ => caught(|| indices.f_remainder(length))?,
        };
        let selected = x.f_index_select(dim, &safe)?;
        self.make(selected)
    }

    fn matmul(&mut self, this: Handle, other: Handle) -> HostResult<Handle> {
        self.launch(1)?;
        let (x, y) = (self.tensor(&this)?, self.tensor(&other)?);
        check_matmul(x, y)?;
        let product = x.f_matmul(y)?;
        self.make(product)
    }

    fn one_hot(&mut self, this: Handle, num_classes: u32) -> HostResult<Handle> {
        limit("num-classes", num_classes)?;
        self.launch(1)?;
        let classes = self.tensor(&this)?;
        if !is_integer(classes.kind()) {
            return refuse(
                ErrorCode::DtypeMismatch,
                format!("classes are integers, not {:?}", classes.kind()),
            );
        }
        check_elements((classes.numel() as u64).checked_mul(u64::from(num_classes)))?;
        let range = Tensor::f_arange(i64::from(num_classes), (Kind::Int64, classes.device()))?;
        let encoded = classes
            .f_unsqueeze(-1)?
            .f_eq_tensor(&range)?
            .f_to_kind(Kind::Float)?;
        self.make(encoded)
    }

    fn to_dtype(&mut self, this: Handle, dtype: Dtype) -> HostResult<Handle> {
        let kind = kind_of(dtype)?;
        if self.tensor(&this)?.kind() == kind {
            return self.view(&this, |x| Ok(x.shallow_clone()));
        }
        self.unary(&this, |x| x.f_to_kind(kind))
    }

    fn to_device(&mut self, this: Handle, device: String) -> HostResult<Handle> {
        let device = self.device(&device)?;
        let source = self.tensor(&this)?.device();
        if source == device {
            return self.view(&this, |x| Ok(x.shallow_clone()));
        }
        if device == Device::Cpu {
            self.count_sync()?;
        }
        self.unary(&this, |x| x.f_to_device(device))
    }

    fn contiguous(&mut self, this: Handle) -> HostResult<Handle> {
        if self.tensor(&this)?.is_contiguous() {
            return self.view(&this, |x| Ok(x.shallow_clone()));
        }
        self.unary(&this, Tensor::f_contiguous)
    }

    fn detach(&mut self, this: Handle) -> HostResult<Handle> {
        self.view(&this, Tensor::f_detach)
    }

    fn duplicate(&mut self, this: Handle) -> HostResult<Handle> {
        self.unary(&this, owned_copy)
    }

    fn copy_in_place(&mut self, this: Handle, source: Handle) -> HostResult<()> {
        self.in_place_by(&this, &source, |x, source| x.f_copy_(source))
    }

    fn add_in_place(&mut self, this: Handle, other: Handle, alpha: f64) -> HostResult<()> {
        check_whole(&[self.tensor(&this)?, self.tensor(&other)?], &[alpha])?;
        self.in_place_by_ours(&this, &other, |x, y| torch_ext::add_(x, y, alpha))
    }

    fn mul_in_place(&mut self, this: Handle, other: Handle) -> HostResult<()> {
        self.in_place_by(&this, &other, |x, y| x.f_mul_(y).map(drop))
    }

    fn affine_in_place(&mut self, this: Handle, scale: f64, shift: f64) -> HostResult<()> {
        // Both at once: nothing may have changed when the second is refused.
        check_whole(&[self.tensor(&this)?], &[scale, shift])?;
        self.in_place(&this, |x| {
            if scale != 1.0 {
                let _ = x.f_multiply_scalar_(scalar_for(x, scale))?;
            }
            if shift != 0.0 {
                let _ = x.f_add_scalar_(scalar_for(x, shift))?;
            }
            Ok(())
        })
    }

    fn lerp_in_place(&mut self, this: Handle, end: Handle, weight: f64) -> HostResult<()> {
        self.in_place_by(&this, &end, |x, end| x.f_lerp_(end, weight).map(drop))
    }

    fn clamp_in_place(
        &mut self,
        this: Handle,
        min: Option<f64>,
        max: Option<f64>,
    ) -> HostResult<()> {
        check_bounds(min, max)?;
        self.in_place(&this, |x| match (min, max) {
            (Some(min), Some(max)) => x.f_clamp_(scalar_for(x, min), scalar_for(x, max)).map(drop),
            (Some(min), None) => x.f_clamp_min_(scalar_for(x, min)).map(drop),
            (None, max) => x
                .f_clamp_max_(scalar_for(x, max.unwrap_or(f64::INFINITY)))
                .map(drop),
        })
    }

    fn fill_in_place(&mut self, this: Handle, value: f64) -> HostResult<()> {
        self.in_place(&this, |x| x.f_fill_(value).map(drop))
    }

    fn normal_in_place(&mut self, this: Handle, mean: f64, std: f64) -> HostResult<()> {
        if !(mean.is_finite() && std.is_finite() && std >= 0.0) {
            return refuse(
                ErrorCode::InvalidArgument,
                format!("mean must be finite and std not negative, not {mean} and {std}"),
            );
        }
        self.require(Grant::Random)?;
        // Before anything is drawn: a refusal leaves the generator as it was.
        let entry = self.tensors.get(this.rep())?;
        entry.owner.check_change(self.grants)?;
        if !entry.tensor.is_floating_point() {
            return refuse(
                ErrorCode::DtypeMismatch,
                format!("normal noise is not for {:?}", entry.tensor.kind()),
            );
        }
        let shape = entry.tensor.size();
        check_shape(&shape)?;
        let elements = product(&shape).unwrap_or(0);
        self.charge(Limit::CallTensors, elements.saturating_mul(4))?;
        let values: Vec<f32> = (0..elements)
            .map(|_| self.random.normal() * std as f32 + mean as f32)
            .collect();
        self.in_place(&this, |x| {
            x.f_copy_(&Tensor::f_from_slice(&values)?.f_reshape(&shape)?)
        })
    }

    fn masked_fill_in_place(&mut self, this: Handle, mask: Handle, value: f64) -> HostResult<()> {
        self.in_place_by(&this, &mask, |x, mask| {
            x.f_masked_fill_(mask, value).map(drop)
        })
    }

    fn drop(&mut self, this: Handle) -> wasmtime::Result<()> {
        if let Some((entry, _)) = self.tensors.remove(this.rep()) {
            self.release_kept(entry.charged_bytes);
        }
        Ok(())
    }
}

fn check_bounds(min: Option<f64>, max: Option<f64>) -> HostResult<()> {
    match (min, max) {
        (None, None) => refuse(ErrorCode::InvalidArgument, "clamp needs min, max or both"),
        (Some(min), _) if min.is_nan() => refuse(ErrorCode::InvalidArgument, "min is not a number"),
        (_, Some(max)) if max.is_nan() => refuse(ErrorCode::InvalidArgument, "max is not a number"),
        _ => Ok(()),
    }
}

/// The order of a norm: 0, infinite and negative ones are orders too.
pub(crate) fn check_order(p: f64) -> HostResult<()> {
    if p.is_nan() {
        return refuse(
            ErrorCode::InvalidArgument,
            "the order of a norm must be a number",
        );
    }
    Ok(())
}

/// What selects rows of a dimension of `length`.
fn check_indices(indices: &Tensor, length: i64) -> HostResult<()> {
    let (kind, rank) = (indices.kind(), indices.dim());
    if kind != Kind::Int64 {
        return refuse(
            ErrorCode::DtypeMismatch,
            format!("indices are int64, not {kind:?}"),
        );
    }
    if rank != 1 {
        return refuse(
            ErrorCode::ShapeMismatch,
            format!("indices are 1-d, not {rank}-d"),
        );
    }
    if length == 0 {
        return refuse(
            ErrorCode::InvalidArgument,
            "nothing can be selected from an empty dimension",
        );
    }
    Ok(())
}

/// The length of dimension `dim`, which may count from the end.
fn length_of(tensor: &Tensor, dim: i64) -> HostResult<i64> {
    let shape = tensor.size();
    let rank = shape.len() as i64;
    let place = if dim < 0 {
        dim.saturating_add(rank)
    } else {
        dim
    };
    usize::try_from(place)
        .ok()
        .and_then(|place| shape.get(place).copied())
        .map_or_else(
            || {
                refuse(
                    ErrorCode::InvalidArgument,
                    format!("dimension {dim} is not in a tensor of {rank} dimensions"),
                )
            },
            Ok,
        )
}

impl HostDeferred for PluginState {
    fn poll(&mut self, this: Resource<DeferredHandle>) -> HostResult<Option<f64>> {
        if self.profile == Profile::Deterministic {
            // When a value arrives differs from run to run.
            self.counters.syncs += 1;
            return Ok(Some(self.scalar(&this)?.wait()?));
        }
        Ok(self.scalar(&this)?.poll()?)
    }

    fn wait(&mut self, this: Resource<DeferredHandle>) -> HostResult<f64> {
        if let Some(value) = self.scalar(&this)?.poll()? {
            return Ok(value);
        }
        self.count_sync()?;
        Ok(self.scalar(&this)?.wait()?)
    }

    fn drop(&mut self, this: Resource<DeferredHandle>) -> wasmtime::Result<()> {
        self.scalars.remove(this.rep());
        Ok(())
    }
}

impl Host for PluginState {
    fn zeros(&mut self, shape: Vec<i64>, dtype: Dtype, device: String) -> HostResult<Handle> {
        let kind = kind_of(dtype)?;
        self.create(&shape, kind, &device, |_, device| {
            Ok(Tensor::f_zeros(&shape, (kind, device))?)
        })
    }

    fn full(
        &mut self,
        shape: Vec<i64>,
        value: f64,
        dtype: Dtype,
        device: String,
    ) -> HostResult<Handle> {
        let kind = kind_of(dtype)?;
        self.create(&shape, kind, &device, |_, device| {
            Ok(caught(|| Tensor::f_full(&shape, value, (kind, device)))?)
        })
    }

    fn arange(
        &mut self,
        start: f64,
        end: f64,
        step: f64,
        dtype: Dtype,
        device: String,
    ) -> HostResult<Handle> {
        let kind = kind_of(dtype)?;
        let length = ((end - start) / step).ceil();
        if !(start.is_finite() && end.is_finite() && length.is_finite()) || length < 0.0 {
            return refuse(
                ErrorCode::InvalidArgument,
                format!("no range leads from {start} to {end} by {step}"),
            );
        }
        self.create(&[length as i64], kind, &device, |_, device| {
            let range =
                caught(|| Tensor::f_arange_start_step(start, end, step, (Kind::Double, device)))?;
            Ok(range.f_to_kind(kind)?)
        })
    }

    fn rand(&mut self, shape: Vec<i64>, device: String) -> HostResult<Handle> {
        self.require(Grant::Random)?;
        self.create(&shape, Kind::Float, &device, |state, device| {
            let values: Vec<f32> = (0..product(&shape).unwrap_or(0))
                .map(|_| state.random.uniform())
                .collect();
            Ok(Tensor::f_from_slice(&values)?
                .f_reshape(&shape)?
                .f_to_device(device)?)
        })
    }

    fn randn(&mut self, shape: Vec<i64>, device: String) -> HostResult<Handle> {
        self.require(Grant::Random)?;
        self.create(&shape, Kind::Float, &device, |state, device| {
            let values: Vec<f32> = (0..product(&shape).unwrap_or(0))
                .map(|_| state.random.normal())
                .collect();
            Ok(Tensor::f_from_slice(&values)?
                .f_reshape(&shape)?
                .f_to_device(device)?)
        })
    }

    fn randperm(&mut self, n: u32, device: String) -> HostResult<Handle> {
        self.require(Grant::Random)?;
        self.create(&[i64::from(n)], Kind::Int64, &device, |state, device| {
            Ok(Tensor::f_from_slice(&state.random.permutation(n))?.f_to_device(device)?)
        })
    }

    fn from_f32(
        &mut self,
        shape: Vec<i64>,
        values: Vec<f32>,
        device: String,
    ) -> HostResult<Handle> {
        check_count(&shape, values.len())?;
        self.count_copied(4 * values.len() as u64)?;
        self.create(&shape, Kind::Float, &device, |_, device| {
            Ok(Tensor::f_from_slice(&values)?
                .f_reshape(&shape)?
                .f_to_device(device)?)
        })
    }

    fn from_s64(
        &mut self,
        shape: Vec<i64>,
        values: Vec<i64>,
        device: String,
    ) -> HostResult<Handle> {
        check_count(&shape, values.len())?;
        self.count_copied(8 * values.len() as u64)?;
        self.create(&shape, Kind::Int64, &device, |_, device| {
            Ok(Tensor::f_from_slice(&values)?
                .f_reshape(&shape)?
                .f_to_device(device)?)
        })
    }

    fn cat(&mut self, tensors: Vec<Handle>, dim: i64) -> HostResult<Handle> {
        self.join(&tensors, |tensors| Tensor::f_cat(tensors, dim))
    }

    fn stack(&mut self, tensors: Vec<Handle>, dim: i64) -> HostResult<Handle> {
        self.join(&tensors, |tensors| Tensor::f_stack(tensors, dim))
    }
}

impl PluginState {
    fn join(
        &mut self,
        handles: &[Handle],
        join: impl FnOnce(&[&Tensor]) -> Torch<Tensor>,
    ) -> HostResult<Handle> {
        if handles.is_empty() || handles.len() > MAX_JOINED {
            return refuse(
                ErrorCode::InvalidArgument,
                format!(
                    "1 to {MAX_JOINED} tensors can be joined, not {}",
                    handles.len()
                ),
            );
        }
        self.launch(1)?;
        let tensors = handles
            .iter()
            .map(|handle| self.tensor(handle))
            .collect::<HostResult<Vec<&Tensor>>>()?;
        let total = tensors
            .iter()
            .try_fold(0u64, |sum, tensor| sum.checked_add(tensor.numel() as u64));
        check_elements(total)?;
        let joined = join(&tensors)?;
        self.make(joined)
    }
}

fn check_count(shape: &[i64], count: usize) -> HostResult<()> {
    check_shape(shape)?;
    match product(shape) {
        Some(elements) if elements == count as u64 => Ok(()),
        _ => refuse(
            ErrorCode::ShapeMismatch,
            format!("{count} values do not fill the shape {shape:?}"),
        ),
    }
}

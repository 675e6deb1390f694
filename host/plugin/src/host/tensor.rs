//! The contract's `tensor`: one short function for each operation, built from the steps of
//! `tensor_steps`, in the order of the WIT.

use phasebox_contract::grants::Grant;
use tch::{Device, Kind, Tensor};
use torch_ext::{Deferred, owned_copy};
use wasmtime::component::Resource;

use super::argument_checks::{
    check_bins, check_bounds, check_classes, check_histogram_range, check_indices, check_normal,
    check_one_element, check_order, check_quantile, length_of,
};
use super::compositions::{
    affine_, clamp, clamp_, count_nonfinite, histogram, index_select, one_hot, quantile,
};
use super::dtype::{check_whole, dtype_of, kind_of};
use super::size_checks::{
    check_broadcast, check_elements, check_matmul, check_same_size, check_shape, known_lengths,
};
use super::tensor_steps::Handle;
use crate::bindings::tensor::HostTensor;
use crate::bindings::types::{Dtype, TensorInfo};
use crate::error::HostResult;
use crate::markers::DeferredHandle;
use crate::state::PluginState;

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
        let bytes = torch_ext::bytes(self.tensor(&this)?);
        self.charge_kept(bytes)?;
        self.keep_entry(&this, bytes)
            .inspect_err(|_| self.release_kept(bytes))
    }

    fn item(&mut self, this: Handle) -> HostResult<f64> {
        check_one_element(self.tensor(&this)?)?;
        self.count_sync()?;
        Ok(self.tensor(&this)?.f_reshape([1])?.f_double_value(&[0])?)
    }

    fn defer(&mut self, this: Handle) -> HostResult<Resource<DeferredHandle>> {
        let tensor = self.tensor(&this)?;
        check_one_element(tensor)?;
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
        self.binary_direct(&this, &other, |x, y| torch_ext::add(x, y, alpha))
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
        check_quantile(q, self.tensor(&this)?.numel())?;
        self.unary(&this, |x| quantile(x, q))
    }

    fn histogram(&mut self, this: Handle, bins: u32, min: f64, max: f64) -> HostResult<Handle> {
        check_bins("bins", bins)?;
        check_histogram_range(min, max)?;
        self.unary(&this, |x| histogram(x, i64::from(bins), min, max))
    }

    fn count_nonzero(&mut self, this: Handle) -> HostResult<Handle> {
        self.unary(&this, |x| x.f_count_nonzero(None))
    }

    fn count_nonfinite(&mut self, this: Handle) -> HostResult<Handle> {
        self.unary(&this, count_nonfinite)
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
        let x = self.tensor(&this)?;
        let indices = self.tensor(&indices)?;
        let length = length_of(x, dim)?;
        check_indices(indices, length)?;
        let others = x.numel() as u64 / length as u64;
        check_elements(others.checked_mul(indices.numel() as u64))?;
        let selected = index_select(x, dim, indices, length)?;
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
        check_bins("num-classes", num_classes)?;
        self.launch(1)?;
        let classes = self.tensor(&this)?;
        check_classes(classes)?;
        check_elements((classes.numel() as u64).checked_mul(u64::from(num_classes)))?;
        let encoded = one_hot(classes, num_classes)?;
        self.make(encoded)
    }

    fn to_dtype(&mut self, this: Handle, dtype: Dtype) -> HostResult<Handle> {
        let kind = kind_of(dtype)?;
        if self.tensor(&this)?.kind() == kind {
            return self.same(&this);
        }
        self.unary(&this, |x| x.f_to_kind(kind))
    }

    fn to_device(&mut self, this: Handle, device: String) -> HostResult<Handle> {
        let device = self.device(&device)?;
        let source = self.tensor(&this)?.device();
        if source == device {
            return self.same(&this);
        }
        if device == Device::Cpu {
            self.count_sync()?;
        }
        self.unary(&this, |x| x.f_to_device(device))
    }

    fn contiguous(&mut self, this: Handle) -> HostResult<Handle> {
        if self.tensor(&this)?.is_contiguous() {
            return self.same(&this);
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
        self.in_place_by_direct(&this, &other, |x, y| torch_ext::add_(x, y, alpha))
    }

    fn mul_in_place(&mut self, this: Handle, other: Handle) -> HostResult<()> {
        self.in_place_by(&this, &other, |x, y| x.f_mul_(y).map(drop))
    }

    fn affine_in_place(&mut self, this: Handle, scale: f64, shift: f64) -> HostResult<()> {
        // Both at once: nothing may have changed when the second is refused.
        check_whole(&[self.tensor(&this)?], &[scale, shift])?;
        self.in_place(&this, |x| affine_(x, scale, shift))
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
        self.in_place(&this, |x| clamp_(x, min, max))
    }

    fn fill_in_place(&mut self, this: Handle, value: f64) -> HostResult<()> {
        self.in_place(&this, |x| x.f_fill_(value).map(drop))
    }

    fn normal_in_place(&mut self, this: Handle, mean: f64, std: f64) -> HostResult<()> {
        check_normal(mean, std)?;
        self.require(Grant::Random)?;
        let shape = self.check_noise(&this)?;
        let noise = self.draw_normal(&shape, mean as f32, std as f32)?;
        self.in_place(&this, |x| {
            x.f_copy_(&Tensor::f_from_slice(&noise)?.f_reshape(&shape)?)
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

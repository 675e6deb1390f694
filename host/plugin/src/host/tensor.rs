//! The contract's `tensor`: one row or one short function for each operation, built from the steps of
//! `tensor_steps` and `selection`, in the order of the WIT.

use phasebox_contract::grants::Grant;
use tch::{Device, Kind, Tensor};
use torch_ext::{Deferred, owned_copy};
use wasmtime::component::Resource;

use super::argument_checks::{
    check_bins, check_bounds, check_classes, check_histogram_range, check_mask, check_normal,
    check_one_element, check_order, check_ordered, check_quantile, check_some_elements,
    distinct_dims,
};
use super::compositions::{
    affine, affine_, clamp, clamp_, count_nonfinite, histogram, one_hot, prod, quantile,
};
use super::dtype::{check_whole, dtype_of, kind_of, scalar_for};
use super::resizing::{check_padding, check_resized, pad, resize_of};
use super::selection::check_places;
use super::size_checks::{
    HISTOGRAM_BYTES, SELECT_BYTES, SORT_BYTES, check_broadcast, check_elements, check_matmul,
    check_same_size, check_shape, check_work_of, known_lengths,
};
use super::tensor_steps::{Handle, Pair};
use crate::bindings::tensor::HostTensor;
use crate::bindings::types::{Dtype, TensorInfo};
use crate::error::HostResult;
use crate::markers::DeferredHandle;
use crate::state::PluginState;

/// Operations on one tensor whose result is as large or smaller.
macro_rules! of_one {
    ($($name:ident($($argument:ident: $kind:ty),*) = |$x:ident| $operation:expr;)*) => { $(
        fn $name(&mut self, this: Handle, $($argument: $kind),*) -> HostResult<Handle> {
            self.unary(&this, |$x| $operation)
        }
    )* };
}

/// Operations on one tensor whose result has its shape.
macro_rules! maps {
    ($($name:ident($($argument:ident: $kind:ty),*) = |$x:ident| $operation:expr;)*) => { $(
        fn $name(&mut self, this: Handle, $($argument: $kind),*) -> HostResult<Handle> {
            self.map(&this, |$x| $operation)
        }
    )* };
}

/// Operations on two tensors that broadcast.
macro_rules! of_two {
    ($($name:ident = $operation:path;)*) => { $(
        fn $name(&mut self, this: Handle, other: Handle) -> HostResult<Handle> {
            self.binary(&this, &other, $operation)
        }
    )* };
}

/// Views of a tensor.
macro_rules! views {
    ($($name:ident($($argument:ident: $kind:ty),*) = |$x:ident| $operation:expr;)*) => { $(
        fn $name(&mut self, this: Handle, $($argument: $kind),*) -> HostResult<Handle> {
            self.view(&this, |$x| $operation)
        }
    )* };
}

impl HostTensor for PluginState {
    fn info(&mut self, this: Handle) -> HostResult<TensorInfo> {
        let tensor = self.tensor(&this)?;
        Ok(TensorInfo {
            shape: tensor.size(),
            dtype: dtype_of(tensor)?,
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
        self.read_number(&this)
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

    fn lerp(&mut self, this: Handle, end: Handle, weight: f64) -> HostResult<Handle> {
        self.binary(&this, &end, |x, end| x.f_lerp(end, weight))
    }

    fn clamp_between(&mut self, this: Handle, min: Handle, max: Handle) -> HostResult<Handle> {
        let x = self.tensor(&this)?.shallow_clone();
        check_broadcast([&x, self.tensor(&min)?, self.tensor(&max)?])?;
        self.binary(&min, &max, |min, max| {
            x.f_clamp_tensor(Some(min), Some(max))
        })
    }

    of_two! {
        sub = Tensor::f_sub;
        mul = Tensor::f_mul;
        maximum = Tensor::f_maximum;
        minimum = Tensor::f_minimum;
        eq = Tensor::f_eq_tensor;
        ne = Tensor::f_ne_tensor;
        lt = Tensor::f_lt_tensor;
        le = Tensor::f_le_tensor;
        gt = Tensor::f_gt_tensor;
        ge = Tensor::f_ge_tensor;
        logical_and = Tensor::f_logical_and;
        logical_or = Tensor::f_logical_or;
        logical_xor = Tensor::f_logical_xor;
    }

    fn div(&mut self, this: Handle, other: Handle) -> HostResult<Handle> {
        self.binary_of_floats(&this, &other, Tensor::f_div)
    }

    fn atan2(&mut self, this: Handle, other: Handle) -> HostResult<Handle> {
        self.binary_of_floats(&this, &other, Tensor::f_atan2)
    }

    fn clamp(&mut self, this: Handle, min: Option<f64>, max: Option<f64>) -> HostResult<Handle> {
        check_bounds(min, max)?;
        self.map(&this, |x| clamp(x, min, max))
    }

    maps! {
        duplicate() = |x| owned_copy(x);
        flip(dims: Vec<i64>) = |x| x.f_flip(&dims);
        roll(shift: i64, dim: i64) = |x| x.f_roll([shift], [dim]);
        affine(scale: f64, shift: f64) = |x| affine(x, scale, shift);
        pow(exponent: f64) = |x| x.f_pow_tensor_scalar(exponent);
        neg() = |x| x.f_neg();
        abs() = |x| x.f_abs();
        sign() = |x| x.f_sign();
        exp() = |x| x.f_exp();
        log() = |x| x.f_log();
        log1p() = |x| x.f_log1p();
        expm1() = |x| x.f_expm1();
        erf() = |x| x.f_erf();
        sqrt() = |x| x.f_sqrt();
        rsqrt() = |x| x.f_rsqrt();
        sin() = |x| x.f_sin();
        cos() = |x| x.f_cos();
        floor() = |x| x.f_floor();
        round() = |x| x.f_round();
        tanh() = |x| x.f_tanh();
        sigmoid() = |x| x.f_sigmoid();
        relu() = |x| x.f_relu();
        softmax(dim: i64) = |x| x.f_softmax(dim, None);
        log_softmax(dim: i64) = |x| x.f_log_softmax(dim, None);
        cumsum(dim: i64) = |x| x.f_cumsum(dim, None);
        nan_to_num(nan: f64, positive_infinity: Option<f64>, negative_infinity: Option<f64>) = |x|
            x.f_nan_to_num(nan, positive_infinity, negative_infinity);
        eq_scalar(value: f64) = |x| x.f_eq(value);
        ne_scalar(value: f64) = |x| x.f_ne(value);
        lt_scalar(value: f64) = |x| x.f_lt(value);
        le_scalar(value: f64) = |x| x.f_le(value);
        gt_scalar(value: f64) = |x| x.f_gt(value);
        ge_scalar(value: f64) = |x| x.f_ge(value);
        isfinite() = |x| x.f_isfinite();
        isnan() = |x| x.f_isnan();
        isinf() = |x| x.f_isinf();
        logical_not() = |x| x.f_logical_not();
        choose_scalars(if_true: f64, if_false: f64) = |x|
            Tensor::f_where_scalar(x, if_true, if_false);
    }

    of_one! {
        sum(dims: Vec<i64>, keepdim: bool) = |x|
            x.f_sum_dim_intlist(&dims[..], keepdim, None);
        mean(dims: Vec<i64>, keepdim: bool) = |x|
            x.f_mean_dim(&dims[..], keepdim, None);
        amin(dims: Vec<i64>, keepdim: bool) = |x| x.f_amin(&dims, keepdim);
        amax(dims: Vec<i64>, keepdim: bool) = |x| x.f_amax(&dims, keepdim);
        std(dims: Vec<i64>, unbiased: bool, keepdim: bool) = |x|
            x.f_std_dim(&dims[..], unbiased, keepdim);
        var(dims: Vec<i64>, unbiased: bool, keepdim: bool) = |x|
            x.f_var_dim(&dims[..], unbiased, keepdim);
        all() = |x| x.f_all();
        any() = |x| x.f_any();
        argmax(dim: i64, keepdim: bool) = |x| x.f_argmax(dim, keepdim);
        argmin(dim: i64, keepdim: bool) = |x| x.f_argmin(dim, keepdim);
        count_nonzero() = |x| x.f_count_nonzero(None);
        count_nonfinite() = |x| count_nonfinite(x);
    }

    fn masked_fill(&mut self, this: Handle, mask: Handle, value: f64) -> HostResult<Handle> {
        check_whole(&[self.tensor(&this)?], &[value])?;
        self.binary(&this, &mask, |x, mask| {
            x.f_masked_fill(mask, scalar_for(x, value))
        })
    }

    fn choose(&mut self, this: Handle, if_true: Handle, if_false: Handle) -> HostResult<Handle> {
        let condition = self.tensor(&this)?.shallow_clone();
        check_broadcast([&condition, self.tensor(&if_true)?, self.tensor(&if_false)?])?;
        self.binary(&if_true, &if_false, |yes, no| {
            yes.f_where_self(&condition, no)
        })
    }

    fn choose_if_true_scalar(
        &mut self,
        this: Handle,
        if_true: f64,
        if_false: Handle,
    ) -> HostResult<Handle> {
        self.binary(&this, &if_false, |condition, no| {
            Tensor::f_where_scalarself(condition, scalar_for(no, if_true), no)
        })
    }

    fn choose_if_false_scalar(
        &mut self,
        this: Handle,
        if_true: Handle,
        if_false: f64,
    ) -> HostResult<Handle> {
        self.binary(&this, &if_true, |condition, yes| {
            yes.f_where_scalarother(condition, scalar_for(yes, if_false))
        })
    }

    fn prod(&mut self, this: Handle, dims: Vec<i64>, keepdim: bool) -> HostResult<Handle> {
        let dims = distinct_dims(self.tensor(&this)?, &dims)?;
        self.unary(&this, |x| prod(x, &dims, keepdim))
    }

    fn logsumexp(&mut self, this: Handle, dims: Vec<i64>, keepdim: bool) -> HostResult<Handle> {
        let dims = distinct_dims(self.tensor(&this)?, &dims)?;
        self.unary(&this, |x| x.f_logsumexp(&dims, keepdim))
    }

    fn norm(&mut self, this: Handle, p: f64, dims: Vec<i64>, keepdim: bool) -> HostResult<Handle> {
        check_order(p)?;
        self.unary(&this, |x| x.f_norm_scalaropt_dim(p, &dims, keepdim))
    }

    fn median(&mut self, this: Handle) -> HostResult<Handle> {
        check_ordered(self.tensor(&this)?)?;
        check_some_elements(self.tensor(&this)?)?;
        self.unary(&this, Tensor::f_median)
    }

    fn median_dim(&mut self, this: Handle, dim: i64, keepdim: bool) -> HostResult<Pair> {
        check_ordered(self.tensor(&this)?)?;
        check_some_elements(self.tensor(&this)?)?;
        self.unary_pair(&this, |x| x.f_median_dim(dim, keepdim))
    }

    fn sort(&mut self, this: Handle, dim: i64, descending: bool) -> HostResult<Pair> {
        let elements = check_work_of([self.tensor(&this)?], SORT_BYTES)?;
        self.check_room(elements)?;
        self.unary_pair(&this, |x| x.f_sort_stable(true, dim, descending))
    }

    fn topk(&mut self, this: Handle, k: u32, dim: i64) -> HostResult<Pair> {
        check_work_of([self.tensor(&this)?], SORT_BYTES)?;
        self.unary_pair(&this, |x| x.f_topk(i64::from(k), dim, true, true))
    }

    fn quantile(&mut self, this: Handle, q: f64) -> HostResult<Handle> {
        check_quantile(q, self.tensor(&this)?.numel())?;
        self.unary(&this, |x| quantile(x, q))
    }

    fn histogram(&mut self, this: Handle, bins: u32, min: f64, max: f64) -> HostResult<Handle> {
        check_bins("bins", bins)?;
        check_histogram_range(min, max)?;
        check_work_of([self.tensor(&this)?], HISTOGRAM_BYTES)?;
        self.unary(&this, |x| histogram(x, i64::from(bins), min, max))
    }

    fn index_select(&mut self, this: Handle, dim: i64, indices: Handle) -> HostResult<Handle> {
        self.at_entries(&this, dim, &indices)
    }

    fn gather(&mut self, this: Handle, dim: i64, indices: Handle) -> HostResult<Handle> {
        self.at_indices(&this, dim, &indices, |x, at| x.f_gather(dim, at, false))
    }

    fn scatter(
        &mut self,
        this: Handle,
        dim: i64,
        indices: Handle,
        source: Handle,
    ) -> HostResult<Handle> {
        let source = self.tensor(&source)?.shallow_clone();
        self.at_indices(&this, dim, &indices, |x, at| x.f_scatter(dim, at, &source))
    }

    fn scatter_scalar(
        &mut self,
        this: Handle,
        dim: i64,
        indices: Handle,
        value: f64,
    ) -> HostResult<Handle> {
        check_whole(&[self.tensor(&this)?], &[value])?;
        self.at_indices(&this, dim, &indices, |x, at| {
            x.f_scatter_value(dim, at, scalar_for(x, value))
        })
    }

    fn scatter_add(
        &mut self,
        this: Handle,
        dim: i64,
        indices: Handle,
        source: Handle,
    ) -> HostResult<Handle> {
        let source = self.tensor(&source)?.shallow_clone();
        self.at_indices(&this, dim, &indices, |x, at| {
            x.f_scatter_add(dim, at, &source)
        })
    }

    fn masked_select(&mut self, this: Handle, mask: Handle) -> HostResult<Handle> {
        check_mask(self.tensor(&mask)?)?;
        check_work_of([self.tensor(&this)?, self.tensor(&mask)?], SELECT_BYTES)?;
        self.count_sync()?;
        self.binary(&this, &mask, Tensor::f_masked_select)
    }

    fn nonzero(&mut self, this: Handle) -> HostResult<Handle> {
        check_places(self.tensor(&this)?)?;
        self.count_sync()?;
        let found = self.tensor(&this)?.f_count_nonzero(None)?;
        self.check_room(found.f_int64_value(&[])? as u64)?;
        self.unary(&this, Tensor::f_nonzero)
    }

    fn reshape(&mut self, this: Handle, shape: Vec<i64>) -> HostResult<Handle> {
        check_shape(&known_lengths(&shape))?;
        let source = self.tensor(&this)?;
        check_same_size(source)?;
        if let Ok(view) = source.f_view(&shape[..]) {
            return self.view(&this, |_| Ok(view));
        }
        self.map(&this, |x| x.f_reshape(&shape))
    }

    views! {
        permute(dims: Vec<i64>) = |x| x.f_permute(&dims);
        transpose(dim0: i64, dim1: i64) = |x| x.f_transpose(dim0, dim1);
        squeeze(dim: i64) = |x| x.f_squeeze_dim(dim);
        unsqueeze(dim: i64) = |x| x.f_unsqueeze(dim);
        narrow(dim: i64, start: i64, length: i64) = |x|
            x.f_narrow(dim, start, length);
        select(dim: i64, index: i64) = |x| x.f_select(dim, index);
        detach() = |x| x.f_detach();
    }

    fn expand(&mut self, this: Handle, shape: Vec<i64>) -> HostResult<Handle> {
        // A size that could be made, since what follows may make it.
        check_shape(&known_lengths(&shape))?;
        let expanded = self.tensor(&this)?.f_expand(&shape, false)?;
        check_same_size(&expanded)?;
        self.view(&this, |_| Ok(expanded))
    }

    fn pad(
        &mut self,
        this: Handle,
        padding: Vec<i64>,
        mode: String,
        value: f64,
    ) -> HostResult<Handle> {
        let elements = check_padding(self.tensor(&this)?, &padding, &mode, value)?;
        self.check_room(elements)?;
        self.unary(&this, |x| pad(x, &padding, &mode, value))
    }

    fn interpolate(
        &mut self,
        this: Handle,
        height: u32,
        width: u32,
        mode: String,
    ) -> HostResult<Handle> {
        let size = [i64::from(height), i64::from(width)];
        let resize = resize_of(&mode)?;
        let elements = check_resized(self.tensor(&this)?, size)?;
        self.check_room(elements)?;
        self.unary(&this, |x| resize(x, &size))
    }

    fn matmul(&mut self, this: Handle, other: Handle) -> HostResult<Handle> {
        self.launch(1)?;
        let elements = check_matmul(self.tensor(&this)?, self.tensor(&other)?)?;
        self.check_room(elements)?;
        let (x, y) = (self.tensor(&this)?, self.tensor(&other)?);
        let product = x.f_matmul(y)?;
        self.make(product)
    }

    fn one_hot(&mut self, this: Handle, num_classes: u32) -> HostResult<Handle> {
        check_bins("num-classes", num_classes)?;
        self.launch(1)?;
        let classes = self.tensor(&this)?;
        check_classes(classes)?;
        let elements = (classes.numel() as u64).checked_mul(u64::from(num_classes));
        self.check_room(check_elements(elements)?)?;
        let encoded = one_hot(self.tensor(&this)?, num_classes)?;
        self.make(encoded)
    }

    fn to_dtype(&mut self, this: Handle, dtype: Dtype) -> HostResult<Handle> {
        let kind = kind_of(dtype)?;
        if self.tensor(&this)?.kind() == kind {
            return self.same(&this);
        }
        self.map(&this, |x| x.f_to_kind(kind))
    }

    fn to_device(&mut self, this: Handle, device: String) -> HostResult<Handle> {
        let device = self.device(&device)?;
        if self.tensor(&this)?.device() == device {
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
        self.map(&this, Tensor::f_contiguous)
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
        self.forget_tensor(&this);
        Ok(())
    }
}

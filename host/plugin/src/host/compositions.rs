//! Operations of the contract that take several calls of libtorch. Nothing here reads a value back: all
//! of it stays on the device.

use tch::{Kind, Tensor};

use super::dtype::scalar_for;
use super::tensor_steps::Torch;

/// `tensor` limited to [min, max]; a missing bound does not limit.
pub(super) fn clamp(tensor: &Tensor, min: Option<f64>, max: Option<f64>) -> Torch<Tensor> {
    match (min, max) {
        (Some(min), Some(max)) => tensor.f_clamp(min, max),
        (Some(min), None) => tensor.f_clamp_min(min),
        (None, Some(max)) => tensor.f_clamp_max(max),
        (None, None) => Ok(tensor.shallow_clone()),
    }
}

/// Limits `tensor` in place to [min, max], of which at least one is given.
pub(super) fn clamp_(tensor: &mut Tensor, min: Option<f64>, max: Option<f64>) -> Torch<()> {
    let min = min.map(|min| scalar_for(tensor, min));
    let max = max.map(|max| scalar_for(tensor, max));
    match (min, max) {
        (Some(min), Some(max)) => tensor.f_clamp_(min, max).map(drop),
        (Some(min), None) => tensor.f_clamp_min_(min).map(drop),
        (None, Some(max)) => tensor.f_clamp_max_(max).map(drop),
        (None, None) => Ok(()),
    }
}

/// `tensor` × scale + shift. A shift in place saves the memory of another result.
pub(super) fn affine(tensor: &Tensor, scale: f64, shift: f64) -> Torch<Tensor> {
    let mut scaled = tensor.f_multiply_scalar(scale)?;
    match scaled.is_floating_point() {
        true => scaled.f_add_scalar_(shift),
        false => scaled.f_add_scalar(shift),
    }
}

/// `tensor` × scale + shift in place; a neutral number costs no kernel.
pub(super) fn affine_(tensor: &mut Tensor, scale: f64, shift: f64) -> Torch<()> {
    if scale != 1.0 {
        let _ = tensor.f_multiply_scalar_(scalar_for(tensor, scale))?;
    }
    if shift != 0.0 {
        let _ = tensor.f_add_scalar_(scalar_for(tensor, shift))?;
    }
    Ok(())
}

/// The product over `dims`, each of which is there once and counts from the start. libtorch multiplies
/// over one dimension a call.
pub(super) fn prod(tensor: &Tensor, dims: &[i64], keepdim: bool) -> Torch<Tensor> {
    if dims.is_empty() {
        return tensor.f_prod(None);
    }
    // From the last on: where a dimension goes, those before it keep their places.
    let mut from_last = dims.to_vec();
    from_last.sort_unstable_by(|a, b| b.cmp(a));
    let mut product = tensor.shallow_clone();
    for dim in from_last {
        product = product.f_prod_dim_int(dim, keepdim, None)?;
    }
    Ok(product)
}

/// The q-quantile of all elements, 0-d.
pub(super) fn quantile(tensor: &Tensor, q: f64) -> Torch<Tensor> {
    let flat = tensor.f_reshape([-1])?;
    flat.f_quantile_scalar(q, None, false, "linear")
}

/// Counts of `bins` equal bins over [min, max], float32 `[bins]`.
///
/// torch.histc takes its range from the data here: both ends are added as elements, and everything
/// outside, not-a-number included, is moved onto an end. The counts of both are then taken off again.
pub(super) fn histogram(values: &Tensor, bins: i64, min: f64, max: f64) -> Torch<Tensor> {
    let values = values.f_detach()?.f_reshape([-1])?.f_to_kind(Kind::Float)?;
    let below = values.f_ge(min)?.f_logical_not()?;
    let above = values.f_gt(max)?;
    let ends = Tensor::f_from_slice(&[min as f32, max as f32])?.f_to_device(values.device())?;
    let inside = values.f_masked_fill(&below, min)?.f_clamp_max(max)?;
    let counts = Tensor::f_cat(&[&inside, &ends], 0)?.f_histc(bins)?;
    take_off(&counts, 0, &below)?;
    take_off(&counts, bins - 1, &above)?;
    Ok(counts)
}

/// Takes the elements of `outside`, and the end that was added, off one bin.
fn take_off(counts: &Tensor, bin: i64, outside: &Tensor) -> Torch<()> {
    let excess = outside.f_sum(Kind::Float)?.f_add_scalar(1.0)?;
    let _ = counts.f_select(0, bin)?.f_subtract_(&excess)?;
    Ok(())
}

/// How many elements are infinite or not-a-number, int64, 0-d.
pub(super) fn count_nonfinite(tensor: &Tensor) -> Torch<Tensor> {
    let nonfinite = tensor.f_isfinite()?.f_logical_not()?;
    nonfinite.f_sum(Kind::Int64)
}

/// Integer classes as {0, 1} in a new last dimension, float32.
pub(super) fn one_hot(classes: &Tensor, num_classes: u32) -> Torch<Tensor> {
    let range = Tensor::f_arange(i64::from(num_classes), (Kind::Int64, classes.device()))?;
    let equal = classes.f_unsqueeze(-1)?.f_eq_tensor(&range)?;
    equal.f_to_kind(Kind::Float)
}

//! Arguments that are refused before libtorch sees them, so that the refusal can name the remedy.
//! Sizes of results are the matter of `size_checks`.

use tch::{Kind, Tensor};

use super::dtype::is_integer;
use crate::bindings::types::ErrorCode;
use crate::error::{HostResult, refuse};

/// The most bins of a histogram and classes of a one-hot encoding.
const MAX_BINS: u32 = 65_536;
/// The most elements that torch.quantile sorts. It refuses more itself, without naming the limit.
const MAX_QUANTILE_ELEMENTS: usize = 16 << 20;

/// Refuses a tensor that does not have exactly one element.
pub(super) fn check_one_element(tensor: &Tensor) -> HostResult<()> {
    if torch_ext::numel(tensor) == 1 {
        return Ok(());
    }
    let shape = tensor.size();
    refuse(
        ErrorCode::ShapeMismatch,
        format!("one element is needed, this tensor is {shape:?}: reduce it first"),
    )
}

/// The bounds of a clamp: at least one, and each a number.
pub(super) fn check_bounds(min: Option<f64>, max: Option<f64>) -> HostResult<()> {
    match (min, max) {
        (None, None) => refuse(ErrorCode::InvalidArgument, "clamp needs min, max or both"),
        (Some(min), _) if min.is_nan() => refuse(ErrorCode::InvalidArgument, "min is not a number"),
        (_, Some(max)) if max.is_nan() => refuse(ErrorCode::InvalidArgument, "max is not a number"),
        _ => Ok(()),
    }
}

/// The order of a norm: any number, also 0, a negative one or an infinite one.
pub(super) fn check_order(p: f64) -> HostResult<()> {
    if p.is_nan() {
        return refuse(
            ErrorCode::InvalidArgument,
            "the order of a norm must be a number",
        );
    }
    Ok(())
}

/// A number of bins or of classes; `what` is its name in the refusal.
pub(super) fn check_bins(what: &str, count: u32) -> HostResult<()> {
    if (1..=MAX_BINS).contains(&count) {
        return Ok(());
    }
    refuse(
        ErrorCode::InvalidArgument,
        format!("{what} must be 1 to {MAX_BINS}, not {count}"),
    )
}

/// The range of a histogram, compared in float32, which is what the elements become.
pub(super) fn check_histogram_range(min: f64, max: f64) -> HostResult<()> {
    if min.is_finite() && max.is_finite() && (min as f32) < max as f32 {
        return Ok(());
    }
    refuse(
        ErrorCode::InvalidArgument,
        format!("min must be below max in float32 and both finite, not {min} and {max}"),
    )
}

/// A quantile, and the number of elements it is taken of.
pub(super) fn check_quantile(q: f64, elements: usize) -> HostResult<()> {
    if !(0.0..=1.0).contains(&q) {
        return refuse(
            ErrorCode::InvalidArgument,
            format!("a quantile is between 0 and 1, not {q}"),
        );
    }
    if elements > MAX_QUANTILE_ELEMENTS {
        return refuse(
            ErrorCode::TooLarge,
            format!("a quantile may be taken of {MAX_QUANTILE_ELEMENTS} elements, not {elements}"),
        );
    }
    Ok(())
}

/// The mean and the standard deviation of normal noise.
pub(super) fn check_normal(mean: f64, std: f64) -> HostResult<()> {
    if mean.is_finite() && std.is_finite() && std >= 0.0 {
        return Ok(());
    }
    refuse(
        ErrorCode::InvalidArgument,
        format!("mean must be finite and std not negative, not {mean} and {std}"),
    )
}

/// Indices, int64 and 1-d, into a dimension of `length` entries. Their values are not looked at.
pub(super) fn check_indices(indices: &Tensor, length: i64) -> HostResult<()> {
    let kind = indices.kind();
    if kind != Kind::Int64 {
        return refuse(
            ErrorCode::DtypeMismatch,
            format!("indices are int64, not {kind:?}"),
        );
    }
    let rank = indices.dim();
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

/// The length of dimension `dim`, which counts from the end if it is negative.
pub(super) fn length_of(tensor: &Tensor, dim: i64) -> HostResult<i64> {
    let shape = tensor.size();
    let rank = shape.len() as i64;
    let from_start = match dim {
        ..0 => dim.saturating_add(rank),
        _ => dim,
    };
    let index = usize::try_from(from_start).ok();
    match index.and_then(|index| shape.get(index)) {
        Some(length) => Ok(*length),
        None => refuse(
            ErrorCode::InvalidArgument,
            format!("dimension {dim} is not in a tensor of {rank} dimensions"),
        ),
    }
}

/// Refuses classes that are not integers.
pub(super) fn check_classes(classes: &Tensor) -> HostResult<()> {
    let kind = classes.kind();
    if is_integer(kind) {
        return Ok(());
    }
    refuse(
        ErrorCode::DtypeMismatch,
        format!("classes are integers, not {kind:?}"),
    )
}

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

/// The most bytes of a text that names something: a key, a mode, a device, a pattern.
const MAX_WORD_BYTES: usize = 4096;

/// Refuses a text that is too long to name anything, before it is looked up, compared or repeated in a message.
pub(crate) fn check_word(word: &str) -> HostResult<()> {
    check_text("a name", word, MAX_WORD_BYTES)
}

/// Refuses a text of more bytes than `most`; `what` is its name in the refusal.
pub(super) fn check_text(what: &str, text: &str, most: usize) -> HostResult<()> {
    let bytes = text.len();
    if bytes <= most {
        return Ok(());
    }
    refuse(
        ErrorCode::TooLarge,
        format!("{what} has {most} bytes at most, not {bytes}"),
    )
}

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

/// Refuses a tensor without elements.
pub(super) fn check_some_elements(tensor: &Tensor) -> HostResult<()> {
    if torch_ext::numel(tensor) > 0 {
        return Ok(());
    }
    let shape = tensor.size();
    refuse(
        ErrorCode::InvalidArgument,
        format!("a tensor of {shape:?} has no elements, one is needed"),
    )
}

/// Refuses booleans, which have no middle: libtorch does so on the CPU, and orders them on a GPU.
pub(super) fn check_ordered(tensor: &Tensor) -> HostResult<()> {
    if tensor.kind() != Kind::Bool {
        return Ok(());
    }
    refuse(
        ErrorCode::DtypeMismatch,
        "booleans have no median: convert them to numbers first",
    )
}

/// Refuses a mask that is not boolean.
pub(super) fn check_mask(mask: &Tensor) -> HostResult<()> {
    let kind = mask.kind();
    if kind == Kind::Bool {
        return Ok(());
    }
    refuse(
        ErrorCode::DtypeMismatch,
        format!("a mask is boolean, not {kind:?}: compare, or `to-dtype` first"),
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

/// The length of dimension `dim`, which counts from the end if it is negative.
pub(super) fn length_of(tensor: &Tensor, dim: i64) -> HostResult<i64> {
    let shape = tensor.size();
    Ok(shape[dim_from_start(shape.len(), dim)?])
}

/// The place of dimension `dim`, which counts from the end if it is negative.
pub(super) fn dim_from_start(rank: usize, dim: i64) -> HostResult<usize> {
    let from_start = match dim {
        ..0 => dim.saturating_add(rank as i64),
        _ => dim,
    };
    match usize::try_from(from_start) {
        Ok(place) if place < rank => Ok(place),
        _ => refuse(
            ErrorCode::InvalidArgument,
            format!("dimension {dim} is not in a tensor of {rank} dimensions"),
        ),
    }
}

/// Places of dimensions to reduce over, counted from the start; all of them for none. A dimension that
/// is named twice is refused.
pub(super) fn distinct_dims(tensor: &Tensor, dims: &[i64]) -> HostResult<Vec<i64>> {
    let rank = tensor.dim();
    if dims.is_empty() {
        return Ok((0..rank as i64).collect());
    }
    let places = dims.iter().map(|dim| dim_from_start(rank, *dim));
    let places = places.collect::<HostResult<Vec<usize>>>()?;
    match (1..places.len()).find(|at| places[..*at].contains(&places[*at])) {
        None => Ok(places.into_iter().map(|place| place as i64).collect()),
        Some(at) => refuse(
            ErrorCode::InvalidArgument,
            format!("dimension {} is named twice", dims[at]),
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

//! Operations that make a tensor larger or smaller by its own entries: padding and interpolation. Sizes are
//! worked out here, before libtorch is asked.

use tch::{TchError, Tensor};

use super::argument_checks::check_word;
use super::dtype::check_whole;
use super::size_checks::check_shape;
use super::tensor_steps::Torch;
use crate::bindings::types::ErrorCode;
use crate::error::{HostResult, clip, refuse};

/// Ways to pad, by libtorch's names.
const MODES: [&str; 4] = ["constant", "reflect", "replicate", "circular"];

/// Refuses a padding that no tensor of this shape can have, or whose result would be too large. Answers its elements.
pub(super) fn check_padding(
    tensor: &Tensor,
    padding: &[i64],
    mode: &str,
    value: f64,
) -> HostResult<u64> {
    check_mode(mode, value)?;
    check_whole(&[tensor], &[value])?;
    let shape = tensor.size();
    check_pairs(padding, shape.len(), mode)?;
    let padded = (0..shape.len()).map(|place| padded_length(&shape, padding, place, mode));
    check_shape(&padded.collect::<HostResult<Vec<i64>>>()?)
}

fn check_mode(mode: &str, value: f64) -> HostResult<()> {
    check_word(mode)?;
    if !MODES.contains(&mode) {
        let mode = clip(mode);
        let all = MODES.join("`, `");
        return refuse(
            ErrorCode::InvalidArgument,
            format!("no padding is named `{mode}`: use `{all}`"),
        );
    }
    if mode != "constant" && value != 0.0 {
        return refuse(
            ErrorCode::InvalidArgument,
            format!("padding by `{mode}` takes no value: give 0, not {value}"),
        );
    }
    Ok(())
}

/// A number before and after for each padded dimension, and no more dimensions than the way can pad.
fn check_pairs(padding: &[i64], rank: usize, mode: &str) -> HostResult<()> {
    let pairs = padding.len() / 2;
    let fits = match mode {
        "constant" => pairs <= rank,
        _ => (1..=3).contains(&pairs) && (pairs + 1..=pairs + 2).contains(&rank),
    };
    if !padding.len().is_multiple_of(2) || !fits {
        let count = padding.len();
        return refuse(
            ErrorCode::ShapeMismatch,
            format!("{count} numbers do not pad a tensor of {rank} dimensions by `{mode}`"),
        );
    }
    match padding.iter().find(|amount| **amount < 0) {
        None => Ok(()),
        Some(amount) => refuse(
            ErrorCode::InvalidArgument,
            format!("a padding is not negative: {amount}; `narrow` takes entries away"),
        ),
    }
}

/// The length of dimension `place` with its padding. The padding begins with the last dimension.
fn padded_length(shape: &[i64], padding: &[i64], place: usize, mode: &str) -> HostResult<i64> {
    let length = shape[place];
    let pair = 2 * (shape.len() - 1 - place);
    let Some([before, after]) = padding.get(pair..pair + 2) else {
        return Ok(length);
    };
    let longest = match mode {
        "reflect" => length - 1,
        "circular" => length,
        "replicate" if length == 0 => 0,
        _ => i64::MAX,
    };
    if *before.max(after) > longest {
        return refuse(
            ErrorCode::InvalidArgument,
            format!(
                "dimension {place} of {length} cannot be padded by {before} and {after} (`{mode}`)"
            ),
        );
    }
    Ok(length.saturating_add(*before).saturating_add(*after))
}

/// `tensor` with entries around it that are `value`, or made of its own as `mode` says.
pub(super) fn pad(tensor: &Tensor, padding: &[i64], mode: &str, value: f64) -> Torch<Tensor> {
    let value = (mode == "constant").then_some(value);
    tensor.f_pad(padding, mode, value)
}

/// An operation that makes images [N, C, H, W] anew with another height and width.
type Resize = fn(&Tensor, &[i64; 2]) -> Result<Tensor, TchError>;

/// Ways to interpolate, by PyTorch's names.
const WAYS: [(&str, Resize); 3] = [
    ("nearest", |x, size| {
        x.f_upsample_nearest2d(size, None, None)
    }),
    ("bilinear", |x, size| {
        x.f_upsample_bilinear2d(size, false, None, None)
    }),
    ("bicubic", |x, size| {
        x.f_upsample_bicubic2d(size, false, None, None)
    }),
];

/// The operation that interpolates as `mode` says.
pub(super) fn resize_of(mode: &str) -> HostResult<Resize> {
    check_word(mode)?;
    if let Some((_, resize)) = WAYS.iter().find(|(name, _)| *name == mode) {
        return Ok(*resize);
    }
    let mode = clip(mode);
    let all = WAYS.map(|(name, _)| name).join("`, `");
    refuse(
        ErrorCode::InvalidArgument,
        format!("no interpolation is named `{mode}`: use `{all}`"),
    )
}

/// Refuses what is no image [N, C, H, W], and a size that is too large or nothing. Answers the elements of the result.
pub(super) fn check_resized(tensor: &Tensor, size: [i64; 2]) -> HostResult<u64> {
    let shape = tensor.size();
    let [images, channels, _, _] = shape[..] else {
        return refuse(
            ErrorCode::ShapeMismatch,
            format!("images are [N, C, H, W], not {shape:?}: `reshape` first"),
        );
    };
    if size.contains(&0) {
        let [height, width] = size;
        return refuse(
            ErrorCode::InvalidArgument,
            format!("an image is at least 1 high and 1 wide, not {height} and {width}"),
        );
    }
    check_shape(&[images, channels, size[0], size[1]])
}

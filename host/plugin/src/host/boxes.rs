//! Boxes of guests: what is refused, and their numbers on the CPU. `phasebox_nn::detection` computes with them.

use phasebox_nn::detection::boxes::{Convert, FORMATS};
use phasebox_nn::detection::suppression::Candidates;
use tch::{Device, Kind, Tensor};

use super::argument_checks::{check_classes, check_word};
use super::size_checks::check_work;
use super::tensor_steps::Torch;
use crate::bindings::types::ErrorCode;
use crate::error::{HostResult, clip, refuse};

/// The most boxes of one suppression: about a second of one core, if none overlaps another.
const MAX_SUPPRESSED: i64 = 32_768;

/// The memory that the overlap of one pair takes on the way, in bytes: eight numbers of float64.
const PAIR_BYTES: u64 = 64;

/// The format of this name.
pub(super) fn format_of(name: &str) -> HostResult<(Convert, Convert)> {
    check_word(name)?;
    if let Some((_, to, from)) = FORMATS.iter().find(|(known, ..)| *known == name) {
        return Ok((*to, *from));
    }
    let name = clip(name);
    let all = FORMATS.map(|(known, ..)| known).join("`, `");
    refuse(
        ErrorCode::InvalidArgument,
        format!("no format of boxes is named `{name}`: use `{all}`"),
    )
}

/// Refuses what are no boxes: floating point with 4 numbers in the last dimension.
pub(super) fn check_boxes(boxes: &Tensor) -> HostResult<()> {
    let shape = boxes.size();
    if shape.last() != Some(&4) {
        return refuse(
            ErrorCode::ShapeMismatch,
            format!("boxes have 4 numbers in the last dimension, not {shape:?}"),
        );
    }
    check_floating("boxes", boxes)
}

/// The number of boxes [N, 4].
pub(super) fn count_boxes(boxes: &Tensor) -> HostResult<i64> {
    check_boxes(boxes)?;
    match boxes.size()[..] {
        [count, _] => Ok(count),
        ref shape => refuse(
            ErrorCode::ShapeMismatch,
            format!("boxes are [N, 4], not {shape:?}"),
        ),
    }
}

pub(super) fn check_floating(what: &str, tensor: &Tensor) -> HostResult<()> {
    if tensor.is_floating_point() {
        return Ok(());
    }
    let kind = tensor.kind();
    refuse(
        ErrorCode::DtypeMismatch,
        format!("{what} are floating point, not {kind:?}: `to-dtype` first"),
    )
}

/// Refuses what are no boxes, and more pairs of them than one result holds. Answers their number.
pub(super) fn check_pairs(a: &Tensor, b: &Tensor) -> HostResult<u64> {
    let pairs = (count_boxes(a)? as u64).checked_mul(count_boxes(b)? as u64);
    check_work(pairs, PAIR_BYTES)
}

/// Refuses what cannot be suppressed: too many boxes, and scores or classes that are not theirs.
pub(super) fn check_suppression(
    boxes: &Tensor,
    scores: &Tensor,
    classes: Option<&Tensor>,
) -> HostResult<()> {
    let count = count_boxes(boxes)?;
    if count > MAX_SUPPRESSED {
        return refuse(
            ErrorCode::TooLarge,
            format!("{count} boxes are more than {MAX_SUPPRESSED}: take the best by `topk` first"),
        );
    }
    check_one_each("scores", scores, count)?;
    check_floating("scores", scores)?;
    let Some(classes) = classes else {
        return Ok(());
    };
    check_classes(classes)?;
    check_one_each("classes", classes, count)
}

fn check_one_each(what: &str, tensor: &Tensor, count: i64) -> HostResult<()> {
    let shape = tensor.size();
    if shape == [count] {
        return Ok(());
    }
    refuse(
        ErrorCode::ShapeMismatch,
        format!("{what} are one for each of {count} boxes, not {shape:?}"),
    )
}

/// Copies checked boxes [N, 4], with scores and classes [N], to the CPU. Syncs.
pub(super) fn read_candidates(
    boxes: &Tensor,
    scores: &Tensor,
    classes: Option<&Tensor>,
) -> HostResult<Candidates> {
    let mut each = vec![0; classes.map_or(0, torch_ext::numel)];
    if let Some(classes) = classes {
        let count = each.len();
        on_cpu(classes, Kind::Int64)?.f_copy_data(&mut each, count)?;
    }
    Ok(Candidates {
        boxes: read_boxes(boxes)?,
        scores: read_floats(scores)?,
        classes: each,
    })
}

/// Boxes [N, 4] on the CPU. Syncs.
pub(super) fn read_boxes(boxes: &Tensor) -> HostResult<Vec<[f32; 4]>> {
    let numbers = read_floats(boxes)?;
    Ok(numbers.as_chunks::<4>().0.to_vec())
}

/// All elements on the CPU. Syncs.
fn read_floats(tensor: &Tensor) -> HostResult<Vec<f32>> {
    let mut values = vec![0.0; torch_ext::numel(tensor)];
    let count = values.len();
    on_cpu(tensor, Kind::Float)?.f_copy_data(&mut values, count)?;
    Ok(values)
}

fn on_cpu(tensor: &Tensor, kind: Kind) -> Torch<Tensor> {
    let here = tensor.f_detach()?.f_to_device(Device::Cpu)?;
    here.f_to_kind(kind)?.f_contiguous()
}

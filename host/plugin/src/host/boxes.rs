//! Boxes as tensors: formats, overlaps, and the boxes that remain of overlapping ones. What stays on the
//! device is built of libtorch's operations; the rest is done here, on numbers that were copied.

use std::cmp::Ordering;

use tch::{Device, Kind, TchError, Tensor};

use super::argument_checks::check_classes;
use super::size_checks::check_work;
use super::tensor_steps::Torch;
use crate::bindings::types::ErrorCode;
use crate::error::{HostResult, clip, refuse};

/// The most boxes of one suppression: about a second of one core, if none overlaps another.
const MAX_SUPPRESSED: i64 = 32_768;

/// The memory that the overlap of one pair takes on the way, in bytes: eight numbers of float64.
const PAIR_BYTES: u64 = 64;

/// The four numbers of boxes, each a tensor of the shape of the others.
type Corners = [Tensor; 4];
type Convert = fn(Corners) -> Torch<Corners>;

/// Formats of boxes, by torchvision's names: to corners, and from corners.
const FORMATS: [(&str, Convert, Convert); 3] = [
    ("xyxy", Ok::<Corners, TchError>, Ok::<Corners, TchError>),
    ("xywh", corners_of_sizes, sizes_of_corners),
    ("cxcywh", corners_of_centers, centers_of_corners),
];

fn corners_of_sizes([x, y, width, height]: Corners) -> Torch<Corners> {
    let right = x.f_add(&width)?;
    let bottom = y.f_add(&height)?;
    Ok([x, y, right, bottom])
}

fn sizes_of_corners([x1, y1, x2, y2]: Corners) -> Torch<Corners> {
    let width = x2.f_sub(&x1)?;
    let height = y2.f_sub(&y1)?;
    Ok([x1, y1, width, height])
}

fn corners_of_centers([x, y, width, height]: Corners) -> Torch<Corners> {
    let half_width = width.f_mul_scalar(0.5)?;
    let half_height = height.f_mul_scalar(0.5)?;
    Ok([
        x.f_sub(&half_width)?,
        y.f_sub(&half_height)?,
        x.f_add(&half_width)?,
        y.f_add(&half_height)?,
    ])
}

fn centers_of_corners([x1, y1, x2, y2]: Corners) -> Torch<Corners> {
    Ok([
        x1.f_add(&x2)?.f_mul_scalar(0.5)?,
        y1.f_add(&y2)?.f_mul_scalar(0.5)?,
        x2.f_sub(&x1)?,
        y2.f_sub(&y1)?,
    ])
}

/// The numbers of boxes [..., 4].
fn corners(boxes: &Tensor) -> Torch<Corners> {
    let number = |place| boxes.f_select(-1, place);
    Ok([number(0)?, number(1)?, number(2)?, number(3)?])
}

/// The format of this name.
pub(super) fn format_of(name: &str) -> HostResult<(Convert, Convert)> {
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

/// Boxes [..., 4] by way of their corners.
pub(super) fn convert(boxes: &Tensor, to_corners: Convert, from_corners: Convert) -> Torch<Tensor> {
    let converted = from_corners(to_corners(corners(boxes)?)?)?;
    Tensor::f_stack(&converted, -1)
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

/// Refuses what are no boxes, and more pairs of them than one result holds.
pub(super) fn check_pairs(a: &Tensor, b: &Tensor) -> HostResult<()> {
    let pairs = (count_boxes(a)? as u64).checked_mul(count_boxes(b)? as u64);
    check_work(pairs, PAIR_BYTES)
}

/// The overlap of each box of `a` [N, 4] with each of `b` [M, 4]. [N, M].
pub(super) fn box_iou(a: &Tensor, b: &Tensor) -> Torch<Tensor> {
    let a = at_least_float32(a)?;
    let b = at_least_float32(b)?;
    let [left, top, right, bottom] = corners(&a.f_unsqueeze(1)?)?;
    let [x1, y1, x2, y2] = corners(&b)?;
    let width = right.f_minimum(&x2)?.f_sub(&left.f_maximum(&x1)?)?;
    let height = bottom.f_minimum(&y2)?.f_sub(&top.f_maximum(&y1)?)?;
    let shared = width.f_clamp_min(0.0)?.f_mul(&height.f_clamp_min(0.0)?)?;
    let area_a = right.f_sub(&left)?.f_mul(&bottom.f_sub(&top)?)?;
    let area_b = x2.f_sub(&x1)?.f_mul(&y2.f_sub(&y1)?)?;
    shared.f_div(&area_a.f_add(&area_b)?.f_sub(&shared)?)
}

fn at_least_float32(boxes: &Tensor) -> Torch<Tensor> {
    match boxes.kind() {
        Kind::Half | Kind::BFloat16 => boxes.f_to_kind(Kind::Float),
        _ => Ok(boxes.shallow_clone()),
    }
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

/// Boxes to suppress, on the CPU.
pub(super) struct Candidates {
    boxes: Vec<[f32; 4]>,
    scores: Vec<f32>,
    /// One class for each box; empty if all boxes are alike.
    classes: Vec<i64>,
}

impl Candidates {
    /// Copies checked boxes [N, 4], with scores and classes [N], to the CPU. Syncs.
    pub(super) fn read(
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

    /// Places of the boxes that remain, the highest score first.
    pub(super) fn remaining(&self, threshold: f64) -> Vec<i64> {
        let mut order: Vec<usize> = (0..self.boxes.len()).collect();
        order.sort_by(|a, b| highest_first(self.scores[*a], self.scores[*b]));
        let mut kept: Vec<usize> = Vec::new();
        for place in order {
            let is_covered = kept.iter().any(|best| self.covers(*best, place, threshold));
            if !is_covered {
                kept.push(place);
            }
        }
        kept.into_iter().map(|place| place as i64).collect()
    }

    fn covers(&self, best: usize, place: usize, threshold: f64) -> bool {
        let is_alike = self.classes.get(best) == self.classes.get(place);
        is_alike && f64::from(overlap(self.boxes[best], self.boxes[place])) > threshold
    }
}

/// The intersection over union, in the order of torchvision's sums. Not-a-number for two boxes without
/// area, which is above no threshold.
fn overlap(a: [f32; 4], b: [f32; 4]) -> f32 {
    let width = (a[2].min(b[2]) - a[0].max(b[0])).max(0.0);
    let height = (a[3].min(b[3]) - a[1].max(b[1])).max(0.0);
    let shared = width * height;
    shared / (area(a) + area(b) - shared)
}

fn area([x1, y1, x2, y2]: [f32; 4]) -> f32 {
    (x2 - x1) * (y2 - y1)
}

/// The order of libtorch's sort: not-a-number is the largest.
fn highest_first(a: f32, b: f32) -> Ordering {
    b.is_nan()
        .cmp(&a.is_nan())
        .then_with(|| b.partial_cmp(&a).unwrap_or(Ordering::Equal))
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

//! Boxes as tensors `[..., 4]`: formats and overlaps. Nothing here syncs.

use tch::{Kind, TchError, Tensor};

/// The result of a call into libtorch.
type Torch<T> = Result<T, TchError>;

/// The four numbers of boxes, each a tensor of the shape of the others.
type Corners = [Tensor; 4];

/// A change of the four numbers of boxes.
pub type Convert = fn(Corners) -> Torch<Corners>;

/// Formats of boxes, by torchvision's names: to corners, and from corners.
pub const FORMATS: [(&str, Convert, Convert); 3] = [
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

/// The numbers of boxes `[..., 4]`.
fn numbers_of(boxes: &Tensor) -> Torch<Corners> {
    let number = |place| boxes.f_select(-1, place);
    Ok([number(0)?, number(1)?, number(2)?, number(3)?])
}

/// Boxes `[..., 4]` by way of their corners.
///
/// # Errors
/// Another number of numbers.
pub fn convert(boxes: &Tensor, to_corners: Convert, from_corners: Convert) -> Torch<Tensor> {
    let converted = from_corners(to_corners(numbers_of(boxes)?)?)?;
    Tensor::f_stack(&converted, -1)
}

/// Corners `[..., 4]` of boxes that are centers and sizes.
pub(super) fn centers_to_corners(boxes: &Tensor) -> Torch<Tensor> {
    convert(boxes, corners_of_centers, Ok::<Corners, TchError>)
}

/// The intersection over union of each box of `a` `[N, 4]` with each of `b` `[M, 4]`, which are corners: `[N, M]`,
/// float32 at least. Two boxes without area give not-a-number.
///
/// # Errors
/// Other shapes.
pub fn box_iou(a: &Tensor, b: &Tensor) -> Torch<Tensor> {
    let a = at_least_float32(a)?;
    let b = at_least_float32(b)?;
    let [left, top, right, bottom] = numbers_of(&a.f_unsqueeze(1)?)?;
    let [x1, y1, x2, y2] = numbers_of(&b)?;
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

/// The area that two boxes share. Corners.
pub(crate) fn shared_area(a: [f32; 4], b: [f32; 4]) -> f32 {
    let width = (a[2].min(b[2]) - a[0].max(b[0])).max(0.0);
    let height = (a[3].min(b[3]) - a[1].max(b[1])).max(0.0);
    width * height
}

/// The area of a box. Corners.
pub(crate) fn area([x1, y1, x2, y2]: [f32; 4]) -> f32 {
    (x2 - x1) * (y2 - y1)
}

/// The intersection over union, in the order of torchvision's sums. Not-a-number for two boxes without area, which is
/// above no threshold.
pub(crate) fn overlap(a: [f32; 4], b: [f32; 4]) -> f32 {
    let shared = shared_area(a, b);
    shared / (area(a) + area(b) - shared)
}

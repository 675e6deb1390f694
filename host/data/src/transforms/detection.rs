//! Transforms of images with boxes, as SuperGradients' `Detection…` transforms: affine map, sizes, format of boxes.

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use super::numbers::{Color, Range, Size, factors};
use super::{Draw, Transform};
use crate::raster::{Filter, Matrix, check_size};
use crate::sample::{BoxFormat, BoxNumbers, Fill, Move, Pixels, Sample};

fn gray() -> Color {
    Color::Gray(114.0)
}

fn filled(color: &Color) -> Fill {
    Fill {
        image: color.channels(),
        mask: None,
    }
}

/// A random turn, scale, shear and shift about the middle, onto a canvas of one size. One number `s` is `±s`, of
/// `scales` `1 ± s`, of `translate` a part of the canvas. Boxes become the hull of their moved corners.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RandomAffine {
    degrees: Range,
    translate: Range,
    scales: Range,
    shear: Range,
    /// The size of the canvas; that of the image if it is empty.
    target_size: Option<Size>,
    /// Drops boxes that are small, cut to a small part, or thin.
    filter_box_candidates: bool,
    /// Both sides must be longer, in pixels.
    wh_thr: f32,
    /// The longer side over the shorter one must be less.
    ar_thr: f32,
    /// The area over the area before must be more.
    area_thr: f32,
    border_value: Color,
}

impl Default for RandomAffine {
    fn default() -> Self {
        Self {
            degrees: Range::One(10.0),
            translate: Range::One(0.1),
            scales: Range::One(0.1),
            shear: Range::One(10.0),
            target_size: Some(Size::Side(640)),
            filter_box_candidates: false,
            wh_thr: 2.0,
            ar_thr: 20.0,
            area_thr: 0.1,
            border_value: gray(),
        }
    }
}

/// The six numbers that decide a random affine map.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct AffineDraw {
    /// Degrees, to the left.
    pub(crate) angle: f64,
    pub(crate) scale: f64,
    /// Degrees, in x and y.
    pub(crate) shear: [f64; 2],
    /// Parts of the canvas, in x and y.
    pub(crate) shift: [f64; 2],
}

impl AffineDraw {
    /// The map: the middle to the corner, turn and scale, shear, shift.
    pub(crate) fn matrix(&self, from: [usize; 2], to: [usize; 2]) -> Matrix {
        let [cy, cx] = from.map(|side| (side / 2) as f64);
        let (sin, cos) = self.angle.to_radians().sin_cos();
        let (a, b) = (self.scale * cos, self.scale * sin);
        let [sx, sy] = self.shear.map(|angle| angle.to_radians().tan());
        let turned = [[a, b], [-b, a]];
        let sheared = [0, 1].map(|column| {
            let (x, y) = (turned[0][column], turned[1][column]);
            [x + sx * y, sy * x + y]
        });
        let [[m0, m3], [m1, m4]] = sheared;
        let [tx, ty] = [self.shift[0] * to[1] as f64, self.shift[1] * to[0] as f64];
        [
            m0,
            m1,
            tx - m0 * cx - m1 * cy,
            m3,
            m4,
            ty - m3 * cx - m4 * cy,
        ]
    }
}

impl RandomAffine {
    /// The size of the canvas for an image of a size.
    fn size(&self, image: [usize; 2]) -> Result<[usize; 2]> {
        let size = self.target_size.map(|size| size.sides("target_size"));
        size.unwrap_or(Ok(image))
    }

    fn draw(&self, draw: &mut Draw<'_>) -> Result<AffineDraw> {
        Ok(AffineDraw {
            angle: draw.between(self.degrees.around("degrees", 0.0)?),
            scale: draw.between(self.scale_range()?),
            shear: [
                draw.between(self.shear_range()?),
                draw.between(self.shear_range()?),
            ],
            shift: [
                draw.between(self.translate.around("translate", 0.5)?),
                draw.between(self.translate.around("translate", 0.5)?),
            ],
        })
    }

    fn scale_range(&self) -> Result<[f64; 2]> {
        factors("scales", self.scales.around("scales", 1.0)?)
    }

    fn shear_range(&self) -> Result<[f64; 2]> {
        let [low, high] = self.shear.around("shear", 0.0)?;
        ensure!(
            low > -45.0 && high < 45.0,
            "`shear` must be between -45 and 45 degrees, it is [{low}, {high}]"
        );
        Ok([low, high])
    }

    fn filter(&self, sample: &mut Sample, matrix: &Matrix, size: [usize; 2]) {
        for boxes in sample.boxes_mut() {
            boxes.list.retain(|bounds| {
                let after = bounds.moved(matrix, size);
                let [width, height] = after.sides();
                let share = after.area() / (bounds.area() + 1e-16);
                let ratio = (width / (height + 1e-16)).max(height / (width + 1e-16));
                let is_large = width > self.wh_thr && height > self.wh_thr;
                is_large && share > self.area_thr && ratio < self.ar_thr
            });
        }
    }
}

impl Transform for RandomAffine {
    fn apply(&self, mut sample: Sample, draw: &mut Draw<'_>) -> Result<Sample> {
        let size = self.size(sample.size()?)?;
        let matrix = self.draw(draw)?.matrix(sample.size()?, size);
        if self.filter_box_candidates {
            self.filter(&mut sample, &matrix, size);
        }
        sample.moved(Move::Warp(matrix, size), &filled(&self.border_value))
    }

    fn output(&self, [channels, height, width]: [usize; 3]) -> Result<[usize; 3]> {
        self.degrees.around("degrees", 0.0)?;
        self.translate.around("translate", 0.5)?;
        self.scale_range()?;
        self.shear_range()?;
        self.border_value.check("border_value", channels)?;
        let [height, width] = self.size([height, width])?;
        check_size([height, width])?;
        Ok([channels, height, width])
    }

    fn draws(&self) -> bool {
        true
    }
}

/// The largest size with the proportions of `from` inside `to`.
pub(crate) fn fitted(from: [usize; 2], to: [usize; 2]) -> [usize; 2] {
    let scale = |axis: usize| to[axis] as f64 / from[axis].max(1) as f64;
    let scale = scale(0).min(scale(1));
    [0, 1].map(|axis| ((from[axis] as f64 * scale) as usize).clamp(1, to[axis]))
}

/// Scales into a size, pads at the bottom and right, and makes float32 of the bytes as they are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PaddedRescale {
    input_dim: Size,
    #[serde(default = "gray")]
    pad_value: Color,
}

impl Transform for PaddedRescale {
    fn apply(&self, sample: Sample, _: &mut Draw<'_>) -> Result<Sample> {
        let size = self.input_dim.sides("input_dim")?;
        let mut sample = letterboxed(sample, size, &filled(&self.pad_value))?;
        let image = sample.image.take();
        let floats = image.map(|image| image.floats_alike(f32::from));
        sample.image = floats.map(Pixels::Floats);
        Ok(sample)
    }

    fn output(&self, [channels, ..]: [usize; 3]) -> Result<[usize; 3]> {
        self.pad_value.check("pad_value", channels)?;
        let [height, width] = self.input_dim.sides("input_dim")?;
        Ok([channels, height, width])
    }
}

/// The image scaled into `size`, in its upper left corner.
pub(super) fn letterboxed(sample: Sample, size: [usize; 2], fill: &Fill) -> Result<Sample> {
    let inner = fitted(sample.size()?, size);
    let sample = sample.moved(Move::Resize(inner, Filter::Linear), fill)?;
    sample.moved(Move::Crop([0, 0], size), fill)
}

/// An exact size, whatever the proportions were.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rescale {
    output_shape: Size,
}

impl Transform for Rescale {
    fn apply(&self, sample: Sample, _: &mut Draw<'_>) -> Result<Sample> {
        let size = self.output_shape.sides("output_shape")?;
        sample.moved(Move::Resize(size, Filter::Linear), &Fill::default())
    }

    fn output(&self, [channels, ..]: [usize; 3]) -> Result<[usize; 3]> {
        let [height, width] = self.output_shape.sides("output_shape")?;
        Ok([channels, height, width])
    }
}

/// Pads up to a size, the image in the middle.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PadToSize {
    output_size: Size,
    #[serde(default = "gray")]
    pad_value: Color,
}

impl PadToSize {
    fn room(&self, image: [usize; 2]) -> Result<[usize; 2]> {
        let size = self.output_size.sides("output_size")?;
        let room = size[0]
            .checked_sub(image[0])
            .zip(size[1].checked_sub(image[1]));
        let (height, width) = room.with_context(|| {
            format!("an image of {image:?} pixels does not fit `output_size` {size:?}\nhint: rescale first")
        })?;
        Ok([height, width])
    }
}

impl Transform for PadToSize {
    fn apply(&self, sample: Sample, _: &mut Draw<'_>) -> Result<Sample> {
        let at = self
            .room(sample.size()?)?
            .map(|room| -((room / 2) as isize));
        let size = self.output_size.sides("output_size")?;
        sample.moved(Move::Crop(at, size), &filled(&self.pad_value))
    }

    fn output(&self, [channels, height, width]: [usize; 3]) -> Result<[usize; 3]> {
        self.room([height, width])?;
        self.pad_value.check("pad_value", channels)?;
        let [height, width] = self.output_size.sides("output_size")?;
        Ok([channels, height, width])
    }
}

/// The columns of boxes in a batch. Boxes whose shorter side is not longer than `min_bbox_edge_size` end here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct TargetsFormat {
    /// The size of the image here, for those who want it checked.
    input_dim: Option<Size>,
    output_format: FormatName,
    min_bbox_edge_size: f32,
}

impl Default for TargetsFormat {
    fn default() -> Self {
        Self {
            input_dim: None,
            output_format: FormatName::LabelCxcywh,
            min_bbox_edge_size: 1.0,
        }
    }
}

/// SuperGradients' names of formats.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum FormatName {
    XyxyLabel,
    XywhLabel,
    CxcywhLabel,
    LabelXyxy,
    LabelXywh,
    LabelCxcywh,
    NormalizedXyxyLabel,
    NormalizedXywhLabel,
    NormalizedCxcywhLabel,
    LabelNormalizedXyxy,
    LabelNormalizedXywh,
    LabelNormalizedCxcywh,
}

impl FormatName {
    fn format(self) -> BoxFormat {
        use BoxNumbers::{CenterAndSize, CornerAndSize, Corners};
        use FormatName::*;
        let (numbers, is_normalized, has_label_last) = match self {
            XyxyLabel => (Corners, false, true),
            XywhLabel => (CornerAndSize, false, true),
            CxcywhLabel => (CenterAndSize, false, true),
            LabelXyxy => (Corners, false, false),
            LabelXywh => (CornerAndSize, false, false),
            LabelCxcywh => (CenterAndSize, false, false),
            NormalizedXyxyLabel => (Corners, true, true),
            NormalizedXywhLabel => (CornerAndSize, true, true),
            NormalizedCxcywhLabel => (CenterAndSize, true, true),
            LabelNormalizedXyxy => (Corners, true, false),
            LabelNormalizedXywh => (CornerAndSize, true, false),
            LabelNormalizedCxcywh => (CenterAndSize, true, false),
        };
        BoxFormat {
            numbers,
            is_normalized,
            has_label_last,
        }
    }
}

impl Transform for TargetsFormat {
    fn apply(&self, mut sample: Sample, _: &mut Draw<'_>) -> Result<Sample> {
        for boxes in sample.boxes_mut() {
            let least = self.min_bbox_edge_size;
            boxes.list.retain(|bounds| {
                let [width, height] = bounds.sides();
                width.min(height) > least
            });
            boxes.format = self.output_format.format();
        }
        Ok(sample)
    }

    fn output(&self, [channels, height, width]: [usize; 3]) -> Result<[usize; 3]> {
        if let Some(size) = self.input_dim {
            let size = size.sides("input_dim")?;
            ensure!(
                size == [height, width],
                "`input_dim` is {size:?}, the image here has {:?} pixels",
                [height, width]
            );
        }
        Ok([channels, height, width])
    }
}

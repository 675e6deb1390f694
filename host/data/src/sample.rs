//! `Sample`: one thing to learn from, with its target, as a data set reads it and transforms change it. Owns how image
//! and target move together; each transform decides where to.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};

use super::raster::{Filter, Matrix, Raster, mapped};
use super::transforms::fitted;

/// One sample: an image, or features, with a target.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// The image, if there is one.
    pub image: Option<Pixels>,
    /// The byte of an image that becomes 1.0.
    pub white: f32,
    /// Numbers, by the name of the input they are; a single input has an empty name.
    pub features: Vec<(String, Vec<f32>)>,
    /// The targets by name, in declared order; a single one has an empty name.
    pub target: Vec<(String, Target)>,
    /// The file of the sample, for messages; nothing where all samples are from one file.
    pub file: Option<PathBuf>,
}

/// The pixels of an image, `[channels, height, width]`.
#[derive(Debug, Clone, PartialEq)]
pub enum Pixels {
    /// As a file has them.
    Bytes(Raster<u8>),
    /// Scaled or normalized.
    Floats(Raster<f32>),
}

/// The thing to be learned about a sample.
#[derive(Debug, Clone, PartialEq)]
pub enum Target {
    /// The index of a class.
    Class(i64),
    /// Numbers.
    Numbers(Vec<f32>),
    /// The things in an image, and where they are.
    Boxes(Boxes),
    /// The class of each pixel.
    Mask(Mask),
    /// Points of the things in an image.
    Keypoints(Keypoints),
}

/// Boxes around the things in an image, and the form in which a batch holds them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Boxes {
    /// The boxes, in no order.
    pub list: Vec<Bounds>,
    /// The columns of a batch.
    pub format: BoxFormat,
}

/// A box around a thing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    /// The index of its class.
    pub class: i64,
    /// x and y of the upper left corner, then of the lower right one: pixels from the image's upper left corner.
    pub corners: [f32; 4],
    /// It holds many things; a detection inside is neither right nor wrong.
    pub is_crowd: bool,
}

/// The columns that a box becomes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BoxFormat {
    /// The four numbers.
    pub numbers: BoxNumbers,
    /// Each number is a fraction of the image's width or height.
    pub is_normalized: bool,
    /// The class stands behind the numbers instead of before them.
    pub has_label_last: bool,
}

/// The four numbers of a box.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum BoxNumbers {
    /// x and y of the upper left corner, then of the lower right one.
    #[default]
    Corners,
    /// x and y of the upper left corner, width, height.
    CornerAndSize,
    /// x and y of the middle, width, height.
    CenterAndSize,
}

/// The class of each pixel of an image, one channel.
#[derive(Debug, Clone, PartialEq)]
pub struct Mask {
    /// Class indices.
    pub classes: Raster<u8>,
    /// Stands where nothing is known, such as beyond the edge of the image.
    pub ignore: u8,
}

/// Points of the things in an image.
#[derive(Debug, Clone, PartialEq)]
pub struct Keypoints {
    /// For each thing its points: x and y in pixels, and 0 where the point is not known or not in the image.
    pub things: Vec<Vec<[f32; 3]>>,
    /// The point that each one is in a mirror, such as the right eye for the left one.
    pub mirrored: Vec<usize>,
}

/// A change of place that image and target make together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Move {
    /// Keeps `size` at `[top, left]`; beyond the image it is filled.
    Crop([isize; 2], [usize; 2]),
    /// Exchanges left and right.
    Mirror,
    /// Exchanges top and bottom.
    UpsideDown,
    /// Turns by 90° to the left.
    Turn,
    /// Resizes to `[height, width]`.
    Resize([usize; 2], Filter),
    /// Resizes to the first `[height, width]`, and keeps the part of the second from `[top, left]` on, which is inside.
    Part([usize; 2], [usize; 2], [usize; 2]),
    /// Moves by the map onto a canvas of `[height, width]`.
    Warp(Matrix, [usize; 2]),
}

/// The colors where there is no pixel.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Fill {
    /// By channel of the image; the first stands for those that are missing.
    pub(crate) image: Vec<f32>,
    /// The class of such pixels; the mask's `ignore` without it.
    pub(crate) mask: Option<u8>,
}

impl Fill {
    /// One brightness for all channels, and no known class.
    pub(crate) fn gray(value: f32) -> Self {
        Self {
            image: vec![value],
            mask: None,
        }
    }
}

impl Move {
    /// The map of places, and the `[height, width]` that an image of `size` gets.
    fn map(&self, size: [usize; 2]) -> (Matrix, [usize; 2]) {
        let [height, width] = size.map(|side| side as f64);
        match *self {
            Move::Crop([top, left], size) => {
                ([1.0, 0.0, -left as f64, 0.0, 1.0, -top as f64], size)
            }
            Move::Mirror => ([-1.0, 0.0, width, 0.0, 1.0, 0.0], size),
            Move::UpsideDown => ([1.0, 0.0, 0.0, 0.0, -1.0, height], size),
            Move::Turn => ([0.0, 1.0, 0.0, -1.0, 0.0, width], [size[1], size[0]]),
            Move::Resize(to, _) => {
                let [y, x] = [to[0] as f64 / height, to[1] as f64 / width];
                ([x, 0.0, 0.0, 0.0, y, 0.0], to)
            }
            Move::Part(size, to, [top, left]) => {
                let [y, x] = [size[0] as f64 / height, size[1] as f64 / width];
                ([x, 0.0, -(left as f64), 0.0, y, -(top as f64)], to)
            }
            Move::Warp(matrix, to) => (matrix, to),
        }
    }

    fn of_image<T: super::raster::PixelValue>(
        &self,
        raster: Raster<T>,
        fill: &[f32],
    ) -> Result<Raster<T>> {
        match *self {
            Move::Crop([0, 0], size) if size == raster.size() => Ok(raster),
            Move::Crop(at, size) => raster.cropped(at, size, fill),
            Move::Mirror => Ok(raster.mirrored()),
            Move::UpsideDown => Ok(raster.upside_down()),
            Move::Turn => Ok(raster.turned()),
            Move::Resize(size, filter) => raster.resized(size, filter),
            Move::Part(size, to, at) => raster.resized_part(size, at, to),
            Move::Warp(matrix, size) => raster.warped(matrix, size, Filter::Linear, fill),
        }
    }

    /// Classes are not mixed: each pixel is the nearest one.
    fn of_mask(&self, mask: Mask, fill: Option<u8>) -> Result<Mask> {
        let fill = [f32::from(fill.unwrap_or(mask.ignore))];
        let classes = match *self {
            Move::Resize(size, _) => mask.classes.resized(size, Filter::Nearest),
            Move::Part(size, to, at) => {
                let resized = mask.classes.resized(size, Filter::Nearest)?;
                resized.cropped(at.map(|place| place as isize), to, &fill)
            }
            Move::Warp(matrix, size) => mask.classes.warped(matrix, size, Filter::Nearest, &fill),
            _ => self.of_image(mask.classes, &fill),
        };
        Ok(Mask {
            classes: classes?,
            ..mask
        })
    }
}

impl Sample {
    /// An image with one target that has no name.
    pub(crate) fn of_image(image: Raster<u8>, white: f32, target: Target) -> Self {
        Self {
            image: Some(Pixels::Bytes(image)),
            white,
            features: Vec::new(),
            target: vec![(String::new(), target)],
            file: None,
        }
    }

    /// `[height, width]` of the image.
    ///
    /// # Errors
    /// When the sample has no image.
    pub(crate) fn size(&self) -> Result<[usize; 2]> {
        self.image.as_ref().map(Pixels::size).context(NO_IMAGE)
    }

    /// The sample with its image scaled into `[height, width]`, if it is to be, with its proportions.
    ///
    /// # Errors
    /// As [`moved`](Self::moved).
    pub(crate) fn scaled_into(self, size: Option<[usize; 2]>) -> Result<Self> {
        let Some(size) = size else {
            return Ok(self);
        };
        let resize = Move::Resize(fitted(self.size()?, size), Filter::Linear);
        self.moved(resize, &Fill::default())
    }

    /// Moves image and target.
    ///
    /// # Errors
    /// When the sample has no image, a mask is not as large as the image, or the new size is out of bounds.
    pub(crate) fn moved(mut self, motion: Move, fill: &Fill) -> Result<Self> {
        let image = self.image.take().context(NO_IMAGE)?;
        let size = image.size();
        let (matrix, to) = motion.map(size);
        self.image = Some(image.moved(&motion, &fill.image)?);
        for (_, target) in &mut self.target {
            match target {
                Target::Class(_) | Target::Numbers(_) => {}
                Target::Boxes(boxes) => boxes.moved(&matrix, to),
                Target::Keypoints(points) => points.moved(&matrix, to, motion == Move::Mirror),
                Target::Mask(mask) => {
                    check_mask(mask, size)?;
                    *mask = motion.of_mask(mask.clone(), fill.mask)?;
                }
            }
        }
        Ok(self)
    }

    /// Puts the image of `part` onto this one, its corner at `[top, left]`, and takes over the things in it.
    ///
    /// # Errors
    /// Images that differ in kind, or samples whose targets do.
    pub(crate) fn absorb(&mut self, part: Sample, at: [isize; 2]) -> Result<()> {
        let (Some(image), Some(other)) = (&mut self.image, &part.image) else {
            return Err(anyhow::anyhow!(NO_IMAGE));
        };
        image.paste(other, at)?;
        let size = image.size();
        self.absorb_targets(part.target, at, size)
    }

    /// Takes over the things of a part whose corner is at `[top, left]` of an image of `size`.
    ///
    /// # Errors
    /// Targets that are about the whole image.
    pub(crate) fn absorb_targets(
        &mut self,
        targets: Vec<(String, Target)>,
        at: [isize; 2],
        size: [usize; 2],
    ) -> Result<()> {
        let place = Move::Crop(at.map(|place| -place), size);
        let (matrix, to) = place.map(size);
        for ((_, mine), (_, other)) in self.target.iter_mut().zip(targets) {
            match (mine, other) {
                (Target::Boxes(mine), Target::Boxes(mut other)) => {
                    other.moved(&matrix, to);
                    mine.list.append(&mut other.list);
                }
                (Target::Keypoints(mine), Target::Keypoints(mut other)) => {
                    other.moved(&matrix, to, false);
                    mine.things.append(&mut other.things);
                }
                (Target::Mask(mine), Target::Mask(other)) => mine.classes.paste(&other.classes, at),
                (Target::Class(_) | Target::Numbers(_), _) => anyhow::bail!(WHOLE),
                _ => {}
            }
        }
        Ok(())
    }

    /// Refuses a sample whose target is about the whole image, which is no longer true of images joined into one.
    ///
    /// # Errors
    /// With the names of transforms that fit such targets.
    pub(crate) fn check_joinable(&self) -> Result<()> {
        let mut targets = self.target.iter();
        let is_whole =
            targets.any(|(_, target)| matches!(target, Target::Class(_) | Target::Numbers(_)));
        ensure!(!is_whole, WHOLE);
        Ok(())
    }

    /// The boxes among the targets.
    pub(crate) fn boxes_mut(&mut self) -> impl Iterator<Item = &mut Boxes> {
        self.target
            .iter_mut()
            .filter_map(|(_, target)| match target {
                Target::Boxes(boxes) => Some(boxes),
                _ => None,
            })
    }
}

const WHOLE: &str = "it joins several images, and the target here is about one whole image: it would be wrong for the others\n\
     hint: `collate_fn: CollateMixup` mixes images with their classes; `RandomCrop` and `RandAugmentTransform` change one image";

const NO_IMAGE: &str = "transforms need images, and this sample has none";

fn check_mask(mask: &Mask, size: [usize; 2]) -> Result<()> {
    let own = mask.classes.size();
    ensure!(
        own == size,
        "a mask of {own:?} pixels for an image of {size:?}"
    );
    Ok(())
}

impl Pixels {
    /// `[channels, height, width]`.
    pub(crate) fn shape(&self) -> [usize; 3] {
        match self {
            Pixels::Bytes(raster) => raster.shape,
            Pixels::Floats(raster) => raster.shape,
        }
    }

    pub(crate) fn size(&self) -> [usize; 2] {
        let [_, height, width] = self.shape();
        [height, width]
    }

    fn moved(self, motion: &Move, fill: &[f32]) -> Result<Self> {
        Ok(match self {
            Pixels::Bytes(raster) => Pixels::Bytes(motion.of_image(raster, fill)?),
            Pixels::Floats(raster) => Pixels::Floats(motion.of_image(raster, fill)?),
        })
    }

    fn paste(&mut self, other: &Pixels, at: [isize; 2]) -> Result<()> {
        let channels = [self.shape()[0], other.shape()[0]];
        ensure!(
            channels[0] == channels[1],
            "images of {channels:?} channels cannot be joined"
        );
        match (self, other) {
            (Pixels::Bytes(here), Pixels::Bytes(other)) => here.paste(other, at),
            (Pixels::Floats(here), Pixels::Floats(other)) => here.paste(other, at),
            _ => anyhow::bail!(
                "images of bytes and of float32 cannot be joined\n\
                 hint: join them before the transform that makes float32"
            ),
        }
        Ok(())
    }

    /// The pixels as float32, each byte of any channel put through `value`.
    pub(crate) fn floats_alike(self, value: impl Fn(u8) -> f32) -> Raster<f32> {
        match self {
            Pixels::Floats(raster) => raster,
            Pixels::Bytes(Raster { shape, values }) => {
                let table: [f32; 256] = std::array::from_fn(|byte| value(byte as u8));
                let floats = values.iter().map(|&byte| table[usize::from(byte)]);
                Raster {
                    shape,
                    values: floats.collect(),
                }
            }
        }
    }

    /// The pixels as float32, each byte put through `value` with its channel.
    pub(crate) fn floats(self, value: impl Fn(usize, u8) -> f32) -> Raster<f32> {
        match self {
            Pixels::Floats(raster) => raster,
            Pixels::Bytes(Raster { shape, values }) => {
                let tables: Vec<[f32; 256]> = (0..shape[0])
                    .map(|channel| std::array::from_fn(|byte| value(channel, byte as u8)))
                    .collect();
                let mut floats = Vec::with_capacity(values.len());
                for pixel in values.chunks_exact(shape[0].max(1)) {
                    let bytes = tables.iter().zip(pixel);
                    floats.extend(bytes.map(|(table, &byte)| table[usize::from(byte)]));
                }
                let values = floats;
                Raster { shape, values }
            }
        }
    }
}

impl Boxes {
    /// Each box becomes the hull of its moved corners, cut at the edges of the image; boxes that are outside end.
    fn moved(&mut self, matrix: &Matrix, size: [usize; 2]) {
        for bounds in &mut self.list {
            *bounds = bounds.moved(matrix, size);
        }
        self.list.retain(|bounds| bounds.area() > 0.0);
    }
}

fn hull(matrix: &Matrix, [left, top, right, bottom]: [f32; 4]) -> [f32; 4] {
    let corners = [(left, top), (right, top), (left, bottom), (right, bottom)];
    let moved = corners.map(|(x, y)| mapped(matrix, [f64::from(x), f64::from(y)]));
    let least = |axis: usize| moved.iter().fold(f64::MAX, |least, at| least.min(at[axis]));
    let most = |axis: usize| moved.iter().fold(f64::MIN, |most, at| most.max(at[axis]));
    [least(0), least(1), most(0), most(1)].map(|place| place as f32)
}

impl Bounds {
    /// The hull of the moved corners, cut at the edges of an image of `[height, width]`.
    pub(crate) fn moved(self, matrix: &Matrix, [height, width]: [usize; 2]) -> Self {
        let mut corners = hull(matrix, self.corners);
        let limits = [width, height, width, height].map(|side| side as f32);
        for (corner, limit) in corners.iter_mut().zip(limits) {
            *corner = corner.clamp(0.0, limit);
        }
        Self { corners, ..self }
    }

    /// Width and height in pixels.
    pub(crate) fn sides(&self) -> [f32; 2] {
        let [left, top, right, bottom] = self.corners;
        [right - left, bottom - top]
    }

    pub(crate) fn area(&self) -> f32 {
        let [width, height] = self.sides();
        width.max(0.0) * height.max(0.0)
    }

    /// The five columns of a batch, in the format, for an image of `[height, width]`.
    pub(crate) fn columns(&self, format: BoxFormat, [height, width]: [usize; 2]) -> [f32; 5] {
        let [left, top, right, bottom] = self.corners;
        let [w, h] = self.sides();
        let mut numbers = match format.numbers {
            BoxNumbers::Corners => [left, top, right, bottom],
            BoxNumbers::CornerAndSize => [left, top, w, h],
            BoxNumbers::CenterAndSize => [left + w / 2.0, top + h / 2.0, w, h],
        };
        if format.is_normalized {
            let sides = [width, height, width, height].map(|side| side as f32);
            numbers = std::array::from_fn(|at| numbers[at] / sides[at]);
        }
        let [a, b, c, d] = numbers;
        let class = self.class as f32;
        match format.has_label_last {
            true => [a, b, c, d, class],
            false => [class, a, b, c, d],
        }
    }
}

impl Keypoints {
    /// Moves the points; those that leave the image are not known any more.
    fn moved(&mut self, matrix: &Matrix, [height, width]: [usize; 2], is_mirror: bool) {
        for points in &mut self.things {
            for [x, y, known] in points.iter_mut() {
                let [new_x, new_y] = mapped(matrix, [f64::from(*x), f64::from(*y)]);
                [*x, *y] = [new_x as f32, new_y as f32];
                let is_inside =
                    (0.0..=width as f32).contains(x) && (0.0..=height as f32).contains(y);
                *known = if is_inside { *known } else { 0.0 };
            }
            if is_mirror && self.mirrored.len() == points.len() {
                let old = points.clone();
                let twins = self.mirrored.iter().map(|&twin| old.get(twin));
                for (point, twin) in points.iter_mut().zip(twins) {
                    *point = twin.copied().unwrap_or(*point);
                }
            }
        }
    }
}

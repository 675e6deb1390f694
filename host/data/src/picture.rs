//! `Picture`: an image file from elsewhere, made into a batch as a loader makes its own samples into one, and the way
//! back from places in that batch to places in the file. Knows no network.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use image::{ExtendedColorType, ImageEncoder as _, codecs::png::PngEncoder};

use super::collate::Collation;
use super::image_file::{self, Noted};
use super::pipeline::{Pipeline, facts};
use super::random::Random;
use super::raster::Raster;
use super::sample::{Bounds, Mask, Pixels, Sample, Target};
use super::transforms::{Draw, Normalize};
use super::{Batch, DataLoader, Dataset};

/// The longest side of a picture in pixels, and the most pixels.
const MOST_SIDE: usize = 32_768;
const MOST_PIXELS: usize = 1 << 26;

/// An image file, as it is; turned as a camera noted in it (EXIF) where the data set turns its own.
pub struct Picture {
    /// The file.
    pub path: PathBuf,
    /// Height and width in pixels.
    pub size: [usize; 2],
    /// Red, green and blue of each pixel, row by row.
    pub colors: Vec<u8>,
    /// The way back, where the data set has boxes and its transforms neither cut nor turn the image.
    pub place: Option<Place>,
}

/// The place of a whole image in the network's input: x' = scale·x + offset, and so for y.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Place {
    scale: [f32; 2],
    offset: [f32; 2],
    /// Width and height of the image.
    size: [f32; 2],
}

impl Place {
    /// A box (left, top, right, bottom) of the input, in pixels of the image and cut at its edges.
    pub fn back(&self, corners: [f32; 4]) -> [f32; 4] {
        let number = |place: usize| {
            let axis = place % 2;
            let at = (corners[place] - self.offset[axis]) / self.scale[axis];
            at.clamp(0.0, self.size[axis])
        };
        // A mirrored image exchanges left and right.
        let [x1, y1, x2, y2] = [number(0), number(1), number(2), number(3)];
        [x1.min(x2), y1.min(y2), x1.max(x2), y1.max(y2)]
    }

    /// The place of an image of `[height, width]` whose probes have become `moved`; nothing if it was cut or turned.
    fn of([height, width]: [usize; 2], moved: &[Bounds]) -> Option<Place> {
        let probe = |class| moved.iter().find(|bounds| bounds.class == class);
        let probes = [probe(0)?, probe(1)?, probe(2)?];
        let size = [width, height].map(|side| side as f32);
        let [mut scale, mut offset] = [[0.0; 2]; 2];
        for axis in 0..2 {
            let [from, to, between] = probes.map(|bounds| middle(bounds.corners, axis));
            scale[axis] = (to - from) / (size[axis] / 2.0);
            offset[axis] = from - scale[axis] * size[axis] / 4.0;
            // The third stands where the second does in a row, and where the first does in a column.
            let expected = [to, from][axis];
            let side = probes[1].sides()[axis];
            let is_off = |found: f32, expected: f32| (found - expected).abs() > 0.02 * side;
            let own = scale[axis].abs() * size[axis] / 4.0;
            if !scale[axis].is_normal() || is_off(between, expected) || is_off(side, own) {
                return None;
            }
        }
        Some(Place {
            scale,
            offset,
            size,
        })
    }
}

fn middle(corners: [f32; 4], axis: usize) -> f32 {
    (corners[axis] + corners[axis + 2]) / 2.0
}

/// A box in the middle of three quarters of an image, which tell where transforms put it. Their sides are half as long as
/// the way between two of them, which is no longer so once they are cut.
fn probes([height, width]: [usize; 2]) -> Vec<Bounds> {
    let (width, height) = (width as f32, height as f32);
    let probe = |class, [left, top]: [f32; 2]| Bounds {
        class,
        corners: [
            left * width,
            top * height,
            (left + 0.25) * width,
            (top + 0.25) * height,
        ],
        is_crowd: false,
    };
    let places = [[0.125, 0.125], [0.625, 0.625], [0.625, 0.125]];
    (0..)
        .zip(places)
        .map(|(class, at)| probe(class, at))
        .collect()
}

impl DataLoader {
    /// Refuses an image file that [`picture`](Self::picture) would not read, from its header alone.
    ///
    /// # Errors
    /// A file that is no image, or one of too many pixels; the message names it.
    pub fn check_picture(path: &Path) -> Result<()> {
        check(path)
    }

    /// An image file from elsewhere, and a batch of it alone on the CPU, float32, with the transforms and the collation of this loader.
    ///
    /// # Errors
    /// A file that is no image, or one that a transform cannot change; data that are no images; a transform that joins images.
    pub fn picture(&self, path: &Path) -> Result<(Picture, Batch)> {
        let steps = self.transforms.steps()?;
        if let Some(step) = steps.iter().find(|step| step.transform().joins()) {
            bail!(
                "`{}` joins an image with others, so there is no prediction for one alone: leave it out of `val_transforms`",
                step.name()
            );
        }
        let collation = &self.config.collate_fn;
        let pipeline = Pipeline::new(&self.transforms, collation)?.with_all_boxes();
        picture(path, &**self.dataset(), &pipeline, collation)
    }
}

/// Refuses a file that is no image, or one of too many pixels, from its header alone.
///
/// # Errors
/// With the name of the file.
fn check(path: &Path) -> Result<()> {
    let [width, height] = image_file::dimensions(path, Noted::Ignored)?;
    ensure!(
        width.max(height) <= MOST_SIDE && width * height <= MOST_PIXELS,
        "{}: an image of {width}x{height} pixels; at most {MOST_SIDE} a side and {MOST_PIXELS} in all\nhint: scale it down",
        path.display()
    );
    Ok(())
}

/// Makes a batch of the file at `path`, as a loader with this data set and pipeline does of its samples.
fn picture(
    path: &Path,
    dataset: &dyn Dataset,
    pipeline: &Pipeline,
    collation: &Collation,
) -> Result<(Picture, Batch)> {
    check(path)?;
    let own = dataset
        .sample(0)
        .context("sample 0, whose form is copied")?;
    let channels = own.image.as_ref().map(|image| image.shape()[0]);
    let Some(channels) = channels else {
        bail!("the run's data are no images, so it has no predictions for image files");
    };
    let noted = match dataset.turns_images() {
        true => Noted::Followed,
        false => Noted::Ignored,
    };
    let (shape, colors) = image_file::decoded(path, 3, noted)?;
    let size = [shape[1], shape[2]];
    let bytes = match channels {
        3 => colors.clone(),
        _ => image_file::decoded(path, channels, noted)?.1,
    };
    let sample = sample(own, path, [channels, shape[1], shape[2]], bytes);
    let sample = sample.scaled_into(dataset.scaled_into())?;
    let mut draw = Draw {
        random: Random::keyed(&[0]),
        dataset,
    };
    let mut sample = pipeline.transformed(sample, &mut draw)?;
    let place = sample.boxes_mut().next();
    let place = place.and_then(|boxes| Place::of(size, &boxes.list));
    let plain = Normalize::identity();
    let facts = facts(dataset, &plain, false);
    let collate = collation.collate();
    let batch = collate.collate(vec![sample], &facts, &mut Random::keyed(&[0]));
    let batch = batch.with_context(|| path.display().to_string())?;
    let picture = Picture {
        path: path.to_owned(),
        size,
        colors,
        place,
    };
    Ok((picture, batch))
}

/// A sample of the form of `own`, with the pixels of a file. Its boxes are probes, its other targets hold nothing.
fn sample(own: Sample, path: &Path, shape: [usize; 3], mut values: Vec<u8>) -> Sample {
    let white = own.white;
    for value in &mut values {
        *value = (f32::from(*value) * white / 255.0).round() as u8;
    }
    let size = [shape[1], shape[2]];
    let mut target = own.target;
    for (_, target) in &mut target {
        match target {
            Target::Boxes(boxes) => boxes.list = probes(size),
            Target::Mask(mask) => *mask = nothing_of(mask, size),
            Target::Keypoints(points) => points.things.clear(),
            Target::Class(_) | Target::Numbers(_) => {}
        }
    }
    Sample {
        image: Some(Pixels::Bytes(Raster { shape, values })),
        white,
        features: Vec::new(),
        target,
        file: Some(path.to_owned()),
    }
}

fn nothing_of(mask: &Mask, [height, width]: [usize; 2]) -> Mask {
    Mask {
        classes: Raster {
            shape: [1, height, width],
            values: vec![mask.ignore; height * width],
        },
        ignore: mask.ignore,
    }
}

/// A PNG file of `[height, width]` pixels, each red, green and blue.
///
/// # Errors
/// Another number of bytes.
pub fn png([height, width]: [usize; 2], colors: &[u8]) -> Result<Vec<u8>> {
    let mut file = Vec::new();
    let encoder = PngEncoder::new(&mut file);
    encoder.write_image(colors, width as u32, height as u32, ExtendedColorType::Rgb8)?;
    Ok(file)
}

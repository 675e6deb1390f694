//! Turns 8-bit images into float32 samples: resize, crop, flip, scale and normalise in one pass.
//!
//! It works on bytes, not on tensors: a crop or a flip is then a row copied elsewhere, and a loader's thread starts none of
//! libtorch's own threads. Owns no data and no randomness but what it draws from the generator it is given.

use super::random::Random;
use super::transforms::{Augmentation, Normalize, RandomCrop};
use anyhow::{Context, Result, ensure};
use image::imageops::{self, FilterType};
use image::{ImageBuffer, Luma};
use std::borrow::Cow;

/// One image: `shape` is `[channels, height, width]`, `bytes` lie in that order.
#[derive(Debug, Clone)]
pub(super) struct Image<'a> {
    pub(super) shape: [usize; 3],
    pub(super) bytes: Cow<'a, [u8]>,
}

/// The transforms of a loader, ready for images of one kind.
pub(super) struct Renderer<'a> {
    augmentation: &'a Augmentation,
    /// float32 value of each of the 256 possible bytes, by channel.
    values: Vec<[f32; 256]>,
    /// `[height, width]` of every rendered sample.
    size: [usize; 2],
}

/// The part of an image that is kept; `top` and `left` are negative inside the padding.
struct Window {
    top: isize,
    left: isize,
    mirrored: bool,
}

impl<'a> Renderer<'a> {
    /// For images shaped `shape` (`[channels, height, width]`) whose brightest byte is `white`.
    ///
    /// # Errors
    /// When a transform does not fit the shape.
    pub(super) fn new(
        augmentation: &'a Augmentation,
        shape: [usize; 3],
        white: f32,
        own: &Normalize,
    ) -> Result<Self> {
        let normalize = augmentation.normalize.as_ref().unwrap_or(own);
        let table = |channel| {
            let (mean, std) = normalize.channel(channel)?;
            // The order of operations of torchvision's ToTensor and Normalize, so that values agree to the last bit.
            anyhow::Ok(std::array::from_fn(|byte| (byte as f32 / white - mean) / std))
        };
        let values = (0..shape[0]).map(table).collect::<Result<_>>()?;
        Ok(Self { augmentation, values, size: augmentation.cropped([shape[1], shape[2]])? })
    }

    /// The number of values in a rendered sample.
    pub(super) fn len(&self) -> usize {
        self.values.len() * self.size[0] * self.size[1]
    }

    /// The shape of a rendered batch: `[count, channels, height, width]`.
    pub(super) fn batch_shape(&self, count: usize) -> [i64; 4] {
        [count, self.values.len(), self.size[0], self.size[1]].map(|length| length as i64)
    }

    /// Renders one image into `out`, which has `len` values.
    ///
    /// # Errors
    /// When this image ends up with another size than the rest of the batch.
    pub(super) fn render(&self, image: Image<'_>, mut random: Random, out: &mut [f32]) -> Result<()> {
        let size = [image.shape[1], image.shape[2]];
        let cropped = self.augmentation.cropped(size)?;
        ensure!(
            cropped == self.size && image.shape[0] == self.values.len(),
            "an image of {size:?} pixels becomes {cropped:?}, others of the batch are {:?}\n\
             hint: give `resize: [height, width]`, or a crop, so that all samples have one size",
            self.size
        );
        let image = resize(image, self.augmentation.resized(size)?)?;
        let window = self.window([image.shape[1], image.shape[2]], &mut random);
        let area = self.size[0] * self.size[1];
        let planes = image.bytes.chunks_exact(image.shape[1] * image.shape[2]);
        for ((plane, values), out) in planes.zip(&self.values).zip(out.chunks_exact_mut(area)) {
            window.copy(plane, image.shape[2], values, out, self.size[1]);
        }
        Ok(())
    }

    /// Where to cut an image of `size`. Draws the crop's row, its column, then the flip.
    fn window(&self, size: [usize; 2], random: &mut Random) -> Window {
        let room = |axis: usize, padding: usize| size[axis] + 2 * padding - self.size[axis];
        let [top, left] = match self.augmentation.random_crop {
            Some(RandomCrop { padding, .. }) => [0, 1].map(|axis| {
                let place = random.below(room(axis, padding) as u64 + 1);
                place as isize - padding as isize
            }),
            None => [0, 1].map(|axis| (room(axis, 0) / 2) as isize),
        };
        let probability = self.augmentation.horizontal_flip;
        Window { top, left, mirrored: probability > 0.0 && random.unit() < probability }
    }
}

impl Window {
    /// Copies the window of one channel, `width` bytes a row, into rows of `out_width` values; black where there is no pixel.
    fn copy(&self, plane: &[u8], width: usize, values: &[f32; 256], out: &mut [f32], out_width: usize) {
        let rows = (plane.len() / width.max(1)) as isize;
        let skip = self.left.min(0).unsigned_abs().min(out_width);
        let first = self.left.max(0) as usize;
        for (row, out) in (self.top..).zip(out.chunks_exact_mut(out_width)) {
            out.fill(values[0]);
            if (0..rows).contains(&row) {
                let source = &plane[row as usize * width..][..width];
                let pixels = source.iter().skip(first);
                out[skip..].iter_mut().zip(pixels).for_each(|(out, &byte)| *out = values[byte as usize]);
            }
            if self.mirrored {
                out.reverse();
            }
        }
    }
}

/// Resizes each channel with a triangle filter, which is what torchvision and Pillow call antialiased bilinear.
fn resize<'a>(image: Image<'a>, size: [usize; 2]) -> Result<Image<'a>> {
    let [channels, height, width] = image.shape;
    if [height, width] == size {
        return Ok(image);
    }
    let mut bytes = Vec::with_capacity(channels * size[0] * size[1]);
    for plane in image.bytes.chunks_exact(height * width) {
        let plane: ImageBuffer<Luma<u8>, &[u8]> =
            ImageBuffer::from_raw(width as u32, height as u32, plane).context("an image lacks pixels")?;
        let resized = imageops::resize(&plane, size[1] as u32, size[0] as u32, FilterType::Triangle);
        bytes.extend_from_slice(&resized);
    }
    Ok(Image { shape: [channels, size[0], size[1]], bytes: bytes.into() })
}

//! Turns 8-bit images into samples: resize, crop and flip, and for float32 samples scale and normalize, in one pass.
//!
//! Works on bytes, not on tensors: a crop or a flip is then a row copied elsewhere, and a loader's thread starts none of
//! libtorch's own threads. Owns neither data nor a generator of random numbers.

use std::borrow::Cow;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use image::imageops::FilterType;
use tch::Tensor;
use tch::kind::Element;

use super::random::Random;
use super::raster::{Raster, resize_bytes};
use super::sample::{Sample, Target};
use super::transforms::{Augmentation, Normalize, RandomCrop};
use super::{Batch, Epoch};

/// The most bytes of a batch of images: with what libtorch copies of it, as much as a machine for training has.
const MOST_BATCH_BYTES: usize = 16 << 30;

/// One image. `shape` is `[channels, height, width]`, with 1 or 3 channels; `bytes` lie row by row, a pixel's channels
/// together, as image files and resizers have them.
#[derive(Debug, Clone)]
pub(super) struct Image<'a> {
    pub(super) shape: [usize; 3],
    pub(super) bytes: Cow<'a, [u8]>,
    /// Index of its class.
    pub(super) label: i64,
    /// The file of the image, for messages; nothing where all images are from one file.
    pub(super) path: Option<&'a Path>,
}

impl Image<'_> {
    /// The image as a sample of its own.
    pub(super) fn sample(self, white: f32) -> Sample {
        let raster = Raster {
            shape: self.shape,
            values: self.bytes.into_owned(),
        };
        Sample {
            file: self.path.map(Path::to_path_buf),
            ..Sample::of_image(raster, white, Target::Class(self.label))
        }
    }

    /// The image's file, or its index if it has none of its own.
    fn place(&self, index: usize) -> String {
        match self.path {
            Some(path) => path.display().to_string(),
            None => format!("sample {index}"),
        }
    }
}

/// The transforms of a loader, ready for images of one kind; samples are made of `T`.
pub(super) struct Renderer<'a, T> {
    augmentation: &'a Augmentation,
    /// The value of each of the 256 possible bytes, by channel.
    values: Vec<[T; 256]>,
    /// `[height, width]` of every rendered sample.
    size: [usize; 2],
}

/// One channel of an image, to be read row by row.
struct Plane<'a> {
    bytes: &'a [u8],
    width: usize,
    channel: usize,
    channels: usize,
}

/// The part of an image that is kept; `top` and `left` are negative inside the padding.
struct Window {
    top: isize,
    left: isize,
    mirrored: bool,
}

impl<'a> Renderer<'a, f32> {
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
        let channels = 0..shape[0];
        let values = channels
            .map(|channel| normalized_bytes(normalize, channel, white))
            .collect::<Result<_>>()?;
        Ok(Self {
            augmentation,
            values,
            size: augmentation.cropped([shape[1], shape[2]])?,
        })
    }
}

/// The value of each byte in one channel of images whose brightest byte is `white`.
fn normalized_bytes(normalize: &Normalize, channel: usize, white: f32) -> Result<[f32; 256]> {
    let (mean, std) = normalize.channel(channel)?;
    // The order of operations of torchvision's ToTensor and Normalize, so that values agree to the last bit.
    Ok(std::array::from_fn(|byte| {
        (byte as f32 / white - mean) / std
    }))
}

impl<'a> Renderer<'a, u8> {
    /// For images shaped `shape` whose bytes stay as they are; the receiver normalizes.
    ///
    /// # Errors
    /// When a transform does not fit the shape.
    pub(super) fn of_bytes(augmentation: &'a Augmentation, shape: [usize; 3]) -> Result<Self> {
        let values = vec![std::array::from_fn(|byte| byte as u8); shape[0]];
        Ok(Self {
            augmentation,
            values,
            size: augmentation.cropped([shape[1], shape[2]])?,
        })
    }
}

impl<T: Element + Copy + Default> Renderer<'_, T> {
    /// Renders the samples that `image` gives for `indices`: `[N, channels, height, width]` and their classes.
    ///
    /// # Errors
    /// A stopped epoch; an image that cannot be read, or whose size ends up different from that of the data set's first image.
    pub(super) fn batch<'i>(
        &self,
        indices: &[usize],
        epoch: &Epoch,
        image: impl Fn(usize) -> Result<Image<'i>>,
    ) -> Result<Batch> {
        let [channels, height, width] = [self.values.len(), self.size[0], self.size[1]];
        let length = channels * height * width;
        let (mut values, mut labels) = (Vec::new(), Vec::new());
        for (sample, &index) in indices.iter().enumerate() {
            epoch.go_on()?;
            let image = image(index)?;
            self.check_size(&image)
                .with_context(|| image.place(index))?;
            if values.is_empty() {
                // Not before an image has this size: the header of a small file may tell any.
                values = self.room(indices.len())?;
            }
            labels.push(image.label);
            let out = &mut values[sample * length..][..length];
            self.render(&image, Random::keyed(&[epoch.seed, index as u64]), out)
                .with_context(|| image.place(index))?;
        }
        let shape = [indices.len(), channels, height, width].map(|length| length as i64);
        let inputs = Tensor::f_from_slice(&values)?.f_view(shape)?;
        let target = Tensor::f_from_slice(&labels)?;
        Ok(Batch::new(indices.len(), inputs, target))
    }

    /// The values of so many samples, which are not there yet.
    ///
    /// # Errors
    /// More bytes than a batch may have.
    fn room(&self, samples: usize) -> Result<Vec<T>> {
        let [height, width] = self.size;
        let values = samples * self.values.len() * height * width;
        let bytes = values.saturating_mul(size_of::<T>());
        ensure!(
            bytes <= MOST_BATCH_BYTES,
            "a batch of {samples} images of {height}x{width} pixels has {bytes} bytes, and {MOST_BATCH_BYTES} at most are \
             taken\nhint: lower `batch_size`, or give `resize: [height, width]`"
        );
        Ok(vec![T::default(); values])
    }

    fn check_size(&self, image: &Image<'_>) -> Result<()> {
        let size = [image.shape[1], image.shape[2]];
        let cropped = self.augmentation.cropped(size)?;
        ensure!(
            cropped == self.size && image.shape[0] == self.values.len(),
            "an image of {size:?} pixels becomes {cropped:?}, others of the batch are {:?}\n\
             hint: give `resize: [height, width]`, or a crop, so that all samples have one size",
            self.size
        );
        Ok(())
    }

    /// Renders one image, whose size was checked, into `out`, which is a sample long.
    fn render(&self, image: &Image<'_>, mut random: Random, out: &mut [T]) -> Result<()> {
        let size = self
            .augmentation
            .resized([image.shape[1], image.shape[2]])?;
        let bytes = resize(image, size)?;
        let window = self.window(size, &mut random);
        let planes = out.chunks_exact_mut(self.size[0] * self.size[1]);
        for (channel, (values, out)) in self.values.iter().zip(planes).enumerate() {
            let plane = Plane {
                bytes: &bytes,
                width: size[1],
                channel,
                channels: self.values.len(),
            };
            window.copy(&plane, values, out.chunks_exact_mut(self.size[1]));
        }
        Ok(())
    }

    /// The window to cut from an image of `size`. Draws the crop's row, its column, then the flip.
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
        Window {
            top,
            left,
            mirrored: probability > 0.0 && random.unit() < probability,
        }
    }
}

impl<'a> Plane<'a> {
    /// The channel's bytes of a row from pixel `first` on, or nothing above and below the image.
    fn row(&self, row: isize, first: usize) -> Option<impl Iterator<Item = &'a u8> + use<'a>> {
        let length = self.width * self.channels;
        let start = usize::try_from(row).ok()? * length;
        let bytes = self
            .bytes
            .get(start..start + length)?
            .get(first * self.channels + self.channel..)?;
        Some(bytes.iter().step_by(self.channels))
    }
}

impl Window {
    /// Copies the window of one channel into `rows` of values; black where there is no pixel.
    fn copy<'o, T: Copy + 'o>(
        &self,
        plane: &Plane<'_>,
        values: &[T; 256],
        rows: impl Iterator<Item = &'o mut [T]>,
    ) {
        let first = self.left.max(0).unsigned_abs();
        for (row, out) in (self.top..).zip(rows) {
            let padding = self.left.min(0).unsigned_abs().min(out.len());
            out.fill(values[0]);
            if let Some(bytes) = plane.row(row, first) {
                out[padding..]
                    .iter_mut()
                    .zip(bytes)
                    .for_each(|(out, &byte)| *out = values[usize::from(byte)]);
            }
            if self.mirrored {
                out.reverse();
            }
        }
    }
}

/// Resizes with a triangle filter, which is what torchvision and Pillow call antialiased bilinear.
fn resize<'a>(image: &'a Image<'_>, size: [usize; 2]) -> Result<Cow<'a, [u8]>> {
    let [channels, height, width] = image.shape;
    if [height, width] == size {
        return Ok(Cow::Borrowed(&image.bytes));
    }
    let filter = FilterType::Triangle;
    let bytes = resize_bytes(channels, &image.bytes, [height, width], size, filter)?;
    Ok(bytes.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bytes of the images are not there: a batch of them is refused before it is made.
    #[test]
    fn a_batch_that_no_memory_holds_is_refused() {
        let shape = [3, 8192, 8192];
        let keys = Augmentation::default();
        let image = |_| {
            Ok(Image {
                shape,
                bytes: Cow::Borrowed(&[]),
                label: 0,
                path: None,
            })
        };
        let renderer = Renderer::of_bytes(&keys, shape).expect("it fits");
        let refused = renderer.batch(&[0; 100], &Epoch::from(0), image);
        let message = refused.expect_err("it has 19 GiB").to_string();
        assert!(message.contains("lower `batch_size`"), "{message}");
    }
}

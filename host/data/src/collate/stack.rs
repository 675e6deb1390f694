//! `default`: samples of one shape, stacked. Knows images, features, classes, numbers and masks.

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use tch::Tensor;
use torch_ext::Items;

use super::{Collate, Facts};
use crate::Batch;
use crate::random::Random;
use crate::raster::Raster;
use crate::sample::{Pixels, Sample, Target};

/// Samples of one shape, stacked. Classes int64 `[N]`, numbers float32 `[N, k]`, masks int64 `[N, height, width]`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Stack {}

impl Collate for Stack {
    fn collate(&self, samples: Vec<Sample>, facts: &Facts<'_>, _: &mut Random) -> Result<Batch> {
        let target = targets(&samples, stacked_target)?;
        batch(samples, target, facts)
    }
}

/// The batch of samples whose targets are tensors already.
pub(super) fn batch(samples: Vec<Sample>, target: Items, facts: &Facts<'_>) -> Result<Batch> {
    let size = samples.len();
    let white = samples.first().map_or(1.0, |sample| sample.white);
    let keeps_bytes = facts.keeps_bytes && samples.iter().all(has_bytes);
    let mut byte_scale = None;
    let inputs = if samples.iter().all(|sample| sample.image.is_none()) {
        features(&samples)?
    } else if keeps_bytes {
        let images = images(samples, |image, _| match image {
            Pixels::Bytes(raster) => Ok(raster),
            Pixels::Floats(_) => bail!("images of bytes and of float32 in one batch"),
        })?;
        byte_scale = Some(facts.normalize.of_bytes(images.shape[1], white)?);
        stacked(&images)?.into()
    } else {
        stacked(&images(samples, |image, white| {
            floats(image, white, facts)
        })?)?
        .into()
    };
    Ok(Batch {
        size,
        inputs,
        byte_scale,
        target,
        additional_items: Items::NONE,
    })
}

fn has_bytes(sample: &Sample) -> bool {
    matches!(sample.image, Some(Pixels::Bytes(_)))
}

/// float32 as they are, bytes with the statistics of the data set.
fn floats(image: Pixels, white: f32, facts: &Facts<'_>) -> Result<Raster<f32>> {
    let channels = 0..image.shape()[0];
    let statistics = channels.map(|channel| facts.normalize.channel(channel));
    let statistics = statistics.collect::<Result<Vec<_>>>()?;
    Ok(image.floats(|channel, byte| {
        let (mean, std) = statistics[channel];
        (f32::from(byte) / white - mean) / std
    }))
}

/// The values of all images, `[N, channels, height, width]`.
struct Images<T> {
    shape: [usize; 4],
    values: Vec<T>,
}

fn images<T: Copy + Default>(
    samples: Vec<Sample>,
    raster: impl Fn(Pixels, f32) -> Result<Raster<T>>,
) -> Result<Images<T>> {
    let count = samples.len();
    let mut joined: Option<Images<T>> = None;
    for (number, sample) in samples.into_iter().enumerate() {
        let image = sample
            .image
            .context("a sample without an image among images")?;
        let raster = raster(image, sample.white)?;
        let [channels, height, width] = raster.shape;
        let shape = [count, channels, height, width];
        let length = channels * height * width;
        let joined = joined.get_or_insert_with(|| Images {
            shape,
            values: vec![T::default(); count * length],
        });
        ensure!(
            joined.shape == shape,
            "images of {:?} and of {:?} in one batch\n\
             hint: end the transforms with one that gives all images one size",
            &joined.shape[1..],
            &shape[1..]
        );
        planes(&raster, &mut joined.values[number * length..][..length]);
    }
    joined.context("a batch without a sample")
}

/// Writes the channels one after the other.
fn planes<T: Copy>(raster: &Raster<T>, out: &mut [T]) {
    let [channels, height, width] = raster.shape;
    if channels == 3 {
        return three_planes(raster.values.as_chunks().0, out);
    }
    for (channel, plane) in out.chunks_exact_mut((height * width).max(1)).enumerate() {
        let values = raster.values.iter().skip(channel).step_by(channels.max(1));
        plane
            .iter_mut()
            .zip(values)
            .for_each(|(out, value)| *out = *value);
    }
}

fn three_planes<T: Copy>(pixels: &[[T; 3]], out: &mut [T]) {
    let (first, rest) = out.split_at_mut(pixels.len());
    let (second, third) = rest.split_at_mut(pixels.len());
    let planes = first.iter_mut().zip(second).zip(third);
    for (pixel, ((first, second), third)) in pixels.iter().zip(planes) {
        [*first, *second, *third] = *pixel;
    }
}

fn stacked<T: tch::kind::Element>(images: &Images<T>) -> Result<Tensor> {
    let shape = images.shape.map(|side| side as i64);
    Ok(Tensor::f_from_slice(&images.values)?.f_view(shape)?)
}

/// float32 `[N, k]` for each input.
fn features(samples: &[Sample]) -> Result<Items> {
    let first = samples.first().context("a batch without a sample")?;
    let mut inputs = Vec::with_capacity(first.features.len());
    for (place, (name, values)) in first.features.iter().enumerate() {
        let mut joined = Vec::with_capacity(values.len() * samples.len());
        for sample in samples {
            let row = sample
                .features
                .get(place)
                .map(|(_, values)| values.as_slice());
            joined.extend_from_slice(row.unwrap_or_default());
        }
        inputs.push((name.as_str(), rows(&joined, samples.len(), values.len())?));
    }
    items(inputs)
}

fn rows(values: &[f32], count: usize, width: usize) -> Result<Tensor> {
    ensure!(
        values.len() == count * width,
        "samples of one batch have different numbers of values"
    );
    Ok(Tensor::f_from_slice(values)?.f_view([count as i64, width as i64])?)
}

/// Tensors by name; a single one without a name stands alone.
fn items(mut named: Vec<(&str, Tensor)>) -> Result<Items> {
    match named.as_slice() {
        [("", _)] => Ok(named.remove(0).1.into()),
        _ => Ok(Items::named(named)?),
    }
}

/// The targets of each name, put through `tensor`.
pub(super) fn targets(
    samples: &[Sample],
    tensor: impl Fn(&[&Target]) -> Result<Tensor>,
) -> Result<Items> {
    let first = samples.first().context("a batch without a sample")?;
    let mut named = Vec::with_capacity(first.target.len());
    for (place, (name, _)) in first.target.iter().enumerate() {
        let of_name = samples.iter().map(|sample| sample.target.get(place));
        let of_name = of_name.map(|target| target.map(|(_, target)| target));
        let of_name: Option<Vec<&Target>> = of_name.collect();
        let of_name = of_name.context("samples of one batch have different targets")?;
        named.push((name.as_str(), tensor(&of_name)?));
    }
    items(named)
}

/// One target of each sample, stacked.
pub(super) fn stacked_target(targets: &[&Target]) -> Result<Tensor> {
    let first = *targets.first().context("a batch without a sample")?;
    match first {
        Target::Class(_) => Ok(Tensor::f_from_slice(&all(targets, class)?)?),
        Target::Numbers(numbers) => {
            let rows_of = all(targets, numbers_of)?.concat();
            rows(&rows_of, targets.len(), numbers.len())
        }
        Target::Mask(_) => masks(targets),
        Target::Boxes(_) | Target::Keypoints(_) => bail!(
            "samples have different numbers of boxes or points, which cannot be stacked\n\
             hint: set `collate_fn: DetectionCollateFN` in the loader's parameters"
        ),
    }
}

fn all<'a, T>(targets: &[&'a Target], of: fn(&'a Target) -> Option<T>) -> Result<Vec<T>> {
    let values: Option<Vec<T>> = targets.iter().map(|target| of(target)).collect();
    values.context("samples of one batch have targets of different kinds")
}

fn class(target: &Target) -> Option<i64> {
    match target {
        Target::Class(class) => Some(*class),
        _ => None,
    }
}

fn numbers_of(target: &Target) -> Option<Vec<f32>> {
    match target {
        Target::Numbers(numbers) => Some(numbers.clone()),
        _ => None,
    }
}

fn mask(target: &Target) -> Option<&Raster<u8>> {
    match target {
        Target::Mask(mask) => Some(&mask.classes),
        _ => None,
    }
}

/// int64 `[N, height, width]`.
fn masks(targets: &[&Target]) -> Result<Tensor> {
    let masks = all(targets, mask)?;
    let size = masks.first().map_or([0, 0], |mask| mask.size());
    ensure!(
        masks.iter().all(|mask| mask.size() == size),
        "masks of different sizes in one batch\n\
         hint: end the transforms with one that gives all images one size"
    );
    let values = masks.iter().flat_map(|mask| &mask.values);
    let values: Vec<i64> = values.map(|&class| i64::from(class)).collect();
    let shape = [masks.len(), size[0], size[1]].map(|side| side as i64);
    Ok(Tensor::f_from_slice(&values)?.f_view(shape)?)
}

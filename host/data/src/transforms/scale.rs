//! The scale on which a network sees pixels, found by a trial of one small image. Changes no sample of a data set.

use anyhow::Result;

use super::values::ConvertToTensor;
use super::{Draw, Transform, TransformConfig, Transforms};
use crate::random::Random;
use crate::raster::Raster;
use crate::sample::{Pixels, Sample, Target};
use crate::{DataLoader, Dataset};

/// The scale of the pixels behind a list of transforms.
pub struct Scale {
    /// The last transform that decides it; without one it is the data set's.
    pub last: Option<&'static str>,
    /// Says where the scale is from.
    pub source: String,
    /// The numbers that the pixels of the trial become.
    values: Vec<f32>,
}

/// Transforms that decide the scale of every image.
const DECIDING: [&str; 10] = [
    "ToTensor",
    "Normalize",
    "Standardize",
    "DetectionStandardize",
    "DetectionNormalize",
    PADDED,
    "DetectionRGB2BGR",
    "SegStandardize",
    "SegNormalize",
    "SegConvertToTensor",
];

/// Pads too, which a trial of two pixels is not for.
const PADDED: &str = "DetectionPaddedRescale";

/// Scales that differ by less of their range are one.
const TOLERANCE: f32 = 1e-4;

impl Scale {
    /// True if the pixels of both become the same numbers, but for rounding.
    pub fn is_as(&self, other: &Scale) -> bool {
        self.is_of(&other.values)
    }

    /// The numbers that the pixels of the trial become.
    pub(crate) fn values(&self) -> &[f32] {
        &self.values
    }

    /// True if the pixels become these numbers, but for rounding.
    pub(crate) fn is_of(&self, values: &[f32]) -> bool {
        let largest = self.values.iter().chain(values);
        let largest = largest.fold(0.0, |most: f32, value| most.max(value.abs()));
        let mut pairs = self.values.iter().zip(values);
        pairs.all(|(one, other)| (one - other).abs() <= TOLERANCE * largest)
    }
}

impl DataLoader {
    /// The scale of the pixels in a batch; none for samples that are no images.
    ///
    /// # Errors
    /// As [`input_shapes`](Self::input_shapes), and a first sample that cannot be read.
    pub fn scale(&self) -> Result<Option<Scale>> {
        self.transforms.scale(&**self.dataset())
    }
}

impl Transforms {
    /// The scale of a data set's pixels behind the transforms; none for samples that are no images.
    ///
    /// # Errors
    /// Transforms that do not fit the data set, or a first sample that cannot be read.
    pub(crate) fn scale(&self, dataset: &dyn Dataset) -> Result<Option<Scale>> {
        let &[channels, ..] = dataset.input_shape().as_slice() else {
            return Ok(None);
        };
        let first = dataset.sample(0)?;
        if first.image.is_none() {
            return Ok(None);
        }
        let image = trial_image(channels as usize);
        let mut sample = Sample::of_image(image, first.white, Target::Class(0));
        let mut last = None;
        for step in self.steps()?.into_iter().filter(decides) {
            let mut draw = Draw {
                random: Random::keyed(&[0]),
                dataset,
            };
            let transform: &dyn Transform = match step.name() {
                PADDED => &ConvertToTensor::default(),
                _ => step.transform(),
            };
            sample = transform.apply(sample, &mut draw)?;
            last = Some(step.name());
        }
        Ok(Some(Scale {
            source: source(last, &sample, dataset),
            values: values(sample, dataset)?,
            last,
        }))
    }
}

/// True for a transform that decides the scale; by chance it is an augmentation.
fn decides(step: &TransformConfig) -> bool {
    let prob = super::idle::parameters(step)["prob"].as_f64();
    DECIDING.contains(&step.name()) && prob.unwrap_or(1.0) >= 1.0
}

/// Two pixels, whose channels differ: they tell factor, offset and order apart.
fn trial_image(channels: usize) -> Raster<u8> {
    let dark = (0..channels).map(|channel| (17 * channel % 100) as u8);
    let bright = (0..channels).map(|channel| 255 - (17 * channel % 100) as u8);
    Raster {
        shape: [channels, 1, 2],
        values: dark.chain(bright).collect(),
    }
}

/// The numbers that a batch has: bytes are given the statistics of the data set.
fn values(sample: Sample, dataset: &dyn Dataset) -> Result<Vec<f32>> {
    let white = sample.white;
    Ok(match sample.image {
        Some(Pixels::Bytes(raster)) => {
            let plain = super::Normalize::identity();
            let statistics = dataset.normalize().unwrap_or(&plain);
            let channels = raster.shape[0];
            let numbers = raster.values.iter().enumerate();
            let numbers = numbers.map(|(place, &byte)| {
                let (mean, std) = statistics.channel(place % channels.max(1))?;
                Ok((f32::from(byte) / white - mean) / std)
            });
            numbers.collect::<Result<_>>()?
        }
        Some(Pixels::Floats(raster)) => raster.values,
        None => Vec::new(),
    })
}

fn source(last: Option<&str>, sample: &Sample, dataset: &dyn Dataset) -> String {
    let is_bytes = matches!(sample.image, Some(Pixels::Bytes(_)));
    let own = match dataset.normalize() {
        Some(_) => "the data set's mean and deviation",
        None => "the data set's range from 0 to 1",
    };
    match last {
        Some(name) if is_bytes => format!("`{name}` and {own}"),
        Some(name) => format!("`{name}`"),
        None => own.to_owned(),
    }
}

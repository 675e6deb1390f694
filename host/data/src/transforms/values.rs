//! Transforms that make float32 of bytes, and normalize. Moves nothing.

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

use super::{Draw, Normalize, Step, Transform};
use crate::raster::Raster;
use crate::sample::{Pixels, Sample};

/// torchvision's `ToTensor`: bytes become numbers in `[0, 1]`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ToTensor {}

impl Transform for ToTensor {
    fn apply(&self, sample: Sample, _: &mut Draw<'_>) -> Result<Sample> {
        let white = sample.white;
        Ok(with_floats(sample, |byte| f32::from(byte) / white))
    }

    fn step(&self) -> Option<Step> {
        Some(Step::Scale)
    }
}

/// The sample with float32 pixels: bytes put through `value`, float32 as it is.
fn with_floats(mut sample: Sample, value: impl Fn(u8) -> f32) -> Sample {
    let image = sample.image.take();
    let floats = image.map(|image| image.floats_alike(&value));
    sample.image = floats.map(Pixels::Floats);
    sample
}

/// The sample with each float32 pixel value put through `change`, which also gets the channel.
fn with_changed(mut sample: Sample, change: impl Fn(usize, f32) -> f32) -> Sample {
    if let Some(Pixels::Floats(Raster { shape, values })) = &mut sample.image {
        let channels = (0..shape[0]).cycle();
        for (value, channel) in values.iter_mut().zip(channels) {
            *value = change(channel, *value);
        }
    }
    sample
}

/// torchvision's `Normalize`: `(value − mean) / std`. Bytes are scaled to `[0, 1]` first, as `ToTensor` does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct NormalizeScaled(Normalize);

impl Transform for NormalizeScaled {
    fn apply(&self, sample: Sample, draw: &mut Draw<'_>) -> Result<Sample> {
        normalized(ToTensor {}.apply(sample, draw)?, &self.0)
    }

    fn output(&self, shape: [usize; 3]) -> Result<[usize; 3]> {
        self.0.check(shape[0]).map(|()| shape)
    }

    fn step(&self) -> Option<Step> {
        Some(Step::Normalize(self.0.clone()))
    }
}

/// `(value − mean) / std` of the values as they are: SuperGradients' `DetectionNormalize` and `SegNormalize`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct NormalizeValues(Normalize);

impl Transform for NormalizeValues {
    fn apply(&self, sample: Sample, _: &mut Draw<'_>) -> Result<Sample> {
        normalized(with_floats(sample, f32::from), &self.0)
    }

    fn output(&self, shape: [usize; 3]) -> Result<[usize; 3]> {
        self.0.check(shape[0]).map(|()| shape)
    }
}

fn normalized(sample: Sample, normalize: &Normalize) -> Result<Sample> {
    let channels = sample.image.as_ref().map_or(0, |image| image.shape()[0]);
    let statistics = (0..channels)
        .map(|channel| normalize.channel(channel))
        .collect::<Result<Vec<_>>>()?;
    Ok(with_changed(sample, |channel, value| {
        let (mean, std) = statistics[channel];
        (value - mean) / std
    }))
}

/// Divides by the largest value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Standardize {
    max_value: f32,
}

impl Default for Standardize {
    fn default() -> Self {
        Self { max_value: 255.0 }
    }
}

impl Transform for Standardize {
    fn apply(&self, sample: Sample, _: &mut Draw<'_>) -> Result<Sample> {
        let sample = with_floats(sample, f32::from);
        Ok(with_changed(sample, |_, value| value / self.max_value))
    }

    fn output(&self, shape: [usize; 3]) -> Result<[usize; 3]> {
        let max_value = self.max_value;
        ensure!(
            max_value > 0.0 && max_value.is_finite(),
            "`max_value` must be positive, it is {max_value}"
        );
        Ok(shape)
    }
}

/// SuperGradients' end of a list for masks: pixels become float32 as they are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ConvertToTensor {
    /// Masks are int64 in every batch.
    mask_output_dtype: MaskDtype,
}

/// The dtype of masks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum MaskDtype {
    #[default]
    Long,
    Int64,
}

impl Default for ConvertToTensor {
    fn default() -> Self {
        Self {
            mask_output_dtype: MaskDtype::Long,
        }
    }
}

impl Transform for ConvertToTensor {
    fn apply(&self, sample: Sample, _: &mut Draw<'_>) -> Result<Sample> {
        Ok(with_floats(sample, f32::from))
    }
}

//! `Images`: a data set of small images held in memory as bytes. Knows no file format; each format is a module beside it.

use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use phasebox_contract::digest::Digest;

use super::augment::{Image, Renderer};
use super::data_file::DAMAGED;
use super::fingerprint::Fingerprint;
use super::hold_out::{Division, hold_out};
use super::transforms::{Augmentation, Normalize};
use super::{Batch, Dataset, Epoch, OnePass, Sample, Splits};

/// Images of one size with a class each. A byte a pixel in memory: a quarter of what float32 would take.
#[derive(Debug, Clone)]
pub struct Images {
    pub(super) description: String,
    /// `[channels, height, width]`.
    pub(super) shape: [usize; 3],
    /// `labels.len()` images, one after the other: each row by row, a pixel's channels together.
    pub(super) pixels: Vec<u8>,
    /// Class indices, below `classes.len()`.
    pub(super) labels: Vec<i64>,
    pub(super) classes: Vec<String>,
    /// The byte that becomes 1.0.
    pub(super) white: f32,
    /// Used when the recipe names no `normalize`.
    pub(super) normalize: Normalize,
}

impl Images {
    /// Checks the invariants that the rest of this module relies on.
    ///
    /// # Errors
    /// No images, pixels and labels that differ in number, or a label out of range.
    pub(super) fn checked(self) -> Result<Self> {
        let (pixels, count, classes) = (self.pixels.len(), self.labels.len(), self.classes.len());
        let size: usize = self.shape.iter().product();
        let what = &self.description;
        ensure!(
            count > 0 && size > 0,
            "{what}: it holds no images\n{DAMAGED}"
        );
        ensure!(
            pixels == count * size,
            "{what}: {count} labels for {pixels} bytes of pixels, {size} an image\n{DAMAGED}"
        );
        let wrong = self
            .labels
            .iter()
            .position(|&label| label < 0 || label as usize >= classes);
        match wrong {
            Some(at) => {
                bail!(
                    "{what}: label {} of sample {at} is not in 0..{classes}\n{DAMAGED}",
                    self.labels[at]
                )
            }
            None => Ok(self),
        }
    }

    /// Holds out `fraction` of the images, each class in proportion. Returns the images that are left, and those that
    /// were held out if any were.
    ///
    /// # Errors
    /// When the fraction is not in `[0, 1)` or leaves nothing.
    pub(super) fn hold_out(self, fraction: f64, seed: u64) -> Result<(Self, Option<Self>)> {
        let Division { kept, held_out } =
            hold_out(&self.labels, self.classes.len(), fraction, seed)?;
        if held_out.is_empty() {
            return Ok((self, None));
        }
        Ok((self.select(&kept), Some(self.select(&held_out))))
    }

    fn select(&self, indices: &[usize]) -> Self {
        let size: usize = self.shape.iter().product();
        let pixels = indices
            .iter()
            .flat_map(|&index| &self.pixels[index * size..][..size])
            .copied()
            .collect();
        let labels = indices.iter().map(|&index| self.labels[index]).collect();
        let description = format!(
            "{} ({} of {})",
            self.description,
            indices.len(),
            self.labels.len()
        );
        Self {
            pixels,
            labels,
            description,
            classes: self.classes.clone(),
            normalize: self.normalize.clone(),
            ..*self
        }
    }

    fn image(&self, index: usize) -> Result<Image<'_>> {
        let size: usize = self.shape.iter().product();
        let place = index
            .checked_mul(size)
            .and_then(|start| self.pixels.get(start..start.checked_add(size)?));
        let bytes =
            place.with_context(|| format!("no sample {index} among {}", self.labels.len()))?;
        Ok(Image {
            shape: self.shape,
            bytes: bytes.into(),
            label: self.labels[index],
            path: None,
        })
    }
}

impl Splits {
    /// For data that come with a test part, as most published sets do.
    ///
    /// By default that part is what a run validates with, as is the custom. With a `validation_fraction`, validation
    /// samples are taken from the training part instead and the test part stays unseen until the test.
    ///
    /// # Errors
    /// When the fraction is not in `[0, 1)` or leaves nothing to train on.
    pub(super) fn published(
        train: Images,
        test: Images,
        validation_fraction: f64,
        seed: u64,
    ) -> Result<Self> {
        let (train, validation) = train
            .hold_out(validation_fraction, seed)
            .context("`validation_fraction`")?;
        let (train, test): (Arc<dyn Dataset>, Arc<dyn Dataset>) = (Arc::new(train), Arc::new(test));
        Ok(match validation {
            Some(validation) => Self {
                train,
                validation: Arc::new(validation),
                test: Some(test),
            },
            None => Self {
                train,
                validation: test,
                test: None,
            },
        })
    }
}

impl Dataset for Images {
    fn len(&self) -> usize {
        self.labels.len()
    }

    fn sample(&self, index: usize) -> Result<Sample> {
        Ok(self.image(index)?.sample(self.white))
    }

    fn in_one_pass(&self) -> Option<&dyn OnePass> {
        Some(self)
    }

    fn fingerprint(&self) -> Option<Digest> {
        let mut fingerprint = Fingerprint::default();
        fingerprint.list(&self.labels, i64::to_le_bytes);
        fingerprint.list(&self.pixels, u8::to_le_bytes);
        Some(fingerprint.finish())
    }

    fn normalize(&self) -> Option<&Normalize> {
        Some(&self.normalize)
    }

    fn input_shape(&self) -> Vec<i64> {
        self.shape.map(|length| length as i64).to_vec()
    }

    fn class_names(&self) -> Option<&[String]> {
        Some(&self.classes)
    }

    fn description(&self) -> String {
        self.description.clone()
    }
}

impl OnePass for Images {
    fn batch(
        &self,
        indices: &[usize],
        augmentation: &Augmentation,
        epoch: &Epoch,
    ) -> Result<Batch> {
        let renderer = Renderer::new(augmentation, self.shape, self.white, &self.normalize)?;
        renderer.batch(indices, epoch, |index| self.image(index))
    }

    fn byte_batch(
        &self,
        indices: &[usize],
        augmentation: &Augmentation,
        epoch: &Epoch,
    ) -> Result<Batch> {
        let normalize = augmentation.normalize.as_ref().unwrap_or(&self.normalize);
        let byte_scale = Some(normalize.of_bytes(self.shape[0], self.white)?);
        let renderer = Renderer::of_bytes(augmentation, self.shape)?;
        let batch = renderer.batch(indices, epoch, |index| self.image(index))?;
        Ok(Batch {
            byte_scale,
            ..batch
        })
    }
}

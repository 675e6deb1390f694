//! `Pipeline`: samples to a batch, with the transforms and the collation of one epoch. Knows neither order nor threads.

use anyhow::{Context, Result};

use super::collate::{Collation, Facts};
use super::random::Random;
use super::sample::Sample;
use super::transforms::{
    Augmentation, Draw, Normalize, OF_BOXES, TransformConfig, Transforms, one_pass,
};
use super::{Batch, Dataset, Epoch};

/// The way of samples through an epoch.
pub(super) struct Pipeline {
    steps: Vec<TransformConfig>,
    /// The steps, if one pass does them all and the collation stacks.
    one_pass: Option<Augmentation>,
    collation: Collation,
}

/// The samples of one batch, and where it is made.
pub(super) struct Request<'a> {
    pub(super) indices: &'a [usize],
    pub(super) epoch: &'a Epoch,
    /// The position of the first sample in the epoch, from which a batch draws what its samples share.
    pub(super) position: u64,
    /// The number of the batch in the epoch.
    pub(super) number: u64,
    /// Images that are bytes stay so.
    pub(super) keeps_bytes: bool,
}

impl Pipeline {
    pub(super) fn new(transforms: &Transforms, collation: &Collation) -> Result<Self> {
        let steps = transforms.steps()?;
        let stacks = *collation == Collation::default();
        let one_pass = if stacks { one_pass(&steps) } else { None };
        Ok(Self {
            steps,
            one_pass,
            collation: collation.clone(),
        })
    }

    /// The pipeline without the transform that ends small boxes, for boxes that only tell where an image went.
    pub(super) fn with_all_boxes(mut self) -> Self {
        self.steps.retain(|step| step.name() != OF_BOXES);
        self
    }

    /// A sample takes so long that threads are worth their cost: it is resized or goes step by step.
    pub(super) fn is_costly(&self, dataset: &dyn Dataset) -> bool {
        match (&self.one_pass, dataset.in_one_pass()) {
            (Some(mapping), Some(_)) => mapping.resize.is_some(),
            _ => true,
        }
    }

    /// Makes a batch.
    ///
    /// # Errors
    /// A sample that cannot be read or changed; the message names it, its file and the transform.
    pub(super) fn batch(&self, dataset: &dyn Dataset, request: &Request<'_>) -> Result<Batch> {
        let Request { indices, epoch, .. } = *request;
        if let (Some(mapping), Some(stacked)) = (&self.one_pass, dataset.in_one_pass()) {
            return match request.keeps_bytes {
                true => stacked.byte_batch(indices, mapping, epoch),
                false => stacked.batch(indices, mapping, epoch),
            };
        }
        let samples = indices.iter().map(|&index| {
            epoch.go_on()?;
            self.sample(dataset, index, epoch.seed)
                .with_context(|| format!("sample {index}"))
        });
        let samples = samples.collect::<Result<Vec<_>>>()?;
        let mut random = Random::keyed(&[epoch.seed, request.position, BATCH]);
        let plain = Normalize::identity();
        let facts = Facts {
            seed: epoch.seed,
            number: request.number,
            ..facts(dataset, &plain, request.keeps_bytes)
        };
        self.collation
            .collate()
            .collate(samples, &facts, &mut random)
    }

    fn sample(&self, dataset: &dyn Dataset, index: usize, seed: u64) -> Result<Sample> {
        let sample = dataset.sample(index)?;
        let mut draw = Draw {
            random: Random::keyed(&[seed, index as u64]),
            dataset,
        };
        self.transformed(sample, &mut draw)
    }

    /// The sample after all steps.
    ///
    /// # Errors
    /// A step that does not fit it; the message names its file and the transform.
    pub(super) fn transformed(&self, mut sample: Sample, draw: &mut Draw<'_>) -> Result<Sample> {
        for step in &self.steps {
            let file = sample.file.clone();
            sample = step.transform().apply(sample, draw).with_context(|| {
                let file = file.map_or(String::new(), |file| format!("{}: ", file.display()));
                format!("{file}`{}`", step.name())
            })?;
        }
        Ok(sample)
    }
}

/// The last key of a batch's own numbers, which no sample's numbers have.
const BATCH: u64 = 0x0062_6174_6368;

/// The facts about a data set for its collation; `plain` stands for statistics that it has none of.
pub(super) fn facts<'a>(
    dataset: &'a dyn Dataset,
    plain: &'a Normalize,
    keeps_bytes: bool,
) -> Facts<'a> {
    Facts {
        normalize: dataset.normalize().unwrap_or(plain),
        classes: dataset.num_classes(),
        has_crowds: dataset.has_crowds(),
        keeps_bytes,
        seed: 0,
        number: 0,
    }
}

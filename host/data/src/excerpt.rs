//! `Excerpt`: the few samples that a loader reads in place of an epoch, to try a recipe out. Owns their choice; the
//! loader makes batches of them as of any others.

use super::Dataset;

/// How much of an epoch is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// Batches of two samples, or of one where batches have no more.
    TwoSamples,
    /// Batches of the recipe's size.
    WholeBatch,
}

/// Samples that stand for those of an epoch.
pub(super) struct Excerpt {
    /// Their indices, batch after batch.
    pub(super) samples: Vec<usize>,
    pub(super) batch_size: usize,
}

/// Samples that are looked at to find one that differs from the first: more would take time where each is a file.
const CANDIDATES: usize = 8;

impl Excerpt {
    /// `batches` equal batches for a loader whose batches have `batch_size` samples.
    pub(super) fn new(
        dataset: &dyn Dataset,
        extent: Extent,
        batch_size: usize,
        batches: usize,
    ) -> Excerpt {
        let whole = batch_size.min(dataset.len());
        let batch = match extent {
            Extent::TwoSamples if whole >= 2 => vec![0, differing(dataset)],
            Extent::TwoSamples => vec![0],
            Extent::WholeBatch => spread(dataset.len(), whole),
        };
        Excerpt {
            batch_size: batch.len(),
            samples: batch.repeat(batches),
        }
    }

    /// Adds a batch of one sample.
    pub(super) fn add_single(&mut self) {
        self.samples.push(0);
    }

    pub(super) fn batches(&self) -> u64 {
        self.samples.len().div_ceil(self.batch_size) as u64
    }
}

/// `count` indices all over the data set: files are often sorted by class.
fn spread(samples: usize, count: usize) -> Vec<usize> {
    (0..count).map(|place| place * samples / count).collect()
}

/// A sample with another target than the first and, if there is one among the candidates, another size too. One that
/// cannot be read is passed over: whoever reads it says so.
fn differing(dataset: &dyn Dataset) -> usize {
    let last = dataset.len() - 1;
    let Ok(first) = dataset.sample(0) else {
        return last;
    };
    let candidates = spread(dataset.len(), CANDIDATES.min(dataset.len()));
    let mut best = (0, last);
    for index in candidates.into_iter().skip(1) {
        let Ok(sample) = dataset.sample(index) else {
            continue;
        };
        let differences = 2 * usize::from(sample.target != first.target)
            + usize::from(sample.size().ok() != first.size().ok());
        if differences > best.0 {
            best = (differences, index);
        }
    }
    best.1
}

//! `Table`: a data set of rows of numbers held in memory. Knows no file format; `csv` reads one.

use anyhow::{Result, bail, ensure};
use serde::{Deserialize, Serialize};
use tch::Tensor;
use torch_ext::Items;

use super::fingerprint::Fingerprint;
use super::transforms::Augmentation;
use super::{Batch, Dataset, Epoch, OnePass, Sample, sample};
use phasebox_contract::digest::Digest;
use phasebox_contract::printable::excerpt;

/// Rows of features with a target each.
#[derive(Debug, Clone)]
pub struct Table {
    pub(super) description: String,
    /// Row after row.
    pub(super) features: Vec<f32>,
    /// Features in a row.
    pub(super) width: usize,
    /// The names of several inputs and the number of features of each, in the order of the row; empty for one input.
    pub(super) inputs: Vec<(String, usize)>,
    /// Each target with its name; a single one has none.
    pub(super) targets: Vec<(String, Target)>,
}

/// The kind of the target column of a table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// A class: any text, sorted by value where all are numbers and by name otherwise. Target int64 `[N]`.
    #[default]
    Classification,
    /// A number. Target float32 `[N, 1]`, like the output of a model with one unit: `[N]` would broadcast to `[N, N]`.
    Regression,
}

/// The targets of a table, by row.
#[derive(Debug, Clone)]
pub(super) enum Target {
    Classes {
        labels: Vec<i64>,
        names: Vec<String>,
    },
    Numbers(Vec<f32>),
}

impl Target {
    fn len(&self) -> usize {
        match self {
            Self::Classes { labels, .. } => labels.len(),
            Self::Numbers(numbers) => numbers.len(),
        }
    }

    fn select(&self, rows: &[usize]) -> Self {
        match self {
            Self::Classes { labels, names } => Self::Classes {
                labels: chosen(labels, rows),
                names: names.clone(),
            },
            Self::Numbers(numbers) => Self::Numbers(chosen(numbers, rows)),
        }
    }

    /// int64 `[N]`, or float32 `[N, 1]`.
    fn tensor(&self, rows: &[usize]) -> Result<Tensor> {
        Ok(match self {
            Self::Classes { labels, .. } => Tensor::f_from_slice(&chosen(labels, rows))?,
            Self::Numbers(numbers) => {
                Tensor::f_from_slice(&chosen(numbers, rows))?.f_view([-1, 1])?
            }
        })
    }
}

/// The values of the given rows.
pub(super) fn chosen<T: Copy>(values: &[T], rows: &[usize]) -> Vec<T> {
    rows.iter().map(|&row| values[row]).collect()
}

impl Table {
    /// A table of these rows.
    pub(super) fn select(&self, rows: &[usize]) -> Self {
        let description = format!(
            "{} ({} of {} rows)",
            self.description,
            rows.len(),
            self.len()
        );
        let targets = self.targets.iter();
        Self {
            description,
            features: self.rows(rows),
            width: self.width,
            inputs: self.inputs.clone(),
            targets: targets
                .map(|(name, target)| (name.clone(), target.select(rows)))
                .collect(),
        }
    }

    /// The label of each row, and the number of labels, for parts that get their share of each label: those of the first
    /// target that is a class. Numbers all have one label.
    pub(super) fn strata(&self) -> (Vec<i64>, usize) {
        let mut targets = self.targets.iter().map(|(_, target)| target);
        let classes = targets.find_map(|target| match target {
            Target::Classes { labels, names } => Some((labels.clone(), names.len())),
            Target::Numbers(_) => None,
        });
        classes.unwrap_or_else(|| {
            let first = self.targets.first();
            (vec![0; first.map_or(0, |(_, target)| target.len())], 1)
        })
    }

    /// The only target, where there is one.
    fn target(&self) -> Option<&Target> {
        match self.targets.as_slice() {
            [(_, target)] => Some(target),
            _ => None,
        }
    }

    /// The columns of `features` `[N, width]` as the inputs they belong to.
    fn inputs(&self, features: Tensor) -> Result<Items> {
        if self.inputs.is_empty() {
            return Ok(features.into());
        }
        let mut first = 0;
        let mut inputs = Vec::with_capacity(self.inputs.len());
        for (name, width) in &self.inputs {
            let columns = features.f_narrow(1, first, *width as i64)?;
            inputs.push((name.as_str(), columns.f_contiguous()?));
            first += *width as i64;
        }
        Ok(Items::named(inputs)?)
    }

    fn target_items(&self, rows: &[usize]) -> Result<Items> {
        if let Some(target) = self.target() {
            return Ok(target.tensor(rows)?.into());
        }
        let mut items = Vec::with_capacity(self.targets.len());
        for (name, target) in &self.targets {
            items.push((name.as_str(), target.tensor(rows)?));
        }
        Ok(Items::named(items)?)
    }

    /// The targets of a row; a single one has no name.
    fn sample_targets(&self, row: usize) -> Vec<(String, sample::Target)> {
        let is_single = self.targets.len() == 1;
        let targets = self.targets.iter().map(|(name, target)| {
            let target = match target {
                Target::Classes { labels, .. } => sample::Target::Class(labels[row]),
                Target::Numbers(numbers) => sample::Target::Numbers(vec![numbers[row]]),
            };
            let name = if is_single {
                String::new()
            } else {
                name.clone()
            };
            (name, target)
        });
        targets.collect()
    }

    fn rows(&self, rows: &[usize]) -> Vec<f32> {
        rows.iter()
            .flat_map(|&row| &self.features[row * self.width..][..self.width])
            .copied()
            .collect()
    }
}

impl Dataset for Table {
    fn len(&self) -> usize {
        self.features.len() / self.width.max(1)
    }

    fn sample(&self, index: usize) -> Result<Sample> {
        ensure!(index < self.len(), "no row {index} among {}", self.len());
        let mut row = self.rows(&[index]);
        let mut features = Vec::with_capacity(self.inputs.len().max(1));
        for (name, width) in &self.inputs {
            let rest = row.split_off((*width).min(row.len()));
            features.push((name.clone(), std::mem::replace(&mut row, rest)));
        }
        if self.inputs.is_empty() {
            features.push((String::new(), row));
        }
        Ok(Sample {
            image: None,
            white: 1.0,
            features,
            target: self.sample_targets(index),
            file: None,
        })
    }

    fn in_one_pass(&self) -> Option<&dyn OnePass> {
        Some(self)
    }

    fn fingerprint(&self) -> Option<Digest> {
        let mut fingerprint = Fingerprint::default();
        fingerprint.list(&self.features, f32::to_le_bytes);
        for (name, target) in &self.targets {
            fingerprint.text(name);
            match target {
                Target::Classes { labels, .. } => fingerprint.list(labels, i64::to_le_bytes),
                Target::Numbers(numbers) => fingerprint.list(numbers, f32::to_le_bytes),
            }
        }
        Some(fingerprint.finish())
    }

    fn input_shape(&self) -> Vec<i64> {
        vec![self.width as i64]
    }

    fn input_shapes(&self) -> Vec<(String, Vec<i64>)> {
        if self.inputs.is_empty() {
            return vec![("inputs".to_owned(), self.input_shape())];
        }
        let inputs = self.inputs.iter();
        inputs
            .map(|(name, width)| (name.clone(), vec![*width as i64]))
            .collect()
    }

    fn class_names(&self) -> Option<&[String]> {
        match self.target()? {
            Target::Classes { names, .. } => Some(names),
            Target::Numbers(_) => None,
        }
    }

    fn description(&self) -> String {
        self.description.clone()
    }
}

impl OnePass for Table {
    fn batch(
        &self,
        indices: &[usize],
        augmentation: &Augmentation,
        _epoch: &Epoch,
    ) -> Result<Batch> {
        augmentation.output_shape(&self.input_shape())?;
        let last = indices.iter().max().copied().unwrap_or(0);
        ensure!(last < self.len(), "no row {last} among {}", self.len());
        let shape = [indices.len() as i64, self.width as i64];
        let features = Tensor::f_from_slice(&self.rows(indices))?.f_view(shape)?;
        Ok(Batch {
            size: indices.len(),
            inputs: self.inputs(features)?,
            byte_scale: None,
            target: self.target_items(indices)?,
            additional_items: Items::NONE,
        })
    }
}

/// The number in a cell; NaN and infinities are refused.
pub(super) fn number(cell: &str) -> Result<f64> {
    match cell.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(number),
        _ => bail!(
            "`{}` is not a finite number\nhint: fill gaps, and turn words into numbers, before training",
            excerpt(cell)
        ),
    }
}

/// The number as networks take it.
///
/// # Errors
/// A number beyond float32's.
pub(super) fn narrowed(number: f64) -> Result<f32> {
    let narrow = number as f32;
    ensure!(
        narrow.is_finite(),
        "{number:e} is too large for float32\nhint: give the column in another unit"
    );
    Ok(narrow)
}

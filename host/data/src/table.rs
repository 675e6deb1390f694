//! `Table`: a data set of rows of numbers held in memory. Knows no file format; `csv` reads one.

use std::collections::HashMap;

use anyhow::{Context, Result, ensure};
use tch::Tensor;

use super::csv::{Task, number};
use super::transforms::Augmentation;
use super::{Batch, Dataset};

/// Rows of features with a target each.
#[derive(Debug, Clone)]
pub struct Table {
    pub(super) description: String,
    /// Row after row.
    pub(super) features: Vec<f32>,
    /// Features in a row.
    pub(super) width: usize,
    pub(super) target: Target,
}

/// What a table predicts, by row.
#[derive(Debug, Clone)]
pub(super) enum Target {
    Classes {
        labels: Vec<i64>,
        names: Vec<String>,
    },
    Numbers(Vec<f32>),
}

impl Target {
    pub(super) fn parse(cells: Vec<String>, task: Task) -> Result<Self> {
        if task == Task::Regression {
            let parse = |(row, cell): (usize, &String)| {
                number(cell).with_context(|| format!("target of row {row}"))
            };
            return Ok(Self::Numbers(
                (1..).zip(&cells).map(parse).collect::<Result<_>>()?,
            ));
        }
        let mut names = cells.clone();
        names.sort_unstable();
        names.dedup();
        if let Ok(values) = names
            .iter()
            .map(|name| name.parse())
            .collect::<Result<Vec<i64>, _>>()
        {
            let mut valued: Vec<_> = values.into_iter().zip(names).collect();
            valued.sort_unstable();
            names = valued.into_iter().map(|(_, name)| name).collect();
        }
        let (count, rows) = (names.len(), cells.len());
        ensure!(
            count > 1 && count <= rows.div_ceil(2),
            "the target has {count} different values in {rows} rows: that is no classification\n\
             hint: choose another `target`, or set `task: regression`"
        );
        let places: HashMap<&String, i64> = names.iter().zip(0..).collect();
        let labels = cells.iter().map(|cell| places[cell]).collect();
        Ok(Self::Classes { labels, names })
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Classes { labels, .. } => labels.len(),
            Self::Numbers(numbers) => numbers.len(),
        }
    }

    /// The groups that each part of the data gets its share of: a label for each row, and their number.
    pub(super) fn strata(&self) -> (Vec<i64>, usize) {
        match self {
            Self::Classes { labels, names } => (labels.clone(), names.len()),
            Self::Numbers(numbers) => (vec![0; numbers.len()], 1),
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

fn chosen<T: Copy>(values: &[T], rows: &[usize]) -> Vec<T> {
    rows.iter().map(|&row| values[row]).collect()
}

impl Table {
    /// In float64, with the population's standard deviation; a feature that never changes becomes 0.
    pub(super) fn standardize(&mut self, rows: &[usize]) {
        let count = rows.len() as f64;
        for column in 0..self.width {
            let values = || {
                rows.iter()
                    .map(|row| f64::from(self.features[row * self.width + column]))
            };
            let mean = values().sum::<f64>() / count;
            let deviation =
                (values().map(|value| (value - mean).powi(2)).sum::<f64>() / count).sqrt();
            let scale = if deviation > 0.0 {
                deviation.recip()
            } else {
                0.0
            };
            for value in self.features.iter_mut().skip(column).step_by(self.width) {
                *value = ((f64::from(*value) - mean) * scale) as f32;
            }
        }
    }

    /// A table of these rows.
    pub(super) fn select(&self, rows: &[usize]) -> Self {
        let description = format!(
            "{} ({} of {} rows)",
            self.description,
            rows.len(),
            self.target.len()
        );
        Self {
            description,
            features: self.rows(rows),
            width: self.width,
            target: self.target.select(rows),
        }
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
        self.target.len()
    }

    fn batch(&self, indices: &[usize], augmentation: &Augmentation, _seed: u64) -> Result<Batch> {
        augmentation.output_shape(&self.input_shape())?;
        let last = indices.iter().max().copied().unwrap_or(0);
        ensure!(last < self.len(), "no row {last} among {}", self.len());
        let shape = [indices.len() as i64, self.width as i64];
        let inputs = Tensor::f_from_slice(&self.rows(indices))?.f_view(shape)?;
        Ok(Batch::new(inputs, self.target.tensor(indices)?))
    }

    fn input_shape(&self) -> Vec<i64> {
        vec![self.width as i64]
    }

    fn class_names(&self) -> Option<&[String]> {
        match &self.target {
            Target::Classes { names, .. } => Some(names),
            Target::Numbers(_) => None,
        }
    }

    fn description(&self) -> String {
        self.description.clone()
    }
}

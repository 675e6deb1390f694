//! Collations of things of which samples have different numbers: rows with the sample's index first, padded so that few
//! shapes occur and steps can be recorded. Other targets are stacked.

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use tch::Tensor;
use torch_ext::Items;

use super::stack::{batch, stacked_target, targets};
use super::{Collate, Facts, shown};
use crate::Batch;
use crate::random::Random;
use crate::sample::{BoxFormat, Boxes, Keypoints, Sample, Target};

/// Fewer rows than this are padded to it.
const LEAST_ROWS: usize = 16;
/// More rows than this in a batch are refused.
const MOST_ROWS: usize = 1 << 20;

/// Boxes as rows `[M, 6]`: the sample's index and the five columns of the box. Points of `k` places as rows
/// `[M, 1 + 3·k]`. M is the number of rows, raised to the next power of two from 16 on; rows that hold nothing have
/// index −1 and zeros.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Detection {}

/// As `DetectionCollateFN`, with the boxes of crowds apart, as the additional item `crowd_targets`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct CrowdDetection {}

impl Collate for Detection {
    fn collate(&self, samples: Vec<Sample>, facts: &Facts<'_>, _: &mut Random) -> Result<Batch> {
        check_rows(&samples)?;
        let sizes = sizes(&samples);
        let target = targets(&samples, |targets| rows_or_stack(targets, &sizes))?;
        batch(samples, target, facts)
    }

    fn output(&self, shape: &[i64], facts: &Facts<'_>) -> Result<Vec<i64>> {
        ensure!(
            !facts.has_crowds,
            "boxes of crowds would be taken for boxes of single things\n\
             hint: use `CrowdDetectionCollateFN`, or `with_crowd: false` in the data's parameters"
        );
        Ok(shape.to_vec())
    }
}

impl Collate for CrowdDetection {
    fn collate(
        &self,
        mut samples: Vec<Sample>,
        facts: &Facts<'_>,
        random: &mut Random,
    ) -> Result<Batch> {
        let sizes = sizes(&samples);
        let crowds: Vec<Boxes> = samples.iter_mut().map(without_crowds).collect();
        let crowds: Vec<&Boxes> = crowds.iter().collect();
        let crowds = padded(box_rows(&crowds, &sizes), 6)?;
        let batch = Detection {}.collate(samples, facts, random)?;
        Ok(Batch {
            additional_items: Items::named([("crowd_targets", crowds)])?,
            ..batch
        })
    }
}

/// Takes the boxes of crowds out of a sample.
fn without_crowds(sample: &mut Sample) -> Boxes {
    let mut crowds = Boxes::default();
    for boxes in sample.boxes_mut() {
        crowds.format = boxes.format;
        let is_crowd = boxes.list.iter().filter(|bounds| bounds.is_crowd);
        crowds.list.extend(is_crowd.copied());
        boxes.list.retain(|bounds| !bounds.is_crowd);
    }
    crowds
}

fn sizes(samples: &[Sample]) -> Vec<[usize; 2]> {
    let sizes = samples.iter().map(Sample::size);
    sizes.map(|size| size.unwrap_or([1, 1])).collect()
}

/// Rows for boxes and points; other targets stacked.
fn rows_or_stack(targets: &[&Target], sizes: &[[usize; 2]]) -> Result<Tensor> {
    match targets.first() {
        Some(Target::Boxes(_)) => {
            let boxes = targets.iter().map(|target| match target {
                Target::Boxes(boxes) => Ok(boxes),
                _ => bail!("samples of one batch have targets of different kinds"),
            });
            padded(box_rows(&boxes.collect::<Result<Vec<_>>>()?, sizes), 6)
        }
        Some(Target::Keypoints(_)) => {
            let points = targets.iter().map(|target| match target {
                Target::Keypoints(points) => Ok(points),
                _ => bail!("samples of one batch have targets of different kinds"),
            });
            point_rows(&points.collect::<Result<Vec<_>>>()?)
        }
        _ => stacked_target(targets),
    }
}

fn box_rows(boxes: &[&Boxes], sizes: &[[usize; 2]]) -> Vec<f32> {
    let mut rows = Vec::new();
    for ((index, boxes), size) in boxes.iter().enumerate().zip(sizes) {
        let format: BoxFormat = boxes.format;
        for bounds in &boxes.list {
            rows.push(index as f32);
            rows.extend(bounds.columns(format, *size));
        }
    }
    rows
}

fn point_rows(points: &[&Keypoints]) -> Result<Tensor> {
    let mut things = points.iter().flat_map(|points| &points.things);
    let places = things.next().map_or(0, Vec::len);
    ensure!(
        things.all(|thing| thing.len() == places),
        "things of one batch have different numbers of points"
    );
    let mut rows = Vec::new();
    for (index, points) in points.iter().enumerate() {
        for thing in &points.things {
            rows.push(index as f32);
            rows.extend(thing.iter().flatten());
        }
    }
    padded(rows, 1 + 3 * places)
}

/// Refuses more things than a batch may have, with the file that has most of them.
fn check_rows(samples: &[Sample]) -> Result<()> {
    let count: usize = samples.iter().map(things).sum();
    let most = samples.iter().max_by_key(|sample| things(sample));
    let file = most.and_then(|sample| sample.file.as_deref());
    let checked = capacity(count).map(drop);
    checked.with_context(|| format!("{} has {}", shown(file), most.map_or(0, things)))
}

/// The number of a sample's boxes and points.
fn things(sample: &Sample) -> usize {
    let counts = sample.target.iter().map(|(_, target)| match target {
        Target::Boxes(boxes) => boxes.list.len(),
        Target::Keypoints(points) => points.things.len(),
        _ => 0,
    });
    counts.max().unwrap_or(0)
}

/// The rows as a tensor, filled up to the capacity.
fn padded(mut rows: Vec<f32>, width: usize) -> Result<Tensor> {
    let count = rows.len() / width;
    let capacity = capacity(count)?;
    for _ in count..capacity {
        rows.push(-1.0);
        rows.resize(rows.len() + width - 1, 0.0);
    }
    Ok(Tensor::f_from_slice(&rows)?.f_view([capacity as i64, width as i64])?)
}

/// The number of rows of a tensor that holds `count`.
///
/// # Errors
/// More than there may be.
pub(crate) fn capacity(count: usize) -> Result<usize> {
    ensure!(
        count <= MOST_ROWS,
        "a batch of {count} things; at most {MOST_ROWS}\nhint: lower `batch_size`"
    );
    Ok(count.next_power_of_two().max(LEAST_ROWS))
}

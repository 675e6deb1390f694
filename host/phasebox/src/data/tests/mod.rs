//! Tests of the data, by subject. The samples are real; numbers come from the files, computed apart from phasebox.

mod digits;
mod loader;
mod transforms;

use super::{Augmentation, Batch, Dataset, DatasetConfig, Splits};
use std::path::Path;
use tch::{Kind, Tensor};

/// Reads a data set by its recipe keys.
fn load(config: serde_json::Value, base: &Path) -> anyhow::Result<Splits> {
    serde_json::from_value::<DatasetConfig>(config)?.load(base)
}

fn digits() -> Splits {
    load(serde_json::json!({"digits": {}}), Path::new("")).unwrap()
}

/// All samples as they are.
fn all(dataset: &dyn Dataset) -> Batch {
    let indices: Vec<usize> = (0..dataset.len()).collect();
    dataset.batch(&indices, &Augmentation::default(), 0).unwrap()
}

fn floats(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten(0, -1).try_into().unwrap()
}

fn integers(tensor: &Tensor) -> Vec<i64> {
    assert_eq!(tensor.kind(), Kind::Int64);
    tensor.try_into().unwrap()
}

fn counts(labels: &[i64], classes: usize) -> Vec<usize> {
    (0..classes as i64).map(|class| labels.iter().filter(|&&label| label == class).count()).collect()
}

//! Tests of the data, by subject. The samples are real; numbers come from the files, computed apart from phasebox.

mod boxed_folders;
mod chance;
mod cifar;
mod class_names;
mod coco;
mod coco_samples;
mod collations;
mod csv;
mod detection;
mod digits;
mod hostile;
mod image_folder;
mod lists;
mod loader;
mod mnist;
mod orientation;
mod outline;
mod pictures;
mod pixels;
mod scattered_digits;
mod sharding;
mod targets;
mod transforms;

use std::path::Path;

use tch::{Kind, Tensor};

use super::{Augmentation, Batch, Dataset, DatasetConfig, OnePass, Splits};

/// Batches of data sets that make them in one pass, as all built-in ones of images and rows do.
trait Batches {
    fn batch(&self, indices: &[usize], keys: &Augmentation, seed: u64) -> anyhow::Result<Batch>;
}

impl Batches for dyn Dataset + '_ {
    fn batch(&self, indices: &[usize], keys: &Augmentation, seed: u64) -> anyhow::Result<Batch> {
        let stacked: &dyn OnePass = self.in_one_pass().expect("a data set of one pass");
        stacked.batch(indices, keys, &seed.into())
    }
}

/// Reads a data set by its recipe keys.
fn load(config: serde_json::Value, base: &Path) -> anyhow::Result<Splits> {
    serde_json::from_value::<DatasetConfig>(config)?.load(base)
}

fn digits() -> Splits {
    load(serde_json::json!({"digits": {}}), Path::new("")).unwrap()
}

/// The words about a data set that a check shows.
fn said(dataset: &dyn Dataset) -> String {
    format!("{}; {}", dataset.description(), dataset.left_out())
}

/// Checks that a data set is refused, with all of `expected` in the message.
fn check_refused(config: serde_json::Value, base: &Path, expected: &[&str]) {
    let message = format!(
        "{:#}",
        load(config, base)
            .err()
            .expect("a damaged data set was accepted")
    );
    assert!(
        expected.iter().all(|part| message.contains(part)),
        "{message}"
    );
}

/// The bytes 0 to 16 of the first `count` training digits, 64 an image, and their classes.
fn digit_bytes(count: usize) -> (Vec<Vec<u8>>, Vec<i64>) {
    let indices: Vec<usize> = (0..count).collect();
    let batch = digits()
        .train
        .batch(&indices, &Augmentation::default(), 0)
        .unwrap();
    let bytes: Vec<u8> = floats(&batch.input())
        .into_iter()
        .map(|value| (value * 16.0) as u8)
        .collect();
    (
        bytes.chunks(64).map(<[u8]>::to_vec).collect(),
        integers(&batch.only_target()),
    )
}

/// All samples as they are.
fn all(dataset: &dyn Dataset) -> Batch {
    let indices: Vec<usize> = (0..dataset.len()).collect();
    dataset
        .batch(&indices, &Augmentation::default(), 0)
        .unwrap()
}

fn floats(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten(0, -1).try_into().unwrap()
}

fn integers(tensor: &Tensor) -> Vec<i64> {
    assert_eq!(tensor.kind(), Kind::Int64);
    tensor.try_into().unwrap()
}

fn counts(labels: &[i64], classes: usize) -> Vec<usize> {
    (0..classes as i64)
        .map(|class| labels.iter().filter(|&&label| label == class).count())
        .collect()
}

impl Batch {
    /// The only input.
    fn input(&self) -> Tensor {
        let only = self.inputs.single("inputs");
        only.expect("one tensor").shallow_clone()
    }

    fn only_target(&self) -> Tensor {
        let only = self.target.single("targets");
        only.expect("one tensor").shallow_clone()
    }
}

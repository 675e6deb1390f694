//! Order, batches, threads and state of the loader.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use anyhow::{Result, bail};
use serde_json::{Value, json};

use super::super::{Augmentation, Batch, DataLoader, Dataset, LoaderConfig, Sample, Stopped};
use super::{digits, floats, integers};

fn loader(keys: Value) -> DataLoader {
    let config = serde_json::from_value(keys).unwrap();
    let augmentation: Augmentation =
        serde_json::from_value(json!({"random_crop": {"size": 8, "padding": 1}})).unwrap();
    DataLoader::new("train", digits().train, config, augmentation, 17).unwrap()
}

/// Every pixel and label of an epoch, in order.
fn epoch(loader: &mut DataLoader, number: u32, first_batch: u64) -> Vec<(Vec<f32>, Vec<i64>)> {
    loader.start(number, first_batch).unwrap();
    loader
        .map(|batch| batch.unwrap())
        .map(|batch| (floats(&batch.input()), integers(&batch.only_target())))
        .collect()
}

#[test]
fn batches_do_not_depend_on_threads_or_on_where_a_run_resumes() {
    let expected = epoch(
        &mut loader(json!({"batch_size": 64, "shuffle": true})),
        3,
        0,
    );
    assert_eq!(expected.len(), 23);
    for workers in [0, 1, 4] {
        let mut loader = loader(json!({"batch_size": 64, "shuffle": true, "num_workers": workers}));
        for first in [0, 1, 7, 22, 23] {
            assert!(
                epoch(&mut loader, 3, first) == expected[first as usize..],
                "{workers} workers from batch {first}"
            );
        }
        assert!(
            epoch(&mut loader, 4, 0) != expected,
            "two epochs in the same order"
        );
    }
}

#[test]
fn an_epoch_has_every_sample_once() {
    let mut loader = loader(json!({"batch_size": 100, "shuffle": true}));
    let mut labels: Vec<i64> = epoch(&mut loader, 0, 0)
        .into_iter()
        .flat_map(|(_, labels)| labels)
        .collect();
    let mut expected = integers(&super::all(&*digits().train).only_target());
    assert_ne!(labels, expected);
    labels.sort_unstable();
    expected.sort_unstable();
    assert_eq!(labels, expected);
}

#[test]
fn sizes_follow_the_parameters() {
    let check = |keys: Value, batches: usize, samples: usize| {
        let mut loader = loader(keys.clone());
        assert_eq!(
            (loader.batches(), loader.samples()),
            (batches as u64, samples as u64),
            "{keys}"
        );
        let delivered = epoch(&mut loader, 0, 0);
        let labels: usize = delivered.iter().map(|(_, labels)| labels.len()).sum();
        assert_eq!((delivered.len(), labels), (batches, samples), "{keys}");
        assert!(loader.next().is_none());
    };
    check(json!({"batch_size": 100}), 15, 1437);
    check(json!({"batch_size": 100, "drop_last": true}), 14, 1400);
    check(
        json!({"batch_size": 100, "max_batches": 3, "num_workers": 5}),
        3,
        300,
    );
    check(json!({"batch_size": 5000, "num_workers": 2}), 1, 1437);
}

#[test]
fn parameters_change_at_the_next_start_and_come_back_from_a_checkpoint() {
    let mut first = loader(json!({"batch_size": 64, "num_workers": 1}));
    first.start(0, 0).unwrap();
    first.set("batch_size", json!(200)).unwrap();
    first.set("random_crop", Value::Null).unwrap();
    first.set("horizontal_flip", json!(1)).unwrap();
    assert_eq!(first.next().unwrap().unwrap().size, 64);
    assert_eq!(
        (first.batches(), first.batch_size(), first.samples()),
        (23, 64, 1437),
        "the epoch under way"
    );
    assert_eq!(
        (
            first.get("batch_size").unwrap(),
            first.get("random_crop").unwrap()
        ),
        (json!(200), Value::Null)
    );

    let mut second = loader(json!({"batch_size": 64}));
    second.restore(&first.state()).unwrap();
    let delivered = epoch(&mut second, 0, 0);
    assert_eq!(delivered.len(), 8);
    assert!(delivered == epoch(&mut first, 0, 0));
    assert_eq!((first.batches(), first.batch_size()), (8, 200));
    let mirrored = super::all(&*digits().train)
        .input()
        .narrow(0, 0, 200)
        .flip([3]);
    assert_eq!(delivered[0].0, floats(&mirrored));
    assert_eq!(
        second.state(),
        json!({"batch_size": 200, "random_crop": null, "horizontal_flip": 1})
    );
}

#[test]
fn wrong_parameters_are_refused_and_change_nothing() {
    let mut loader = loader(json!({}));
    let mut check = |key: &str, value: Value, expected: &str| {
        let message = format!("{:#}", loader.set(key, value).unwrap_err());
        assert!(
            message.contains(expected) && message.contains("loader `train`"),
            "{message}"
        );
        assert_eq!(loader.state(), json!({}));
        assert_eq!((loader.batch_size(), loader.batches()), (32, 45));
    };
    check(
        "mosaic",
        json!(true),
        "no parameter `mosaic`\nhint: it has batch_size, shuffle, drop_last, max_batches, collate_fn, resize",
    );
    check("num_workers", json!(10), "no parameter `num_workers`");
    check("batch_size", json!(0), "must be at least 1");
    check(
        "batch_size",
        json!("big"),
        "cannot set `batch_size` to \"big\"",
    );
    check("max_batches", json!(0), "has no batch: give at least 1");
    check("shuffle", Value::Null, "expected a boolean");
    check("center_crop", json!(9), "exclude each other");
    check(
        "random_crop",
        json!({"size": 8000, "padding": 4096}),
        "lower `batch_size`",
    );
    assert!(
        loader
            .start(0, 46)
            .unwrap_err()
            .to_string()
            .contains("no batch 46 in an epoch of 45")
    );
    assert!(loader.restore(&json!(3)).is_err());
}

#[test]
fn impossible_loaders_are_refused() {
    let check = |keys: Value, expected: &str| {
        let config: LoaderConfig = serde_json::from_value(keys).unwrap();
        let made = DataLoader::new(
            "valid",
            digits().validation,
            config,
            Augmentation::default(),
            0,
        );
        let message = format!("{:#}", made.err().unwrap());
        assert!(
            message.starts_with("loader `valid`: ") && message.contains(expected),
            "{message}"
        );
    };
    check(
        json!({"batch_size": 1000, "drop_last": true}),
        "an epoch of 360 samples has no batch",
    );
    check(json!({"num_workers": 100_000}), "at most 256");
    check(json!({"prefetch": 0}), "must be in 1..=1024");
}

/// The digits, with one sample that cannot be read and one that panics.
struct Broken(Arc<dyn Dataset>);

impl Dataset for Broken {
    fn len(&self) -> usize {
        100
    }
    fn sample(&self, index: usize) -> Result<Sample> {
        match index {
            23 => bail!("pixels are missing"),
            41 => panic!("sample {index} is impossible"),
            _ => self.0.sample(index),
        }
    }
    fn input_shape(&self) -> Vec<i64> {
        self.0.input_shape()
    }
    fn class_names(&self) -> Option<&[String]> {
        self.0.class_names()
    }
    fn description(&self) -> String {
        "broken digits".to_owned()
    }
}

#[test]
fn an_error_or_a_panic_is_that_batchs_alone() {
    for workers in [0, 1, 3] {
        let config =
            serde_json::from_value(json!({"batch_size": 1, "num_workers": workers})).unwrap();
        let broken = Arc::new(Broken(digits().train));
        let mut loader =
            DataLoader::new("train", broken, config, Augmentation::default(), 0).unwrap();
        loader.start(0, 0).unwrap();
        let failed =
            |(number, batch): (usize, Result<Batch>)| Some((number, format!("{:#}", batch.err()?)));
        let failures: Vec<_> = loader.by_ref().enumerate().filter_map(failed).collect();
        let expected = [
            (23, "loader `train`, batch 23 (broken digits): sample 23: pixels are missing".to_owned()),
            (
                41,
                "loader `train`, batch 41 (broken digits): the data set panicked: sample 41 is impossible"
                    .to_owned(),
            ),
        ];
        assert_eq!(failures, expected, "{workers} workers");
    }
}

#[test]
fn threads_end_with_the_loader_and_with_a_restart() {
    let dataset = digits().train;
    let config: LoaderConfig =
        serde_json::from_value(json!({"batch_size": 8, "num_workers": 4})).unwrap();
    let mut loader =
        DataLoader::new("train", dataset.clone(), config, Augmentation::default(), 0).unwrap();
    // The loader has one reference and each epoch's plan another, which the epoch's threads share and keep alive.
    let references = |dataset: &Arc<dyn Dataset>| Arc::strong_count(dataset);
    assert_eq!(references(&dataset), 2);
    for epoch in 0..3 {
        loader.start(epoch, 0).unwrap();
        loader.next().unwrap().unwrap();
        assert_eq!(references(&dataset), 3);
    }
    drop(loader);
    assert_eq!(references(&dataset), 1);
}

/// Digits of which the 24th that is read stops the work.
struct Stopping {
    digits: Arc<dyn Dataset>,
    read: AtomicUsize,
    stop: Arc<AtomicBool>,
}

impl Dataset for Stopping {
    fn len(&self) -> usize {
        100
    }
    fn sample(&self, index: usize) -> Result<Sample> {
        if self.read.fetch_add(1, Ordering::Relaxed) == 23 {
            self.stop.store(true, Ordering::Relaxed);
        }
        self.digits.sample(index)
    }
    fn input_shape(&self) -> Vec<i64> {
        self.digits.input_shape()
    }
    fn class_names(&self) -> Option<&[String]> {
        self.digits.class_names()
    }
    fn description(&self) -> String {
        "stopping digits".to_owned()
    }
}

#[test]
fn a_batch_is_stopped_between_two_samples() {
    for workers in [0, 1] {
        let stop = Arc::new(AtomicBool::new(false));
        let data = Arc::new(Stopping {
            digits: digits().train,
            read: AtomicUsize::new(0),
            stop: stop.clone(),
        });
        let config = json!({"batch_size": 20, "num_workers": workers});
        let config = serde_json::from_value(config).unwrap();
        let augmentation = Augmentation::default();
        let mut loader = DataLoader::new("train", data.clone(), config, augmentation, 0).unwrap();
        loader.stop_on(stop);
        loader.start(0, 0).unwrap();
        assert!(loader.next().unwrap().is_ok(), "{workers} workers");
        let stopped = loader.next().unwrap().unwrap_err();
        assert!(stopped.is::<Stopped>(), "{stopped:#}");
        assert_eq!(data.read.load(Ordering::Relaxed), 24);
    }
}

#[test]
fn a_batch_of_one_pass_is_stopped_too() {
    let stop = Arc::new(AtomicBool::new(true));
    let mut loader = loader(json!({"batch_size": 20}));
    loader.stop_on(stop);
    loader.start(0, 0).unwrap();
    let stopped = loader.next().unwrap().unwrap_err();
    assert!(stopped.is::<Stopped>(), "{stopped:#}");
}

//! `scattered_digits`: exact boxes and masks, seeds, threads and resumption, refusals.

use std::path::Path;

use serde_json::{Value, json};

use super::super::{DataLoader, Pixels, Sample, Splits, Target};
use super::targets::list;
use super::{check_refused, floats, integers, load};

fn scattered(keys: Value) -> Splits {
    load(json!({ "scattered_digits": keys }), Path::new("")).unwrap()
}

fn parts(sample: &Sample) -> (&[u8], &[crate::Bounds], &[u8]) {
    match (&sample.image, sample.target.as_slice()) {
        (Some(Pixels::Bytes(image)), [(_, Target::Boxes(boxes)), (_, Target::Mask(mask))]) => {
            (&image.values, &boxes.list, &mask.classes.values)
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn boxes_and_masks_are_exact() {
    let splits = scattered(json!({"targets": "boxes_and_mask", "size": 80, "digits": [2, 5]}));
    let mut things = 0;
    for index in 0..60 {
        let sample = splits.train.sample(index).unwrap();
        let (pixels, boxes, mask) = parts(&sample);
        things += boxes.len();
        assert!((1..=5).contains(&boxes.len()));
        assert!(
            pixels
                .iter()
                .zip(mask)
                .all(|(pixel, class)| (*pixel > 0) == (*class > 0))
        );
        for bounds in boxes {
            let [left, top, right, bottom] = bounds.corners.map(|place| place as usize);
            let class = bounds.class as u8 + 1;
            let marked = |x: usize, y: usize| mask[y * 80 + x] == class;
            let inside = (top..bottom).flat_map(|y| (left..right).map(move |x| (x, y)));
            assert!(inside.clone().any(|(x, y)| marked(x, y)), "{bounds:?}");
            // Each edge touches the digit, unless another one lies over it.
            let filled = |x: usize, y: usize| mask[y * 80 + x] > 0;
            assert!(
                (top..bottom).any(|y| filled(left, y))
                    && (top..bottom).any(|y| filled(right - 1, y))
            );
            assert!(
                (left..right).any(|x| filled(x, top))
                    && (left..right).any(|x| filled(x, bottom - 1))
            );
        }
    }
    assert!(
        things > 150,
        "few digits were left out: {things} of about 210"
    );
    assert_eq!(
        splits.train.sample(3).unwrap(),
        splits.train.sample(3).unwrap()
    );
    assert_ne!(
        splits.train.sample(3).unwrap(),
        splits.train.sample(4).unwrap()
    );
}

#[test]
fn targets_are_those_asked_for() {
    let boxes = scattered(json!({"channels": 3, "test": 5}));
    assert_eq!(boxes.train.num_classes(), Some(10));
    assert_eq!(boxes.train.input_shape(), [3, 96, 96]);
    assert_eq!(
        [
            boxes.train.len(),
            boxes.validation.len(),
            boxes.test.unwrap().len()
        ],
        [2000, 400, 5]
    );
    let mask = scattered(json!({"targets": "mask", "size": 32, "scale": [1, 2]}));
    assert_eq!(mask.train.class_names().unwrap()[..2], ["background", "0"]);
    let config = serde_json::from_value(json!({"batch_size": 3})).unwrap();
    let mut loader = DataLoader::new("train", mask.train, config, list(json!([])), 0).unwrap();
    loader.start(0, 0).unwrap();
    let batch = loader.next().unwrap().unwrap();
    assert_eq!(
        (batch.input().size(), batch.only_target().size()),
        (vec![3, 1, 32, 32], vec![3, 32, 32])
    );
    assert!(
        integers(&batch.only_target().flatten(0, -1))
            .iter()
            .all(|class| (0..=10).contains(class))
    );
    let values = floats(&batch.input());
    assert!(values.iter().all(|value| (0.0..=1.0).contains(value)));
}

/// Inputs and targets of every batch of an epoch from `first` on.
fn epoch(workers: usize, first: u64) -> Vec<(Vec<f32>, Vec<f32>)> {
    let splits = scattered(json!({"train": 60, "size": 64, "channels": 3}));
    let items = json!([
        {"DetectionMosaic": {"input_dim": 64}},
        {"DetectionRandomAffine": {"target_size": 64, "scales": [0.5, 1.5], "shear": 2.0, "filter_box_candidates": true}},
        {"DetectionMixup": {"input_dim": 64, "prob": 0.5}},
        {"DetectionHSV": {"hgain": 5, "sgain": 30, "vgain": 30}},
        "DetectionHorizontalFlip",
        {"DetectionPaddedRescale": {"input_dim": 64}},
        {"DetectionTargetsFormatTransform": {"input_dim": 64, "output_format": "LABEL_CXCYWH"}},
    ]);
    let config = serde_json::from_value(json!({
        "batch_size": 8, "shuffle": true, "num_workers": workers,
        "collate_fn": {"PPYoloECollateFN": {"random_resize_sizes": [32, 64]}},
    }));
    let mut loader =
        DataLoader::new("train", splits.train, config.unwrap(), list(items), 1).unwrap();
    loader.start(4, first).unwrap();
    let batches = loader.map(Result::unwrap);
    batches
        .map(|batch| (floats(&batch.input()), floats(&batch.only_target())))
        .collect()
}

#[test]
fn batches_depend_neither_on_threads_nor_on_where_a_run_resumes() {
    let expected = epoch(0, 0);
    assert_eq!(expected.len(), 8);
    for (workers, first) in [(0, 3), (1, 0), (3, 0), (2, 5)] {
        assert!(
            epoch(workers, first) == expected[first as usize..],
            "{workers} workers from batch {first}"
        );
    }
}

#[test]
fn wrong_keys_are_refused() {
    let check = |keys: Value, expected: &str| {
        check_refused(
            json!({ "scattered_digits": keys }),
            Path::new(""),
            &[expected],
        );
    };
    check(json!({"size": 8}), "`size` is 8; it must be in 16..=2048");
    check(json!({"channels": 2}), "`channels` is 1 or 3");
    check(json!({"digits": [3, 2]}), "`digits` is [fewest, most]");
    check(json!({"scale": [1, 100]}), "so that a digit fits");
    check(json!({"train": 0}), "`train` is 0");
    check(json!({"targets": "points"}), "unknown variant `points`");
    check(json!({"sides": 3}), "unknown field `sides`");
}

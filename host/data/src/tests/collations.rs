//! Collations: stacked, ragged with M from 0 on, crowds apart, sizes drawn for each batch, mixed images.

use anyhow::Result;
use serde_json::{Value, json};
use tch::{Kind, Tensor};

use super::super::{
    Batch, Bounds, Boxes, Dataset, LoaderConfig, Normalize, Pixels, Raster, Sample, Target,
};
use super::targets::{Marked, list};
use super::{digits, floats, integers};
use crate::collate::{Collation, Facts};
use crate::pipeline::facts;
use crate::random::Random;

fn collation(named: Value) -> Collation {
    let config: LoaderConfig = serde_json::from_value(json!({ "collate_fn": named })).unwrap();
    config.collate_fn
}

fn collated(named: Value, dataset: &dyn Dataset, samples: Vec<Sample>, seed: u64) -> Result<Batch> {
    let plain = Normalize::identity();
    let facts = facts(dataset, &plain, false);
    let collation = collation(named);
    collation
        .collate()
        .collate(samples, &facts, &mut Random::new(seed))
}

/// A small image with so many boxes, of which each third is a crowd.
fn with_boxes(count: usize) -> Sample {
    let image = Raster {
        shape: [1, 10, 20],
        values: vec![0; 200],
    };
    let bounds = |number: usize| Bounds {
        class: number as i64,
        corners: [2.0, 1.0, 6.0, 4.0],
        is_crowd: number % 3 == 2,
    };
    let boxes = Boxes {
        list: (0..count).map(bounds).collect(),
        ..Boxes::default()
    };
    Sample::of_image(image, 255.0, Target::Boxes(boxes))
}

#[test]
fn ragged_rows_are_padded_to_few_capacities() {
    let check = |counts: &[usize], capacity: i64| {
        let samples = counts.iter().map(|&count| with_boxes(count)).collect();
        let batch = collated(json!("DetectionCollateFN"), &Marked, samples, 0).unwrap();
        let target = batch.only_target();
        assert_eq!(target.size(), [capacity, 6], "{counts:?}");
        assert_eq!(batch.size, counts.len());
        let values = floats(&target);
        let rows: Vec<&[f32]> = values.chunks_exact(6).collect();
        let held: usize = counts.iter().sum();
        let indices = counts
            .iter()
            .enumerate()
            .flat_map(|(index, &count)| vec![index as f32; count]);
        assert!(
            rows.iter().map(|row| row[0]).take(held).eq(indices),
            "{counts:?}"
        );
        assert!(
            rows[held..]
                .iter()
                .all(|row| *row == [-1.0, 0.0, 0.0, 0.0, 0.0, 0.0])
        );
    };
    check(&[0], 16);
    check(&[0, 0, 0], 16);
    check(&[1, 0, 3], 16);
    check(&[16], 16);
    check(&[16, 1], 32);
    check(&[0, 33], 64);
    check(&[500, 12], 512);
    for count in 0..=70 {
        check(&[count], (count.next_power_of_two() as i64).max(16));
    }
}

#[test]
fn columns_follow_the_format() {
    let check = |format: &str, expected: [f32; 5]| {
        let items = json!([{"DetectionTargetsFormatTransform": {"output_format": format}}]);
        let steps = list(items).steps().unwrap();
        let mut draw = crate::transforms::Draw {
            random: Random::new(0),
            dataset: &Marked,
        };
        let sample = steps[0]
            .transform()
            .apply(with_boxes(2), &mut draw)
            .unwrap();
        let batch = collated(json!("DetectionCollateFN"), &Marked, vec![sample], 0).unwrap();
        assert_eq!(floats(&batch.only_target())[7..12], expected, "{format}");
    };
    check("LABEL_XYXY", [1.0, 2.0, 1.0, 6.0, 4.0]);
    check("LABEL_CXCYWH", [1.0, 4.0, 2.5, 4.0, 3.0]);
    check("XYWH_LABEL", [2.0, 1.0, 4.0, 3.0, 1.0]);
    check("LABEL_NORMALIZED_CXCYWH", [1.0, 0.2, 0.25, 0.2, 0.3]);
    check("NORMALIZED_XYXY_LABEL", [0.1, 0.1, 0.3, 0.4, 1.0]);
}

#[test]
fn crowds_stand_apart() {
    let samples = vec![with_boxes(3), with_boxes(0), with_boxes(6)];
    let batch = collated(json!("CrowdDetectionCollateFN"), &Marked, samples, 0).unwrap();
    let classes = |tensor: &Tensor| -> Vec<[f32; 2]> {
        let values = floats(tensor);
        let rows = values.chunks_exact(6).filter(|row| row[0] >= 0.0);
        rows.map(|row| [row[0], row[1]]).collect()
    };
    let crowds = batch.additional_items.get("crowd_targets").unwrap();
    assert_eq!(classes(crowds), [[0.0, 2.0], [2.0, 2.0], [2.0, 5.0]]);
    let others = [
        [0.0, 0.0],
        [0.0, 1.0],
        [2.0, 0.0],
        [2.0, 1.0],
        [2.0, 3.0],
        [2.0, 4.0],
    ];
    assert_eq!(classes(&batch.only_target()), others);
}

#[test]
fn a_size_is_drawn_for_each_batch_and_boxes_follow() {
    let named = json!({"PPYoloECollateFN": {"random_resize_sizes": [32, 64, 96], "random_resize_modes": [0, 1]}});
    let mut seen = Vec::new();
    for seed in 0..20 {
        let batch = collated(named.clone(), &Marked, vec![with_boxes(1)], seed).unwrap();
        let side = batch.input().size()[3];
        assert_eq!(batch.input().size(), [1, 1, side, side]);
        let scale = [side as f32 / 20.0, side as f32 / 10.0];
        let expected = [2.0 * scale[0], scale[1], 6.0 * scale[0], 4.0 * scale[1]];
        let row = floats(&batch.only_target());
        let differences = row[2..6].iter().zip(expected).map(|(a, b)| (a - b).abs());
        assert!(differences.fold(0.0, f32::max) < 1e-4, "{row:?}");
        seen.push(side);
    }
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen, [32, 64, 96]);
    let largest = collation(named)
        .collate()
        .output(&[3, 10, 10], &facts(&Marked, &Normalize::identity(), false));
    assert_eq!(largest.unwrap(), [3, 96, 96]);
}

#[test]
fn a_size_is_drawn_for_every_few_batches() {
    let sides = |parameters: Value, numbers: std::ops::Range<u64>| -> Vec<[i64; 2]> {
        let collation = collation(json!({ "MultiScaleCollateFunction": parameters }));
        let side = |number| {
            let plain = Normalize::identity();
            let facts = Facts {
                seed: 3,
                number,
                ..facts(&Marked, &plain, false)
            };
            let samples = vec![with_boxes(1), with_boxes(1)];
            let batch = collation
                .collate()
                .collate(samples, &facts, &mut Random::new(number));
            let batch = batch.unwrap();
            let [_, _, height, width] = batch.input().size()[..] else {
                panic!("images");
            };
            let row = floats(&batch.only_target());
            assert_eq!(row[2], 2.0 * width as f32 / 20.0);
            [height, width]
        };
        numbers.map(side).collect()
    };
    let distinct = |mut sides: Vec<[i64; 2]>| {
        sides.sort_unstable();
        sides.dedup();
        sides
    };
    let ten = sides(json!({"target_size": 64}), 20..30);
    assert_eq!(distinct(ten).len(), 1);
    let each = |mut parameters: Value| {
        parameters["change_frequency"] = json!(1);
        distinct(sides(parameters, 0..100))
    };
    // 0.66 · 64 is above 32, 1.5 · 64 is 96.
    assert_eq!(each(json!({"target_size": 64})), [[32, 64], [48, 96]]);
    let ends = json!({"min_image_size": 16, "max_image_size": 32, "image_size_steps": 8});
    assert_eq!(each(ends), [[8, 16], [12, 24], [16, 32]]);
    let range = json!({"multiscale_range": 1, "image_size_steps": 10});
    assert_eq!(each(range), [[5, 10], [10, 20], [15, 30]]);
    let largest = collation(json!({"MultiScaleCollateFunction": {"target_size": 640}}))
        .collate()
        .output(
            &[3, 320, 640],
            &facts(&Marked, &Normalize::identity(), false),
        );
    assert_eq!(largest.unwrap(), [3, 480, 960]);
}

fn digit_samples(count: usize) -> Vec<Sample> {
    (0..count)
        .map(|index| digits().train.sample(index).unwrap())
        .collect()
}

#[test]
fn mixed_images_and_classes_keep_their_shares() {
    let plain = collated(json!("default"), &*digits().train, digit_samples(6), 0).unwrap();
    let (images, classes) = (plain.input(), plain.only_target());
    let hot = |smoothing: f64| {
        classes.one_hot(10).to_kind(Kind::Float) * (1.0 - smoothing) + smoothing / 10.0
    };
    for seed in 0..8 {
        let named = json!({"CollateMixup": {"mixup_alpha": 0.4}});
        let mixed = collated(named, &*digits().train, digit_samples(6), seed).unwrap();
        let soft = mixed.only_target();
        // The first sample's own class has the share, if the last one's class is another.
        let own = soft.double_value(&[0, integers(&classes)[0]]);
        assert_ne!(integers(&classes)[0], integers(&classes)[5]);
        let share = (own - 0.01) / 0.9;
        let expected = &images * share + images.flip([0]) * (1.0 - share);
        assert!((mixed.input() - expected).abs().max().double_value(&[]) < 1e-5);
        let expected = hot(0.1) * share + hot(0.1).flip([0]) * (1.0 - share);
        assert!((soft - expected).abs().max().double_value(&[]) < 1e-6);
    }
}

#[test]
fn a_cut_rectangle_comes_from_the_other_image() {
    let plain = collated(json!("default"), &*digits().train, digit_samples(6), 0).unwrap();
    let (images, classes) = (plain.input(), integers(&plain.only_target()));
    for seed in 0..8 {
        let named =
            json!({"CollateMixup": {"mixup_alpha": 0, "cutmix_alpha": 1, "label_smoothing": 0}});
        let mixed = collated(named, &*digits().train, digit_samples(6), seed).unwrap();
        let is_own = mixed.input().eq_tensor(&images);
        let is_other = mixed.input().eq_tensor(&images.flip([0]));
        assert!(is_own.logical_or(&is_other).all().int64_value(&[]) == 1);
        let share = mixed.only_target().double_value(&[0, classes[0]]);
        let whole = share * 64.0;
        assert!(
            (whole - whole.round()).abs() < 1e-4,
            "a share of whole pixels: {share}"
        );
        let changed = is_own.logical_not().any_dim(0, false).any_dim(0, false);
        let changed = changed.sum(Kind::Int64).int64_value(&[]) as f64;
        assert!(
            changed <= 64.0 - whole + 0.5,
            "{changed} pixels changed at a share of {share}"
        );
    }
}

#[test]
fn targets_that_do_not_fit_are_refused_with_the_remedy() {
    let check = |named: Value, samples: Vec<Sample>, expected: &str| {
        let message = format!(
            "{:#}",
            collated(named, &*digits().train, samples, 0).unwrap_err()
        );
        assert!(message.contains(expected), "{message}");
    };
    check(
        json!("default"),
        vec![with_boxes(1)],
        "collate_fn: DetectionCollateFN",
    );
    check(
        json!("CollateMixup"),
        vec![with_boxes(1)],
        "cannot be stacked",
    );
    check(
        json!("DetectionCollateFN"),
        vec![with_boxes(1), digit_samples(1).remove(0)],
        "different kinds",
    );
    let mut larger = with_boxes(1);
    larger.image = Some(Pixels::Bytes(Raster {
        shape: [1, 11, 20],
        values: vec![0; 220],
    }));
    check(
        json!("DetectionCollateFN"),
        vec![with_boxes(1), larger],
        "gives all images one size",
    );
    assert!(crate::collate::ragged::capacity(1 << 21).is_err());
}

#[test]
fn wrong_collations_are_refused() {
    let check = |named: Value, expected: &str| {
        let config = serde_json::from_value::<LoaderConfig>(json!({ "collate_fn": named }));
        let message = match config {
            Ok(config) => {
                let plain = Normalize::identity();
                let facts = facts(&Marked, &plain, false);
                let output = config.collate_fn.collate().output(&[3, 8, 8], &facts);
                format!("{:#}", output.unwrap_err())
            }
            Err(error) => error.to_string(),
        };
        assert!(message.contains(expected), "{message}");
    };
    check(
        json!("DetectionCollate"),
        "unknown variant `DetectionCollate`",
    );
    check(
        json!({"CollateMixup": {"num_classes": 2}, "default": {}}),
        "`default` stands beside it",
    );
    check(json!({"default": {"size": 3}}), "unknown field `size`");
    check(
        json!({"PPYoloECollateFN": {"random_resize_sizes": []}}),
        "`random_resize_sizes` is empty",
    );
    check(
        json!({"PPYoloECollateFN": {"random_resize_sizes": [100_000]}}),
        "each side must be in",
    );
    check(
        json!({"PPYoloECollateFN": {"random_resize_modes": [2]}}),
        "may be 0 (nearest) and 1 (linear)",
    );
    for (parameters, expected) in [
        (json!({}), "one of `target_size`, `multiscale_range`, and"),
        (
            json!({"target_size": 64, "multiscale_range": 3}),
            "one of `target_size`",
        ),
        (json!({"min_image_size": 64}), "one of `target_size`"),
        (
            json!({"min_image_size": 64, "max_image_size": 32}),
            "none is left",
        ),
        (json!({"multiscale_range": 5}), "none is left"),
        (json!({"target_size": 30_000}), "each side must be in"),
        (
            json!({"target_size": 64, "change_frequency": 0}),
            "must be at least 1",
        ),
        (
            json!({"target_size": 64, "image_size_steps": 0}),
            "must be at least 1",
        ),
    ] {
        check(json!({ "MultiScaleCollateFunction": parameters }), expected);
    }
    check(
        json!({"CollateMixup": {"mixup_alpha": 0}}),
        "one of them above 0",
    );
    check(json!("CollateMixup"), "give `num_classes`");
    check(
        json!({"CollateMixup": {"mode": "pair"}}),
        "unknown variant `pair`",
    );
}

//! Each transform against the same done by libtorch on the untouched samples.
use serde_json::{Value, json};
use tch::{Kind, Tensor};

use super::super::{Augmentation, Normalize};
use super::{Batches as _, all, digits, floats};

fn augmentation(keys: Value) -> Augmentation {
    serde_json::from_value(keys).unwrap()
}

/// The first 100 training digits, transformed.
fn rendered(keys: Value, seed: u64) -> Tensor {
    let indices: Vec<usize> = (0..100).collect();
    digits()
        .train
        .batch(&indices, &augmentation(keys), seed)
        .unwrap()
        .input()
}

fn plain() -> Tensor {
    all(&*digits().train).input().narrow(0, 0, 100)
}

#[test]
fn fixed_transforms_are_those_of_libtorch() {
    let check = |keys: Value, expected: Tensor, tolerance: f64| {
        let actual = rendered(keys.clone(), 0);
        assert_eq!(actual.size(), expected.size(), "{keys}");
        let difference = (actual - expected).abs().max().double_value(&[]);
        assert!(difference <= tolerance, "{keys}: off by {difference}");
    };
    let antialiased = |height, width| {
        let resized = plain().internal_upsample_bilinear2d_aa(
            [height, width],
            false,
            None::<f64>,
            None::<f64>,
        );
        resized.to_kind(Kind::Float)
    };
    let bytes = 0.51 / 16.0; // The result of a resize is rounded to whole bytes, of which white has 16 here.
    check(json!({}), plain(), 0.0);
    check(json!({"horizontal_flip": 1.0}), plain().flip([3]), 0.0);
    check(
        json!({"center_crop": 4}),
        plain().narrow(2, 2, 4).narrow(3, 2, 4),
        0.0,
    );
    check(
        json!({"center_crop": 5}),
        plain().narrow(2, 1, 5).narrow(3, 1, 5),
        0.0,
    );
    check(json!({"random_crop": {"size": 8}}), plain(), 0.0);
    check(
        json!({"normalize": {"mean": [0.3], "std": [0.5]}}),
        (plain() - 0.3) / 0.5,
        1e-7,
    );
    check(json!({"resize": 16}), antialiased(16, 16), bytes);
    check(json!({"resize": [6, 4]}), antialiased(6, 4), bytes);
    check(
        json!({"resize": 16, "center_crop": 8}),
        antialiased(16, 16).narrow(2, 4, 8).narrow(3, 4, 8),
        bytes,
    );
}

#[test]
fn a_random_crop_is_one_of_all_places_of_the_padded_image() {
    let crops = rendered(json!({"random_crop": {"size": 8, "padding": 2}}), 1);
    let padded = plain().constant_pad_nd([2, 2, 2, 2]);
    let place = |sample: i64| {
        let at = |place: &i64| {
            padded
                .get(sample)
                .narrow(1, place / 5, 8)
                .narrow(2, place % 5, 8)
                == crops.get(sample)
        };
        (0..25)
            .find(at)
            .expect("a crop that is nowhere in its image")
    };
    let mut places: Vec<i64> = (0..100).map(place).collect();
    places.sort_unstable();
    places.dedup();
    // 100 draws of 25 places leave none out with probability about 0.65, and more than four out almost never.
    assert!(places.len() > 20, "{places:?}");
}

#[test]
fn chance_depends_on_seed_and_sample_only() {
    let keys = json!({"random_crop": {"size": 6, "padding": 1}, "horizontal_flip": 0.5});
    assert_eq!(rendered(keys.clone(), 1), rendered(keys.clone(), 1));
    assert_ne!(
        floats(&rendered(keys.clone(), 1)),
        floats(&rendered(keys.clone(), 2))
    );
    let alone = digits()
        .train
        .batch(&[42], &augmentation(keys.clone()), 1)
        .unwrap()
        .input();
    assert_eq!(alone.get(0), rendered(keys, 1).get(42));
    let flipped = rendered(json!({"horizontal_flip": 0.3}), 5)
        .ne_tensor(&plain())
        .flatten(1, -1)
        .any_dim(1, false);
    let flips = flipped.sum(Kind::Int64).int64_value(&[]);
    assert!(
        (15..45).contains(&flips),
        "{flips} of 100 flipped at probability 0.3"
    );
}

#[test]
fn what_does_not_fit_is_refused() {
    let check = |keys: Value, shape: &[i64], expected: &str| {
        let message = match serde_json::from_value::<Augmentation>(keys.clone()) {
            Ok(augmentation) => augmentation
                .output_shape(shape)
                .expect_err(&keys.to_string())
                .to_string(),
            Err(error) => error.to_string(),
        };
        assert!(message.contains(expected), "{keys}: {message}");
    };
    let image = [3, 32, 32];
    check(
        json!({"center_crop": 33}),
        &image,
        "`center_crop` of 33 pixels does not fit",
    );
    check(
        json!({"random_crop": {"size": 41, "padding": 4}}),
        &image,
        "does not fit an image of [40, 40]",
    );
    check(json!({"random_crop": {"size": 0}}), &image, "at least 1");
    check(
        json!({"random_crop": {"size": 1, "padding": usize::MAX}}),
        &image,
        "padding up to 8192",
    );
    check(
        json!({"random_crop": {"size": 8}, "center_crop": 8}),
        &image,
        "exclude each other",
    );
    check(json!({"random_crop": 8}), &image, "invalid type");
    check(
        json!({"resize": 0}),
        &image,
        "each side must be in 1..=8192",
    );
    check(
        json!({"resize": [4, usize::MAX]}),
        &image,
        "each side must be in 1..=8192",
    );
    check(
        json!({"resize": "big"}),
        &image,
        "`resize` is the length of the shorter side",
    );
    check(
        json!({"horizontal_flip": 1.1}),
        &image,
        "a probability, not 1.1",
    );
    check(
        json!({"normalize": {"mean": [0.1, 0.2], "std": [1.0]}}),
        &image,
        "2 numbers for 3 channels",
    );
    check(
        json!({"normalize": {"mean": [0.1], "std": [0.0]}}),
        &image,
        "must be positive",
    );
    check(
        json!({"vertical_flip": 0.5}),
        &image,
        "unknown field `vertical_flip`",
    );
    check(
        json!({"horizontal_flip": 0.5}),
        &[13],
        "transforms need images",
    );
}

#[test]
fn a_resized_shape_keeps_proportions() {
    let shape = |keys: Value, shape: &[i64]| augmentation(keys).output_shape(shape).unwrap();
    assert_eq!(shape(json!({"resize": 256}), &[3, 480, 640]), [3, 256, 341]);
    assert_eq!(
        shape(
            json!({"resize": 256, "random_crop": {"size": 224}}),
            &[3, 480, 640]
        ),
        [3, 224, 224]
    );
    assert_eq!(shape(json!({}), &[13]), [13]);
    let normalize = Normalize {
        mean: vec![0.5],
        std: vec![0.5],
    };
    assert_eq!(
        augmentation(json!({"normalize": normalize})).normalize,
        Some(normalize)
    );
}

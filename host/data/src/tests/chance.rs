//! Transforms that say of themselves that they draw, against samples of many seeds.

use std::path::Path;

use serde_json::{Value, json};

use super::super::random::Random;
use super::super::transforms::{Draw, TransformConfig};
use super::super::{Dataset, DatasetConfig};
use super::targets::list;

/// Each transform with parameters of its own, and with others where chance depends on them.
fn rows() -> Vec<Value> {
    let of_mean = json!({"mean": [0.5, 0.5, 0.5], "std": [0.2, 0.2, 0.2]});
    vec![
        json!({"Resize": {"size": [40, 40]}}),
        json!({"CenterCrop": {"size": 48}}),
        json!({"RandomCrop": {"size": 48}}),
        json!({"RandomResizedCrop": {"size": 48}}),
        json!({"RandomResizedCropAndInterpolation": {"size": 48}}),
        json!({"RandomHorizontalFlip": {"prob": 0.5}}),
        json!({"RandomHorizontalFlip": {"prob": 0.0}}),
        json!({"RandomHorizontalFlip": {"prob": 1.0}}),
        json!({"RandomVerticalFlip": {"prob": 0.5}}),
        json!({"RandomVerticalFlip": {"prob": 1.0}}),
        json!({"ColorJitter": {"brightness": 0.5}}),
        json!({"RandAugmentTransform": {"config_str": "rand-m9-mstd0.5", "crop_size": 64}}),
        json!({"RandomErasing": {"p": 0.5}}),
        json!({"RandomErasing": {"p": 0.0}}),
        json!({"RandomErase": {"p": 1.0}}),
        json!("ToTensor"),
        json!({ "Normalize": of_mean }),
        json!("Standardize"),
        json!({"DetectionMosaic": {"input_dim": 64, "prob": 0.5}}),
        json!({"DetectionMosaic": {"input_dim": 64, "enable_mosaic": false}}),
        json!({"DetectionMixup": {"input_dim": 64, "mixup_scale": [0.5, 1.5]}}),
        json!({"DetectionMixup": {"input_dim": 64, "mixup_scale": [0.5, 1.5], "prob": 0.0}}),
        json!({"DetectionRandomAffine": {"target_size": 64}}),
        json!({"DetectionHSV": {"prob": 1.0, "hgain": 5, "sgain": 30, "vgain": 30}}),
        json!({"DetectionHSV": {"prob": 0.0}}),
        json!({"DetectionRGB2BGR": {"prob": 0.5}}),
        json!({"DetectionRGB2BGR": {"prob": 1.0}}),
        json!({"DetectionHorizontalFlip": {"prob": 0.5}}),
        json!({"DetectionVerticalFlip": {"prob": 0.5}}),
        json!({"DetectionRandomRotate90": {"prob": 1.0}}),
        json!({"DetectionRandomRotate90": {"prob": 0.0}}),
        json!({"DetectionRescale": {"output_shape": [48, 48]}}),
        json!({"DetectionPaddedRescale": {"input_dim": 48}}),
        json!({"DetectionPadToSize": {"output_size": 96, "pad_value": 114}}),
        json!("DetectionStandardize"),
        json!({ "DetectionNormalize": of_mean }),
        json!("DetectionTargetsFormatTransform"),
        json!({"SegRandomFlip": {"prob": 0.5}}),
        json!({"SegResize": {"h": 48, "w": 48}}),
        json!({"SegRescale": {"long_size": 48}}),
        json!({"SegRandomRescale": {"scales": [0.5, 2.0]}}),
        json!({"SegCropImageAndMask": {"crop_size": 48, "mode": "random"}}),
        json!({"SegCropImageAndMask": {"crop_size": 48, "mode": "center"}}),
        json!({"SegPadShortToCropSize": {"crop_size": 96}}),
        json!({"SegColorJitter": {"brightness": 0.5}}),
        json!("SegStandardize"),
        json!({ "SegNormalize": of_mean }),
        json!("SegConvertToTensor"),
    ]
}

fn check(row: &Value, step: &TransformConfig, dataset: &dyn Dataset) {
    let transformed = |seed: u64| {
        let random = Random::keyed(&[seed]);
        let sample = dataset.sample(0).expect("a tile");
        let sample = step
            .transform()
            .apply(sample, &mut Draw { random, dataset });
        format!("{:?}", sample.expect("it fits"))
    };
    let first = transformed(0);
    let differs = (1..20).any(|seed| transformed(seed) != first);
    assert_eq!(step.transform().draws(), differs, "{row}");
}

#[test]
fn transforms_that_draw_say_so() {
    let part = |name: &str| {
        json!({
            "data_dir": "trees", "images_dir": name, "input_dim": 64,
            "json_annotation_file": format!("{name}.json"),
        })
    };
    let keys = json!({"train": part("train"), "validation": part("validation")});
    let config = DatasetConfig::named("coco_detection", keys).expect("a data set");
    let recipes = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../recipes/data");
    let dataset = config.load(&recipes).expect("it is there").train;
    let mut seen = Vec::new();
    for row in rows() {
        let list = list(json!([row]));
        let steps = list.steps().expect("they fit");
        let step = steps.first().expect("there is one");
        check(&row, step, &*dataset);
        seen.push(step.name());
    }
    for name in TransformConfig::NAMES {
        assert!(seen.contains(name), "`{name}` has no row");
    }
}

//! Parameters of transforms and collations set to anything: an error or a batch follows, never a panic.

use std::sync::Arc;

use serde_json::{Value, json};

use super::super::{DataLoader, TransformList};
use super::targets::Marked;

/// Values that no parameter was made for, and a few that some are.
fn values() -> Vec<Value> {
    vec![
        Value::Null,
        json!(true),
        json!(""),
        json!("random"),
        json!(0),
        json!(-1),
        json!(0.5),
        json!(3),
        json!(77),
        json!(8193),
        json!(1e300),
        json!(-1e300),
        json!(5e-324),
        json!(u64::MAX),
        json!(i64::MIN),
        json!([]),
        json!([0, 0]),
        json!([1, 1]),
        json!([40, 3]),
        json!([0.5, 2.0]),
        json!([-1e300, 1e300]),
        json!([1e-300, 1e300]),
        json!([u64::MAX, 1]),
        json!([1, 2, 3]),
        json!({"size": 3}),
    ]
}

/// Every transform, with the parameters that must be given.
fn transforms() -> Value {
    json!([
        {"Resize": {"size": 30}},
        {"CenterCrop": {"size": 30}},
        {"RandomCrop": {"size": 30}},
        {"RandomResizedCrop": {"size": 30}},
        "RandomHorizontalFlip",
        "RandomVerticalFlip",
        "ColorJitter",
        {"RandAugmentTransform": {"config_str": "rand-m9-mstd0.5", "crop_size": 30}},
        {"RandomErasing": {"p": 1}},
        {"Normalize": {"mean": [0], "std": [1]}},
        "Standardize",
        {"DetectionMosaic": {"input_dim": 30}},
        {"DetectionMixup": {"input_dim": 30}},
        {"DetectionRandomAffine": {"target_size": 30}},
        "DetectionHSV",
        "DetectionRGB2BGR",
        {"DetectionRandomRotate90": {"prob": 1}},
        {"DetectionRescale": {"output_shape": 30}},
        {"DetectionPaddedRescale": {"input_dim": 30}},
        {"DetectionPadToSize": {"output_size": 60}},
        {"DetectionNormalize": {"mean": [0], "std": [1]}},
        "DetectionTargetsFormatTransform",
        {"SegResize": {"h": 30, "w": 30}},
        {"SegRescale": {"scale_factor": 0.5}},
        "SegRandomRescale",
        {"SegCropImageAndMask": {"crop_size": 30, "mode": "random"}},
        {"SegPadShortToCropSize": {"crop_size": 60}},
        "SegConvertToTensor",
    ])
}

/// Batches of one sample: images may differ in size.
fn loader(item: &Value) -> DataLoader {
    let config =
        json!({"batch_size": 1, "collate_fn": "CrowdDetectionCollateFN", "max_batches": 3});
    let config = serde_json::from_value(config).unwrap();
    let list: TransformList = serde_json::from_value(json!([item])).unwrap();
    DataLoader::new("train", Arc::new(Marked), config, list, 3).unwrap()
}

/// Sets a value and reads an epoch, if it is accepted. Answers whether it was.
fn is_accepted(loader: &mut DataLoader, key: &str, value: Value) -> bool {
    let name = format!("{key}: {value}");
    if loader.set(key, value).is_err() {
        return false;
    }
    loader.start(0, 0).unwrap();
    for batch in loader.by_ref() {
        let message = batch.err().map(|error| format!("{error:#}"));
        let message = message.unwrap_or_default();
        assert!(!message.contains("panicked"), "{name}: {message}");
    }
    true
}

#[test]
fn anything_that_is_set_gives_an_error_or_a_batch() {
    let mut accepted = 0;
    for item in transforms().as_array().unwrap() {
        let mut loader = loader(item);
        let known = loader.parameters();
        let key = known.last().unwrap().clone();
        let own = loader.get(&key).unwrap();
        for (parameter, _) in own.as_object().unwrap() {
            for value in values() {
                loader.set(&key, json!(true)).unwrap();
                accepted += u64::from(is_accepted(&mut loader, &key, json!({ parameter: value })));
            }
        }
    }
    assert!(accepted > 200, "{accepted} were accepted");
}

#[test]
fn any_collation_gives_an_error_or_a_batch() {
    let mut loader = loader(&json!({"DetectionRescale": {"output_shape": 30}}));
    for value in values() {
        for (name, parameter) in [
            ("PPYoloECollateFN", "random_resize_sizes"),
            ("PPYoloECollateFN", "random_resize_modes"),
            ("CollateMixup", "mixup_alpha"),
            ("CollateMixup", "cutmix_alpha"),
            ("CollateMixup", "num_classes"),
            ("default", "size"),
        ] {
            let collation = json!({ name: { parameter: value } });
            is_accepted(&mut loader, "collate_fn", collation);
        }
        is_accepted(&mut loader, "collate_fn", value);
    }
}

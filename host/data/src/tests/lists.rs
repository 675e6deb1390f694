//! The list form of transforms: the mapping's bits, switches at run time, states, refusals.

use std::sync::Arc;

use serde_json::{Value, json};

use super::super::{Augmentation, DataLoader, LoaderConfig, TransformList, Transforms};
use super::targets::{Marked, list};
use super::{digits, floats, integers};
use crate::collate::Collation;
use crate::pipeline::{Pipeline, Request};
use crate::transforms::one_pass;

fn mapping(keys: &Value) -> Augmentation {
    serde_json::from_value(keys.clone()).unwrap()
}

/// The first 50 digits as a pipeline of `transforms` makes them.
fn batch(transforms: &Transforms, collation: Value, keeps_bytes: bool) -> super::Batch {
    let config: LoaderConfig = serde_json::from_value(json!({ "collate_fn": collation })).unwrap();
    let pipeline = Pipeline::new(transforms, &config.collate_fn).unwrap();
    let indices: Vec<usize> = (0..50).collect();
    let request = Request {
        indices: &indices,
        epoch: &5.into(),
        position: 0,
        number: 0,
        keeps_bytes,
    };
    pipeline.batch(&*digits().train, &request).unwrap()
}

#[test]
fn a_mapping_a_list_and_one_pass_give_the_same_bits() {
    for keys in [
        json!({}),
        json!({"horizontal_flip": 0.5}),
        json!({"random_crop": {"size": 7, "padding": 2}, "horizontal_flip": 0.3}),
        json!({"resize": 12, "center_crop": 9, "normalize": {"mean": [0.3], "std": [0.5]}}),
        json!({"resize": [6, 11], "random_crop": {"size": 6}}),
    ] {
        let mapping = mapping(&keys);
        let transforms = Transforms::Mapping(mapping.clone());
        assert_eq!(
            one_pass(&transforms.steps().unwrap()),
            Some(mapping),
            "{keys}"
        );
        for keeps_bytes in [false, true] {
            let fast = batch(&transforms, json!("default"), keeps_bytes);
            // A step that the one pass does not know and that changes nothing.
            let mut items = steps(&transforms);
            items.push(json!({"RandomErasing": {"p": 0}}));
            let slow = batch(&list(items.into()), json!("default"), keeps_bytes);
            let is_normalized = keys.get("normalize").is_some();
            let (fast_values, slow_values) = (fast.input(), slow.input());
            assert_eq!(fast_values.size(), slow_values.size(), "{keys}");
            if keeps_bytes && is_normalized {
                continue;
            }
            assert_eq!(fast_values, slow_values, "{keys}");
            assert_eq!(fast.byte_scale, slow.byte_scale, "{keys}");
            assert_eq!(integers(&fast.only_target()), integers(&slow.only_target()));
        }
    }
}

/// The transforms as the items of a list.
fn steps(transforms: &Transforms) -> Vec<Value> {
    let steps = transforms.steps().unwrap();
    steps
        .iter()
        .map(|step| serde_json::to_value(step).unwrap())
        .collect()
}

#[test]
fn only_lists_in_the_order_of_the_pass_take_it() {
    let check = |items: Value, expected: bool| {
        let steps = list(items.clone()).steps().unwrap();
        assert_eq!(one_pass(&steps).is_some(), expected, "{items}");
    };
    check(
        json!([{"RandomCrop": {"size": 8, "padding": 1}}, "RandomHorizontalFlip", "ToTensor"]),
        true,
    );
    check(
        json!(["ToTensor", {"Normalize": {"mean": [0.1], "std": [0.2]}}]),
        true,
    );
    check(
        json!(["RandomHorizontalFlip", {"RandomCrop": {"size": 8}}]),
        false,
    );
    check(json!([{"RandomCrop": {"size": [8, 7]}}]), false);
    check(json!([{"RandomCrop": {"size": 8, "fill": 3}}]), false);
    check(json!(["RandomVerticalFlip"]), false);
    assert_eq!(
        Collation::default(),
        serde_json::from_value::<LoaderConfig>(json!({}))
            .unwrap()
            .collate_fn
    );
}

fn loader(items: Value) -> DataLoader {
    let config =
        serde_json::from_value(json!({"batch_size": 4, "collate_fn": "DetectionCollateFN"}));
    DataLoader::new("train", Arc::new(Marked), config.unwrap(), list(items), 3).unwrap()
}

fn epoch(loader: &mut DataLoader) -> Vec<Vec<f32>> {
    loader.start(1, 0).unwrap();
    let batches = loader.map(Result::unwrap);
    let batches = batches.map(|batch| {
        [
            floats(&batch.input()),
            floats(batch.target.get("boxes").unwrap()),
        ]
    });
    batches.map(|values| values.concat()).collect()
}

fn yolox() -> Value {
    json!([
        {"DetectionMosaic": {"input_dim": 64}},
        {"DetectionRandomAffine": {"target_size": 64, "shear": 2.0}},
        {"DetectionMixup": {"input_dim": 64}},
        {"DetectionHSV": {"hgain": 5, "sgain": 30, "vgain": 30}},
        "DetectionHorizontalFlip",
        {"DetectionPaddedRescale": {"input_dim": 64}},
        "DetectionTargetsFormatTransform",
    ])
}

#[test]
fn a_transform_is_switched_and_changed_by_name() {
    let mut loader_a = loader(yolox());
    let before = epoch(&mut loader_a);
    loader_a.set("DetectionMosaic", json!(false)).unwrap();
    loader_a.set("DetectionMixup", Value::Null).unwrap();
    loader_a
        .set("DetectionHorizontalFlip", json!({"prob": 1}))
        .unwrap();
    assert_eq!(loader_a.get("DetectionMosaic").unwrap(), Value::Null);
    assert_eq!(
        loader_a.get("DetectionHorizontalFlip").unwrap(),
        json!({"prob": 1.0})
    );
    let without = epoch(&mut loader_a);
    assert!(before != without);

    let mut written = loader(json!([
        {"DetectionRandomAffine": {"target_size": 64, "shear": 2.0}},
        {"DetectionHSV": {"hgain": 5, "sgain": 30, "vgain": 30}},
        {"DetectionHorizontalFlip": {"prob": 1}},
        {"DetectionPaddedRescale": {"input_dim": 64}},
        "DetectionTargetsFormatTransform",
    ]));
    assert!(
        without == epoch(&mut written),
        "as if the recipe did not have them"
    );

    let mut resumed = loader(yolox());
    resumed.restore(&loader_a.state()).unwrap();
    assert!(
        without == epoch(&mut resumed),
        "a checkpoint brings the switches back"
    );
    loader_a.set("DetectionMosaic", json!(true)).unwrap();
    loader_a
        .set("DetectionMixup", json!({"prob": 1.0}))
        .unwrap();
    loader_a
        .set("DetectionHorizontalFlip", json!(true))
        .unwrap();
    assert!(before == epoch(&mut loader_a), "on again");
    assert!(loader_a.parameters().contains(&"DetectionHSV".to_owned()));
}

#[test]
fn two_of_a_kind_have_two_names() {
    let transforms = list(json!([{"RandomErasing": {"p": 1}}, "RandomErasing"]));
    let keys: Vec<String> = transforms
        .values()
        .unwrap()
        .into_iter()
        .map(|(key, _)| key)
        .collect();
    assert_eq!(keys, ["RandomErasing", "RandomErasing_2"]);
}

#[test]
fn wrong_changes_are_refused_and_change_nothing() {
    let mut loader = loader(yolox());
    let before = loader.values_of("DetectionMosaic");
    let mut check = |key: &str, value: Value, expected: &str| {
        let message = format!("{:#}", loader.set(key, value).unwrap_err());
        assert!(
            message.contains(expected) && message.contains("loader `train`"),
            "{message}"
        );
        assert_eq!(loader.state(), json!({}));
    };
    check(
        "DetectionMosaic",
        json!(1),
        "is switched by true, false or null",
    );
    check(
        "DetectionMosaic",
        json!({"prop": 1}),
        "unknown field `prop`, expected one of `input_dim`, `prob`",
    );
    check(
        "DetectionMosaic",
        json!({"prob": 2}),
        "`DetectionMosaic`: `prob` is a probability, not 2",
    );
    check(
        "DetectionMosaic",
        json!({"input_dim": 1_000_000}),
        "each side in 1..=8192",
    );
    check(
        "DetectionMosaic",
        json!({"input_dim": 8000}),
        "each side must be in 1..=8192",
    );
    check(
        "DetectionMixup",
        json!({"mixup_scale": [0, 1e300]}),
        "`mixup_scale` must be above 0",
    );
    check(
        "DetectionRandomAffine",
        json!({"scales": [0, 0]}),
        "`scales` must be above 0",
    );
    check(
        "DetectionRandomAffine",
        json!({"shear": 90}),
        "`shear` must be between",
    );
    check(
        "DetectionHSV",
        json!({"hgain": 1e300}),
        "`hgain` must be in [0, 255]",
    );
    check("mosaic", json!(true), "no parameter `mosaic`");
    assert_eq!(loader.values_of("DetectionMosaic"), before);
}

impl DataLoader {
    fn values_of(&self, key: &str) -> Value {
        self.get(key).unwrap()
    }
}

#[test]
fn lists_that_do_not_fit_are_refused() {
    let check = |items: Value, expected: &str| {
        let message = match serde_json::from_value::<TransformList>(items.clone()) {
            Ok(list) => {
                let shape = Transforms::from(list).output_shape(&[3, 40, 50]);
                format!("{:#}", shape.expect_err(&items.to_string()))
            }
            Err(error) => error.to_string(),
        };
        assert!(message.contains(expected), "{items}: {message}");
    };
    check(
        json!(["RandomFlip"]),
        "unknown variant `RandomFlip`, expected one of `Resize`",
    );
    check(json!([{"Resize": {}}]), "missing field `size`");
    check(
        json!([{"Resize": {"sized": 3}}]),
        "unknown field `sized`, expected `size`",
    );
    check(json!([{"Resize": {"size": 0}}]), "`Resize`: `resize` gives");
    check(
        json!([{"CenterCrop": {"size": 41}}]),
        "`CenterCrop`: a crop of [41, 41] pixels does not fit",
    );
    check(
        json!([{"RandomCrop": {"size": 8, "padding": usize::MAX}}]),
        "`padding` is",
    );
    check(
        json!([{"RandomResizedCrop": {"size": 8, "ratio": [0, 1]}}]),
        "`ratio` must be above 0",
    );
    check(
        json!([{"SegPadShortToCropSize": {"crop_size": 100_000}}]),
        "each side must be in 1..=8192",
    );
    check(
        json!([{"SegRandomRescale": {"scales": [0.5, 900]}}]),
        "each side must be in 1..=8192",
    );
    check(
        json!(["SegRescale"]),
        "give `scale_factor`, `short_size` or `long_size`",
    );
    check(
        json!([{"DetectionTargetsFormatTransform": {"input_dim": [64, 64]}}]),
        "`input_dim` is [64, 64]",
    );
    check(
        json!([{"DetectionPadToSize": {"output_size": 32}}]),
        "does not fit `output_size`",
    );
    check(
        json!([{"ColorJitter": {"hue": 0.6}}]),
        "`hue` must be in [-0.5, 0.5]",
    );
    check(
        json!([{"Normalize": {"mean": [0, 0], "std": [1, 1]}}]),
        "2 numbers for 3 channels",
    );
    let rand = |text: &str| json!([{"RandAugmentTransform": {"config_str": text, "crop_size": 9}}]);
    check(rand("m9"), "begins with `rand`");
    check(rand("rand-m11"), "`m` and `mstd` are in 0..=10");
    check(rand("rand-w3"), "unknown part `w`");
    check(rand("rand-m"), "`m` has no number");
    check(
        json!([{"SegStandardize": {"max_value": 0}}]),
        "`max_value` must be positive",
    );
}

#[test]
fn transforms_that_change_nothing_are_named_with_the_reason() {
    let check = |dataset: Arc<dyn super::Dataset>, item: Value, expected: &[&str]| {
        let config = json!({"batch_size": 1, "collate_fn": "CrowdDetectionCollateFN"});
        let config = serde_json::from_value(config).unwrap();
        let list: TransformList = serde_json::from_value(json!([item])).unwrap();
        let loader = DataLoader::new("train", dataset, config, list, 0).unwrap();
        let idle = loader.idle_transforms().unwrap();
        let reasons: Vec<&str> = idle.iter().map(|idle| idle.reason.as_str()).collect();
        assert_eq!(reasons, expected, "{item}");
    };
    let format = json!("DetectionTargetsFormatTransform");
    check(
        digits().train,
        format.clone(),
        &["samples here have no boxes"],
    );
    check(Arc::new(Marked), format, &[]);
    // It makes float32 of the bytes as they are, whatever their size.
    check(
        digits().train,
        json!({"DetectionPaddedRescale": {"input_dim": 8}}),
        &[],
    );
    let rescale = json!({"DetectionRescale": {"output_shape": 8}});
    check(digits().train, rescale, &["images are 8×8 there already"]);
}

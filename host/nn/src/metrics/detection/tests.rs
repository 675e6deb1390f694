//! Rows of `tests/reference/detection.json`, from pycocotools and from a script of SuperGradients' described behavior.

use std::time::Instant;

use serde_json::{Value, json};
use tch::{Kind, Tensor};
use torch_ext::Items;

use crate::detection::test_sets::{Set, reference};
use crate::metrics::{BatchItems, MetricConfig, Metrics};

/// Scores as they are, and no suppression, so that the metric sees the set itself.
fn untouched() -> Value {
    json!({"YoloXPostPredictionCallback": {"conf": 0.0, "iou": 1.0, "max_predictions": 10_000}})
}

/// The values of a set, in batches of two images.
fn values(set: &Set, entry: &Value) -> Vec<(String, f64)> {
    let config = MetricConfig::from_value(entry).expect("a valid metric");
    let mut metrics = Metrics::new(&[config], &["loss".to_owned()]).expect("one metric");
    for images in set.images.chunks(2) {
        let batch = set.batch(images);
        let additional = Items::named([("crowd_targets", batch.crowds)]).expect("a name");
        let [preds, target, inputs] = [batch.decoded, batch.target, batch.inputs].map(Items::from);
        let items = BatchItems {
            preds: &preds,
            target: &target,
            inputs: Some(&inputs),
            additional: Some(&additional),
        };
        metrics.gather(&items).expect("the batch fits");
    }
    metrics.compute().expect("the CPU answers")
}

#[test]
fn the_twelve_numbers_are_pycocotools() {
    let rows = reference("coco");
    let rows = rows.as_array().expect("a list");
    assert!(rows.len() >= 200);
    for (seed, row) in (1..).zip(rows) {
        let set = Set::random(seed);
        let entry = json!({"CocoMetrics": {
            "num_cls": set.classes,
            "post_prediction_callback": untouched(),
        }});
        let values = values(&set, &entry);
        let numbers: Vec<f64> = values.iter().map(|(_, value)| *value).collect();
        let expected: Vec<f64> = serde_json::from_value(row.clone()).expect("numbers");
        assert_eq!(numbers, expected, "set {seed}");
    }
}

/// Detections of a network after three epochs of `recipes/yolox_digits.yaml`, and pycocotools' numbers of them.
#[test]
fn the_numbers_of_a_trained_network_are_pycocotools() {
    let all = include_str!("../../../../../tests/reference/coco_run.json");
    let all: Value = serde_json::from_str(all).expect("valid JSON");
    let entry = json!({"CocoMetrics": {
        "num_cls": all["classes"],
        "post_prediction_callback": untouched(),
    }});
    let config = MetricConfig::from_value(&entry).expect("a valid metric");
    let mut metrics = Metrics::new(&[config], &[]).expect("one metric");
    let images = all["images"].as_array().expect("a list");
    assert!(images.len() >= 60);
    for image in images {
        let found = numbers(&image["found"], |row| {
            let mut place = [&row[1..5], &[1.0f32], &[0.0f32; 10]].concat();
            place[5 + row[0] as usize] = row[5];
            place
        });
        let truths = numbers(&image["truths"], |row| [&[0.0], row].concat());
        let preds = Items::from(Tensor::from_slice(&found).reshape([1, -1, 15]));
        let target = Items::from(Tensor::from_slice(&truths).reshape([-1, 6]));
        let items = BatchItems::of_pair(&preds, &target);
        metrics.gather(&items).expect("the batch fits");
    }
    let found = metrics.compute().expect("the CPU answers").into_iter();
    let found: Vec<f64> = found.map(|(_, value)| value).collect();
    let expected: Vec<f64> = serde_json::from_value(all["numbers"].clone()).expect("numbers");
    assert_eq!(found, expected);
    assert!(
        found[1] > 0.1,
        "the network found next to nothing: {found:?}"
    );
}

/// The rows of a list, each made into others, one after the other.
fn numbers(rows: &Value, row: fn(&[f32]) -> Vec<f32>) -> Vec<f32> {
    let rows: Vec<Vec<f32>> = serde_json::from_value(rows.clone()).expect("rows of numbers");
    rows.iter().flat_map(|numbers| row(numbers)).collect()
}

#[test]
fn the_values_are_supergradients() {
    let rows = reference("supergradients");
    for row in rows.as_array().expect("a list") {
        let set = Set::random(row["seed"].as_u64().expect("a seed"));
        let entry = json!({"DetectionMetrics": {
            "num_cls": set.classes,
            "post_prediction_callback": untouched(),
            "normalize_targets": true,
            "iou_thres": row["iou_thres"],
            "include_classwise_ap": true,
        }});
        for (name, value) in values(&set, &entry) {
            let Some(expected) = row["values"].as_object() else {
                let is_mean = !name.contains("class_");
                assert_eq!(value, if is_mean { -1.0 } else { 0.0 }, "{name}");
                continue;
            };
            let wanted = expected[&name].as_f64().expect("a number");
            let difference = (value - wanted).abs();
            assert!(
                difference < 1e-6,
                "{}: {name}: {value}, {wanted}",
                row["seed"]
            );
        }
    }
}

#[test]
fn the_forms_are_thresholds_of_the_whole() {
    let set = Set::random(7);
    for (name, iou_thres, range) in [
        ("DetectionMetrics_050", json!(0.5), "@0.50"),
        ("DetectionMetrics_075", json!(0.75), "@0.75"),
        ("DetectionMetrics_050_095", json!([0.5, 0.95]), "@0.50:0.95"),
        ("DetectionMetrics", Value::Null, "@0.50:0.95"),
    ] {
        let params = json!({"num_cls": set.classes, "normalize_targets": true});
        let form = values(&set, &json!({name: params}));
        let mut params = params;
        params["iou_thres"] = iou_thres;
        let whole = values(&set, &json!({"DetectionMetrics": params}));
        assert_eq!(form, whole);
        let names: Vec<String> = form.into_iter().map(|(name, _)| name).collect();
        let means = ["Precision", "Recall", "mAP", "F1"].map(|mean| format!("{mean}{range}"));
        assert_eq!(names[..4], means);
        assert_eq!(names[4..], ["Best_score_threshold"]);
    }
}

/// Boxes between 0 and 1 are the same boxes.
#[test]
fn the_unit_of_targets_is_obeyed() {
    let mut set = Set::random(9);
    let of = |set: &Set, in_pixels: bool| {
        let params = json!({"num_cls": set.classes, "normalize_targets": in_pixels});
        values(set, &json!({"DetectionMetrics_050": params}))
    };
    let expected = of(&set, true);
    set.unit = Tensor::from_slice(&[1.0f32, 1.0, 320.0, 240.0, 320.0, 240.0]);
    for ((name, value), (_, expected)) in of(&set, false).into_iter().zip(expected) {
        assert!(
            (value - expected).abs() < 1e-6,
            "{name}: {value}, {expected}"
        );
    }
}

#[test]
fn a_resumed_pass_gives_the_same_bits() {
    let set = Set::random(11);
    let entry = json!({"CocoMetrics": {"num_cls": set.classes}});
    let config = MetricConfig::from_value(&entry).expect("a valid metric");
    let new =
        || Metrics::new(std::slice::from_ref(&config), &["loss".to_owned()]).expect("one metric");
    let (mut whole, mut resumed) = (new(), new());
    for images in set.images.chunks(1) {
        let batch = set.batch(images);
        let [preds, target] = [batch.decoded, batch.target].map(Items::from);
        let items = BatchItems::of_pair(&preds, &target);
        whole.gather(&items).expect("the batch fits");
        let mut next = new();
        let state = resumed.state().expect("the CPU answers");
        next.load_state(&state, tch::Device::Cpu)
            .expect("the same metrics");
        next.gather(&items).expect("the batch fits");
        resumed = next;
    }
    let [whole, resumed] = [whole, resumed].map(|metrics| metrics.compute().expect("values"));
    assert_eq!(whole, resumed);
}

#[test]
fn mistakes_are_errors_in_words() {
    let refused = |name: &str, params: Value| {
        let error = MetricConfig::from_value(&json!({name: params})).err();
        format!("{:#}", error.expect("a mistake"))
    };
    for (params, words) in [
        (json!({}), "missing field `num_cls`"),
        (json!({"num_cls": 0}), "`num_cls` must be between 1"),
        (json!({"num_cls": 2, "iou": 1}), "unknown field `iou`"),
        (
            json!({"num_cls": 2, "iou_thres": [0.9, 0.5]}),
            "the lower end first",
        ),
        (
            json!({"num_cls": 2, "iou_thres": "x"}),
            "a number, or a range",
        ),
        (
            json!({"num_cls": 2, "score_thres": 1.5}),
            "`score_thres` must be",
        ),
        (
            json!({"num_cls": 2, "top_k_predictions": 0}),
            "`top_k_predictions` must be",
        ),
        (
            json!({"num_cls": 2, "recall_thres": []}),
            "`recall_thres` must be",
        ),
        (
            json!({"num_cls": 2, "class_names": ["a", "b"]}),
            "`include_classwise_ap: true`",
        ),
        (
            json!({"num_cls": 2, "class_names": ["a"], "include_classwise_ap": true}),
            "has 1 names, and `num_cls` is 2",
        ),
        (
            json!({"num_cls": 2, "class_names": ["a", "a"], "include_classwise_ap": true}),
            "`class_names` has `a` twice",
        ),
        (
            json!({"num_cls": 2, "post_prediction_callback": {"YoloXPostPredictionCallback": {"classes": [1, 2]}}}),
            "`classes` has 2, and the last of 2 classes is 1",
        ),
        (
            json!({"num_cls": 2, "post_prediction_callback": {"YoloXPostPredictionCallback": {"conf": 1}}}),
            "`conf` is 1, and no score is above it",
        ),
        (
            json!({"num_cls": 2, "post_prediction_callback": "PPYoloEPostPredictionCallback"}),
            "belongs to networks that are not there",
        ),
        (
            json!({"num_cls": 2, "post_prediction_callback": {"YoloXPostPredictionCallback": {"conf": 2}}}),
            "`conf` must be between 0 and 1",
        ),
        (
            json!({"num_cls": 2, "post_prediction_callback": {"YoloXPostPredictionCallback": {"nms_type": "matrix"}}}),
            "unknown variant `matrix`",
        ),
    ] {
        let message = refused("DetectionMetrics", params);
        assert!(message.contains(words), "{message}");
    }
    let message = refused("CocoMetrics", json!({"num_cls": 65_536}));
    let words = "at most 16384 classes are compared";
    assert!(message.contains(words), "{message}");
    let message = refused(
        "DetectionMetrics_050",
        json!({"num_cls": 2, "iou_thres": 0.5}),
    );
    assert!(message.contains("is in its name"), "{message}");
}

/// A metric: its name, its overlap, and whether it gives a best score.
type Listed = (&'static str, Option<f64>, bool);

/// Two metrics of detections, by their parameters beside the number of classes; none where both may stand together.
const PAIRS: &[([Listed; 2], Option<&str>)] = &[
    (
        [
            ("DetectionMetrics_050", None, true),
            ("DetectionMetrics_075", None, true),
        ],
        Some(
            "metric `DetectionMetrics_075` gives `Best_score_threshold`, as `DetectionMetrics_050` does: set \
             `calc_best_score_thresholds: false`",
        ),
    ),
    (
        [
            ("DetectionMetrics_050", None, true),
            ("DetectionMetrics_075", None, false),
        ],
        None,
    ),
    (
        [
            ("DetectionMetrics", Some(0.5), true),
            ("DetectionMetrics_050", None, false),
        ],
        Some("gives `Precision@0.50`, as `DetectionMetrics@0.50` does: keep one"),
    ),
    (
        [
            ("DetectionMetrics", Some(0.5), true),
            ("DetectionMetrics", Some(0.75), false),
        ],
        None,
    ),
    (
        [
            ("DetectionMetrics", Some(0.5), false),
            ("DetectionMetrics", Some(0.5), false),
        ],
        Some("metric `DetectionMetrics@0.50` is there twice"),
    ),
];

/// A value has one giver, and the saved rows of a metric are its own.
#[test]
fn values_of_two_metrics_have_names_of_their_own() {
    for (pair, expected) in PAIRS {
        let configs = pair.map(|(name, overlap, has_scores)| {
            let mut params = json!({"num_cls": 2, "calc_best_score_thresholds": has_scores});
            if let Some(overlap) = overlap {
                params["iou_thres"] = json!(overlap);
            }
            MetricConfig::from_value(&json!({name: params})).expect("valid")
        });
        let refused = Metrics::new(&configs, &["loss".to_owned()]).err();
        let message = refused.map(|error| format!("{error:#}"));
        let is_as_expected = match (&message, expected) {
            (None, None) => configs[0].key != configs[1].key,
            (Some(message), Some(words)) => message.contains(words),
            _ => false,
        };
        assert!(is_as_expected, "{pair:?}: {message:?}");
    }
}

#[test]
fn counts_and_thresholds_have_no_better_direction() {
    let config = json!({"DetectionMetrics_050": {"num_cls": 2, "include_classwise_ap": true}});
    let config = MetricConfig::from_value(&config).expect("valid");
    let items = ["loss", "iou", "num_fg"].map(str::to_owned);
    let metrics = Metrics::new(&[config], &items).expect("two names");
    for (name, expected) in [
        ("loss", Some(false)),
        ("iou", Some(false)),
        ("num_fg", None),
        ("mAP@0.50", Some(true)),
        ("AP@0.50_class_1", Some(true)),
        ("Best_score_threshold", None),
        ("Best_score_threshold_class_1", None),
        ("other", None),
    ] {
        assert_eq!(metrics.greater_is_better(name), expected, "{name}");
    }
}

#[test]
fn batches_that_do_not_fit_are_errors_in_words() {
    let zeros = |size: &[i64]| Items::from(Tensor::zeros(size, (Kind::Float, tch::Device::Cpu)));
    let row = |row: [f32; 6]| Items::from(Tensor::from_slice(&row).reshape([1, 6]));
    for (in_pixels, preds, target, words) in [
        (
            true,
            zeros(&[2, 7]),
            zeros(&[0, 6]),
            "decoded boxes are [B, A, 5 + classes]",
        ),
        (
            true,
            zeros(&[1, 3, 9]),
            zeros(&[0, 6]),
            "`num_cls` is 2, and the network has 4",
        ),
        (
            true,
            zeros(&[1, 3, 7]),
            zeros(&[4]),
            "target must be rows [M, 6]",
        ),
        (
            true,
            zeros(&[1, 3, 7]),
            row([1., 0., 1., 1., 2., 2.]),
            "image 1 of a batch of 1",
        ),
        (
            true,
            zeros(&[1, 3, 7]),
            row([0., 2., 1., 1., 2., 2.]),
            "class 2, and `num_cls` is 2",
        ),
        (
            true,
            zeros(&[1, 3, 7]),
            row([0., 0.5, 1., 1., 2., 2.]),
            "class 0.5",
        ),
        (
            false,
            zeros(&[1, 3, 7]),
            row([0., 0., 9., 9., 9., 9.]),
            "`normalize_targets: true`",
        ),
    ] {
        let entry = json!({"DetectionMetrics": {"num_cls": 2, "normalize_targets": in_pixels}});
        let config = MetricConfig::from_value(&entry).expect("a valid metric");
        let mut metrics = Metrics::new(&[config], &["loss".to_owned()]).expect("one metric");
        let items = BatchItems {
            inputs: Some(&zeros(&[1, 3, 8, 8])),
            ..BatchItems::of_pair(&preds, &target)
        };
        let refused = metrics.gather(&items).expect_err("a mistake");
        assert!(format!("{refused:#}").contains(words), "{refused:#}");
    }
}

/// Raw levels of a network in training.
#[test]
fn a_training_batch_names_the_remedy() {
    let zeros = || Tensor::zeros([1, 3, 7], (Kind::Float, tch::Device::Cpu));
    let preds = Items::named(["p3", "p4"].map(|name| (name, zeros()))).expect("names");
    let target = Items::from(Tensor::zeros([0, 6], (Kind::Float, tch::Device::Cpu)));
    let entry = json!({"CocoMetrics": {"num_cls": 2}});
    let config = MetricConfig::from_value(&entry).expect("a valid metric");
    let mut metrics = Metrics::new(&[config], &["loss".to_owned()]).expect("one metric");
    let refused = metrics.gather(&BatchItems::of_pair(&preds, &target));
    let message = format!("{:#}", refused.expect_err("no decoded boxes"));
    assert!(message.contains("valid_metrics_list"), "{message}");
}

#[test]
fn no_truth_at_all_is_minus_one() {
    let mut set = Set::random(3);
    set.images.iter_mut().for_each(|(truths, _)| truths.clear());
    let params = json!({"num_cls": set.classes, "normalize_targets": true});
    let found = values(&set, &json!({"DetectionMetrics": params}));
    assert!(found.iter().all(|(_, value)| *value == -1.0), "{found:?}");
    let found = values(&set, &json!({"CocoMetrics": {"num_cls": set.classes}}));
    assert!(found.iter().all(|(_, value)| *value == -1.0), "{found:?}");
}

/// The numbers of 5,000 images and the seconds from boxes to numbers, for `tests/reference/coco_speed.py`.
#[test]
fn speed_of_5000_images() {
    // A measurement: `coco_speed.py` compares numbers and seconds.
    if std::env::var_os("PHASEBOX_TEST_LONG").is_none() {
        return;
    }
    let set = Set::many(5000, 7, 100, 80);
    let entry = json!({"CocoMetrics": {
        "num_cls": set.classes,
        "post_prediction_callback": untouched(),
    }});
    let config = MetricConfig::from_value(&entry).expect("a valid metric");
    let mut metrics = Metrics::new(&[config], &["loss".to_owned()]).expect("one metric");
    let batches: Vec<[Items; 2]> = set
        .images
        .chunks(32)
        .map(|images| {
            let batch = set.batch(images);
            [batch.decoded, batch.target].map(Items::from)
        })
        .collect();
    let mut seconds = [0.0; 2];
    for [preds, target] in &batches {
        let start = Instant::now();
        let items = BatchItems::of_pair(preds, target);
        metrics.gather(&items).expect("the batch fits");
        seconds[0] += start.elapsed().as_secs_f64();
    }
    let start = Instant::now();
    let values = metrics.compute().expect("the CPU answers");
    seconds[1] = start.elapsed().as_secs_f64();
    let numbers: Vec<f64> = values.into_iter().map(|(_, value)| value).collect();
    let [gather, compute] = seconds;
    let result = json!({"seconds": compute, "post_processing": gather, "numbers": numbers});
    println!("{result}");
}

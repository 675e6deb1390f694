//! Rows of `tests/reference/detection.json`.

use serde_json::{Value, json};
use tch::{Kind, Tensor};

use super::post_prediction::PostPrediction;
use super::test_sets::{Random, reference};

/// `[1, anchors, 5 + classes]`: the generator of `detection.py`.
fn decoded(seed: u64, anchors: i64, classes: u64) -> Tensor {
    let mut random = Random(seed);
    let mut rows = Vec::new();
    for _ in 0..anchors {
        let [x, y, width, height] = random.bounds();
        rows.extend([x / 4.0 + width / 2.0, y / 4.0 + height / 2.0, width, height]);
        rows.extend((0..=classes).map(|_| random.below(65) as f32 / 64.0));
    }
    Tensor::from_slice(&rows).reshape([1, anchors, 5 + classes as i64])
}

fn post_prediction(params: &Value) -> PostPrediction {
    let block = json!({"YoloXPostPredictionCallback": params});
    PostPrediction::from_value(&block).expect("valid parameters")
}

#[test]
fn detections_are_those_of_the_reference() {
    let rows = reference("post_processing");
    for row in rows.as_array().expect("a list") {
        let seed = row["first_seed"].as_u64().expect("a seed");
        let images = [decoded(seed, 60, 3), decoded(seed + 1, 60, 3)];
        let images = Tensor::cat(&images, 0);
        let found = post_prediction(&row["params"]).detections(&images);
        let found = found.expect("decoded boxes");
        let expected: Vec<Vec<[f32; 6]>> =
            serde_json::from_value(row["detections"].clone()).expect("numbers");
        let found = found.into_iter().map(|image| {
            let rows = image.into_iter().map(|found| {
                let [x1, y1, x2, y2] = found.corners;
                [x1, y1, x2, y2, found.score, found.class as f32]
            });
            rows.collect::<Vec<_>>()
        });
        assert_eq!(found.collect::<Vec<_>>(), expected, "{}", row["params"]);
    }
}

/// Half precision, as autocast gives it, and memory that is a view.
#[test]
fn the_dtype_and_the_layout_do_not_matter() {
    let images = decoded(5, 40, 2);
    let found = post_prediction(&json!({"conf": 0.5}));
    let expected = found.detections(&images).expect("decoded boxes");
    assert!(!expected[0].is_empty());
    let other = images.transpose(1, 2).contiguous().transpose(1, 2);
    assert_eq!(
        found
            .detections(&other.to_kind(Kind::Double))
            .expect("a view"),
        expected
    );
}

#[test]
fn images_without_anything_have_no_detection() {
    let images = Tensor::cat(&[decoded(5, 40, 2) * 0.0, decoded(5, 40, 2)], 0);
    let found = post_prediction(&json!({"conf": 0.9})).detections(&images);
    let found = found.expect("decoded boxes");
    assert!(found[0].is_empty() && !found[1].is_empty());
    let none = post_prediction(&json!({})).detections(&images.narrow(1, 0, 0));
    assert_eq!(none.expect("no place"), [[], []]);
    let not_numbers = post_prediction(&json!({})).detections(&(images * f64::NAN));
    assert_eq!(not_numbers.expect("no number"), [[], []]);
}

#[test]
fn mistakes_are_errors_in_words() {
    let images = decoded(5, 4, 2);
    let refused = post_prediction(&json!({"classes": [2]})).detections(&images);
    let message = format!("{:#}", refused.expect_err("no class 2"));
    assert!(
        message.contains("`classes` has 2, and the last of 2 classes is 1"),
        "{message}"
    );
    for (value, words) in [
        (json!(3), "is a name or"),
        (json!("Yolo"), "unknown `post_prediction_callback` `Yolo`"),
        (
            json!({"YoloXPostPredictionCallback": {"classes": []}}),
            "leave it out",
        ),
        (
            json!({"YoloXPostPredictionCallback": {"max_predictions": 0}}),
            "at least 1",
        ),
        (
            json!({"YoloXPostPredictionCallback": {"confidence": 0}}),
            "unknown field",
        ),
    ] {
        let refused = PostPrediction::from_value(&value).expect_err("a mistake");
        assert!(format!("{refused:#}").contains(words), "{refused:#}");
    }
}

//! Rows of `tests/reference/losses.json`, which PyTorch computed.

mod multi_task;

use serde_json::{Map, Value, json};
use tch::{Device, Kind, Tensor};

use super::Criterion;
use crate::test_device::test_device;

fn criterion(name: &str, params: Value) -> Criterion {
    Criterion::new(name, &params, test_device()).expect("the row's parameters are valid")
}

fn floats(value: &Value) -> Tensor {
    let list: Vec<f64> = serde_json::from_value(value.clone()).expect("a list of numbers");
    let list = Tensor::from_slice(&list).to_kind(Kind::Float);
    list.to_device(test_device())
}

fn shape(value: &Value) -> Vec<i64> {
    serde_json::from_value(value.clone()).expect("a list of sizes")
}

fn check_row(row: &Value) {
    let preds = floats(&row["preds"])
        .reshape(shape(&row["shape"]))
        .set_requires_grad(true);
    let target = floats(&row["target"]).reshape(shape(&row["target_shape"]));
    let target = if row["classes"] == true {
        target.to_kind(Kind::Int64)
    } else {
        target
    };
    let name = row["name"].as_str().expect("a name");
    let output = criterion(name, row["params"].clone())
        .forward(&preds.shallow_clone().into(), &target.into())
        .expect("the row's shapes fit");
    output.loss.backward();

    let loss = output.loss.double_value(&[]);
    let expected = row["loss"].as_f64().expect("a number");
    assert!(
        (loss - expected).abs() < 1e-5 * expected.abs().max(1.0),
        "{name}: {loss} is not {expected}"
    );
    let gradient = preds.grad().reshape([-1]);
    assert!(
        gradient.allclose(&floats(&row["gradient"]), 1e-4, 1e-6, false),
        "{name}: gradient"
    );
    assert_eq!(output.items.size(), [1]);
    assert_eq!(output.items.double_value(&[0]), loss);
    assert!(!output.items.requires_grad());
}

#[test]
fn losses_and_gradients_are_pytorchs() {
    let rows: Vec<Value> =
        serde_json::from_str(include_str!("../../../../../tests/reference/losses.json"))
            .expect("valid JSON");
    assert!(!rows.is_empty());
    rows.iter().for_each(check_row);
}

#[test]
fn half_precision_is_widened() {
    let preds = Tensor::from_slice(&[1.0f32, 2.0, 3.0])
        .reshape([1, 3])
        .to_device(test_device())
        .to_kind(Kind::BFloat16);
    let target = Tensor::from_slice(&[2i64]).to_device(test_device());
    let loss = criterion("CrossEntropyLoss", json!({}))
        .forward(&preds.shallow_clone().into(), &target.into())
        .expect("bfloat16 is a float")
        .loss;
    assert_eq!(loss.kind(), Kind::Float);
}

#[test]
fn spelling_does_not_matter() {
    let check =
        |name, expected| assert_eq!(criterion(name, Value::Null).name(), expected, "{name}");
    check("cross_entropy", "CrossEntropyLoss");
    check("LabelSmoothingCrossEntropyLoss", "CrossEntropyLoss");
    check("bce_with_logits_loss", "BCEWithLogitsLoss");
    check("MSE", "MSELoss");
    check("l1-loss", "L1Loss");
    check("huber", "HuberLoss");
}

#[track_caller]
fn check_refused<T>(result: anyhow::Result<T>, parts: &[&str]) {
    let message = format!("{:#}", result.err().expect("an error"));
    for part in parts {
        assert!(message.contains(part), "`{part}` is not in: {message}");
    }
    assert!(
        !message.contains("frame #") && message.len() < 400,
        "{message}"
    );
}

#[test]
fn wrong_parameters_name_key_and_remedy() {
    let parse = |name: &str, params: Value| Criterion::new(name, &params, test_device());
    check_refused(
        parse("CrossEntropieLoss", json!({})),
        &["CrossEntropieLoss", "did you mean `CrossEntropyLoss`"],
    );
    check_refused(
        parse("MSELoss", json!({"delta": 1})),
        &["loss `MSELoss`", "unknown field `delta`", "l1_weight"],
    );
    check_refused(
        parse("HuberLoss", json!({"delta": "wide"})),
        &["`delta`", "invalid type: string \"wide\""],
    );
    check_refused(
        parse("HuberLoss", json!({"delta": 0})),
        &["HuberLoss", "`delta` must be", "above 0"],
    );
    for (loss, key) in [
        ("HuberLoss", "delta"),
        ("MSELoss", "l1_weight"),
        ("CrossEntropyLoss", "z_loss"),
    ] {
        check_refused(
            parse(loss, json!({key: 1e39})),
            &[key, "the largest of float32"],
        );
    }
    check_refused(
        parse("CrossEntropyLoss", json!({"label_smoothing": 1.5})),
        &["`label_smoothing`", "0 and 1"],
    );
    check_refused(
        parse("CrossEntropyLoss", json!({"weight": [1.0, -1.0]})),
        &["`weight`"],
    );
    check_refused(
        parse(
            "LabelSmoothingCrossEntropyLoss",
            json!({"smooth_eps": 0.1, "weight": [1.0, 2.0]}),
        ),
        &["`smooth_eps` with `weight`", "write `label_smoothing`"],
    );
    check_refused(
        parse("CrossEntropyLoss", json!({"reduction": "none"})),
        &["`reduction`", "expected `mean` or `sum`"],
    );
    check_refused(
        parse(
            "CrossEntropyLoss",
            json!({"from_logits": false, "smooth_eps": 0.1}),
        ),
        &["`from_logits: false` has neither smoothing nor"],
    );
    check_refused(
        parse(
            "CrossEntropyLoss",
            json!({"smooth_dist": [0.5, 0.5], "ignore_index": 1}),
        ),
        &["`smooth_dist` has neither"],
    );
}

#[test]
fn wrong_tensors_are_errors_in_words() {
    let forward = |name: &str, params: Value, preds: &[i64], target: Tensor| {
        let preds = Tensor::zeros(preds, (Kind::Float, test_device()));
        criterion(name, params).forward(&preds.into(), &target.into())
    };
    let indices = |size: i64| Tensor::zeros([size], (Kind::Int64, test_device()));
    let numbers = |size: &[i64]| Tensor::zeros(size, (Kind::Float, test_device()));
    let none = || json!({});
    check_refused(
        forward("CrossEntropyLoss", none(), &[6, 4], indices(5)),
        &[
            "preds [6, 4] float on ",
            "target [5] int64",
            "class indices [6]",
        ],
    );
    check_refused(
        forward("CrossEntropyLoss", none(), &[6, 4], numbers(&[6])),
        &["probabilities [6, 4]"],
    );
    check_refused(
        forward("CrossEntropyLoss", none(), &[6], indices(6)),
        &["preds must be [N, classes, …]"],
    );
    let beyond = forward("CrossEntropyLoss", none(), &[6, 4], indices(6) + 4);
    match test_device() {
        Device::Cpu => check_refused(beyond, &["Target 4 is out of bounds"]),
        _ => check_refused(beyond, &["reaches from 4 to 4"]),
    }
    check_refused(
        forward(
            "CrossEntropyLoss",
            json!({"weight": [1.0]}),
            &[6, 4],
            indices(6),
        ),
        &["weight"],
    );
    check_refused(
        forward("MSELoss", none(), &[6, 1], numbers(&[1, 6])),
        &["target must have the shape of preds"],
    );
    check_refused(
        forward("BCEWithLogitsLoss", none(), &[6, 2], numbers(&[6])),
        &["shape of preds"],
    );
    assert!(forward("MSELoss", none(), &[6, 1], numbers(&[6])).is_ok());
}

#[test]
fn parameters_change_while_training() {
    let mut criterion = criterion(
        "CrossEntropyLoss",
        json!({"label_smoothing": 0.1, "weight": [1.0, 2.0, 1.0]}),
    );
    let preds = floats(&json!([0.5, -1.0, 2.0])).reshape([1, 3]);
    let loss = |criterion: &Criterion| {
        criterion
            .forward(
                &preds.shallow_clone().into(),
                &Tensor::from_slice(&[1i64]).to_device(test_device()).into(),
            )
            .expect("fits")
            .loss
            .double_value(&[])
    };
    let before = criterion.state();
    let smoothed = loss(&criterion);
    criterion
        .set("label_smoothing", json!(0.0))
        .expect("a valid value");
    assert_eq!(
        criterion.get("label_smoothing").expect("a key"),
        &json!(0.0)
    );
    assert_ne!(loss(&criterion), smoothed);

    check_refused(
        criterion.set("label_smoothing", json!(2)),
        &["`label_smoothing` must be"],
    );
    check_refused(
        criterion.set("label_smoothing", json!("much")),
        &["`label_smoothing`", "invalid type"],
    );
    check_refused(
        criterion.set("label_smothing", json!(0)),
        &["unknown parameter", "did you mean `label_smoothing`"],
    );
    check_refused(
        criterion.get("delta"),
        &["unknown parameter", "CrossEntropyLoss"],
    );
    check_refused(
        criterion.restore(&json!("MSELoss"), &Map::new()),
        &["MSELoss"],
    );

    let parameters = before["parameters"].as_object().expect("by name");
    criterion
        .restore(&before["name"], parameters)
        .expect("its own state");
    assert_eq!(loss(&criterion), smoothed);
    assert_eq!(criterion.state(), before);
}

/// Values that a loss would take and answer with a plausible number.
#[test]
fn targets_that_a_loss_is_not_made_for_are_refused_at_the_first_batch() {
    let check = |name: &str, target: Tensor, part: &str| {
        let preds = Tensor::zeros([3, 2], (Kind::Float, test_device()));
        let refused = criterion(name, Value::Null).forward(&preds.into(), &target.into());
        check_refused(refused, &[name, part]);
    };
    let rows = |rows: &[f32], width: i64| {
        Tensor::from_slice(rows)
            .reshape([-1, width])
            .to_device(test_device())
    };
    let labels = rows(&[0.0, 1.0, 0.5, 7.0, 0.0, 1.0], 2);
    check("BCEWithLogitsLoss", labels, "reaches from 0 to 7");
    let below = rows(&[0.0, 1.0, 0.5, -1.0, 0.0, 1.0], 2);
    check("BCEWithLogitsLoss", below, "reaches from -1 to 1");
    let corners = rows(&[0.0, 0.25, 0.5, 1.0, 0.5, 0.5], 3);
    check("PresenceLoss", corners, "begins with `LABEL`");
    let corners = rows(&[0.0, 12.0, 5.0, 1.0, 30.0, 0.0], 3);
    check("PresenceLoss", corners, "begins with `LABEL`");
    let padded = rows(&[0.0, 1.0, 5.0, -1.0, 0.0, 0.0], 3);
    let preds = Tensor::zeros([3, 2], (Kind::Float, test_device()));
    let loss = criterion("PresenceLoss", Value::Null).forward(&preds.into(), &padded.into());
    assert!(loss.is_ok());
}

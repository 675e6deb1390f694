//! `MultiTaskLoss` against `tests/reference/multi_task_loss.json`, which PyTorch computed.

use serde_json::{Value, json};
use tch::{Kind, no_grad};
use torch_ext::Items;

use super::{check_refused, criterion, floats};
use crate::criterion::{Criterion, LossOutput};
use crate::test_device::test_device;

const TASKS: [(&str, i64); 3] = [("digit", 4), ("odd", 1), ("ink", 1)];

fn reference() -> Value {
    let text = include_str!("../../../../../tests/reference/multi_task_loss.json");
    serde_json::from_str(text).expect("valid JSON")
}

fn multi_task(weights: Value) -> Criterion {
    let parts = json!({
        "digit": {"CrossEntropyLoss": {"label_smoothing": 0.1}},
        "odd": "BCEWithLogitsLoss",
        "ink": "MSELoss",
    });
    criterion("MultiTaskLoss", json!({"parts": parts, "weights": weights}))
}

fn preds(row: &Value) -> Items {
    let each = TASKS.map(|(name, width)| {
        let values = floats(&row["preds"][name]).reshape([-1, width]);
        (name, values.set_requires_grad(true))
    });
    Items::named(each).expect("three names")
}

fn targets(row: &Value) -> Items {
    let each = TASKS.map(|(name, width)| {
        let values = floats(&row["targets"][name]);
        let is_class = width > 1;
        (
            name,
            if is_class {
                values.to_kind(Kind::Int64)
            } else {
                values
            },
        )
    });
    Items::named(each).expect("three names")
}

fn check_values(output: &LossOutput, whole: &Value, row: &Value) {
    let loss = output.loss.double_value(&[]);
    let expected = whole.as_f64().expect("a number");
    assert!((loss - expected).abs() < 1e-5, "{loss} is not {expected}");
    let parts = output.items.narrow(0, 1, 3);
    assert!(parts.allclose(&floats(&row["parts"]), 1e-5, 1e-6, false));
    assert_eq!(output.items.double_value(&[0]), loss);
    assert!(!output.items.requires_grad());
}

#[test]
fn weights_are_learned_as_in_pytorch() {
    let row = reference();
    let criterion = multi_task(json!("learned"));
    assert_eq!(criterion.item_names(), ["loss", "digit", "odd", "ink"]);
    let [(name, log_variances)] = criterion.trained() else {
        panic!("one tensor is trained");
    };
    assert_eq!(name, "log_variances");
    no_grad(|| {
        log_variances
            .shallow_clone()
            .copy_(&floats(&row["log_variances"]))
    });
    let preds = preds(&row);
    let output = criterion.forward(&preds, &targets(&row)).expect("all fit");
    check_values(&output, &row["learned"], &row);
    output.loss.backward();
    for (tensor, key) in [
        (log_variances, "learned_gradient"),
        (preds.get("ink").expect("a name"), "ink_gradient"),
    ] {
        let gradient = tensor.grad().reshape([-1]);
        assert!(
            gradient.allclose(&floats(&row[key]), 1e-4, 1e-6, false),
            "{key}"
        );
    }
}

#[test]
fn weights_are_given() {
    let row = reference();
    let criterion = multi_task(json!({"digit": 1, "odd": 0.5, "ink": 2}));
    assert!(criterion.trained().is_empty());
    let output = criterion.forward(&preds(&row), &targets(&row));
    check_values(&output.expect("all fit"), &row["fixed"], &row);
}

#[test]
fn a_change_keeps_what_is_trained() {
    let mut criterion = multi_task(json!("learned"));
    let before = criterion.trained()[0].1.shallow_clone();
    let parts = json!({"digit": "CrossEntropyLoss", "odd": "BCEWithLogitsLoss", "ink": "L1Loss"});
    criterion.set("parts", parts).expect("the same names");
    assert_eq!(criterion.trained()[0].1.data_ptr(), before.data_ptr());
    let refused = criterion.set("weights", Value::Null);
    check_refused(refused, &["MultiTaskLoss", "cannot change during a run"]);
    let fewer = criterion.set("parts", json!({"ink": "L1Loss"}));
    check_refused(fewer, &["cannot change during a run"]);
}

#[test]
fn mistakes_name_the_part() {
    let parse = |params: Value| Criterion::new("MultiTaskLoss", &params, test_device());
    for (params, words) in [
        (json!({}), ["`parts` is empty", "write a loss"]),
        (
            json!({"parts": {"": {"MSELoss": {"preds": "a", "target": "a"}}}}),
            [
                "a name in `parts`",
                "`` cannot be logged: give it 1 to 160 bytes",
            ],
        ),
        (
            json!({"parts": {"a\u{1b}[2J": "MSELoss"}}),
            ["a name in `parts`", "`a\\u{1b}[2J` cannot be logged"],
        ),
        (
            json!({"parts": {"a".repeat(10_000): "MSELoss"}}),
            ["a name in `parts`", "(cut)` cannot be logged"],
        ),
        (
            json!({"parts": {"a": "MSE", "b": "MSELos"}}),
            ["`parts.b`", "did you mean `MSELoss`"],
        ),
        (
            json!({"parts": {"a": {"MSELoss": {"delta": 1}}}}),
            ["`parts.a`", "unknown field `delta`"],
        ),
        (
            json!({"parts": {"a": {"HuberLoss": 0.1}}}),
            ["`parts.a`", "are a mapping, not 0.1"],
        ),
        (
            json!([{"a": "MSE"}]),
            ["MultiTaskLoss", "a mapping is wanted"],
        ),
        (
            json!({"parts": {"a": 3}}),
            ["`parts.a`", "a part is a loss"],
        ),
        (
            json!({"parts": {"a": "MultiTaskLoss"}}),
            ["`parts.a`", "cannot have parts"],
        ),
        (
            json!({"parts": {"a": "MSE"}, "weights": {"a": -1}}),
            ["`weights.a`", "a number from 0"],
        ),
        (
            json!({"parts": {"a": "MSE"}, "weights": {"a": 1, "b": 1}}),
            ["`weights`", "no part is named `b`"],
        ),
        (
            json!({"parts": {"a": "MSE"}, "weights": {"a": 1e39}}),
            ["`weights.a`", "the largest of float32"],
        ),
        (
            json!({"parts": {"a": "MSE", "b": "MSE"}, "weights": {"a": 0, "b": 0.0}}),
            ["`weights` is 0 for every part", "nothing is trained"],
        ),
        (
            json!({"parts": {"a": "MSE"}, "weights": "learnt"}),
            ["`weights` is `learned`", "for each part"],
        ),
    ] {
        check_refused(parse(params), &words);
    }
    let row = reference();
    let one = floats(&json!([1.0])).into();
    let missing = multi_task(Value::Null).forward(&preds(&row), &one);
    check_refused(missing, &["part `digit`", "`target: digit`", "no `digit`"]);
    let several = criterion("MSELoss", json!({})).forward(&preds(&row), &targets(&row));
    check_refused(
        several,
        &["MSELoss", "digit, odd, ink", "write `preds: NAME`"],
    );
}

//! Networks fresh from a seed are PyTorch's (rows of `reference/models.json` and `reference/yolox.json`). This is a program of its own, because
//! torch's generator belongs to the process, and no other test may draw from it meanwhile.

use std::path::Path;
use std::sync::Mutex;

use phasebox_nn::model::{Model, build};
use serde_json::{Value, json};
use tch::{Device, Kind, Tensor};

static GENERATOR: Mutex<()> = Mutex::new(());

fn digits(architecture: &str, arch_params: &Value) -> Model {
    build(
        architecture,
        arch_params,
        &[("inputs".to_owned(), vec![1, 8, 8])],
        Some(10),
        Path::new("."),
        Device::Cpu,
    )
    .expect("a valid row")
}

fn floats(value: &Value) -> Tensor {
    let list: Vec<f64> = serde_json::from_value(value.clone()).expect("a list of numbers");
    Tensor::from_slice(&list).to_kind(Kind::Float)
}

fn check(row: &Value) {
    let architecture = row["architecture"].as_str().expect("a name");
    tch::manual_seed(0);
    let model = digits(architecture, &row["arch_params"]);
    let inputs = Tensor::linspace(-1, 1, 3 * 64, (Kind::Float, Device::Cpu)).reshape([3, 1, 8, 8]);
    let forward = |train| {
        model
            .forward(&inputs.shallow_clone().into(), train)
            .expect("digits fit")
            .single("preds")
            .expect("one tensor")
            .reshape([-1])
    };
    let _ = forward(true);
    for (mode, preds) in [("train", forward(true)), ("eval", forward(false))] {
        assert!(
            preds.allclose(&floats(&row[mode]), 1e-4, 1e-5, false),
            "{architecture} in {mode}"
        );
    }
    let state = model.state();
    assert_eq!(state.len(), row["state"].as_object().expect("a map").len());
    for (name, tensor) in state {
        let (sum, expected) = (
            tensor.sum(Kind::Double).double_value(&[]),
            row["state"][&name].as_f64(),
        );
        let expected =
            expected.unwrap_or_else(|| panic!("{architecture}: PyTorch has no `{name}`"));
        assert!(
            (sum - expected).abs() < 1e-4,
            "{architecture}: {name} sums to {sum}, not {expected}"
        );
    }
}

#[test]
fn first_values_and_predictions_are_pytorchs() {
    let _alone = GENERATOR.lock();
    let rows: Vec<Value> =
        serde_json::from_str(include_str!("reference/models.json")).expect("valid JSON");
    assert!(!rows.is_empty());
    rows.iter().for_each(check);
}

/// The tensors of `yolox_n` fresh from a seed have the sums of PyTorch's (`reference/yolox.py`).
#[test]
fn a_detection_network_starts_as_pytorchs() {
    let _alone = GENERATOR.lock();
    let file = include_str!("reference/yolox.json");
    let file: Value = serde_json::from_str(file).expect("valid JSON");
    tch::manual_seed(0);
    let inputs = [("inputs".to_owned(), vec![3, 64, 64])];
    let focus = json!({"stem_type": "focus"});
    let here = Path::new(".");
    let model = build("yolox_n", &focus, &inputs, Some(3), here, Device::Cpu);
    let state = model.expect("a network").state();
    assert_eq!(state.len(), file["fresh"].as_object().expect("a map").len());
    for (name, tensor) in state {
        let sum = tensor.sum(Kind::Double).double_value(&[]);
        let expected = file["fresh"][&name].as_f64().expect("a sum");
        assert!((sum - expected).abs() < 1e-4, "{name} sums to {sum}");
    }
}

#[test]
fn a_duplicate_draws_no_random_number() {
    let _alone = GENERATOR.lock();
    let draw = || Tensor::rand([4], (Kind::Float, Device::Cpu));
    let model = digits("mlp", &json!({"hidden": [16], "dropout": 0.5}));
    tch::manual_seed(5);
    let expected = draw();
    tch::manual_seed(5);
    let _copy = model.duplicate().expect("the same architecture");
    assert_eq!(draw(), expected);
}

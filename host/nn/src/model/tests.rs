//! Networks against tch's own ResNets, and what a model does with its tensors. Networks against PyTorch are in
//! `tests/models.rs`: they need torch's generator for themselves.
mod sizes;
mod weights;

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tch::nn::ModuleT;
use tch::{Device, Kind, Tensor, nn, vision};

use super::{Model, build};

fn forward(model: &Model, inputs: &Tensor, train: bool) -> anyhow::Result<Tensor> {
    let preds = model.forward(&inputs.shallow_clone().into(), train)?;
    Ok(preds.single("preds")?.shallow_clone())
}

fn model(architecture: &str, arch_params: Value, input_shape: &[i64]) -> anyhow::Result<Model> {
    build(
        architecture,
        &arch_params,
        &[("inputs".to_owned(), input_shape.to_vec())],
        Some(10),
        &recipes(),
        Device::Cpu,
    )
}

fn digits(architecture: &str, arch_params: Value) -> Model {
    model(architecture, arch_params, &[1, 8, 8]).expect("the row's parameters are valid")
}

fn recipes() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../recipes")
}

fn images(size: &[i64]) -> Tensor {
    let count: i64 = size.iter().product();
    Tensor::linspace(-1, 1, count, (Kind::Float, Device::Cpu)).reshape(size)
}

#[test]
fn resnets_compute_what_tch_computes() {
    let resnet = |path: &nn::Path, depth| -> Box<dyn ModuleT> {
        match depth {
            "resnet18" => Box::new(vision::resnet::resnet18(path, 10)),
            "resnet34" => Box::new(vision::resnet::resnet34(path, 10)),
            _ => Box::new(vision::resnet::resnet50(path, 10)),
        }
    };
    for depth in ["resnet18", "resnet34", "resnet50"] {
        let ours = model(depth, json!({}), &[3, 32, 32]).expect("valid");
        let store = nn::VarStore::new(Device::Cpu);
        let theirs = resnet(&store.root(), depth);
        let state: std::collections::HashMap<String, Tensor> = ours.state().into_iter().collect();
        for (name, tensor) in store.variables() {
            tch::no_grad(|| tensor.shallow_clone().copy_(&state[&name]));
        }
        for train in [true, false] {
            let inputs = images(&[2, 3, 32, 32]);
            let preds = forward(&ours, &inputs, train).expect("the images fit");
            assert!(
                preds.allclose(&theirs.forward_t(&inputs, train), 1e-3, 1e-3, false),
                "{depth} {train}"
            );
        }
    }
}

/// Parameter counts that torchvision's documentation gives for 1000 classes.
#[test]
fn resnets_have_the_published_size() {
    let sizes = [
        ("resnet18", 11_689_512),
        ("resnet34", 21_797_672),
        ("resnet50", 25_557_032),
    ];
    for (name, expected) in sizes {
        let model = model(name, json!({"num_classes": 1000}), &[3, 224, 224]).expect("valid");
        let count: usize = model
            .parameters()
            .iter()
            .map(|(_, tensor)| tensor.numel())
            .sum();
        assert_eq!(count, expected, "{name}");
    }
}

/// Ten steps of plain gradient descent towards one class must lower the loss by far more than dropout moves it.
fn check_trains(model: &Model, inputs: &Tensor) {
    let target = Tensor::zeros([inputs.size()[0]], (Kind::Int64, Device::Cpu));
    let loss = || {
        forward(model, inputs, true)
            .expect("the inputs fit")
            .cross_entropy_for_logits(&target)
    };
    let before = loss().double_value(&[]);
    for _ in 0..10 {
        loss().backward();
        model
            .parameters()
            .iter()
            .for_each(|(name, tensor)| descend(name, tensor));
    }
    let after = loss().double_value(&[]);
    assert!(
        after < 0.8 * before,
        "{}: {before} became {after}",
        model.architecture()
    );
}

fn descend(name: &str, parameter: &Tensor) {
    let mut gradient = parameter.grad();
    assert!(gradient.defined(), "{name} has no gradient");
    let _ = tch::no_grad(|| parameter.shallow_clone().subtract_(&(&gradient * 0.1)));
    let _ = gradient.zero_();
}

#[test]
fn every_architecture_trains() {
    check_trains(&digits("linear", json!({})), &images(&[8, 1, 8, 8]));
    check_trains(
        &digits("mlp", json!({"hidden": [64]})),
        &images(&[8, 1, 8, 8]),
    );
    check_trains(&digits("convnet", json!({})), &images(&[8, 1, 8, 8]));
    let small = model("resnet18", json!({"small_images": true}), &[3, 32, 32]).expect("valid");
    check_trains(&small, &images(&[2, 3, 32, 32]));
    let script = |file: &str| json!({"file": format!("data/torchscript/{file}")});
    check_trains(
        &digits("torchscript", script("mnist_convnet.pt")),
        &images(&[8, 1, 28, 28]),
    );
    let mlp = digits("torchscript", script("digits_mlp.pt"));
    let names: Vec<&str> = mlp
        .parameters()
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(names, ["1.bias", "1.weight", "4.bias", "4.weight"]);
    check_trains(&mlp, &images(&[8, 1, 8, 8]));
}

#[test]
fn torchscript_switches_mode_and_keeps_its_statistics() {
    let model = digits(
        "torchscript",
        json!({"file": "data/torchscript/mnist_convnet.pt"}),
    );
    let inputs = images(&[4, 1, 28, 28]);
    let eval = || forward(&model, &inputs, false).expect("fits");
    let before = eval();
    assert_eq!(before, eval(), "evaluation changes nothing");
    let _ = forward(&model, &inputs, true).expect("fits");
    assert_ne!(before, eval(), "training moved the running statistics");
    let (name, tracked) = model
        .buffers()
        .iter()
        .find(|(name, _)| name.ends_with("tracked"))
        .expect("batch norms");
    assert_eq!(tracked.int64_value(&[]), 1, "{name}");
}

#[test]
fn a_state_goes_round_and_a_duplicate_shares_nothing() {
    for params in [
        json!({"hidden": [16]}),
        json!({"hidden": [16], "dropout": 0.5}),
    ] {
        check_duplicate(&digits("mlp", params), &images(&[3, 1, 8, 8]));
    }
    check_duplicate(&digits("convnet", json!({})), &images(&[3, 1, 8, 8]));
    let script = digits(
        "torchscript",
        json!({"file": "data/torchscript/mnist_convnet.pt"}),
    );
    check_duplicate(&script, &images(&[3, 1, 28, 28]));
}

fn check_duplicate(model: &Model, inputs: &Tensor) {
    let _ = forward(model, inputs, true).expect("fits");
    let frozen = model.freeze("*.bias").expect("a glob");
    let copy = model.duplicate().expect("the same architecture");
    let preds = forward(&copy, inputs, false).expect("fits");
    assert_eq!(preds, forward(model, inputs, false).expect("fits"));
    assert_eq!(
        copy.parameters()
            .iter()
            .filter(|(_, tensor)| !tensor.requires_grad())
            .count(),
        frozen
    );
    for (_, tensor) in model.state() {
        let _ = tch::no_grad(|| tensor.shallow_clone().fill_(3));
    }
    assert_eq!(
        preds,
        forward(&copy, inputs, false).expect("fits"),
        "they share memory"
    );
}

#[test]
fn a_state_that_does_not_fit_is_listed_and_not_loaded() {
    let mut model = digits("mlp", json!({"hidden": [16]}));
    let before: Vec<Tensor> = model
        .state()
        .iter()
        .map(|(_, tensor)| tensor.copy())
        .collect();
    let mut state: Vec<(String, Tensor)> = model
        .state()
        .into_iter()
        .map(|(name, tensor)| (name, tensor.zeros_like()))
        .collect();
    state[0].0 = "fc.bais".to_owned();
    state[1].1 = Tensor::zeros([2, 2], (Kind::Float, Device::Cpu));
    let message = format!(
        "{:#}",
        model.load_state(&state, true).expect_err("it does not fit")
    );
    for part in [
        "`fc.bias` is missing",
        "`fc.bais` is not in the model",
        "`fc.weight` has shape [2, 2]",
        "[10, 16]",
    ] {
        assert!(message.contains(part), "{message}");
    }
    assert!(
        model
            .state()
            .iter()
            .zip(&before)
            .all(|((_, now), before)| now == before)
    );

    let _ = state.remove(1);
    model
        .load_state(&state, false)
        .expect("what fits is loaded");
    let sum = |model: &Model, index: usize| {
        model.state()[index]
            .1
            .abs()
            .sum(Kind::Double)
            .double_value(&[])
    };
    assert!(
        sum(&model, 0) > 0.0
            && sum(&model, 1) > 0.0
            && sum(&model, 2) == 0.0
            && sum(&model, 3) == 0.0
    );
}

#[test]
fn freezing_follows_a_glob() {
    let model = digits("mlp", json!({"hidden": [16, 16]}));
    let trained = || -> Vec<String> {
        let trained = model
            .parameters()
            .iter()
            .filter(|(_, tensor)| tensor.requires_grad());
        trained.map(|(name, _)| name.clone()).collect()
    };
    forward(&model, &images(&[2, 1, 8, 8]), true)
        .expect("fits")
        .sum(Kind::Float)
        .backward();
    assert_eq!(model.freeze("hidden.*").expect("a glob"), 4);
    assert_eq!(trained(), ["fc.bias", "fc.weight"]);
    for (name, tensor) in model.parameters() {
        let left = tensor.grad().abs().sum(Kind::Float).double_value(&[]);
        assert_eq!(left == 0.0, name.starts_with("hidden"), "{name}");
    }
    assert_eq!(model.unfreeze("hidden.1.*").expect("a glob"), 2);
    assert_eq!(
        trained(),
        ["fc.bias", "fc.weight", "hidden.1.bias", "hidden.1.weight"]
    );
    assert_eq!(model.freeze("backbone.*").expect("a glob"), 0);
    assert!(model.freeze("hidden.[").is_err());
}

#[track_caller]
fn check_refused<T>(result: anyhow::Result<T>, parts: &[&str]) {
    let message = format!("{:#}", result.err().expect("an error"));
    for part in parts {
        assert!(message.contains(part), "`{part}` is not in: {message}");
    }
    assert!(
        !message.contains("frame #") && !message.contains('\n'),
        "{message}"
    );
}

#[test]
fn wrong_recipes_name_architecture_key_and_remedy() {
    let refused = |name: &str, params: Value, shape: &[i64], parts: &[&str]| {
        check_refused(model(name, params, shape), parts);
    };
    refused(
        "resnet81",
        json!({}),
        &[3, 32, 32],
        &["resnet81", "did you mean `resnet18`"],
    );
    refused(
        "mlp",
        json!({"hiden": [3]}),
        &[1, 8, 8],
        &["architecture `mlp`", "unknown field `hiden`", "`hidden`"],
    );
    refused(
        "mlp",
        json!({"hidden": [3, "x"]}),
        &[1, 8, 8],
        &["`hidden[1]`", "invalid type"],
    );
    refused(
        "mlp",
        json!({"hidden": [0]}),
        &[1, 8, 8],
        &["architecture `mlp`", "`hidden`", "at least 1"],
    );
    refused("mlp", json!({"dropout": 1.0}), &[1, 8, 8], &["`dropout`"]);
    refused(
        "mlp",
        json!({"activation": "rellu"}),
        &[1, 8, 8],
        &["`activation`", "rellu", "relu"],
    );
    refused(
        "mlp",
        json!({"num_classes": "ten"}),
        &[1, 8, 8],
        &["`num_classes`", "\"ten\""],
    );
    refused(
        "convnet",
        json!({}),
        &[64],
        &[
            "architecture `convnet`",
            "[channels, height, width]",
            "[64]",
        ],
    );
    refused(
        "convnet",
        json!({"channels": [4, 4, 4, 4]}),
        &[1, 8, 8],
        &["too small", "4 times"],
    );
    refused(
        "torchscript",
        json!({}),
        &[1, 8, 8],
        &["missing field `file`"],
    );
    refused(
        "torchscript",
        json!({"file": "none.pt"}),
        &[1, 8, 8],
        &["none.pt", "not a TorchScript module"],
    );
    let unknown = build(
        "linear",
        &Value::Null,
        &[("inputs".to_owned(), vec![4])],
        None,
        Path::new("."),
        Device::Cpu,
    );
    check_refused(unknown, &["num_classes", "arch_params"]);
}

#[test]
fn wrong_inputs_are_errors_in_words() {
    let script = json!({"file": "data/torchscript/digits_mlp.pt"});
    let networks = [
        digits("linear", json!({})),
        digits("mlp", json!({})),
        digits("convnet", json!({})),
        digits("torchscript", script),
    ];
    for network in &networks {
        let name = format!("architecture `{}`", network.architecture());
        let inputs = images(&[2, 5, 3]);
        check_refused(
            forward(network, &inputs, true),
            &[&name, "[1, 8, 8]", "inputs [2, 5, 3] float on the CPU"],
        );
        let integers = images(&[2, 1, 8, 8]).to_kind(Kind::Int64);
        check_refused(
            forward(network, &integers, true),
            &[&name, "[2, 1, 8, 8] int64"],
        );
    }
    let resnet = model("resnet18", json!({}), &[1, 32, 32]).expect("one channel will do");
    check_refused(
        forward(&resnet, &images(&[2, 3, 32, 32]), false),
        &["resnet18", "[2, 3, 32, 32]", "channels"],
    );
}

/// Batches that leave a normalization one value a channel are refused as PyTorch refuses them; nothing becomes NaN.
#[test]
fn a_normalization_needs_more_than_one_value_a_channel() {
    let model = model("resnet18", json!({}), &[3, 32, 32]).expect("valid");
    for (size, train) in [
        ([1, 3, 64, 64], true),
        ([2, 3, 32, 32], true),
        ([1, 3, 32, 32], false),
    ] {
        assert!(forward(&model, &images(&size), train).is_ok(), "{size:?}");
    }
    let refused = forward(&model, &images(&[1, 3, 32, 32]), true).expect_err("one value");
    let refused = format!("{refused:#}");
    for part in ["`layer4.0.bn1` has one value a channel", "drop_last: true"] {
        assert!(refused.contains(part), "{refused}");
    }
    for (name, tensor) in model.state() {
        assert_eq!(tensor.isfinite().all().int64_value(&[]), 1, "{name}");
    }
}

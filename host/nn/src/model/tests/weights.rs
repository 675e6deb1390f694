//! Weights that have several names, and weights that come from elsewhere.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tch::{Device, Kind, Tensor};

use super::{Model, build, digits, forward};
use crate::ema::{DecayType, Ema, EmaConfig};
use crate::optim;

fn reference() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/reference")
}

/// Two layers with one weight and one normalization that is called twice (`reference/shared_weights.py`).
fn tied() -> Model {
    let inputs = [("inputs".to_owned(), vec![8])];
    let file = json!({"file": "modules/tied.pt"});
    build(
        "torchscript",
        &file,
        &inputs,
        None,
        &reference(),
        Device::Cpu,
    )
    .expect("a module")
}

fn trained_as_pytorch(optimizer: &str, params: Value, expected: &Value) -> anyhow::Result<()> {
    let model = tied();
    let config = optim::OptimizerConfig::from_recipe(optimizer, &params)?;
    let rate = if optimizer == "SGD" { 0.1 } else { 1e-2 };
    let grouping = optim::Grouping {
        learning_rates: optim::LearningRates::Single(rate),
        zero_weight_decay_on_bias_and_bn: false,
    };
    let named = model.parameters().iter();
    let named = named.map(|(name, tensor)| (name.clone(), tensor.shallow_clone()));
    let mut optimizer = optim::build(&config, named.collect(), &grouping)?;
    for index in 0..4 {
        let inputs = Tensor::arange(40, (Kind::Double, Device::Cpu)) * (index + 1);
        let inputs = inputs.sin().reshape([5, 8]).to_kind(Kind::Float);
        let target = Tensor::from_slice(&[0_i64, 1, 2, 0, 1]);
        optimizer.zero_grad()?;
        forward(&model, &inputs, true)?
            .cross_entropy_for_logits(&target)
            .backward();
        let norm = optimizer.gradients()?.clip_grad_norm_(1.0, 2.0)?;
        let expected = expected["gradient_norms"][index as usize].as_f64();
        let difference = norm.double_value(&[]) - expected.expect("a norm");
        assert!(
            difference.abs() < 1e-4,
            "norm of step {index}: {difference}"
        );
        optimizer.step()?;
    }
    let sums = expected["state_sums"].as_object().expect("a map");
    let state = model.state();
    assert_eq!(state.len(), sums.len());
    for (name, tensor) in state {
        let difference =
            tensor.sum(Kind::Double).double_value(&[]) - sums[&name].as_f64().expect("a sum");
        assert!(difference.abs() < 1e-4, "{name}: {difference}");
    }
    Ok(())
}

/// A weight that layers share has one gradient, one step, one name among the parameters and every name in a state.
#[test]
fn a_shared_weight_is_trained_as_pytorch_trains_it() -> anyhow::Result<()> {
    let text = std::fs::read_to_string(reference().join("shared_weights.json"))?;
    let rows: Value = serde_json::from_str(&text)?;
    let count: usize = tied()
        .parameters()
        .iter()
        .map(|(_, tensor)| tensor.numel())
        .sum();
    assert_eq!(rows["parameters"], count);
    let sgd = json!({"momentum": 0.9, "weight_decay": 1e-2});
    trained_as_pytorch("SGD", sgd, &rows["SGD"])?;
    trained_as_pytorch("Adam", json!({"weight_decay": 0.0}), &rows["Adam"])
}

#[test]
fn a_shared_tensor_goes_by_each_of_its_names() -> anyhow::Result<()> {
    let mut model = tied();
    assert_eq!(model.buffers().len(), 3, "the normalization counts once");
    assert_eq!(model.parameter_group()?.named().len(), 5);
    assert_eq!(model.freeze("b.*")?, 1);
    assert!(!model.parameters()[0].1.requires_grad());
    assert_eq!(model.unfreeze("*.weight")?, 3, "each tensor counts once");
    let copy = model.duplicate()?;
    assert_eq!(copy.parameters().len(), 5);
    // One name is enough, and two must agree.
    let mut state = model.state();
    state.retain(|(name, _)| name != "a.weight");
    let config = EmaConfig {
        decay: 0.5,
        decay_type: DecayType::Constant,
        beta: 1.0,
    };
    let ema = Ema::new(config, &model)?;
    let twos = Tensor::full([8, 8], 2.0, (Kind::Float, Device::Cpu));
    state.retain(|(name, _)| name != "b.weight");
    state.push(("b.weight".to_owned(), twos.shallow_clone()));
    model.load_state(&state, true)?;
    assert_eq!(model.parameters()[0].1, twos);
    let before = ema.model().parameters()[0].1.copy();
    ema.update(1, 1)?;
    let half = (before + &twos) / 2.0;
    assert!(
        ema.model().parameters()[0]
            .1
            .allclose(&half, 1e-6, 1e-6, false),
        "averaged once"
    );
    state.push(("a.weight".to_owned(), &twos + 1.0));
    let refused = model.load_state(&state, true).expect_err("two values");
    let refused = format!("{refused:#}");
    assert!(
        refused.contains("`a.weight` and `b.weight` are one tensor"),
        "{refused}"
    );
    Ok(())
}

/// Prefixes of wrappers are taken off, and what does not fit is left out with a word.
#[test]
fn weights_of_other_programs_are_loaded_as_far_as_they_fit() {
    let mut net = digits("mlp", json!({"hidden": [4]}));
    let own = digits("mlp", json!({"hidden": [4]})).state();
    let named = |prefix: &str| -> Vec<(String, Tensor)> {
        let renamed = own.iter();
        renamed
            .map(|(name, tensor)| (format!("{prefix}{name}"), tensor.shallow_clone()))
            .collect()
    };
    for prefix in [
        "",
        "module.",
        "model.",
        "_orig_mod.",
        "net.",
        "ema_net.",
        "module._orig_mod.",
        "state_dict.model.net.",
    ] {
        let loaded = net.load_state(&named(prefix), true).expect("all fit");
        assert_eq!(
            (loaded.fitting, loaded.of, loaded.stripped.as_str()),
            (4, 4, prefix)
        );
        let lines = loaded.lines();
        assert_eq!(lines.len(), usize::from(!prefix.is_empty()), "{lines:?}");
        assert_eq!(net.parameters()[0].1, own[0].1);
    }
    let mut other = named("module.");
    other.retain(|(name, _)| !name.ends_with("hidden.0.bias") && !name.ends_with("0.bias"));
    other[0].1 = Tensor::zeros([7, 7], (Kind::Float, Device::Cpu));
    other.push((
        "module.extra".to_owned(),
        Tensor::zeros([1], (Kind::Float, Device::Cpu)),
    ));
    let refused = format!("{:#}", net.load_state(&other, true).expect_err("strict"));
    for part in [
        "is missing",
        "has shape [7, 7], the model's is",
        "`extra` is not in the model",
    ] {
        assert!(refused.contains(part), "{refused}");
    }
    let loaded = net.load_state(&other, false).expect("some fit");
    let lines = loaded.lines().join("\n");
    assert!(
        lines.contains(&format!("{} of 4 tensors fit; left out:", loaded.fitting)),
        "{lines}"
    );
    assert!(lines.contains("`extra` is not in the model"), "{lines}");
    let strangers = vec![(
        "x".to_owned(),
        Tensor::zeros([1], (Kind::Float, Device::Cpu)),
    )];
    let refused = format!(
        "{:#}",
        net.load_state(&strangers, false).expect_err("nothing fits")
    );
    assert!(
        refused.contains("nothing of this state fits architecture `mlp`"),
        "{refused}"
    );
}

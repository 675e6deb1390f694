//! Extra passes through the network, which a callback runs beside the loop: their numbers are PyTorch's, and they leave
//! nothing behind in the run.

use phasebox_train::checkpoint;
use serde_json::Value;
use tch::{Kind, Tensor};

use crate::harness::{Run, Scratch, repository};

const TANH: &str = "{mlp: {hidden: [8], activation: tanh}}";

/// Five batches of MNIST in their order, with plain gradient descent. A callback follows at its end.
fn scratch(network: &str, callback: &str) -> Scratch {
    let scratch = Scratch::new();
    let root = repository("recipes/data/mnist5k");
    let root = root.display();
    let guest = repository("target/plugins/tests/passes.wasm");
    let guest = guest.display();
    scratch.write(
        "recipe.yaml",
        format!(
            "\
experiment_name: tiny
dataset: {{mnist: {{root: {root}}}}}
train_dataloader_params: {{batch_size: 32, shuffle: false, max_batches: 5}}
val_dataloader_params: {{batch_size: 50, max_batches: 1}}
architecture: {network}
training_hyperparams:
  max_epochs: 1
  seed: 0
  optimizer: SGD
  optimizer_params: {{momentum: 0.0, weight_decay: 0.0}}
  initial_lr: 0.1
  lr_mode: Constant
  loss: CrossEntropyLoss
  train_metrics_list: [Accuracy]
  valid_metrics_list: [Accuracy]
phase_callbacks:
  - {{wasm: {guest}, name: passes, grants: [passes, gradients, parameters, loss], {callback}}}
"
        ),
    );
    scratch
}

fn weights(run: &Run) -> Vec<(String, Tensor)> {
    let folder = run.0.join("ckpt_latest");
    checkpoint::load(&folder).expect("a checkpoint").model
}

/// The weights after five steps are those of `tests/reference/passes.json`.
fn check_weights(run: &Run, way: &str) -> Value {
    let text = include_str!("../reference/passes.json");
    let reference: Value = serde_json::from_str(text).expect("valid JSON");
    for (name, tensor) in weights(run) {
        let expected: Vec<f64> =
            serde_json::from_value(reference[way][&name].clone()).expect("numbers");
        let stride = if tensor.numel() > 1000 { 37 } else { 1 };
        let found = tensor.reshape([-1]).slice(0, None, None, stride);
        let expected = Tensor::from_slice(&expected).to_kind(Kind::Float);
        assert!(
            found.allclose(&expected, 1e-4, 1e-6, false),
            "{way}: {name}"
        );
    }
    reference
}

#[test]
fn sharpness_aware_minimization_is_pytorchs() {
    let scratch = scratch(TANH, "params: {sam_radius: 0.05}");
    let run = scratch.trained(&[]);
    check_weights(&run, "sam");
    let why = &run.summary()["recorded_steps"]["not_recorded"][0];
    let why = why.as_str().unwrap_or_default();
    assert!(
        why.contains("callback `passes` may run passes of its own"),
        "{why}"
    );
}

#[test]
fn a_gradient_penalty_is_pytorchs() {
    let scratch = scratch(TANH, "params: {penalty_weight: 0.5}");
    let run = scratch.trained(&[]);
    let reference = check_weights(&run, "penalty");
    let logged: Vec<f64> = run
        .metrics()
        .iter()
        .filter(|line| line["name"] == "passes/penalty")
        .filter_map(|line| line["value"].as_f64())
        .collect();
    let expected = reference["penalties"].as_array().expect("a list");
    assert_eq!(logged.len(), expected.len());
    for (found, expected) in logged.iter().zip(expected) {
        let expected = expected.as_f64().expect("a number");
        assert!(
            (found - expected).abs() < 1e-4 * expected,
            "{found} {expected}"
        );
    }
}

/// The running statistics that the penalty puts back are saved for the batch's backward pass, which follows.
#[test]
fn a_gradient_penalty_trains_with_batch_normalization() {
    let network = "{convnet: {channels: [4]}}";
    let scratch = scratch(network, "params: {penalty_weight: 0.5}");
    let metrics = scratch.trained(&[]).metrics().into_iter();
    let penalties = metrics.filter(|line| line["name"] == "passes/penalty");
    assert_eq!(penalties.count(), 5);
}

/// Passes in both modes draw no number of the run and move no running statistics.
#[test]
fn passes_leave_nothing_behind() {
    for network in [
        "{mlp: {hidden: [8], dropout: 0.3}}",
        "{convnet: {channels: [4], dropout: 0.3}}",
    ] {
        let weights_with = |callback| {
            let scratch = scratch(network, callback);
            weights(&scratch.trained(&[]))
        };
        let idle = weights_with("params: {}");
        let busy = weights_with("params: {idle_passes: 3}");
        for ((name, idle), (_, busy)) in idle.iter().zip(&busy) {
            assert!(idle == busy, "{network}: {name} differs");
        }
    }
}

#[test]
fn dropout_spreads_the_predictions() {
    let scratch = scratch(
        "{mlp: {hidden: [8], dropout: 0.3}}",
        "params: {dropout_passes: 8}",
    );
    let run = scratch.trained(&[]);
    let metrics = run.metrics();
    let mut spreads = metrics
        .iter()
        .filter(|line| line["name"] == "passes/spread");
    let spread = spreads.next().and_then(|line| line["value"].as_f64());
    assert!(
        spread.is_some_and(|spread| spread > 0.01 && spread < 0.5),
        "{spread:?}"
    );
}

/// More passes than the limit, more elements than a batch, and inputs that no network takes are refused, each with the
/// reason.
#[test]
fn passes_are_bounded_and_refused_in_words() {
    for (callback, reason) in [
        (
            "params: {idle_passes: 3}, limits: {passes: 5}",
            "raise `limits: {passes: …}`",
        ),
        (
            "params: {sam_radius: 0.1}, limits: {passes: 0}",
            "raise `limits: {passes: …}`",
        ),
    ] {
        let finished = scratch(TANH, callback).train(&[]);
        assert_eq!(finished.code, Some(1), "{callback}");
        assert!(finished.stderr.contains(reason), "{}", finished.stderr);
    }
    let finished = scratch(TANH, "params: {sam_radius: 0.1}")
        .train(&["training_hyperparams.batch_accumulate=2"]);
    let reason = "a step of several batches cannot be repeated";
    assert!(finished.stderr.contains(reason), "{}", finished.stderr);
}

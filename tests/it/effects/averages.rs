//! The callback `ema`, compared with the average computed here from the weights after every step, and with the trainer's
//! `ema: true`.

use phasebox_train::checkpoint::NamedTensors;
use tch::{Kind, Tensor};

use crate::harness::training::{STANDSTILL, TrainedRun, Training, distance, flat};

const STEPS: u64 = 10;
/// The error that ten float32 operations on weights below 1 may make.
const TOLERANCE: f64 = 2e-6;

/// The share of the old average that is kept at a step, counted from 1: the formulas of the README.
fn kept(decay_type: &str, step: f64) -> f64 {
    match decay_type {
        "constant" => 0.9,
        "exp" => 0.9 * (1.0 - (-5.0 * step / STEPS as f64).exp()),
        "threshold" => f64::min(0.9, (1.0 + step) / (10.0 + step)),
        other => panic!("no decay type {other}"),
    }
}

fn convnet() -> Training {
    Training::digits()
        .architecture("{convnet: {channels: [4]}}")
        .step_by_step(STEPS)
}

fn params(decay_type: &str) -> String {
    format!("{{decay: 0.9, decay_type: {decay_type}, beta: 5}}")
}

fn of_plugin(decay_type: &str) -> TrainedRun {
    convnet()
        .callback(&format!("ema: {}", params(decay_type)))
        .run()
}

/// The average that the callback keeps, under the names of the network's tensors.
fn shadow(run: &TrainedRun, tag: &str) -> NamedTensors {
    let callbacks = run.checkpoint(tag).callbacks.into_iter();
    let ema = callbacks.filter(|saved| saved.name == "ema");
    let mut named: NamedTensors = ema
        .flat_map(|saved| saved.state.tensors)
        .filter_map(|(key, tensor)| Some((key.split_once("//")?.1.to_owned(), tensor)))
        .collect();
    named.sort_by(|(a, _), (b, _)| a.cmp(b));
    named
}

/// All tensors that are averaged: counts are not.
fn averaged(mut named: NamedTensors) -> Tensor {
    named.retain(|(_, tensor)| tensor.kind() == Kind::Float);
    flat(&named)
}

/// The network before the first step: the weights of a run that stands still, and the means and variances that batch
/// normalization begins with.
fn first_weights() -> Tensor {
    let mut named = convnet().epochs(1).with(STANDSTILL).run().weights(1);
    for (name, tensor) in &mut named {
        match name.rsplit('.').next() {
            Some("running_mean") => *tensor = tensor.zeros_like(),
            Some("running_var") => *tensor = tensor.ones_like(),
            _ => {}
        }
    }
    averaged(named)
}

fn check_formula(decay_type: &str) {
    let run = of_plugin(decay_type);
    let mut average = first_weights();
    for step in 1..=STEPS {
        let kept = kept(decay_type, step as f64);
        average = average * kept + averaged(run.weights(step)) * (1.0 - kept);
        let error = distance(&averaged(shadow(&run, &format!("epoch_{step}"))), &average);
        assert!(error < TOLERANCE, "{decay_type}, step {step}: {error}");
    }
    let moved = distance(&average, &averaged(run.final_weights()));
    assert!(
        moved > 100.0 * TOLERANCE,
        "{decay_type}: the average is the weights"
    );
}

#[test]
fn the_average_follows_the_formula() {
    ["constant", "exp", "threshold"]
        .into_iter()
        .for_each(check_formula);
}

fn check_against_own(decay_type: &str) {
    let callback = of_plugin(decay_type);
    let ema_params = format!("training_hyperparams.ema_params={}", params(decay_type));
    let own = convnet()
        .with("training_hyperparams.ema=true")
        .with(ema_params)
        .run();
    assert_eq!(
        averaged(shadow(&callback, "latest")),
        averaged(own.checkpoint("latest").ema),
        "{decay_type}"
    );
    assert_eq!(
        callback.own_lines(),
        own.own_lines(),
        "{decay_type}: validated with the average"
    );
    assert_eq!(
        callback.final_weights(),
        own.final_weights(),
        "{decay_type}: checkpoints hold the weights in training"
    );
}

#[test]
fn it_gives_the_numbers_of_the_trainers_own_average() {
    ["constant", "exp", "threshold"]
        .into_iter()
        .for_each(check_against_own);
}

/// Training does not see the average; validation sees nothing else.
#[test]
fn only_evaluation_sees_the_average() {
    let (averaged, plain) = (of_plugin("constant"), convnet().run());
    assert_eq!(averaged.final_weights(), plain.final_weights());
    assert_eq!(averaged.logged("train/loss"), plain.logged("train/loss"));
    let pairs = averaged
        .values("valid/loss")
        .into_iter()
        .zip(plain.values("valid/loss"));
    assert!(pairs.into_iter().all(|(averaged, plain)| averaged != plain));
}

#[test]
fn buffers_can_be_left_out() {
    let run = convnet()
        .callback("ema: {decay: 0.9, use_buffers: false}")
        .run();
    assert!(
        shadow(&run, "latest")
            .iter()
            .all(|(name, _)| !name.contains("running"))
    );
    assert!(
        shadow(&of_plugin("constant"), "latest")
            .iter()
            .any(|(name, _)| name.contains("running"))
    );
}

#[test]
fn a_resumed_run_goes_on_with_the_average() {
    let training = || convnet().callback(&format!("ema: {}", params("exp")));
    let whole = training().run();
    let resumed = training().from(&whole, "epoch_4").run();
    assert_eq!(shadow(&whole, "latest"), shadow(&resumed, "latest"));
    assert_eq!(
        whole.logged("valid/loss")[4..],
        resumed.logged("valid/loss")
    );
}

/// `average_best_models` averages the trained networks, and validates their average without the callback's.
#[test]
fn the_average_of_the_best_is_left_alone() {
    let training = || convnet().with("training_hyperparams.average_best_models=true");
    let line = |run: &TrainedRun| run.values("average_best_models/loss");
    let (averaged, plain) = (
        training().callback("ema: {decay: 0.9}").run(),
        training().run(),
    );
    assert_eq!((line(&averaged).len(), line(&plain).len()), (1, 1));
    assert_eq!(averaged.final_weights(), plain.final_weights());
}

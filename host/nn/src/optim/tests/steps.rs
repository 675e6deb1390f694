//! Steps of the optimizers against PyTorch's losses (tests/reference/optimizers.py), and what steps keep: the state of a
//! resumed run, frozen parameters, gradients.

use serde_json::{Value, json};
use tch::{Device, Kind, Tensor};

use super::super::{Grouping, LearningRates, OptimizerConfig, RECORDED_BYTES, build};
use super::{Training, of_row, rows, single};

type Saved = Vec<(String, Tensor)>;

/// Replays a row of the reference; `tolerance` is relative.
fn check(row: &Value, key: &str, kind: Kind, tolerance: f64, on_device: bool) {
    let mut training = of_row(row, kind);
    if on_device {
        training
            .optimizer
            .use_device_learning_rates()
            .expect("device learning rates");
    }
    let expected: Vec<f64> = serde_json::from_value(row[key].clone()).expect("losses");
    for (step, (found, expected)) in training
        .losses(expected.len())
        .into_iter()
        .zip(expected)
        .enumerate()
    {
        let error = (found - expected).abs() / expected;
        assert!(
            error <= tolerance,
            "{row}: step {step}: {found} is not {expected} ({error:e})"
        );
    }
}

#[test]
fn losses_are_pytorchs() {
    assert!(!rows().is_empty());
    for row in rows() {
        check(&row, "float64", Kind::Double, 1e-7, false);
        check(&row, "float32", Kind::Float, 1e-5, false);
        // The learning rate passes through float32 there.
        check(&row, "float64", Kind::Double, 1e-5, true);
    }
}

#[test]
fn a_resumed_run_repeats_itself_bit_by_bit() {
    for row in rows() {
        let (mut straight, mut resumed) = (of_row(&row, Kind::Float), of_row(&row, Kind::Float));
        straight.losses(7);
        let state = straight.optimizer.state();
        assert_eq!(
            state
                .iter()
                .map(|(name, _)| name.clone())
                .collect::<Vec<_>>(),
            straight.optimizer.state_names()
        );
        let saved = state
            .into_iter()
            .map(|(name, tensor)| (name, tensor.copy()))
            .collect();
        resumed.optimizer.load_state(saved).expect("the state fits");
        for ((_, to), (_, from)) in resumed.parameters.iter_mut().zip(&straight.parameters) {
            tch::no_grad(|| to.copy_(from));
        }
        assert_eq!(straight.losses(5), resumed.losses(5), "{row}");
        assert_eq!(straight.values(), resumed.values(), "{row}");
    }
}

#[test]
fn a_changed_learning_rate_reaches_the_device_when_uploaded() {
    let mut training = Training::new("SGD", &json!({"momentum": 0.0}), &single(0.5), Kind::Float);
    training
        .optimizer
        .use_device_learning_rates()
        .expect("device learning rates");
    training.optimizer.groups_mut()[0].learning_rate = 0.0;
    let before = training.values();
    training.optimizer.upload_learning_rates().expect("upload");
    training.losses(1);
    assert_eq!(training.values(), before);
}

#[test]
fn frozen_parameters_keep_value_and_state() {
    for row in rows() {
        let mut training = of_row(&row, Kind::Float);
        training.losses(2);
        let _frozen = training.parameters[0].1.set_requires_grad(false);
        let state_of_first = |training: &Training| {
            let state = training
                .optimizer
                .state()
                .into_iter()
                .filter(|(name, _)| name.ends_with("/hidden.weight"));
            state.map(|(_, tensor)| tensor.copy()).collect::<Vec<_>>()
        };
        let (values, state) = (training.values(), state_of_first(&training));
        let value = &values[0];
        training.losses(4);
        assert_eq!(training.values()[0], *value, "{row}");
        assert_ne!(
            training.values()[1],
            values[1],
            "the others go on learning: {row}"
        );
        assert_eq!(state_of_first(&training), state, "{row}");
        let _thawed = training.parameters[0].1.set_requires_grad(true);
        training.losses(1);
        assert_ne!(training.values()[0], *value, "{row}");
    }
}

#[test]
fn a_late_parameter_takes_its_first_step_undampened() {
    let params = json!({"momentum": 0.9, "dampening": 0.5, "weight_decay": 0});
    let mut training = Training::new("SGD", &params, &single(0.05), Kind::Double);
    let _frozen = training.parameters[3].1.set_requires_grad(false);
    training.losses(3);
    let _thawed = training.parameters[3].1.set_requires_grad(true);
    training.losses(1);
    let state = training.optimizer.state();
    let buffer = &state
        .iter()
        .find(|(name, _)| name == "momentum_buffer/output.bias")
        .expect("saved")
        .1;
    assert_eq!(*buffer, training.parameters[3].1.grad());
    let steps = state
        .iter()
        .filter(|(name, _)| name.starts_with("step/"))
        .map(|(_, tensor)| tensor.double_value(&[]));
    assert_eq!(steps.collect::<Vec<_>>(), [4.0, 4.0, 4.0, 1.0]);
}

#[test]
fn gradients_are_zeroed_in_place() {
    let mut training = Training::new("SGD", &json!({}), &single(0.1), Kind::Float);
    training.backward();
    let gradient = training.parameters[0].1.grad();
    assert_eq!(training.optimizer.gradients().expect("gradients").len(), 4);
    training.optimizer.zero_grad().expect("zero_grad");
    assert!(torch_ext::shares_storage(
        &gradient,
        &training.parameters[0].1.grad()
    ));
    assert_eq!(gradient.abs().sum(Kind::Float).double_value(&[]), 0.0);
}

#[test]
fn state_that_does_not_fit_is_refused_and_nothing_written() {
    let refused = |change: &dyn Fn(&mut Saved), expected: &str| {
        let mut training = Training::new("Adam", &json!({}), &single(0.1), Kind::Float);
        let mut saved: Saved = training
            .optimizer
            .state()
            .into_iter()
            .map(|(name, tensor)| (name, tensor.ones_like()))
            .collect();
        change(&mut saved);
        let error = training
            .optimizer
            .load_state(saved)
            .expect_err("refused")
            .to_string();
        assert!(error.contains(expected), "{error}");
        let untouched = training
            .optimizer
            .state()
            .iter()
            .all(|(_, t)| t.sum(Kind::Float).double_value(&[]) == 0.0);
        assert!(untouched, "{expected}");
    };
    refused(
        &|saved| drop(saved.remove(0)),
        "lacks exp_avg/hidden.weight",
    );
    refused(&|saved| saved.clear(), "and 7 others");
    refused(
        &|saved| saved.push(("exp_avg/extra".into(), Tensor::from(1.0))),
        "exp_avg/extra",
    );
    refused(
        &|saved| saved[7].1 = Tensor::from_slice(&[1f32]),
        "exp_avg_sq/output.bias has shape [1]",
    );
}

#[test]
fn momentum_may_be_switched_on_later() {
    let mut training = Training::new("SGD", &json!({"momentum": 0.0}), &single(0.05), Kind::Float);
    training.losses(1);
    assert!(training.optimizer.state_names().is_empty());
    training
        .optimizer
        .set_hyperparameter("default", "momentum", 0.9)
        .expect("in range");
    training.losses(2);
    assert_eq!(training.optimizer.state_names().len(), 4);
}

/// Large parameters have their gradients freed in place of zeroed: the steps are the same, also for one that has no part
/// in a backward pass, and who looks meanwhile finds zeros.
#[test]
fn gradients_of_large_parameters_are_freed() {
    let parameters = |length: i64| -> Vec<(String, Tensor)> {
        let tensor = |name: &str| {
            let values = Tensor::arange(length, (Kind::Float, Device::Cpu)) / length as f64;
            (name.to_owned(), values.set_requires_grad(true))
        };
        vec![tensor("a"), tensor("b")]
    };
    let train = |named: Vec<(String, Tensor)>, length: i64| -> (Vec<Tensor>, bool) {
        let tensors: Vec<Tensor> = named
            .iter()
            .map(|(_, tensor)| tensor.shallow_clone())
            .collect();
        let config = OptimizerConfig::from_recipe("SGD", &json!({"momentum": 0.9})).expect("known");
        let grouping = Grouping {
            learning_rates: LearningRates::Single(0.1),
            zero_weight_decay_on_bias_and_bn: false,
        };
        let mut optimizer = build(&config, named, &grouping).expect("an optimizer");
        let mut is_freed = false;
        for step in 0..4 {
            // The second has no part in every other step, and goes on by its momentum.
            let square = |tensor: &Tensor| tensor.narrow(0, 0, length).square().sum(Kind::Float);
            let loss = square(&tensors[0]);
            let loss = if step % 2 == 0 {
                loss + square(&tensors[1])
            } else {
                loss
            };
            loss.backward();
            optimizer.step().expect("a step");
            optimizer.zero_grad().expect("cleared");
            is_freed |= !tensors[0].grad().defined();
            if step == 1 {
                optimizer.restore_gradients().expect("zeros");
                assert_eq!(tensors[1].grad().abs().max().double_value(&[]), 0.0);
            }
        }
        (
            tensors
                .iter()
                .map(|tensor| tensor.detach().narrow(0, 0, length))
                .collect(),
            is_freed,
        )
    };
    // The first thousand elements of a parameter that is large only beyond them.
    let (small, small_freed) = train(parameters(1000), 1000);
    let large = parameters(1000).into_iter().map(|(name, tensor)| {
        let rest = Tensor::zeros([RECORDED_BYTES as i64 / 8], (Kind::Float, Device::Cpu));
        (
            name,
            Tensor::cat(&[tensor.detach(), rest], 0).set_requires_grad(true),
        )
    });
    let (large, large_freed) = train(large.collect(), 1000);
    assert_eq!((small_freed, large_freed), (false, true));
    assert!(
        small
            .iter()
            .zip(&large)
            .all(|(small, large)| small.equal(large))
    );
}

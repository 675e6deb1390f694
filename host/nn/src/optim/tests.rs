//! Optimizers against PyTorch's losses (tests/reference/optimizers.py), and what they promise beside the numbers.

use serde_json::{Value, json};
use tch::{Device, Kind, Tensor};

use super::{Grouping, LearningRates, Optimizer, OptimizerConfig, RECORDED_BYTES, build};

const REFERENCE: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../tests/reference/optimizers.json"
));

type Saved = Vec<(String, Tensor)>;

/// The network of the reference, with an optimizer for it.
struct Training {
    parameters: Vec<(String, Tensor)>,
    inputs: Tensor,
    targets: Tensor,
    optimizer: Box<dyn Optimizer>,
}

fn wave(shape: &[i64], offset: f64, kind: Kind) -> Tensor {
    let index = Tensor::arange(shape.iter().product::<i64>(), (Kind::Double, Device::Cpu));
    ((index * 0.7 + offset).sin() * 0.5)
        .reshape(shape)
        .to_kind(kind)
}

impl Training {
    fn new(name: &str, params: &Value, grouping: &Grouping, kind: Kind) -> Self {
        let shapes: [(&str, &[i64]); 4] = [
            ("hidden.weight", &[16, 8]),
            ("hidden.bias", &[16]),
            ("output.weight", &[4, 16]),
            ("output.bias", &[4]),
        ];
        let leaves = shapes.iter().enumerate().map(|(index, (name, shape))| {
            (
                name.to_string(),
                wave(shape, index as f64, kind).set_requires_grad(true),
            )
        });
        let parameters: Vec<(String, Tensor)> = leaves.collect();
        let shared = parameters
            .iter()
            .map(|(name, tensor)| (name.clone(), tensor.shallow_clone()))
            .collect();
        let config = OptimizerConfig::from_recipe(name, params).expect("a config");
        let optimizer = build(&config, shared, grouping).expect("an optimizer");
        Self {
            parameters,
            inputs: wave(&[12, 8], 4.0, kind),
            targets: wave(&[12, 4], 5.0, kind),
            optimizer,
        }
    }

    fn backward(&mut self) -> f64 {
        self.optimizer.zero_grad().expect("zero_grad");
        let [w1, b1, w2, b2] = [0, 1, 2, 3].map(|index: usize| &self.parameters[index].1);
        let outputs = (self.inputs.matmul(&w1.tr()) + b1).tanh().matmul(&w2.tr()) + b2;
        let loss = (outputs - &self.targets).square().mean(self.inputs.kind());
        loss.backward();
        loss.double_value(&[])
    }

    fn losses(&mut self, steps: usize) -> Vec<f64> {
        let step = |_| {
            let loss = self.backward();
            self.optimizer.step().expect("a step");
            loss
        };
        (0..steps).map(step).collect()
    }

    fn values(&self) -> Vec<Vec<f64>> {
        let values = |tensor: &Tensor| {
            Vec::<f64>::try_from(&tensor.reshape([-1]).to_kind(Kind::Double)).expect("1-d")
        };
        self.parameters
            .iter()
            .map(|(_, tensor)| values(tensor))
            .collect()
    }
}

fn single(rate: f64) -> Grouping {
    Grouping {
        learning_rates: LearningRates::Single(rate),
        zero_weight_decay_on_bias_and_bn: false,
    }
}

fn rows() -> Vec<Value> {
    serde_json::from_str(REFERENCE).expect("the reference")
}

fn of_row(row: &Value, kind: Kind) -> Training {
    let name = row["optimizer"].as_str().expect("a name");
    Training::new(
        name,
        &row["optimizer_params"],
        &single(row["lr"].as_f64().expect("a rate")),
        kind,
    )
}

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
    assert_eq!(rows().len(), 14);
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
    let params = json!({"momentum": 0.9, "dampening": 0.5});
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
fn hyperparameters_have_names_and_ranges() {
    let mut training = Training::new("Adam", &json!({}), &single(0.1), Kind::Float);
    let optimizer = &mut training.optimizer;
    assert_eq!(
        optimizer.hyperparameter_names(),
        ["lr", "weight_decay", "beta1", "beta2", "eps"]
    );
    for (name, value) in [
        ("lr", 0.2),
        ("weight_decay", 0.1),
        ("beta1", 0.5),
        ("momentum", 0.6),
        ("eps", 1e-4),
    ] {
        optimizer
            .set_hyperparameter("default", name, value)
            .expect("in range");
        assert_eq!(
            optimizer.hyperparameter("default", name).expect("known"),
            value
        );
    }
    for (group, name, value, expected) in [
        ("default", "lr", f64::NAN, "finite number of at least 0"),
        ("default", "lr", -0.1, "finite number of at least 0"),
        (
            "default",
            "weight_decay",
            f64::INFINITY,
            "finite number of at least 0",
        ),
        ("default", "beta2", 1.0, "at least 0 and less than 1"),
        (
            "default",
            "alpha",
            0.5,
            "it has lr, weight_decay, beta1, beta2, eps",
        ),
        ("head", "lr", 0.1, "its groups are default"),
    ] {
        let error = optimizer
            .set_hyperparameter(group, name, value)
            .expect_err("refused");
        assert!(format!("{error:#}").contains(expected), "{error:#}");
    }
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

fn groups(
    learning_rates: Value,
    zero_weight_decay_on_bias_and_bn: bool,
) -> anyhow::Result<Vec<(String, f64, f64, usize)>> {
    let learning_rates = serde_json::from_value(learning_rates).expect("initial_lr");
    let names = [
        "backbone.conv.weight",
        "backbone.conv.bias",
        "head.weight",
        "head.bias",
    ];
    let shape = |name: &str| {
        if name.ends_with("bias") {
            vec![2]
        } else {
            vec![2, 2]
        }
    };
    let zeros = |name: &&str| {
        (
            name.to_string(),
            Tensor::zeros(shape(name), (Kind::Float, Device::Cpu)),
        )
    };
    let config = OptimizerConfig::from_recipe("SGD", &Value::Null)?;
    let grouping = Grouping {
        learning_rates,
        zero_weight_decay_on_bias_and_bn,
    };
    let optimizer = build(&config, names.iter().map(zeros).collect(), &grouping)?;
    let groups = optimizer.groups().iter();
    Ok(groups
        .map(|g| {
            (
                g.name.clone(),
                g.initial_learning_rate,
                g.weight_decay,
                g.parameters.len(),
            )
        })
        .collect())
}

fn check_groups(
    learning_rates: Value,
    zero_weight_decay: bool,
    expected: &[(&str, f64, f64, usize)],
) {
    let found = groups(learning_rates, zero_weight_decay).expect("groups");
    let found: Vec<_> = found
        .iter()
        .map(|(name, lr, decay, count)| (name.as_str(), *lr, *decay, *count))
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn parameters_are_grouped() {
    check_groups(json!(0.1), false, &[("default", 0.1, 1e-4, 4)]);
    check_groups(
        json!(0.1),
        true,
        &[("default", 0.1, 1e-4, 2), ("no-weight-decay", 0.1, 0.0, 2)],
    );
    let by_name = json!({"default": 0.1, "backbone": 0.01});
    check_groups(
        by_name.clone(),
        false,
        &[("backbone", 0.01, 1e-4, 2), ("default", 0.1, 1e-4, 2)],
    );
    check_groups(
        by_name,
        true,
        &[
            ("backbone", 0.01, 1e-4, 1),
            ("backbone/no-weight-decay", 0.01, 0.0, 1),
            ("default", 0.1, 1e-4, 1),
            ("no-weight-decay", 0.1, 0.0, 1),
        ],
    );
    check_groups(
        json!({"backbone.conv": 0.01, "*": 0.2}),
        false,
        &[("*", 0.2, 1e-4, 2), ("backbone.conv", 0.01, 1e-4, 2)],
    );
    for (rates, expected) in [
        (
            json!({"backbone": 0.1}),
            "no group takes parameter `head.weight`",
        ),
        (
            json!({"backbone": 0.1, "default": 0.1, "neck": 0.1}),
            "group `neck` takes no parameter",
        ),
        (json!(-1.0), "lr = -1 is out of range"),
    ] {
        let error = groups(rates, false).expect_err("refused").to_string();
        assert!(error.contains(expected), "{error}");
    }
}

fn check_config_refused(name: &str, params: Value, expected: &str) {
    let parameters = vec![(
        "weight".to_owned(),
        Tensor::zeros([2], (Kind::Float, Device::Cpu)),
    )];
    let config = OptimizerConfig::from_recipe(name, &params);
    let built = config.and_then(|config| build(&config, parameters, &single(0.1)));
    let error = built
        .map(|optimizer| optimizer.name())
        .expect_err("refused");
    assert!(format!("{error:#}").contains(expected), "{error:#}");
}

#[test]
fn faulty_configs_are_refused() {
    check_config_refused("Lion", json!({}), "use one of SGD, Adam, AdamW, RMSprop");
    check_config_refused(
        "SGD",
        json!({"lr": 0.1}),
        "unknown field `lr`, expected one of `momentum`",
    );
    check_config_refused(
        "SGD",
        json!({"nesterov": true}),
        "nesterov needs a momentum",
    );
    check_config_refused(
        "SGD",
        json!({"momentum": 1.5}),
        "momentum = 1.5 is out of range",
    );
    check_config_refused(
        "SGD",
        json!({"weight_decay": -1.0}),
        "weight_decay = -1 is out of range",
    );
    check_config_refused(
        "Adam",
        json!({"betas": [0.9, 1.0]}),
        "beta2 = 1 is out of range",
    );
    check_config_refused(
        "RMSprop",
        json!({"alpha": 2.0}),
        "alpha = 2 is out of range",
    );
}

#[test]
fn defaults_are_supergradients_only_without_params() {
    for (name, params, weight_decay, momentum) in [
        ("SGD", Value::Null, 1e-4, Some(0.9)),
        ("sgd", json!({}), 1e-4, Some(0.9)),
        ("SGD", json!({"weight_decay": 0.5}), 0.5, Some(0.0)),
        ("Adam", Value::Null, 0.0, None),
        ("AdamW", json!({"eps": 1e-6}), 0.01, None),
        ("RMSprop", json!({}), 0.0, None),
    ] {
        let training = Training::new(name, &params, &single(0.1), Kind::Float);
        let value = |key| {
            training
                .optimizer
                .hyperparameter("default", key)
                .expect("known")
        };
        assert_eq!(value("weight_decay"), weight_decay, "{name} {params}");
        if let Some(momentum) = momentum {
            assert_eq!(value("momentum"), momentum, "{name} {params}");
        }
        assert!(training.optimizer.name().eq_ignore_ascii_case(name));
    }
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

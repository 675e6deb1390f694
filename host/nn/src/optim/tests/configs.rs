//! Hyperparameters, groups of parameters and the configs of a recipe: which are taken, and which are refused.

use serde_json::{Value, json};
use tch::{Device, Kind, Tensor};

use super::super::{Grouping, LearningRates, OptimizerConfig, build};
use super::{Training, single};

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
    // A key is the start of names, and a rate of 0 freezes.
    check_groups(
        json!({"backb": 0.01, "default": 0.1}),
        false,
        &[("backb", 0.01, 1e-4, 2), ("default", 0.1, 1e-4, 2)],
    );
    check_groups(
        json!({"backbone": 0, "default": 0.1}),
        false,
        &[("default", 0.1, 1e-4, 2)],
    );
    for text in ["1e-3", ""] {
        let error = serde_json::from_value::<LearningRates>(json!(text)).expect_err(text);
        let expected = "expected a number, or a mapping from names of parameters to numbers";
        assert!(error.to_string().contains(expected), "{error}");
    }
    for (rates, expected) in [
        (json!({"backbone": 0.0, "default": 0.0}), "every rate is 0"),
        (
            json!({"backbone": 0.1}),
            "no group takes parameter `head.weight`",
        ),
        (
            json!({"backbone": 0.1, "default": 0.1, "neck": 0.1}),
            "group `neck` takes no parameter",
        ),
        (json!(-1.0), "`lr` = -1 is out of range"),
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
    check_config_refused(
        "Lion",
        json!({}),
        "there is no optimizer `Lion` yet: use `AdamW`",
    );
    check_config_refused(
        "SGDD",
        json!({}),
        "unknown optimizer `SGDD`; did you mean `SGD`?",
    );
    check_config_refused(
        "SGD",
        json!({"lr": 0.1}),
        "unknown field `lr`, expected one of `momentum`",
    );
    check_config_refused(
        "SGD",
        json!({"nesterov": true, "momentum": 0}),
        "nesterov needs a momentum",
    );
    check_config_refused(
        "SGD",
        json!({"momentum": 1.5}),
        "`momentum` = 1.5 is out of range",
    );
    check_config_refused(
        "SGD",
        json!({"weight_decay": -1.0}),
        "`weight_decay` = -1 is out of range",
    );
    check_config_refused(
        "Adam",
        json!({"betas": [0.9, 1.0]}),
        "`beta2` (`betas[1]`) = 1 is out of range",
    );
    check_config_refused(
        "RMSprop",
        json!({"alpha": 2.0}),
        "`alpha` = 2 is out of range",
    );
}

#[test]
fn defaults_are_supergradients_key_by_key() {
    for (name, params, weight_decay, momentum) in [
        ("SGD", Value::Null, 1e-4, Some(0.9)),
        ("sgd", json!({}), 1e-4, Some(0.9)),
        ("SGD", json!({"weight_decay": 0.5}), 0.5, Some(0.9)),
        ("SGD", json!({"momentum": 0.0}), 1e-4, Some(0.0)),
        ("SGD", json!({"nesterov": true}), 1e-4, Some(0.9)),
        ("Adam", Value::Null, 1e-4, None),
        ("Adam", json!({"eps": 1e-6}), 1e-4, None),
        ("AdamW", json!({"eps": 1e-6}), 0.01, None),
        ("RMSprop", json!({}), 1e-4, Some(0.9)),
        ("RMSprop", json!({"momentum": 0.0}), 1e-4, Some(0.0)),
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

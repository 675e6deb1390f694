//! The optimizers under test: a small network, trained by one of them. Owns the reference that both files compare with.

mod configs;
mod steps;

use serde_json::Value;
use tch::{Device, Kind, Tensor};

use crate::test_device::test_device;

use super::{Grouping, LearningRates, Optimizer, OptimizerConfig, build};

const REFERENCE: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../tests/reference/optimizers.json"
));

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
        .to_device(test_device())
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

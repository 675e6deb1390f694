//! `mlp`: inputs flattened, hidden layers with an activation and dropout, a linear head.
use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::layers::{Activation, Linear};
use super::variables::Variables;
use super::{Network, Sizes};

/// `arch_params` of `mlp`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct MlpParams {
    /// Width of each hidden layer, first to last.
    pub hidden: Vec<i64>,
    /// Probability that a hidden unit is dropped in training, 0 ≤ p < 1.
    pub dropout: f64,
    /// After each hidden layer.
    pub activation: Activation,
}

impl Default for MlpParams {
    fn default() -> Self {
        MlpParams {
            hidden: vec![256],
            dropout: 0.0,
            activation: Activation::Relu,
        }
    }
}

/// Names: `hidden.<i>.weight|bias` and `fc.weight|bias`.
pub(super) fn build(
    params: &MlpParams,
    variables: &mut Variables,
    sizes: &Sizes,
) -> Result<Box<dyn Network>> {
    ensure!(
        params.hidden.iter().all(|width| *width > 0),
        "`hidden`: every width must be at least 1"
    );
    ensure!(
        (0.0..1.0).contains(&params.dropout),
        "`dropout` must be at least 0 and below 1"
    );
    let mut inputs = sizes.flat_inputs();
    let mut hidden = Vec::with_capacity(params.hidden.len());
    for (index, width) in params.hidden.iter().enumerate() {
        hidden.push(Linear::new(
            variables,
            &format!("hidden.{index}"),
            inputs,
            *width,
        )?);
        inputs = *width;
    }
    let fc = Linear::new(variables, "fc", inputs, sizes.outputs)?;
    Ok(Box::new(Mlp {
        hidden,
        fc,
        params: params.clone(),
    }))
}

struct Mlp {
    hidden: Vec<Linear>,
    fc: Linear,
    params: MlpParams,
}

impl Network for Mlp {
    fn forward(&self, inputs: &Tensor, train: bool) -> Result<Tensor> {
        let mut features = inputs.f_flatten(1, -1)?;
        for layer in &self.hidden {
            features = self.params.activation.forward(&layer.forward(&features)?)?;
            if train && self.params.dropout > 0.0 {
                features = features.f_dropout(self.params.dropout, true)?;
            }
        }
        self.fc.forward(&features)
    }
}

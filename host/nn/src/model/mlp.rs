//! `mlp`: inputs flattened, hidden layers with an activation and dropout, a linear head.

use anyhow::{Result, ensure};
use serde::Deserialize;
use tch::Tensor;

use super::blueprint::Blueprint;
use super::layers::{Activation, Linear};
use super::variables::Variables;
use super::{Architecture, Network, TensorNetwork};

/// `arch_params` of `mlp`.
#[derive(Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct MlpParams {
    /// Width of each hidden layer, first to last.
    hidden: Vec<i64>,
    /// Probability that a hidden unit is dropped in training, 0 ≤ p < 1.
    dropout: f64,
    /// The non-linearity after each hidden layer.
    activation: Activation,
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

impl Architecture for MlpParams {
    /// Names: `hidden.<i>.weight|bias` and `fc.weight|bias`.
    fn build(&self, variables: &mut Variables, blueprint: &Blueprint) -> Result<Box<dyn Network>> {
        let sizes = blueprint.sizes()?;
        self.check()?;
        let mut inputs = sizes.flat_inputs();
        let mut hidden = Vec::with_capacity(self.hidden.len());
        for (index, width) in self.hidden.iter().enumerate() {
            let name = format!("hidden.{index}");
            hidden.push(Linear::new(variables, &name, inputs, *width)?);
            inputs = *width;
        }
        Ok(Box::new(Mlp {
            hidden,
            fc: Linear::new(variables, "fc", inputs, sizes.outputs)?,
            params: self.clone(),
        }))
    }
}

impl MlpParams {
    fn check(&self) -> Result<()> {
        ensure!(
            self.hidden.iter().all(|width| *width > 0),
            "`hidden`: every width must be at least 1"
        );
        ensure!(
            (0.0..1.0).contains(&self.dropout),
            "`dropout` must be at least 0 and below 1"
        );
        Ok(())
    }
}

struct Mlp {
    hidden: Vec<Linear>,
    fc: Linear,
    params: MlpParams,
}

impl TensorNetwork for Mlp {
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

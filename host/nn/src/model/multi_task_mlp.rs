//! `multi_task_mlp`: one trunk of hidden layers for all inputs together, and a linear head for each of several tasks (hard
//! parameter sharing, Caruana 1997).

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::{Map, Value};
use tch::Tensor;
use torch_ext::Items;

use super::blueprint::Blueprint;
use super::layers::{Activation, Linear};
use super::variables::Variables;
use super::{Architecture, Network};

/// `arch_params` of `multi_task_mlp`.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MultiTaskMlpParams {
    /// The width of each head's output, by the head's name. Predictions have these names.
    heads: Map<String, Value>,
    /// Width of each hidden layer, first to last.
    #[serde(default = "one_layer")]
    hidden: Vec<i64>,
    /// The non-linearity after each hidden layer.
    #[serde(default = "relu")]
    activation: Activation,
}

fn one_layer() -> Vec<i64> {
    vec![256]
}

fn relu() -> Activation {
    Activation::Relu
}

impl Architecture for MultiTaskMlpParams {
    /// Names: `hidden.<i>.weight|bias` and `heads.<name>.weight|bias`.
    fn build(&self, variables: &mut Variables, blueprint: &Blueprint) -> Result<Box<dyn Network>> {
        ensure!(
            self.hidden.iter().all(|width| *width > 0),
            "`hidden`: every width must be at least 1"
        );
        ensure!(!self.heads.is_empty(), "`heads` names no head");
        let samples = blueprint.inputs.iter();
        let mut width: i64 = samples
            .map(|(_, shape)| shape.iter().product::<i64>())
            .sum();
        let mut hidden = Vec::with_capacity(self.hidden.len());
        for (index, outputs) in self.hidden.iter().enumerate() {
            let name = format!("hidden.{index}");
            hidden.push(Linear::new(variables, &name, width, *outputs)?);
            width = *outputs;
        }
        let mut heads = Vec::with_capacity(self.heads.len());
        for (name, outputs) in &self.heads {
            let outputs = outputs.as_i64().filter(|outputs| *outputs > 0);
            let outputs = outputs
                .with_context(|| format!("`heads.{name}` must be a whole number, at least 1"))?;
            let head = Linear::new(variables, &format!("heads.{name}"), width, outputs)?;
            heads.push((name.as_str().into(), head));
        }
        Ok(Box::new(MultiTaskMlp {
            hidden,
            heads,
            activation: self.activation,
        }))
    }
}

struct MultiTaskMlp {
    hidden: Vec<Linear>,
    heads: Vec<(std::sync::Arc<str>, Linear)>,
    activation: Activation,
}

impl Network for MultiTaskMlp {
    /// Inputs flattened and joined in declared order; each head `[N, outputs]`.
    fn forward(&self, inputs: &Items, _train: bool) -> Result<Items> {
        let mut flat = Vec::with_capacity(inputs.len());
        for input in inputs.tensors() {
            flat.push(input.f_flatten(1, -1)?);
        }
        let mut features = Tensor::f_cat(&flat, 1)?;
        for layer in &self.hidden {
            features = self.activation.forward(&layer.forward(&features)?)?;
        }
        let mut preds = Vec::with_capacity(self.heads.len());
        for (name, head) in &self.heads {
            preds.push((name.clone(), head.forward(&features)?));
        }
        Ok(Items::named(preds)?)
    }
}

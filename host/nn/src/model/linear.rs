//! `linear`: inputs flattened, one affine map. Softmax regression with cross entropy, least squares with MSE.

use anyhow::Result;
use serde::Deserialize;
use tch::Tensor;

use super::blueprint::Blueprint;
use super::layers::Linear;
use super::variables::Variables;
use super::{Architecture, Network, TensorNetwork};

/// `arch_params` of `linear`: none.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct LinearParams {}

impl Architecture for LinearParams {
    /// Names: `fc.weight`, `fc.bias`.
    fn build(&self, variables: &mut Variables, blueprint: &Blueprint) -> Result<Box<dyn Network>> {
        let sizes = blueprint.sizes()?;
        let fc = Linear::new(variables, "fc", sizes.flat_inputs(), sizes.outputs)?;
        Ok(Box::new(Flattened { fc }))
    }
}

struct Flattened {
    fc: Linear,
}

impl TensorNetwork for Flattened {
    fn forward(&self, inputs: &Tensor, _train: bool) -> Result<Tensor> {
        self.fc.forward(&inputs.f_flatten(1, -1)?)
    }
}

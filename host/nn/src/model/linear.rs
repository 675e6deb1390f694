//! `linear`: inputs flattened, one affine map. Softmax regression with cross entropy, least squares with MSE.
use anyhow::Result;
use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::layers::Linear;
use super::variables::Variables;
use super::{Network, Sizes};

/// `arch_params` of `linear`: none.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct LinearParams {}

/// Names: `fc.weight`, `fc.bias`.
pub(super) fn build(variables: &mut Variables, sizes: &Sizes) -> Result<Box<dyn Network>> {
    let fc = Linear::new(variables, "fc", sizes.flat_inputs(), sizes.outputs)?;
    Ok(Box::new(Flattened { fc }))
}

struct Flattened {
    fc: Linear,
}

impl Network for Flattened {
    fn forward(&self, inputs: &Tensor, _train: bool) -> Result<Tensor> {
        self.fc.forward(&inputs.f_flatten(1, -1)?)
    }
}

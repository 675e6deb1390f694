//! `torchscript`: a network that `torch.jit.script(module).save(file)` wrote in Python, trained here like our own.
//! Parameters and buffers keep their Python names and start from the values in the file; what was frozen there is
//! frozen here.
//!
//! The file is trusted as the recipe's author: libtorch's interpreter runs it outside any sandbox.
use std::cell::Cell;
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use tch::Tensor;
use torch_ext::ScriptModule;

use super::Network;
use super::variables::Variables;

/// `arch_params` of `torchscript`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct TorchScriptParams {
    /// Path of the file, relative to the recipe.
    pub file: String,
}

/// Names: the module's own.
pub(super) fn build(
    params: &TorchScriptParams,
    variables: &mut Variables,
    base: &Path,
) -> Result<Box<dyn Network>> {
    let path = base.join(&params.file);
    let module = ScriptModule::load(&path, variables.device()).with_context(|| {
        format!(
            "`file`: {} is not a TorchScript module that can be read",
            path.display()
        )
    })?;
    variables.parameters.extend(module.parameters()?);
    variables.buffers.extend(module.buffers()?);
    module.set_train(false)?;
    Ok(Box::new(Script {
        module,
        training: Cell::new(false),
    }))
}

struct Script {
    module: ScriptModule,
    /// What the module was last switched to: switching walks all submodules.
    training: Cell<bool>,
}

impl Network for Script {
    fn forward(&self, inputs: &Tensor, train: bool) -> Result<Tensor> {
        if self.training.get() != train {
            self.module.set_train(train)?;
            self.training.set(train);
        }
        Ok(self.module.forward(inputs)?)
    }
}

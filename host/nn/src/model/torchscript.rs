//! `torchscript`: a network that `torch.jit.script(module).save(file)` wrote in Python, trained here like our own.
//! Parameters and buffers keep their Python names and start from the values in the file; parameters that were frozen
//! there are frozen here.
//!
//! The file is trusted like the recipe's author: libtorch's interpreter runs it outside any sandbox.

use std::cell::Cell;

use anyhow::{Context, Result};
use serde::Deserialize;
use torch_ext::{Items, ScriptModule};

use super::blueprint::Blueprint;
use super::variables::Variables;
use super::{Architecture, Network};

/// `arch_params` of `torchscript`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TorchScriptParams {
    /// Path of the file, relative to the recipe.
    file: String,
}

impl Architecture for TorchScriptParams {
    /// Names: the module's own.
    fn build(&self, variables: &mut Variables, blueprint: &Blueprint) -> Result<Box<dyn Network>> {
        let path = blueprint.base.join(&self.file);
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
}

struct Script {
    module: ScriptModule,
    /// The mode the module was last switched to: to switch walks all submodules.
    training: Cell<bool>,
}

impl Network for Script {
    fn forward(&self, inputs: &Items, train: bool) -> Result<Items> {
        if self.training.get() != train {
            self.module.set_train(train)?;
            self.training.set(train);
        }
        Ok(self.module.forward(inputs)?)
    }
}

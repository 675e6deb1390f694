//! `torchscript`: a network that `torch.jit.script(module).save(file)` wrote in Python, trained here like our own.
//! Parameters and buffers keep their Python names and start from the values in the file; parameters that were frozen
//! there are frozen here.
//!
//! The file is trusted like the recipe's author: libtorch's interpreter runs it outside any sandbox.

use std::cell::Cell;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use phasebox_files::regular_file;
use serde::Deserialize;
use tch::{Kind, Tensor, no_grad};
use torch_ext::{Items, ScriptModule, Shape};

use super::blueprint::Blueprint;
use super::layers::ONE_VALUE;
use super::variables::Variables;
use super::{Architecture, Network};

/// `arch_params` of `torchscript`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TorchScriptParams {
    /// Path of the file, relative to the recipe.
    file: String,
}

/// The most bytes of a file.
const MOST_BYTES: u64 = 4 << 30;
/// The bytes of one value, for the number that a file has room for.
const VALUE_BYTES: u64 = 4;

impl Architecture for TorchScriptParams {
    /// Counts by the size of the file, which is not read.
    fn count(&self, variables: &mut Variables, blueprint: &Blueprint) -> Result<()> {
        let path = blueprint.base.join(&self.file);
        let (_, bytes) = regular_file::open(&path).with_context(|| unreadable(&path))?;
        ensure!(
            bytes <= MOST_BYTES,
            "`file`: {} has {bytes} bytes, and at most {MOST_BYTES} are read",
            path.display()
        );
        variables.add_values(bytes / VALUE_BYTES);
        Ok(())
    }

    /// Names: the module's own.
    fn build(&self, variables: &mut Variables, blueprint: &Blueprint) -> Result<Box<dyn Network>> {
        let path = blueprint.base.join(&self.file);
        let unreadable = || unreadable(&path);
        regular_file::check(&path).with_context(unreadable)?;
        let module = ScriptModule::load(&path, variables.device()).with_context(unreadable)?;
        for (name, tensor) in module.parameters()?.iter().chain(&module.buffers()?) {
            give_own_memory(name, tensor)?;
        }
        variables.parameters.extend(module.parameters()?);
        variables.buffers.extend(module.buffers()?);
        module.set_train(false)?;
        Ok(Box::new(Script {
            buffers: module.buffers()?,
            module,
            training: Cell::new(false),
            is_checked: Cell::new(false),
        }))
    }
}

fn unreadable(path: &Path) -> String {
    let path = path.display();
    format!("`file`: {path} is not a TorchScript module that can be read")
}

/// Dtypes that checkpoints can hold.
const KINDS: [Kind; 10] = [
    Kind::Uint8,
    Kind::Int8,
    Kind::Int16,
    Kind::Int,
    Kind::Int64,
    Kind::Half,
    Kind::BFloat16,
    Kind::Float,
    Kind::Double,
    Kind::Bool,
];

/// Gives a tensor that is a view, such as an expanded one, memory of its own in row-major order: optimizers write every
/// element in turn.
///
/// # Errors
/// A tensor that checkpoints cannot hold.
fn give_own_memory(name: &str, tensor: &Tensor) -> Result<()> {
    let is_saved = tensor.f_kind().is_ok_and(|kind| KINDS.contains(&kind)) && !tensor.is_sparse();
    ensure!(
        is_saved,
        "`{name}` is sparse or of a dtype that checkpoints cannot hold: leave it out of the module, or convert it"
    );
    let own = no_grad(|| tensor.f_contiguous())?;
    if own.data_ptr() != tensor.data_ptr() {
        tensor.shallow_clone().f_set_data(&own)?;
    }
    Ok(())
}

struct Script {
    module: ScriptModule,
    /// The buffers as they were loaded.
    buffers: Vec<(String, Tensor)>,
    /// A forward pass in training has been looked at.
    is_checked: Cell<bool>,
    /// The mode the module was last switched to: to switch walks all submodules.
    training: Cell<bool>,
}

impl Network for Script {
    fn forward(&self, inputs: &Items, train: bool) -> Result<Items> {
        if self.training.get() != train {
            self.module.set_train(train)?;
            self.training.set(train);
        }
        let preds = self.guarded(inputs, train)?;
        if train && !self.is_checked.replace(true) {
            self.check_buffers()?;
        }
        Ok(preds)
    }
}

impl Script {
    /// The forward pass. A traced batch normalization does not look at the number of its values, so the running
    /// variances are looked at after a batch of one sample, and put back if they are ruined. Syncs for such a batch.
    fn guarded(&self, inputs: &Items, train: bool) -> Result<Items> {
        let is_single = |tensor: &Tensor| Shape::of(tensor).first() == Some(&1);
        if !train || !inputs.tensors().any(is_single) {
            return Ok(self.module.forward(inputs)?);
        }
        let running = || self.buffers.iter().filter(|(name, _)| is_running(name));
        let mut before = Vec::new();
        for (_, buffer) in running() {
            before.push(torch_ext::owned_copy(buffer)?);
        }
        let preds = self.module.forward(inputs)?;
        let mut ruined = running().filter(|(_, buffer)| !is_finite(buffer));
        let Some((name, _)) = ruined.next() else {
            return Ok(preds);
        };
        for ((_, buffer), before) in running().zip(&before) {
            no_grad(|| buffer.shallow_clone().f_copy_(before))?;
        }
        bail!("the batch normalization of `{name}` has one value a channel: {ONE_VALUE}")
    }

    /// Refuses a module that puts other tensors in the place of its buffers: checkpoints hold the first ones.
    fn check_buffers(&self) -> Result<()> {
        for ((name, before), (_, now)) in self.buffers.iter().zip(&self.module.buffers()?) {
            ensure!(
                before.data_ptr() == now.data_ptr() && before.size() == now.size(),
                "`forward` assigns its buffer `{name}` anew, so that checkpoints would miss it: change it in place, \
                 as `self.{name}.add_(1)` does"
            );
        }
        Ok(())
    }
}

/// The buffer is a statistic of a batch normalization.
fn is_running(name: &str) -> bool {
    name.ends_with("running_mean") || name.ends_with("running_var")
}

fn is_finite(tensor: &Tensor) -> bool {
    let finite = tensor.f_isfinite().and_then(|finite| finite.f_all());
    finite.is_ok_and(|all| all.f_double_value(&[]).is_ok_and(|all| all != 0.0))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tch::Device;

    use super::*;
    use crate::model::{Model, build};

    /// A module of `tests/reference/modules`.
    fn module(file: &str) -> Result<Model> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/reference/modules");
        let inputs = [("inputs".to_owned(), vec![1, 8, 8])];
        build(
            "torchscript",
            &json!({"file": file}),
            &inputs,
            None,
            &folder,
            Device::Cpu,
        )
    }

    fn forward(model: &Model) -> Result<Tensor> {
        let images = Tensor::ones([3, 1, 8, 8], (Kind::Float, Device::Cpu));
        let preds = model.forward(&images.into(), true)?;
        Ok(preds.single("preds")?.shallow_clone())
    }

    /// A parameter that was a view has memory of its own, which the module reads.
    #[test]
    fn views_become_tensors_of_their_own() {
        let plain = forward(&module("plain.pt").expect("a module")).expect("images fit");
        for file in ["expanded.pt", "strided.pt"] {
            let model = module(file).expect("a module");
            let (_, scale) = model.parameters().last().expect("the scale");
            assert_eq!(
                (scale.size(), scale.stride()),
                (vec![10], vec![1]),
                "{file}"
            );
            let bytes = torch_ext::storage_bytes(scale).expect("it is defined");
            assert_eq!(bytes, 40, "{file}");
            assert_eq!(forward(&model).expect("images fit"), plain, "{file}");
            let _ = no_grad(|| scale.shallow_clone().g_mul_scalar_(2.0));
            assert_eq!(forward(&model).expect("images fit"), &plain * 2.0, "{file}");
        }
    }

    #[test]
    fn what_a_checkpoint_would_miss_is_refused() {
        let refused = module("complex.pt").err().map(|error| format!("{error:#}"));
        let refused = refused.expect("a complex buffer");
        assert!(
            refused.contains("`phase` is sparse or of a dtype"),
            "{refused}"
        );
        let counting = module("counting.pt").expect("a module");
        let refused = forward(&counting).expect_err("its buffer is another one");
        let refused = format!("{refused:#}");
        assert!(
            refused.contains("assigns its buffer `count` anew"),
            "{refused}"
        );
    }

    fn rows(count: i64) -> Items {
        Tensor::ones([count, 8], (Kind::Float, Device::Cpu)).into()
    }

    #[test]
    fn tensors_that_overlap_are_refused() {
        let refused = module("overlapping.pt")
            .err()
            .map(|error| format!("{error:#}"));
        let refused = refused.expect("a parameter is a slice of another");
        assert!(
            refused.contains("`a.weight` and `b.weight` are two tensors in the same memory"),
            "{refused}"
        );
    }

    /// An exception keeps its name and its message, whatever lines these are on.
    #[test]
    fn the_reason_of_an_exception_is_told() {
        let check = |file: &str, expected: &str| {
            let model = module(file).expect("a module");
            let images = Tensor::ones([3, 1, 8, 8], (Kind::Float, Device::Cpu));
            let refused = model.forward(&images.into(), false).err();
            let refused = format!("{:#}", refused.expect("an exception"));
            assert!(refused.ends_with(expected), "{refused}");
        };
        check("raising.pt", "ValueError: give me rows, not\n4 dimensions");
        check("wide.pt", "let it return floats or integers");
        check(
            "tied.pt",
            "ValueError: expected 2D or 3D input (got 4D input)",
        );
    }

    /// A scripted normalization refuses one value a channel by itself, a traced one does not.
    #[test]
    fn one_sample_does_not_ruin_running_statistics() {
        let model = module("traced_norm.pt").expect("a module");
        let image = |count| Items::from(Tensor::ones([count, 1, 8, 8], (Kind::Float, Device::Cpu)));
        model.forward(&image(2), true).expect("two samples");
        let before = model.state();
        let before: Vec<Tensor> = before.iter().map(|(_, tensor)| tensor.copy()).collect();
        let refused = model
            .forward(&image(1), true)
            .expect_err("one value a channel");
        let refused = format!("{refused:#}");
        assert!(refused.contains("drop_last: true"), "{refused}");
        for ((name, now), before) in model.state().iter().zip(&before) {
            assert!(is_running(name) <= (now == before), "{name} changed");
        }
        model.forward(&image(1), false).expect("evaluation");
        let scripted = module("tied.pt").expect("a module");
        let refused = scripted
            .forward(&rows(1), true)
            .expect_err("one value a channel");
        let refused = format!("{refused:#}");
        assert!(
            refused.contains("Expected more than 1 value per channel"),
            "{refused}"
        );
    }
}

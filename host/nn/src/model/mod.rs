//! Networks by name, and [`Model`]: one network with its named tensors. Owns parameters, buffers, freezing and
//! copying; knows nothing of losses, optimizers, checkpoints' files or callbacks.
//!
//! Parameters start from PyTorch's defaults, drawn on the CPU from torch's global generator in the order PyTorch
//! would draw them: `tch::manual_seed` decides them, the device does not. Tensor names are those of the same
//! network written in PyTorch (torchvision's, for ResNets), so a safetensors checkpoint loads there.
mod convnet;
mod groups;
mod layers;
mod linear;
mod mlp;
mod resnet;
mod state;
#[cfg(test)]
mod tests;
mod torchscript;
mod variables;

use std::cell::Cell;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail, ensure};
use serde_json::Value;
use tch::{Device, Tensor, no_grad};

pub use convnet::ConvNetParams;
pub use layers::Activation;
pub use linear::LinearParams;
pub use mlp::MlpParams;
pub use resnet::{Depth, ResNetParams};
pub use torchscript::TorchScriptParams;

use groups::Groups;
use phasebox_contract::suggest;
use variables::{Values, Variables};

use crate::glob;
use crate::params;
use crate::refusal;
use crate::revision;

/// Every architecture a recipe can name.
pub const ARCHITECTURES: [&str; 7] = [
    "linear",
    "mlp",
    "convnet",
    "resnet18",
    "resnet34",
    "resnet50",
    "torchscript",
];

/// An architecture with its checked `arch_params`.
#[derive(Clone, Debug)]
#[allow(
    missing_docs,
    reason = "each variant is the architecture of that name; its params are documented"
)]
pub enum ModelConfig {
    Linear(LinearParams),
    Mlp(MlpParams),
    ConvNet(ConvNetParams),
    ResNet(Depth, ResNetParams),
    TorchScript(TorchScriptParams),
}

impl ModelConfig {
    /// Reads `arch_params` for `architecture`, whose case, `_` and `-` do not matter.
    ///
    /// # Errors
    /// An unknown architecture (with the list and the nearest name), an unknown or mistyped key.
    pub fn parse(architecture: &str, arch_params: &Value) -> Result<ModelConfig> {
        let unknown = || {
            anyhow!(suggest::unknown(
                "architecture",
                architecture,
                &ARCHITECTURES
            ))
        };
        let name = suggest::fuzzy(architecture, &ARCHITECTURES).ok_or_else(unknown)?;
        let owner = format!("architecture `{name}`");
        Ok(match name {
            "linear" => ModelConfig::Linear(params::read(&owner, arch_params)?),
            "mlp" => ModelConfig::Mlp(params::read(&owner, arch_params)?),
            "convnet" => ModelConfig::ConvNet(params::read(&owner, arch_params)?),
            "resnet18" => ModelConfig::ResNet(Depth::ResNet18, params::read(&owner, arch_params)?),
            "resnet34" => ModelConfig::ResNet(Depth::ResNet34, params::read(&owner, arch_params)?),
            "resnet50" => ModelConfig::ResNet(Depth::ResNet50, params::read(&owner, arch_params)?),
            "torchscript" => ModelConfig::TorchScript(params::read(&owner, arch_params)?),
            _ => return Err(unknown()),
        })
    }

    /// The architecture, as in [`ARCHITECTURES`].
    pub fn name(&self) -> &'static str {
        match self {
            ModelConfig::Linear(_) => "linear",
            ModelConfig::Mlp(_) => "mlp",
            ModelConfig::ConvNet(_) => "convnet",
            ModelConfig::ResNet(Depth::ResNet18, _) => "resnet18",
            ModelConfig::ResNet(Depth::ResNet34, _) => "resnet34",
            ModelConfig::ResNet(Depth::ResNet50, _) => "resnet50",
            ModelConfig::TorchScript(_) => "torchscript",
        }
    }

    fn network(&self, variables: &mut Variables, plan: &Plan) -> Result<Box<dyn Network>> {
        match self {
            ModelConfig::Linear(_) => linear::build(variables, &plan.sizes()?),
            ModelConfig::Mlp(params) => mlp::build(params, variables, &plan.sizes()?),
            ModelConfig::ConvNet(params) => convnet::build(params, variables, &plan.sizes()?),
            ModelConfig::ResNet(depth, params) => {
                resnet::build(*depth, params, variables, &plan.sizes()?)
            }
            ModelConfig::TorchScript(params) => torchscript::build(params, variables, &plan.base),
        }
    }
}

/// What an architecture computes. Its tensors are in [`Model`]; `train` switches dropout and batch statistics.
trait Network: Send {
    fn forward(&self, inputs: &Tensor, train: bool) -> Result<Tensor>;
}

/// What a network must fit: one sample's shape and the width of its output.
struct Sizes {
    sample: Vec<i64>,
    outputs: i64,
}

impl Sizes {
    fn flat_inputs(&self) -> i64 {
        self.sample.iter().product()
    }

    /// Channels, height and width.
    fn image(&self) -> Result<(i64, i64, i64)> {
        match self.sample.as_slice() {
            [channels, height, width] => Ok((*channels, *height, *width)),
            other => bail!(
                "takes images [channels, height, width]; the data's samples have shape {other:?}"
            ),
        }
    }
}

/// All that is needed to build the same network again.
#[derive(Clone)]
struct Plan {
    config: ModelConfig,
    arch_params: Value,
    input_shape: Vec<i64>,
    num_classes: Option<i64>,
    base: PathBuf,
    device: Device,
    /// A pixel's channels lie together.
    channels_last: bool,
}

impl Plan {
    fn build(&self, values: Values) -> Result<Model> {
        let mut variables = Variables::new(self.device, values);
        let network = self
            .config
            .network(&mut variables, self)
            .with_context(|| format!("architecture `{}`", self.config.name()))?;
        let batches_tracked = variables.finish()?;
        let Variables {
            mut parameters,
            mut buffers,
            ..
        } = variables;
        parameters.sort_by(|a, b| a.0.cmp(&b.0));
        buffers.sort_by(|a, b| a.0.cmp(&b.0));
        let (groups, version) = (Groups::default(), Cell::new(revision::fresh()));
        let mut model = Model {
            plan: self.clone(),
            network,
            parameters,
            buffers,
            batches_tracked,
            groups,
            version,
        };
        if self.channels_last {
            model.arrange_channels_last()?;
        }
        Ok(model)
    }

    fn sizes(&self) -> Result<Sizes> {
        let outputs = self.num_classes.context(
            "needs the number of outputs: write `num_classes` in `arch_params`, the data does not say it",
        )?;
        ensure!(
            outputs > 0,
            "`num_classes` must be at least 1, not {outputs}"
        );
        Ok(Sizes {
            sample: self.input_shape.clone(),
            outputs,
        })
    }
}

/// Builds the network `architecture` names, with fresh parameters on `device`.
///
/// `input_shape` is one sample's, without the batch dimension (`[1, 28, 28]`). `num_classes` is what the data says;
/// `num_classes` in `arch_params` (the SuperGradients habit) goes before it. `base` is the recipe's folder.
///
/// # Errors
/// An unknown architecture, unknown or mistyped keys, sizes that do not fit, a file that cannot be read.
pub fn build(
    architecture: &str,
    arch_params: &Value,
    input_shape: &[i64],
    num_classes: Option<i64>,
    base: &Path,
    device: Device,
) -> Result<Model> {
    let (own_params, written_classes) = take_num_classes(arch_params)?;
    let plan = Plan {
        config: ModelConfig::parse(architecture, &own_params)?,
        arch_params: arch_params.clone(),
        input_shape: input_shape.to_vec(),
        num_classes: written_classes.or(num_classes),
        base: base.to_owned(),
        device,
        channels_last: false,
    };
    plan.build(Values::Drawn)
}

/// Every architecture takes `num_classes`, so it is read here and not once per architecture.
fn take_num_classes(arch_params: &Value) -> Result<(Value, Option<i64>)> {
    let mut own_params = arch_params.clone();
    let Some(written) = own_params
        .as_object_mut()
        .and_then(|map| map.shift_remove("num_classes"))
    else {
        return Ok((own_params, None));
    };
    let classes = written
        .as_i64()
        .ok_or_else(|| anyhow!("`num_classes` must be a whole number, not {written}"))?;
    Ok((own_params, Some(classes)))
}

/// A network with its tensors. Handles given out are shallow: they see every later change in place.
pub struct Model {
    plan: Plan,
    network: Box<dyn Network>,
    parameters: Vec<(String, Tensor)>,
    buffers: Vec<(String, Tensor)>,
    /// The `num_batches_tracked` of all batch normalisations, which each forward in training counts up at once.
    batches_tracked: Option<Tensor>,
    groups: Groups,
    version: Cell<u64>,
}

impl Model {
    /// The architecture's name, as in [`ARCHITECTURES`].
    pub fn architecture(&self) -> &'static str {
        self.plan.config.name()
    }

    /// `arch_params` as the recipe wrote them.
    pub fn arch_params(&self) -> &Value {
        &self.plan.arch_params
    }

    /// Where all tensors of the model are.
    pub fn device(&self) -> Device {
        self.plan.device
    }

    /// Another number after each change of which parameters learn.
    pub fn version(&self) -> u64 {
        self.version.get()
    }

    /// Lays the weights of convolutions out with the channels of a pixel together, as tensor cores and oneDNN want
    /// them; inputs should lie so too. Values, names and shapes stay. Before anybody else holds gradients of them.
    ///
    /// # Errors
    /// libtorch's reason.
    pub fn arrange_channels_last(&mut self) -> Result<()> {
        self.plan.channels_last = true;
        let weights = self.parameters.iter_mut().chain(&mut self.buffers);
        for (_, weight) in weights.filter(|(_, tensor)| tensor.dim() == 4) {
            let arranged = no_grad(|| torch_ext::channels_last(weight))?;
            weight.f_set_data(&arranged)?;
        }
        Ok(())
    }

    /// Predictions for a batch: `[N, …input_shape]` float → `[N, num_classes]` float for every architecture here
    /// but `torchscript`, which returns what its file returns. Records gradients unless the caller turned them off.
    /// No sync.
    ///
    /// # Errors
    /// libtorch's reason, with the architecture and the shape it was given. Never panics.
    pub fn forward(&self, inputs: &Tensor, train: bool) -> Result<Tensor> {
        let preds = self
            .network
            .forward(inputs, train)
            .map_err(|error| self.refusal(inputs, &error))?;
        if let (true, Some(counters)) = (train, &self.batches_tracked) {
            let _ = counters.shallow_clone().f_add_scalar_(1)?;
        }
        Ok(preds)
    }

    fn refusal(&self, inputs: &Tensor, error: &anyhow::Error) -> anyhow::Error {
        anyhow!(
            "architecture `{}`, built for samples of shape {:?}, cannot take inputs {}: {}",
            self.architecture(),
            self.plan.input_shape,
            torch_ext::described(inputs),
            refusal::reason(error),
        )
    }

    /// Everything trained, frozen or not, sorted by name. An optimizer must pass over what has
    /// `requires_grad() == false`: it is frozen.
    pub fn parameters(&self) -> &[(String, Tensor)] {
        &self.parameters
    }

    /// State that is not trained (batch normalisation's running statistics), sorted by name.
    pub fn buffers(&self) -> &[(String, Tensor)] {
        &self.buffers
    }

    /// Stops training what matches `glob` (`fc.*`, `*.bias`; `*` crosses dots), and zeroes its gradient so that
    /// nothing of the current step is left. Returns how many parameters match. No sync.
    ///
    /// # Errors
    /// A malformed glob. Matching nothing is not an error: the count says so.
    pub fn freeze(&self, glob: &str) -> Result<usize> {
        let matching = self.matching(glob)?;
        for parameter in &matching {
            self.set_learns(parameter, false)?;
            let mut gradient = parameter.grad();
            if gradient.defined() {
                let _ = no_grad(|| gradient.f_zero_())?;
            }
        }
        Ok(matching.len())
    }

    /// Trains again what matches `glob`. Returns how many parameters match. No sync.
    ///
    /// # Errors
    /// A malformed glob.
    pub fn unfreeze(&self, glob: &str) -> Result<usize> {
        let matching = self.matching(glob)?;
        for parameter in &matching {
            self.set_learns(parameter, true)?;
        }
        Ok(matching.len())
    }

    fn set_learns(&self, parameter: &Tensor, learns: bool) -> Result<()> {
        if parameter.requires_grad() != learns {
            let _ = parameter.f_set_requires_grad(learns)?;
            self.version.set(revision::fresh());
        }
        Ok(())
    }

    fn matching(&self, glob: &str) -> Result<Vec<&Tensor>> {
        let matcher = glob::compile(glob)
            .with_context(|| format!("`{glob:.64}` is not a pattern of parameter names"))?;
        Ok(self
            .parameters
            .iter()
            .filter(|(name, _)| matcher.is_match(name))
            .map(|(_, tensor)| tensor)
            .collect())
    }

    /// Another model of the same architecture on the same device with this one's values, sharing no memory: what an
    /// average of weights lives in. Draws no random number. Frozen stays frozen.
    ///
    /// # Errors
    /// As [`build`]; a `torchscript` file is read again.
    pub fn duplicate(&self) -> Result<Model> {
        let mut copy = self.plan.build(Values::Blank)?;
        copy.load_state(&self.state(), true)?;
        for ((_, own), (_, original)) in copy.parameters.iter().zip(&self.parameters) {
            let _ = own.f_set_requires_grad(original.requires_grad())?;
        }
        Ok(copy)
    }
}

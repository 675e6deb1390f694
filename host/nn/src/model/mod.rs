//! Networks by name, and [`Model`]: one network with its named tensors. Owns parameters, buffers, freezing and
//! copying; knows nothing of losses, optimizers, checkpoints' files or callbacks.
//!
//! Parameters start from PyTorch's defaults, drawn on the CPU from torch's global generator in the order PyTorch
//! would draw them: `tch::manual_seed` decides them, the device does not. Tensor names are those of the same
//! network written in PyTorch (torchvision's, for ResNets), so a safetensors checkpoint loads there.
//!
//! **To add an architecture**: one file here with its `arch_params` (a struct with `deny_unknown_fields`) that
//! implements [`Architecture`]; one row in [`ARCHITECTURES`]; rows in `tests/reference/models.py`.

mod blueprint;
mod convnet;
mod groups;
mod layers;
mod linear;
mod mlp;
mod multi_task_mlp;
mod resnet;
mod sharing;
mod state;
#[cfg(test)]
mod tests;
mod torchscript;
mod variables;
mod yolox;

use std::cell::Cell;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use phasebox_contract::{missing, suggest};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tch::{Device, Kind, Tensor, no_grad};
use torch_ext::Items;

use blueprint::Blueprint;
use convnet::ConvNetParams;
use groups::Groups;
use linear::LinearParams;
use mlp::MlpParams;
use multi_task_mlp::MultiTaskMlpParams;
use sharing::Alias;
pub use state::Loaded;
use torchscript::TorchScriptParams;
use variables::{Values, Variables};

use crate::glob;
use crate::missing::NETWORKS;
use crate::params;
use crate::refusal;
use crate::revision;

/// Every architecture a recipe can name.
const ARCHITECTURES: &[(&str, Read)] = &[
    ("linear", read::<LinearParams>),
    ("mlp", read::<MlpParams>),
    ("convnet", read::<ConvNetParams>),
    ("resnet18", resnet::read_18),
    ("resnet34", resnet::read_34),
    ("resnet50", resnet::read_50),
    ("resnet18_cifar", resnet::read_18_cifar),
    ("multi_task_mlp", read::<MultiTaskMlpParams>),
    ("yolox_n", yolox::read_n),
    ("yolox_t", yolox::read_t),
    ("yolox_s", yolox::read_s),
    ("yolox_m", yolox::read_m),
    ("yolox_l", yolox::read_l),
    ("yolox_x", yolox::read_x),
    ("custom_yolox", yolox::read_custom),
    ("torchscript", read::<TorchScriptParams>),
];

/// Reads the `arch_params` of an architecture; the text is what an error names.
type Read = fn(&str, &Value) -> Result<Arc<dyn Architecture>>;

/// An architecture with its `arch_params`.
trait Architecture: Send + Sync {
    /// Makes the network; its tensors are collected in `variables`.
    fn build(&self, variables: &mut Variables, blueprint: &Blueprint) -> Result<Box<dyn Network>>;

    /// Counts the tensors of the network in `variables`, which make none.
    fn count(&self, variables: &mut Variables, blueprint: &Blueprint) -> Result<()> {
        self.build(variables, blueprint).map(drop)
    }

    /// The names of its predictions in evaluation.
    fn outputs(&self) -> &'static [&'static str] {
        &["preds"]
    }
}

/// The computation of a network. Its tensors are in [`Model`]; `train` switches dropout and batch statistics, and may
/// decide which predictions there are.
trait Network: Send {
    fn forward(&self, inputs: &Items, train: bool) -> Result<Items>;

    /// Judges images by their height and width alone. Answers false where only a forward pass can tell.
    ///
    /// # Errors
    /// Sides that the network cannot take.
    fn takes(&self, _sides: [i64; 2]) -> Result<bool> {
        Ok(false)
    }
}

/// The computation of a network with one tensor in and one out.
trait TensorNetwork: Send {
    fn forward(&self, inputs: &Tensor, train: bool) -> Result<Tensor>;
}

impl<N: TensorNetwork> Network for N {
    fn forward(&self, inputs: &Items, train: bool) -> Result<Items> {
        let preds = TensorNetwork::forward(self, inputs.single("inputs")?, train)?;
        Ok(preds.into())
    }
}

fn read<A>(owner: &str, block: &Value) -> Result<Arc<dyn Architecture>>
where
    A: Architecture + DeserializeOwned + 'static,
{
    Ok(Arc::new(params::read::<A>(owner, block)?))
}

/// The row of `architecture`, whose case, `_` and `-` do not matter.
fn row(architecture: &str) -> Result<&'static (&'static str, Read)> {
    let names: Vec<&str> = ARCHITECTURES.iter().map(|(name, _)| *name).collect();
    let name = suggest::fuzzy(architecture, &names);
    let row = ARCHITECTURES.iter().find(|(known, _)| Some(*known) == name);
    row.ok_or_else(|| anyhow!(missing::refusal("network", architecture, &names, NETWORKS)))
}

/// Refuses a name that no architecture has.
///
/// # Errors
/// The remedy for a network of SuperGradients that is not there yet; "did you mean" for any other name.
pub fn check_name(architecture: &str) -> Result<()> {
    row(architecture).map(drop)
}

/// A network that is not built yet.
pub struct Plan {
    blueprint: Blueprint,
    /// The number of values in its parameters and buffers. Of a `torchscript` file, the number of float32 it has room for.
    pub values: u64,
}

impl Plan {
    /// Builds the network, with fresh parameters on `device`.
    ///
    /// # Errors
    /// A file that cannot be read; libtorch's reason.
    pub fn build(mut self, device: Device) -> Result<Model> {
        self.blueprint.device = device;
        self.blueprint.build(Values::Drawn)
    }
}

/// Plans the network and builds it on `device`.
///
/// # Errors
/// As [`plan`] and [`Plan::build`].
pub fn build(
    architecture: &str,
    arch_params: &Value,
    inputs: &[(String, Vec<i64>)],
    num_classes: Option<i64>,
    base: &Path,
    device: Device,
) -> Result<Model> {
    plan(architecture, arch_params, inputs, num_classes, base)?.build(device)
}

/// Plans the network `architecture` names. Takes no memory for it.
///
/// `inputs` are the name of each input and the shape of one sample of it, without the batch dimension (`[1, 28, 28]`). `num_classes` is the number that the
/// data has; `num_classes` in `arch_params` (the SuperGradients habit) goes before it. `base` is the recipe's folder.
///
/// # Errors
/// An unknown architecture, unknown or mistyped keys, sizes that do not fit, a file that cannot be read, and more than
/// 2²⁸ values or 16,384 tensors; a `torchscript` file of more than 4 GiB.
pub fn plan(
    architecture: &str,
    arch_params: &Value,
    inputs: &[(String, Vec<i64>)],
    num_classes: Option<i64>,
    base: &Path,
) -> Result<Plan> {
    let (own_params, written_classes) = take_num_classes(arch_params)?;
    let (name, read) = row(architecture)?;
    let blueprint = Blueprint {
        name,
        architecture: read(&format!("architecture `{name}`"), &own_params)?,
        arch_params: arch_params.clone(),
        inputs: inputs.to_vec(),
        num_classes: written_classes.or(num_classes),
        base: base.to_owned(),
        device: Device::Cpu,
        channels_last: false,
    };
    Ok(Plan {
        values: blueprint.count()?,
        blueprint,
    })
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
    blueprint: Blueprint,
    network: Box<dyn Network>,
    parameters: Vec<(String, Tensor)>,
    buffers: Vec<(String, Tensor)>,
    /// Further names of parameters and buffers: layers may share a tensor.
    aliases: Vec<Alias>,
    /// The prefixes of parameters that are not the network's own.
    adopted: Vec<String>,
    /// The `num_batches_tracked` of all batch normalizations, which each forward in training counts up at once.
    batches_tracked: Option<Tensor>,
    groups: Groups,
    version: Cell<u64>,
}

impl Model {
    /// The architecture's name, as recipes write it.
    pub fn architecture(&self) -> &'static str {
        self.blueprint.name
    }

    /// The number of classes that it was built for: the recipe's, or else that of the data.
    pub fn num_classes(&self) -> Option<i64> {
        self.blueprint.num_classes
    }

    /// The names of its predictions in evaluation; `preds` for one without a name. Those of `multi_task_mlp` are its
    /// heads', and those of `torchscript` only its file knows.
    pub fn outputs(&self) -> &'static [&'static str] {
        self.blueprint.architecture.outputs()
    }

    /// `arch_params` as the recipe wrote them.
    pub fn arch_params(&self) -> &Value {
        &self.blueprint.arch_params
    }

    /// The bytes of all parameters and buffers.
    pub fn bytes(&self) -> u64 {
        let own = self.parameters().iter().chain(self.buffers());
        own.map(|(_, tensor)| torch_ext::bytes(tensor)).sum()
    }

    /// The device of all tensors of the model.
    pub fn device(&self) -> Device {
        self.blueprint.device
    }

    /// A number that differs after each change of which parameters learn.
    pub fn version(&self) -> u64 {
        self.version.get()
    }

    /// Lays the weights of convolutions out with the channels of a pixel together, as tensor cores and oneDNN want
    /// them; inputs should lie that way too. Values, names and shapes stay. To be called before anybody holds
    /// gradients of the weights.
    ///
    /// # Errors
    /// libtorch's reason.
    pub fn arrange_channels_last(&mut self) -> Result<()> {
        self.blueprint.channels_last = true;
        let weights = self.parameters.iter_mut().chain(&mut self.buffers);
        for (_, weight) in weights.filter(|(_, tensor)| tensor.dim() == 4) {
            let arranged = no_grad(|| torch_ext::channels_last(weight))?;
            weight.f_set_data(&arranged)?;
        }
        Ok(())
    }

    /// Predictions for a batch: `[N, …input_shape]` float → `[N, num_classes]` float for every architecture here
    /// but `multi_task_mlp` and `torchscript`, which return what their heads and their file return, and the YOLOX
    /// networks, which return levels and boxes. Records gradients unless the caller turned them off.
    /// No sync.
    ///
    /// # Errors
    /// libtorch's reason, with the architecture and the shape of `inputs`. Never panics.
    pub fn forward(&self, inputs: &Items, train: bool) -> Result<Items> {
        let preds = self
            .network
            .forward(inputs, train)
            .map_err(|error| self.refusal(inputs, &error))?;
        if let (true, Some(counters)) = (train, &self.batches_tracked) {
            let _ = counters.shallow_clone().f_add_scalar_(1)?;
        }
        Ok(preds)
    }

    /// Refuses samples that the network cannot take, by one of zeros in evaluation. A `torchscript` network is not asked:
    /// its code may look at values.
    ///
    /// # Errors
    /// As [`Model::forward`], with the shape of the network's own samples.
    pub fn check_samples(&self, inputs: &[(String, Vec<i64>)]) -> Result<()> {
        if self.architecture() == "torchscript" || inputs == self.blueprint.inputs {
            return Ok(());
        }
        let mut zeros = Vec::with_capacity(inputs.len());
        for (name, shape) in inputs {
            let shape = [&[1], shape.as_slice()].concat();
            let tensor = Tensor::f_zeros(&shape, (Kind::Float, self.device()))?;
            zeros.push((name.as_str(), tensor));
        }
        let sample = match zeros.as_slice() {
            [(_, one)] => one.shallow_clone().into(),
            _ => Items::named(zeros)?,
        };
        no_grad(|| self.forward(&sample, false)).map(drop)
    }

    /// Judges images of a shape `[channels, height, width]` by their sides alone. Answers false where only a forward pass
    /// can tell.
    ///
    /// # Errors
    /// Sides that the network cannot take.
    pub fn takes(&self, shape: &[i64]) -> Result<bool> {
        let &[_, height, width] = shape else {
            return Ok(false);
        };
        let taken = self.network.takes([height, width]);
        taken.with_context(|| format!("architecture `{}`", self.architecture()))
    }

    /// Refuses shapes of images that the network cannot take. Where only a forward pass can tell, it makes one of the
    /// smallest that differs from that of the network's own samples.
    ///
    /// # Errors
    /// As [`Model::takes`] and [`Model::check_samples`].
    pub fn check_shapes(&self, shapes: &[Vec<i64>]) -> Result<()> {
        let [(name, own)] = self.blueprint.inputs.as_slice() else {
            return Ok(());
        };
        let mut unknown = Vec::new();
        for shape in shapes {
            if !self.takes(shape)? && shape != own {
                unknown.push(shape);
            }
        }
        match unknown.into_iter().min() {
            Some(shape) => self.check_samples(&[(name.clone(), shape.clone())]),
            None => Ok(()),
        }
    }

    fn refusal(&self, inputs: &Items, error: &anyhow::Error) -> anyhow::Error {
        anyhow!(
            "architecture `{}`, built for {}, cannot take inputs {}: {}",
            self.architecture(),
            self.blueprint.described_inputs(),
            inputs.described(),
            refusal::reason(error),
        )
    }

    /// Takes in tensors that are trained with the network, such as a loss's own, as `<prefix>.<name>`. To be called before
    /// anybody holds the parameters.
    pub fn adopt(&mut self, prefix: &str, trained: &[(String, Tensor)]) {
        for (name, tensor) in trained {
            let name = format!("{prefix}.{name}");
            self.parameters.push((name, tensor.shallow_clone()));
        }
        self.parameters.sort_by(|a, b| a.0.cmp(&b.0));
        self.adopted.push(prefix.to_owned());
    }

    /// All trained tensors, frozen or not, sorted by name. One that several layers share is here once, under its first
    /// name in the network. An optimizer must pass over those with
    /// `requires_grad() == false`: they are frozen.
    pub fn parameters(&self) -> &[(String, Tensor)] {
        &self.parameters
    }

    /// Tensors that are not trained (batch normalization's running statistics), sorted by name; shared ones once.
    pub fn buffers(&self) -> &[(String, Tensor)] {
        &self.buffers
    }

    /// Stops training the parameters that match `glob` (`fc.*`, `*.bias`; `*` crosses dots) by any of their names, and
    /// zeroes their gradients so that nothing of the current step is left. Returns how many parameters match. No sync.
    ///
    /// # Errors
    /// A malformed glob. To match nothing is not an error: the count says so.
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

    /// Trains the parameters that match `glob` again. Returns how many parameters match. No sync.
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
        let glob = glob::compile(glob)
            .with_context(|| format!("`{glob:.64}` is not a pattern of parameter names"))?;
        let matching = self.parameters.iter().filter(|(name, tensor)| {
            let mut names = self.aliases_of(tensor).chain([name.as_str()]);
            names.any(|name| glob.is_match(name))
        });
        Ok(matching.map(|(_, tensor)| tensor).collect())
    }

    /// The further names of a tensor of the network.
    fn aliases_of<'a>(&'a self, tensor: &'a Tensor) -> impl Iterator<Item = &'a str> {
        let same = self
            .aliases
            .iter()
            .filter(move |(_, alias)| torch_ext::is_same(alias, tensor));
        same.map(|(name, _)| name.as_str())
    }

    /// A model of the same architecture on the same device with this one's values, sharing no memory: an average of
    /// weights lives in such a model. Draws no random number. Frozen parameters stay frozen.
    ///
    /// # Errors
    /// As [`Plan::build`]; a `torchscript` file is read again.
    pub fn duplicate(&self) -> Result<Model> {
        let mut copy = self.blueprint.build(Values::Blank)?;
        for prefix in &self.adopted {
            copy.adopt(prefix, &self.copies_of_adopted(prefix)?);
        }
        copy.load_state(&self.state(), true)?;
        for ((_, own), (_, original)) in copy.parameters.iter().zip(&self.parameters) {
            let _ = own.f_set_requires_grad(original.requires_grad())?;
        }
        Ok(copy)
    }

    /// Copies of the parameters that were adopted under `prefix`, with their names there.
    fn copies_of_adopted(&self, prefix: &str) -> Result<Vec<(String, Tensor)>> {
        let mut copies = Vec::new();
        for (name, tensor) in &self.parameters {
            let name = name
                .strip_prefix(prefix)
                .and_then(|rest| rest.strip_prefix('.'));
            if let Some(name) = name {
                let copy = torch_ext::owned_copy(tensor)?;
                copies.push((name.to_owned(), copy.f_set_requires_grad(true)?));
            }
        }
        Ok(copies)
    }
}

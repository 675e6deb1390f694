//! Recipes: YAML text to a typed [`Recipe`], with errors that name file, line, key and remedy.
//!
//! Layers, each knowing only those before it:
//!
//! 1. `location`: file and line, and the error that names them
//! 2. `node`: a tree that knows its lines
//! 3. `document`: YAML to a tree; `merge`: one tree laid on another
//! 4. `schema`, `python_text`, `defaults`, `builtin`, `text_file`, `overrides`, `interpolate`, `compose`: many files and the
//!    command line to one tree
//! 5. [`variants`]: many sets of overrides
//! 6. `homes`, `deserialize`, `section_reader`: a tree to types
//! 7. `supergradients`: keys of SuperGradients to phasebox's
//! 8. `callbacks`, `callback_forms`, `callback_order`, `training`, `absolute_paths` and this file: which keys there are
//! 9. `policy`: which keys an operator's policy has
//!
//! A recipe does not know what a dataset, architecture, loss, optimizer or schedule accepts. It keeps their sections as
//! [`Node`]s, which the crates that own those parts type. Nothing in a recipe runs code.

mod absolute_paths;
mod builtin;
mod callback_forms;
mod callback_labels;
mod callback_order;
mod callbacks;
mod compose;
mod defaults;
mod deserialize;
mod document;
mod homes;
mod interpolate;
mod location;
mod merge;
mod node;
mod overrides;
mod policy;
mod python_text;
mod schema;
mod section_reader;
mod supergradients;
#[cfg(test)]
mod tests;
mod text_file;
mod training;
pub mod variants;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::Context;
use serde::Deserialize;
use serde_json::Value;

pub use callbacks::{CallbackEntry, CallbackSource, Grant, Order, Script};
pub use homes::home;
pub use location::{Location, Note, RecipeError, Result, Source};
pub use node::{Content, Entry, Node};
pub use policy::Policy;
pub use training::{Evaluation, Precision, RecordSteps, Resume, Saving, TrainingHyperparams};

use interpolate::Resolved;
use section_reader::{SectionReader, Unsupported, refuse};
use supergradients::{Keys, Said};

/// A recipe, typed as far as the host itself goes. Built by [`Recipe::load`].
#[derive(Debug, Clone, PartialEq)]
pub struct Recipe {
    /// Names the run's folder; required.
    pub experiment_name: String,
    /// Name of the model; required.
    pub architecture: Node,
    /// Parameters of the model.
    pub arch_params: Node,
    /// Name of the data set, or `{name: parameters}`; required.
    pub dataset: Node,
    /// Parameters of the data set.
    pub dataset_params: Node,
    /// Relative paths of data start here: the folder of the recipe, unless `base_folder` is written.
    pub base_folder: PathBuf,
    /// Parameters of the loader of training batches; shuffles unless it says otherwise.
    pub train_dataloader_params: Node,
    /// Parameters of the loader of validation batches, by default as large as training's.
    pub val_dataloader_params: Node,
    /// Parameters of the loader of test batches; validation's when the recipe has none.
    pub test_dataloader_params: Node,
    /// Transforms of training samples.
    pub train_transforms: Node,
    /// Transforms of validation and test samples.
    pub val_transforms: Node,
    /// Weights to start from.
    pub checkpoint_params: CheckpointParams,
    /// Where to train; None leaves it to the host.
    pub device: Option<DeviceChoice>,
    /// How to train.
    pub training_hyperparams: TrainingHyperparams,
    /// The composed tree that all this was read from, with absolute paths: what the run's folder keeps.
    pub resolved: Node,
    /// Keys that were accepted and do nothing here, or mean something else here, in the order they were met.
    pub notes: Vec<Note>,
    /// Keys that ask for something that phasebox does not have: whoever builds the recipe refuses them, together with
    /// all names that are not there.
    pub missing: Vec<Note>,
}

/// Weights that training starts from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CheckpointParams {
    /// A safetensors file, resolved against the file that names it.
    pub checkpoint_path: Option<PathBuf>,
    /// Refuses a file that lacks a parameter or has another; true by default.
    pub strict_load: bool,
}

/// A device as recipes and the command line name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum DeviceChoice {
    /// `cpu`.
    Cpu,
    /// `cuda` (the first) or `cuda:N`.
    Cuda(u32),
}

const LOADERS: &str = "name the data with `dataset`; loaders are set by `*_dataloader_params`";
const PROCESSES: &str = "one process drives one device; choose it with `device`";
const UNSUPPORTED: Unsupported = &[
    ("train_dataloader", LOADERS),
    ("val_dataloader", LOADERS),
    ("test_dataloader", LOADERS),
    ("dataset_interface", LOADERS),
    ("multi_gpu", PROCESSES),
    ("num_gpus", PROCESSES),
    (
        "ckpt_root_dir",
        "choose the folder of runs with `--runs-dir`",
    ),
];
const LOADER_UNSUPPORTED: Unsupported = &[
    (
        "worker_init_fn",
        "a recipe holds no code; workers are seeded from `seed`",
    ),
    (
        "batch_sampler",
        "use `batch_size`, `shuffle` and `drop_last`",
    ),
];
const CHECKPOINT_UNSUPPORTED: Unsupported = &[
    (
        "pretrained_weights",
        "phasebox downloads no weights; give a safetensors file as `checkpoint_path`",
    ),
    (
        "load_backbone",
        "save the weights you want as safetensors and set `strict_load: false`",
    ),
    (
        "checkpoint_num_classes",
        "a layer of another shape is left out with `strict_load: false`",
    ),
];

/// Keys that may stand at the top of a recipe instead of in `training_hyperparams`.
const HOISTED: [&str; 4] = [
    "phase_callbacks",
    "deterministic_callbacks",
    "seed",
    "resume",
];

impl Recipe {
    /// Reads a recipe with all it is made of; `arguments` are `key=value` from the command line.
    ///
    /// # Errors
    /// The first thing that is wrong, with its file and line.
    pub fn load(path: impl AsRef<Path>, arguments: &[String]) -> Result<Self> {
        schema::check(path.as_ref())?;
        let Resolved {
            mut tree,
            references,
        } = compose::compose(path.as_ref(), arguments)?;
        let keys = keys(&tree.location);
        let Said { notes, missing } = supergradients::lower(&mut tree, &references, &keys)?;
        tree.check_available()?;
        let resolved = absolute_paths::absolute_paths(tree.clone());
        HOISTED.iter().try_for_each(|key| hoist(&mut tree, key))?;
        let mut reader = SectionReader::new(&tree);
        let recipe = typed(&mut reader, resolved);
        reader.finish(UNSUPPORTED)?;
        Ok(Recipe {
            notes,
            missing,
            ..recipe
        })
    }

    /// The folder of the recipe's own file.
    pub fn folder(&self) -> PathBuf {
        self.resolved.location.resolve("")
    }

    /// The files that the recipe is made of and names: those it was composed of, and its callbacks' own,
    /// components and scripts.
    pub fn files(&self) -> Vec<PathBuf> {
        let mut files = self.resolved.files();
        files.extend(
            self.training_hyperparams
                .phase_callbacks
                .iter()
                .filter_map(|entry| entry.source.file().map(Path::to_path_buf)),
        );
        files
    }

    /// The recipe with names of callbacks as the files that were found for them, in its entries and in what a run keeps.
    #[must_use]
    pub fn with_files(&self, found: &BTreeMap<String, PathBuf>) -> Recipe {
        let mut recipe = self.clone();
        for entry in &mut recipe.training_hyperparams.phase_callbacks {
            if let CallbackSource::Named(name) = &entry.source
                && let Some(path) = found.get(name)
            {
                entry.source = CallbackSource::File(path.clone());
            }
        }
        recipe.resolved = absolute_paths::found_files(recipe.resolved, found);
        recipe
    }

    /// The resolved recipe as YAML. Equal recipes give equal texts, and the text gives the same recipe from
    /// any folder.
    ///
    /// # Errors
    /// None that a loaded recipe can cause.
    pub fn to_yaml(&self) -> anyhow::Result<String> {
        let tree = self.resolved.clone().map_texts(interpolate::escaped);
        let yaml = serde_yaml::to_string(&tree.to_json());
        let yaml = yaml.context("writing the resolved recipe as YAML")?;
        Ok(schema::signed(&yaml))
    }

    /// The resolved recipe as JSON.
    pub fn to_json(&self) -> Value {
        self.resolved.to_json()
    }
}

/// The keys that a recipe may have, found by reading an empty one.
fn keys(location: &Location) -> Keys {
    let nothing = Node::empty(location);
    let mut reader = SectionReader::new(&nothing);
    let _ = typed(&mut reader, nothing.clone());
    let refused = UNSUPPORTED.iter().map(|(key, _)| *key);
    let in_training = training::UNSUPPORTED.iter().map(|(key, _)| *key);
    Keys {
        top: reader.keys().chain(refused).collect(),
        training: reader
            .keys_below("training_hyperparams")
            .chain(in_training)
            .collect(),
    }
}

fn typed(reader: &mut SectionReader<'_>, resolved: Node) -> Recipe {
    HOISTED.iter().for_each(|key| reader.allow(key));
    reader.mapping("variables");
    reader.required_section("training_hyperparams");
    let train_loader =
        loader(reader, "train_dataloader_params").with_default("shuffle", true.into());
    let val_loader =
        loader(reader, "val_dataloader_params").with_default_of("batch_size", &train_loader);
    let test_loader = reader
        .find("test_dataloader_params")
        .is_some()
        .then(|| loader(reader, "test_dataloader_params"));
    Recipe {
        experiment_name: reader.required_file_name("experiment_name"),
        architecture: reader.required_section("architecture"),
        arch_params: reader.mapping("arch_params"),
        dataset: reader.required_section("dataset"),
        dataset_params: reader.mapping("dataset_params"),
        base_folder: reader
            .path("base_folder")
            .unwrap_or_else(|| resolved.location.resolve("")),
        test_dataloader_params: test_loader.unwrap_or_else(|| val_loader.clone()),
        train_dataloader_params: train_loader,
        val_dataloader_params: val_loader,
        train_transforms: reader.list_or_mapping("train_transforms"),
        val_transforms: reader.list_or_mapping("val_transforms"),
        checkpoint_params: reader.below("checkpoint_params", CHECKPOINT_UNSUPPORTED, checkpoint),
        device: reader.optional("device"),
        training_hyperparams: reader.below(
            "training_hyperparams",
            training::UNSUPPORTED,
            training::read,
        ),
        resolved,
        notes: Vec::new(),
        missing: Vec::new(),
    }
}

fn loader(reader: &mut SectionReader<'_>, key: &'static str) -> Node {
    let section = reader.mapping(key);
    let accepted = refuse(&section, LOADER_UNSUPPORTED);
    reader.keep(accepted);
    section
}

fn checkpoint(reader: &mut SectionReader<'_>) -> CheckpointParams {
    CheckpointParams {
        checkpoint_path: reader.path("checkpoint_path"),
        strict_load: reader.value_or("strict_load", true),
    }
}

/// Moves a key from the top into `training_hyperparams`, where SuperGradients has it.
fn hoist(tree: &mut Node, key: &str) -> Result<()> {
    let Some(top) = tree
        .entries()
        .iter()
        .find(|entry| entry.key == key && !is_empty(&entry.value))
        .cloned()
    else {
        return Ok(());
    };
    let Some(training) = tree.get_mut("training_hyperparams") else {
        return Ok(());
    };
    if let Some(twin) = training.get(key).filter(|twin| !is_empty(twin)) {
        let message = format!(
            "`{key}` is also in `training_hyperparams` at {}; keep one of them",
            twin.location
        );
        return Err(top.location.error(message));
    }
    training.set(top);
    Ok(())
}

fn is_empty(node: &Node) -> bool {
    node.is_null() || node.content == Content::List(Vec::new())
}

impl std::fmt::Display for DeviceChoice {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Cpu => formatter.write_str("cpu"),
            Self::Cuda(index) => write!(formatter, "cuda:{index}"),
        }
    }
}

impl FromStr for DeviceChoice {
    type Err = String;

    fn from_str(name: &str) -> std::result::Result<Self, String> {
        let unfit = || format!("expected cpu, cuda or cuda:N, found \"{name}\"");
        match name.split_once(':') {
            None if name == "cpu" => Ok(Self::Cpu),
            None if name == "cuda" => Ok(Self::Cuda(0)),
            Some(("cuda", index)) => index.parse().map(Self::Cuda).map_err(|_| unfit()),
            _ => Err(unfit()),
        }
    }
}

impl TryFrom<String> for DeviceChoice {
    type Error = String;

    fn try_from(name: String) -> std::result::Result<Self, String> {
        name.parse()
    }
}

//! The thing that `eval` and `predict` work with: a run, one of its checkpoints, or a file of weights, found on disk with
//! its recipe. Owns the arguments that both commands have; computes nothing.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use clap::Args;
use phasebox_recipe::{DeviceChoice, Recipe};
use phasebox_train::checkpoint;
use phasebox_train::logger::RunFolder;

use super::Failure;
use super::messages::show_messages;
use super::origin::Origin;
use crate::assemble::{Assembly, Data, Options, tag};

/// The arguments that say which network works, and where.
#[derive(Args)]
pub(super) struct Trained {
    /// A run's folder, one of its checkpoints, or a file of weights.
    what: PathBuf,
    /// In place of the run's own recipe.
    #[arg(long)]
    recipe: Option<PathBuf>,
    /// The run's checkpoint: the best by default, or else the newest.
    #[arg(long, value_name = "NAME")]
    checkpoint: Option<String>,
    /// In place of the recipe's device: cpu, cuda or cuda:N.
    #[arg(long)]
    device: Option<DeviceChoice>,
    /// Where stock callbacks are looked for first.
    #[arg(long, value_name = "DIR")]
    plugins_dir: Option<PathBuf>,
    /// Where to make the folder of logs and images: beside the run by default.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Threads of libtorch on the CPU, one a core by default.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(1..=1024))]
    threads: Option<i32>,
}

/// The network, found on disk.
pub(super) struct Found {
    recipe: PathBuf,
    pub(super) checkpoint: Option<PathBuf>,
    /// A file of weights, which becomes a change of the recipe.
    pub(super) weights: Option<PathBuf>,
    /// The checkpoint that the weights are from, where there is one.
    pub(super) origin: Option<Origin>,
    /// Where a folder for the result belongs.
    pub(super) parent: PathBuf,
}

impl Trained {
    /// Finds it; the folder for results lies outside of every run.
    ///
    /// # Errors
    /// There is no such thing, or it lies in no run and no recipe was named.
    pub(super) fn find(&self) -> anyhow::Result<Found> {
        if let Some(threads) = self.threads {
            tch::set_num_threads(threads);
        }
        show_messages();
        let mut found = self.search()?;
        if let Some(parent) = &self.out {
            found.parent.clone_from(parent);
        }
        check_outside(&found.parent)?;
        Ok(found)
    }

    /// The options of an assembly that looks at what was found, with `data`.
    pub(super) fn options(&self, found: &Found, data: Data) -> Options {
        Options {
            data,
            device: self.device,
            runs_dir: found.parent.clone(),
            plugins_dir: self.plugins_dir.clone(),
            ..Options::default()
        }
    }

    fn search(&self) -> anyhow::Result<Found> {
        let what = &self.what;
        if what.is_file() {
            self.weights(what)
        } else if what.join("checkpoint.json").is_file() {
            self.one_checkpoint(what)
        } else if what.join("recipe.yaml").is_file() {
            self.run_folder(what)
        } else {
            Err(anyhow!(
                "{} is neither a run's folder, nor a checkpoint, nor a file of weights",
                what.display()
            ))
        }
    }

    fn run_folder(&self, run: &Path) -> anyhow::Result<Found> {
        let newest = run.join("recipe.yaml");
        let checkpoint = match &self.checkpoint {
            Some(name) => named(run, name)?,
            None => best_or_newest(run, self.recipe.as_ref().unwrap_or(&newest))?,
        };
        let origin = Origin::of(&checkpoint)?;
        Ok(Found {
            recipe: self.recipe_of(run, Some(&origin))?,
            checkpoint: Some(checkpoint),
            weights: None,
            origin: Some(origin),
            parent: above(run)?,
        })
    }

    /// A folder below `<run>/checkpoints`, or a link beside that.
    fn one_checkpoint(&self, checkpoint: &Path) -> anyhow::Result<Found> {
        self.refuse_name()?;
        let checkpoint = checkpoint.canonicalize()?;
        let run = checkpoint.ancestors().nth(2).unwrap_or(&checkpoint);
        let origin = Origin::of(&checkpoint)?;
        Ok(Found {
            recipe: self.recipe_of(run, Some(&origin))?,
            parent: above(run)?,
            weights: None,
            origin: Some(origin),
            checkpoint: Some(checkpoint),
        })
    }

    fn weights(&self, file: &Path) -> anyhow::Result<Found> {
        self.refuse_name()?;
        let file = file.canonicalize()?;
        let folder = file.parent().unwrap_or(&file);
        let is_in_checkpoint = folder.join("checkpoint.json").is_file();
        let run = match is_in_checkpoint {
            true => folder.ancestors().nth(2).unwrap_or(folder),
            false => folder,
        };
        let is_run = run.join("checkpoints").is_dir();
        // A file in the run's folder is of the same network as its checkpoints.
        let checkpoint = match is_in_checkpoint {
            true => Some(folder.to_owned()),
            false if is_run => checkpoint::newest(run)?,
            false => None,
        };
        let origin = checkpoint.map(|checkpoint| Origin::of(&checkpoint));
        let origin = origin.transpose()?;
        let parent = if is_run { above(run)? } else { run.to_owned() };
        Ok(Found {
            recipe: self.recipe_of(run, origin.as_ref())?,
            checkpoint: None,
            weights: Some(file),
            origin,
            parent,
        })
    }

    fn refuse_name(&self) -> anyhow::Result<()> {
        match &self.checkpoint {
            None => Ok(()),
            Some(name) => Err(anyhow!(
                "`--checkpoint {name}` chooses among those of a run: {} is one already",
                self.what.display()
            )),
        }
    }

    /// The recipe that was named, or that of the run's folder.
    fn recipe_of(&self, run: &Path, origin: Option<&Origin>) -> anyhow::Result<PathBuf> {
        let own = run.join("recipe.yaml");
        match &self.recipe {
            Some(recipe) => Ok(recipe.clone()),
            None if own.is_file() => origin.map_or(Ok(own), |origin| origin.recipe_in(run)),
            None => Err(anyhow!(
                "{} lies in no run's folder: say what it belongs to with `--recipe RECIPE`",
                self.what.display()
            )),
        }
    }
}

impl Found {
    /// Says that a file of weights has no moving average, where the recipe keeps one.
    pub(super) fn note_averages(&self, recipe: &Recipe) {
        if self.weights.is_some() && recipe.training_hyperparams.ema {
            tracing::info!(
                "note: the recipe has `ema: true`, and these are weights of a file: its moving average is in the checkpoint's folder"
            );
        }
    }

    /// Compares an assembly with the checkpoint that the weights are from: classes here, where only a file of weights is
    /// loaded, and the scale of pixels.
    ///
    /// # Errors
    /// Other classes than those of the checkpoint.
    pub(super) fn compare(&self, assembly: &Assembly<'_>) -> anyhow::Result<()> {
        let Some(origin) = &self.origin else {
            return Ok(());
        };
        if let Some(file) = &self.weights {
            let checked = origin.check_classes(assembly);
            checked.with_context(|| format!("weights of {}", file.display()))?;
        }
        origin.note_scale(assembly)
    }

    /// The recipe with the changes of the command line. A checkpoint has its own weights: a file to start from may be gone.
    ///
    /// # Errors
    /// A recipe that cannot be read.
    pub(super) fn recipe(&self, overrides: &[String]) -> Result<Recipe, Failure> {
        let change = self.weights.as_deref().map(as_change);
        let mut overrides: Vec<String> = change.iter().chain(overrides).cloned().collect();
        let recipe = Recipe::load(&self.recipe, &overrides)?;
        if self.checkpoint.is_none() || recipe.checkpoint_params.checkpoint_path.is_none() {
            return Ok(recipe);
        }
        overrides.push("checkpoint_params.checkpoint_path=null".to_owned());
        Ok(Recipe::load(&self.recipe, &overrides)?)
    }
}

/// Refuses a folder inside of a run, which an evaluation leaves as it is.
fn check_outside(parent: &Path) -> anyhow::Result<()> {
    let parent = std::path::absolute(parent)?;
    let is_run = |folder: &&Path| {
        folder.join("recipe.yaml").is_file() && folder.join("checkpoints").is_dir()
    };
    match parent.ancestors().find(is_run) {
        None => Ok(()),
        Some(run) => Err(anyhow!(
            "`--out` lies in the run {}, which an evaluation leaves as it is: name another folder",
            run.display()
        )),
    }
}

/// The change of a recipe that starts from a file of weights.
fn as_change(file: &Path) -> String {
    let path = serde_json::Value::from(file.display().to_string());
    format!("checkpoint_params.checkpoint_path={path}")
}

fn named(run: &Path, name: &str) -> anyhow::Result<PathBuf> {
    let named = checkpoint::named(run, &link_of(name))?;
    named.with_context(|| format!("{} holds no checkpoint `{name}`", run.display()))
}

/// The link of a checkpoint's name, which may be written without its `ckpt_`.
fn link_of(name: &str) -> String {
    format!("ckpt_{}", tag(name))
}

fn best_or_newest(run: &Path, recipe: &Path) -> anyhow::Result<PathBuf> {
    let recipe = Recipe::load(recipe, &[])?;
    let best = &recipe.training_hyperparams.saving.ckpt_best_name;
    if let Some(best) = checkpoint::named(run, &link_of(best))? {
        return Ok(best);
    }
    let newest = checkpoint::newest(run)?;
    newest.with_context(|| format!("{} holds no checkpoint", run.display()))
}

/// The folder that a run lies in.
fn above(run: &Path) -> anyhow::Result<PathBuf> {
    let run = RunFolder::open(run)?.path().canonicalize()?;
    Ok(run.parent().unwrap_or(&run).to_owned())
}

//! `phasebox eval`: the metrics of a run's checkpoint, or of a file of weights, on validation, test or other data.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use clap::{Args, ValueEnum};
use phasebox_contract::printable::excerpt;
use phasebox_recipe::{DeviceChoice, Recipe};
use phasebox_train::checkpoint;
use phasebox_train::logger::RunFolder;
use phasebox_train::split::Split;
use phasebox_train::trainer::Evaluation;

use super::Failure;
use super::messages::show_messages;
use super::print::{print, print_json};
use crate::assemble::{Assembly, Options, tag};

#[derive(Args)]
pub(super) struct Eval {
    /// A run's folder, one of its checkpoints, or a file of weights.
    what: PathBuf,
    /// Changes of single keys of the recipe, such as other data.
    #[arg(value_name = "KEY=VALUE")]
    overrides: Vec<String>,
    /// The data to evaluate on.
    #[arg(long, value_enum, default_value = "validation")]
    split: Choice,
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
    /// Show the result as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Choice {
    Validation,
    Test,
}

/// The thing to evaluate, found on disk.
struct Found {
    recipe: PathBuf,
    checkpoint: Option<PathBuf>,
    /// A file of weights, which becomes a change of the recipe.
    weights: Option<PathBuf>,
    /// Where a folder for the result belongs.
    parent: PathBuf,
}

impl Eval {
    pub(super) fn run(self) -> Result<(), Failure> {
        if let Some(threads) = self.threads {
            tch::set_num_threads(threads);
        }
        show_messages();
        self.check_overrides().map_err(Failure::Refused)?;
        let found = self.find().map_err(Failure::Refused)?;
        let recipe = self.recipe(&found)?;
        if found.weights.is_some() && recipe.training_hyperparams.ema {
            tracing::info!(
                "note: the recipe has `ema: true`, and these are weights of a file: its moving average is in the checkpoint's folder"
            );
        }
        let parent = self.out.unwrap_or(found.parent);
        check_outside(&parent).map_err(Failure::Refused)?;
        let options = Options {
            device: self.device,
            runs_dir: parent.clone(),
            plugins_dir: self.plugins_dir,
            ..Options::default()
        };
        let assembly = Assembly::new(&recipe, options).map_err(Failure::Refused)?;
        let notes = assembly.notes_on_weights().iter();
        notes.for_each(|note| tracing::info!("note: {note}"));
        let split = match self.split {
            Choice::Validation => Split::Validation,
            Choice::Test => Split::Test,
        };
        assembly.has(split).map_err(Failure::Refused)?;
        let evaluator = assembly.evaluator(found.checkpoint.as_deref(), &parent);
        let evaluation = evaluator
            .map_err(Failure::Refused)?
            .evaluate_only(split, found.checkpoint.or(found.weights));
        show(&evaluation.map_err(Failure::Failed)?, self.json)
    }

    /// The recipe with the changes of the command line. A checkpoint has its own weights: a file to start from may be gone.
    fn recipe(&self, found: &Found) -> Result<Recipe, Failure> {
        let change = found.weights.as_deref().map(as_change);
        let mut overrides: Vec<String> = change.iter().chain(&self.overrides).cloned().collect();
        let recipe = Recipe::load(&found.recipe, &overrides)?;
        if found.checkpoint.is_none() || recipe.checkpoint_params.checkpoint_path.is_none() {
            return Ok(recipe);
        }
        overrides.push("checkpoint_params.checkpoint_path=null".to_owned());
        Ok(Recipe::load(&found.recipe, &overrides)?)
    }

    /// Refuses changes of keys that training alone reads.
    fn check_overrides(&self) -> anyhow::Result<()> {
        let about_training = |change: &&String| {
            let key = change.split('=').next().unwrap_or_default();
            let key = key.trim_start_matches(['+', '~']);
            let key = key.strip_prefix("training_hyperparams.").unwrap_or(key);
            let key = key.split('.').next().unwrap_or_default();
            FOR_TRAINING.contains(&key)
        };
        match self.overrides.iter().find(about_training) {
            None => Ok(()),
            Some(change) => Err(anyhow!(
                "from the command line (`{}`): an evaluation trains nothing and does not read the key: remove it",
                excerpt(change)
            )),
        }
    }

    fn find(&self) -> anyhow::Result<Found> {
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
        let own = run.join("recipe.yaml");
        let recipe = self.recipe.clone().unwrap_or(own);
        let checkpoint = match &self.checkpoint {
            Some(name) => named(run, name)?,
            None => best_or_newest(run, &recipe)?,
        };
        Ok(Found {
            recipe,
            checkpoint: Some(checkpoint),
            weights: None,
            parent: above(run)?,
        })
    }

    /// A folder below `<run>/checkpoints`, or a link beside that.
    fn one_checkpoint(&self, checkpoint: &Path) -> anyhow::Result<Found> {
        self.refuse_name()?;
        let checkpoint = checkpoint.canonicalize()?;
        let run = checkpoint.ancestors().nth(2).unwrap_or(&checkpoint);
        Ok(Found {
            recipe: self.recipe_of(run)?,
            parent: above(run)?,
            weights: None,
            checkpoint: Some(checkpoint),
        })
    }

    fn weights(&self, file: &Path) -> anyhow::Result<Found> {
        self.refuse_name()?;
        let file = file.canonicalize()?;
        let folder = file.parent().unwrap_or(&file);
        let run = match folder.join("checkpoint.json").is_file() {
            true => folder.ancestors().nth(2).unwrap_or(folder),
            false => folder,
        };
        let is_run = run.join("checkpoints").is_dir();
        let parent = if is_run { above(run)? } else { run.to_owned() };
        Ok(Found {
            recipe: self.recipe_of(run)?,
            checkpoint: None,
            weights: Some(file),
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

    /// The recipe that was named, or that of the run.
    fn recipe_of(&self, run: &Path) -> anyhow::Result<PathBuf> {
        let own = run.join("recipe.yaml");
        match &self.recipe {
            Some(recipe) => Ok(recipe.clone()),
            None if own.is_file() => Ok(own),
            None => Err(anyhow!(
                "{} lies in no run's folder: say what it belongs to with `--recipe RECIPE`",
                self.what.display()
            )),
        }
    }
}

/// Keys that training alone reads.
const FOR_TRAINING: &[&str] = &[
    "max_epochs",
    "max_train_batches",
    "batch_accumulate",
    "clip_grad_norm",
    "initial_lr",
    "lr_mode",
    "lr_updates",
    "lr_decay_factor",
    "step_lr_update_freq",
    "cosine_final_lr_ratio",
    "lr_warmup_epochs",
    "lr_warmup_steps",
    "warmup_initial_lr",
    "warmup_mode",
    "lr_cooldown_epochs",
    "optimizer",
    "optimizer_params",
    "zero_weight_decay_on_bias_and_bn",
    "train_metrics_list",
    "train_dataloader_params",
    "run_validation_freq",
    "run_test_freq",
    "nan_policy",
    "record_steps",
    "average_best_models",
    "save_model",
    "save_ckpt_epoch_list",
    "save_ckpt_every_n_steps",
    "resume",
    "run_id",
    "resume_path",
    "ckpt_name",
    "load_opt_params",
];

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

fn show(evaluation: &Evaluation, as_json: bool) -> Result<(), Failure> {
    if as_json {
        return print_json(evaluation);
    }
    print(lines(evaluation))
}

fn lines(evaluation: &Evaluation) -> Vec<String> {
    let Evaluation {
        split,
        samples,
        seconds,
        epochs,
        steps,
        device,
        ..
    } = evaluation;
    let weights = evaluation.checkpoint.as_ref();
    let weights = weights.map_or("the recipe's weights".to_owned(), |path| {
        path.display().to_string()
    });
    let mut lines = vec![
        format!("weights  {weights}"),
        format!("trained  {epochs} epochs, {steps} steps"),
        format!("data     {split}: {samples} samples, {seconds:.1} s on {device}"),
    ];
    lines.extend(evaluation.metrics.iter().map(|(name, value)| {
        match value.as_f64() {
            Some(value) => format!("metric   {name} {value:.4}"),
            // "NaN" and "Infinity" are texts in JSON.
            None => format!("metric   {name} {}", value.as_str().unwrap_or_default()),
        }
    }));
    lines.extend(evaluation.requests.iter().map(|request| {
        let (verb, by) = (&request.verb, &request.by);
        format!("asked    {verb} by `{by}`: without effect in an evaluation")
    }));
    lines.push(format!("files    {}", evaluation.folder.display()));
    lines
}

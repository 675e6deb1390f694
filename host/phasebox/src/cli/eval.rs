//! `phasebox eval`: the metrics of a run's checkpoint, or of a file of weights, on validation, test or other data.

use anyhow::anyhow;
use clap::{Args, ValueEnum};
use phasebox_contract::printable::excerpt;
use phasebox_train::split::Split;
use phasebox_train::trainer::Evaluation;

use super::Failure;
use super::origin::Origin;
use super::print::{print, print_json};
use super::trained::Trained;
use crate::assemble::Assembly;

#[derive(Args)]
pub(super) struct Eval {
    #[command(flatten)]
    trained: Trained,
    /// Changes of single keys of the recipe, such as other data.
    #[arg(value_name = "KEY=VALUE")]
    overrides: Vec<String>,
    /// The data to evaluate on.
    #[arg(long, value_enum, default_value = "validation")]
    split: Choice,
    /// Show the result as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Choice {
    Validation,
    Test,
}

impl Eval {
    pub(super) fn run(self) -> Result<(), Failure> {
        self.check_overrides().map_err(Failure::Refused)?;
        let found = self.trained.find().map_err(Failure::Refused)?;
        let recipe = found.recipe(&self.overrides)?;
        found.note_averages(&recipe);
        let data = found.origin.as_ref().map(Origin::data_of_evaluation);
        let data = data.transpose().map_err(Failure::Refused)?;
        let options = self.trained.options(&found, data.unwrap_or_default());
        let assembly = Assembly::new(&recipe, options).map_err(Failure::Refused)?;
        found.compare(&assembly).map_err(Failure::Refused)?;
        let notes = assembly.notes_on_weights().iter();
        notes.for_each(|note| tracing::info!("note: {note}"));
        let split = match self.split {
            Choice::Validation => Split::Validation,
            Choice::Test => Split::Test,
        };
        assembly.has(split).map_err(Failure::Refused)?;
        let evaluator = assembly.evaluator(found.checkpoint.as_deref(), &found.parent);
        let evaluation = evaluator
            .map_err(Failure::Refused)?
            .evaluate_only(split, found.checkpoint.or(found.weights));
        show(&evaluation.map_err(Failure::Failed)?, self.json)
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

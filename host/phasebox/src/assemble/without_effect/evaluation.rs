//! Keys about evaluation, checkpoints, averages and resuming.

use phasebox_data::DataLoader;
use phasebox_recipe::{DeviceChoice, Node, Note};
use tch::Device;

use super::{Facts, PartRule, Rule, entry, listed};

pub(super) const RULES: &[Rule] = &[
    Rule::new(
        "training_hyperparams.run_validation_freq",
        "null",
        late_validation,
    ),
    Rule::new("training_hyperparams.run_test_freq", "null", no_test),
    Rule::new("training_hyperparams.run_test_freq", "null", late_test),
    Rule::new(
        "training_hyperparams.batch_accumulate",
        "null",
        few_accumulated,
    ),
    Rule::new("training_hyperparams.ema", "false", short_memory),
    Rule::new("test_dataloader_params", "{}", no_test),
    Rule::new(
        "training_hyperparams.max_train_batches",
        "null",
        few_train_batches,
    ),
    Rule::new(
        "training_hyperparams.max_valid_batches",
        "null",
        few_valid_batches,
    ),
    Rule::new("training_hyperparams.ema_params", "{}", no_average),
    Rule::new(
        "training_hyperparams.ema_params.beta",
        "null",
        not_exponential,
    ),
    Rule::new("training_hyperparams.save_ckpt_epoch_list", "[]", not_saved),
    Rule::new(
        "training_hyperparams.save_ckpt_every_n_steps",
        "null",
        not_saved,
    ),
    Rule::new(
        "training_hyperparams.save_ckpt_every_n_steps",
        "null",
        few_steps,
    ),
    Rule::new("training_hyperparams.ckpt_best_name", "null", not_saved),
    Rule::new("training_hyperparams.ckpt_name", "null", not_resumed),
    Rule::new("training_hyperparams.load_opt_params", "null", not_resumed),
    Rule::new("checkpoint_params.strict_load", "null", no_weights),
    Rule::new("training_hyperparams.allow_tf32", "true", kernels_of_a_gpu),
    Rule::new(
        "training_hyperparams.deterministic_kernels",
        "false",
        on_the_cpu,
    ),
    Rule::new(
        "training_hyperparams.deterministic_callbacks",
        "false",
        no_callbacks,
    ),
];

pub(super) const PARTS: &[PartRule] = &[PartRule {
    path: "training_hyperparams.save_ckpt_epoch_list",
    reason: late_epochs,
}];

fn late_validation(facts: &Facts<'_>, _: &Node) -> Option<String> {
    beyond_the_run(facts, facts.training().evaluation.run_validation_freq)
}

fn late_test(facts: &Facts<'_>, _: &Node) -> Option<String> {
    facts.built.test_loader.as_ref()?;
    beyond_the_run(facts, facts.training().evaluation.run_test_freq)
}

fn beyond_the_run(facts: &Facts<'_>, every: u64) -> Option<String> {
    let epochs = facts.training().max_epochs;
    (every > epochs)
        .then(|| format!("beyond {epochs}, the epochs of the run; it comes after the last one"))
}

fn few_accumulated(facts: &Facts<'_>, _: &Node) -> Option<String> {
    let batches = facts.built.train_loader.batches();
    let is_beyond = facts.training().batch_accumulate > batches;
    is_beyond.then(|| format!("beyond {batches}, the batches of an epoch: its end makes the step"))
}

/// An average that keeps nothing of the steps before.
fn short_memory(facts: &Facts<'_>, _: &Node) -> Option<String> {
    let decay = facts.training().ema_params.get("decay")?;
    let is_zero = decay.to_json().as_f64() == Some(0.0);
    is_zero.then(|| "`decay` is 0, so the average is the weights themselves".to_owned())
}

/// The one file of weights that a run without checkpoints writes.
pub(super) fn kept_average(facts: &Facts<'_>) -> Option<Note> {
    let training = facts.training();
    let place = entry(&facts.recipe.resolved, "training_hyperparams.save_model")?;
    let is_kept = training.average_best_models && !training.saving.save_model;
    is_kept.then(|| Note {
        location: place.location.clone(),
        text: "`save_model: false` is about checkpoints: `average_best_models` still writes average_best_models.safetensors".to_owned(),
    })
}

fn no_test(facts: &Facts<'_>, _: &Node) -> Option<String> {
    let has_test = facts.built.test_loader.is_some();
    (!has_test).then(|| "the data set has no test part".to_owned())
}

fn few_train_batches(facts: &Facts<'_>, _: &Node) -> Option<String> {
    let most = facts.training().evaluation.max_train_batches?;
    let own = &facts.recipe.train_dataloader_params;
    few_batches(&facts.built.train_loader, most, own)
}

fn few_valid_batches(facts: &Facts<'_>, _: &Node) -> Option<String> {
    let most = facts.training().evaluation.max_valid_batches?;
    let own = &facts.recipe.val_dataloader_params;
    few_batches(&facts.built.valid_loader, most, own)
}

/// A limit that the loader never reaches, or has of its own.
fn few_batches(loader: &DataLoader, most: u64, own: &Node) -> Option<String> {
    if own.get("max_batches").is_some_and(|own| !own.is_null()) {
        return Some("the loader's own `max_batches` goes before it".to_owned());
    }
    let all = loader.dataset().len().div_ceil(loader.batch_size()) as u64;
    (most >= all).then(|| format!("an epoch has {all} batches"))
}

fn no_average(facts: &Facts<'_>, _: &Node) -> Option<String> {
    (!facts.training().ema).then(|| "`ema: true` reads it".to_owned())
}

fn not_exponential(facts: &Facts<'_>, _: &Node) -> Option<String> {
    if !facts.training().ema {
        return None;
    }
    let kind = facts.training().ema_params.get("decay_type");
    let kind = kind.and_then(Node::as_str).unwrap_or("exp");
    let reason = format!("`decay_type` is `{kind}`; `exp` reads it");
    (kind != "exp").then_some(reason)
}

fn not_saved(facts: &Facts<'_>, _: &Node) -> Option<String> {
    let is_saved = facts.training().saving.save_model;
    (!is_saved).then(|| "`save_model` is false".to_owned())
}

fn late_epochs(facts: &Facts<'_>) -> Option<(String, String)> {
    let epochs = facts.training().max_epochs;
    let saving = &facts.training().saving;
    let saved = saving.save_ckpt_epoch_list.iter();
    let late = listed(saved.filter(|epoch| !(1..=epochs).contains(*epoch)))?;
    let reason = format!("the epochs of the run are 1 to {epochs} here");
    saving.save_model.then_some((late, reason))
}

fn few_steps(facts: &Facts<'_>, _: &Node) -> Option<String> {
    let every = facts.training().saving.save_ckpt_every_n_steps?;
    let steps = facts.steps();
    (every > steps).then(|| format!("the run has {steps} steps"))
}

fn not_resumed(facts: &Facts<'_>, _: &Node) -> Option<String> {
    let reason = "the run goes on with no other: `resume: true`, `run_id` and `--resume` read it";
    (!facts.is_resumed()).then(|| reason.to_owned())
}

fn no_weights(facts: &Facts<'_>, _: &Node) -> Option<String> {
    let path = &facts.recipe.checkpoint_params.checkpoint_path;
    path.is_none()
        .then(|| "there is no `checkpoint_path`".to_owned())
}

/// True on the CPU, but for a recipe for a GPU that is tried there.
fn runs_on_cpu(facts: &Facts<'_>) -> bool {
    let is_for_gpu = matches!(facts.recipe.device, Some(DeviceChoice::Cuda(_)));
    facts.built.net.device() == Device::Cpu && !is_for_gpu
}

fn kernels_of_a_gpu(facts: &Facts<'_>, _: &Node) -> Option<String> {
    runs_on_cpu(facts).then(|| "a CPU has no TensorFloat-32".to_owned())
}

fn on_the_cpu(facts: &Facts<'_>, _: &Node) -> Option<String> {
    runs_on_cpu(facts).then(|| "the kernels of a CPU are deterministic already".to_owned())
}

fn no_callbacks(facts: &Facts<'_>, _: &Node) -> Option<String> {
    let has_none = facts.callbacks.is_empty();
    has_none.then(|| "there are no callbacks".to_owned())
}

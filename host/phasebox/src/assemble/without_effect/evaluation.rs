//! Keys about evaluation, checkpoints, averages and resuming.

use phasebox_data::DataLoader;
use phasebox_recipe::Node;

use super::{Facts, Rule};

pub(super) const RULES: &[Rule] = &[
    Rule::new("training_hyperparams.run_test_freq", "1", no_test),
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
        "15",
        not_exponential,
    ),
    Rule::new("training_hyperparams.save_ckpt_epoch_list", "[]", not_saved),
    Rule::new(
        "training_hyperparams.save_ckpt_epoch_list",
        "[]",
        late_epochs,
    ),
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
    Rule::new(
        "training_hyperparams.ckpt_best_name",
        "\"ckpt_best.pth\"",
        not_saved,
    ),
    Rule::new(
        "training_hyperparams.ckpt_name",
        "\"ckpt_latest.pth\"",
        not_resumed,
    ),
    Rule::new("training_hyperparams.load_opt_params", "true", not_resumed),
    Rule::new("checkpoint_params.strict_load", "true", no_weights),
    Rule::new(
        "training_hyperparams.deterministic_callbacks",
        "false",
        no_callbacks,
    ),
];

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
    let kind = facts.training().ema_params.get("decay_type");
    let kind = kind.and_then(Node::as_str).unwrap_or("exp");
    let reason = format!("`decay_type` is `{kind}`; `exp` reads it");
    (kind != "exp").then_some(reason)
}

fn not_saved(facts: &Facts<'_>, _: &Node) -> Option<String> {
    let is_saved = facts.training().saving.save_model;
    (!is_saved).then(|| "`save_model` is false".to_owned())
}

fn late_epochs(facts: &Facts<'_>, _: &Node) -> Option<String> {
    let epochs = facts.training().max_epochs;
    let saved = facts.training().saving.save_ckpt_epoch_list.iter();
    let never: Vec<&u64> = saved
        .filter(|epoch| !(1..=epochs).contains(*epoch))
        .collect();
    let reason = format!("the run has {epochs} epochs, from 1, and never ends {never:?}");
    (!never.is_empty()).then_some(reason)
}

fn few_steps(facts: &Facts<'_>, _: &Node) -> Option<String> {
    let every = facts.training().saving.save_ckpt_every_n_steps?;
    let accumulate = facts.training().batch_accumulate.max(1);
    let in_epoch = facts.built.train_loader.batches().div_ceil(accumulate);
    let steps = in_epoch.saturating_mul(facts.training().max_epochs);
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

fn no_callbacks(facts: &Facts<'_>, _: &Node) -> Option<String> {
    let has_none = facts.callbacks.is_empty();
    has_none.then(|| "there are no callbacks".to_owned())
}

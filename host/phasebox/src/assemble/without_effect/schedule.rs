//! Keys of the learning rate's schedule and of the optimizer.

use phasebox_nn::schedule::{LrMode, WarmupMode};
use phasebox_recipe::{Content, Node};

use super::{Facts, PartRule, Rule, listed};

pub(super) const RULES: &[Rule] = &[
    Rule::new("training_hyperparams.lr_mode", "null", set_by_callback),
    Rule::new(
        "training_hyperparams.lr_warmup_epochs",
        "0",
        warmed_by_callback,
    ),
    Rule::new(
        "training_hyperparams.lr_warmup_steps",
        "0",
        warmed_by_callback,
    ),
    Rule::new("training_hyperparams.lr_updates", "[]", not_by_steps),
    Rule::new(
        "training_hyperparams.step_lr_update_freq",
        "null",
        not_by_steps,
    ),
    Rule::new(
        "training_hyperparams.step_lr_update_freq",
        "null",
        never_comes,
    ),
    Rule::new(
        "training_hyperparams.lr_decay_factor",
        "null",
        without_decay,
    ),
    Rule::new(
        "training_hyperparams.cosine_final_lr_ratio",
        "null",
        not_cosine,
    ),
    Rule::new("training_hyperparams.warmup_mode", "null", no_warmup),
    Rule::new("training_hyperparams.warmup_initial_lr", "null", no_warmup),
    Rule::new("training_hyperparams.lr_warmup_steps", "0", long_warmup),
    Rule::new("training_hyperparams.lr_cooldown_epochs", "0", constant),
    Rule::new(
        "training_hyperparams.zero_weight_decay_on_bias_and_bn",
        "false",
        no_weight_decay,
    ),
    Rule::new(
        "training_hyperparams.optimizer_params.dampening",
        "0",
        no_momentum,
    ),
];

pub(super) const PARTS: &[PartRule] = &[
    PartRule {
        path: "training_hyperparams.lr_updates",
        reason: late_updates,
    },
    PartRule {
        path: "training_hyperparams.lr_mode.MultiStepLR.milestones",
        reason: late_milestones,
    },
];

/// The stock callback that gives the rate of every step.
fn rate_callback<'a>(facts: &'a Facts<'_>) -> Option<&'a str> {
    let mut callbacks = facts.callbacks.iter();
    let found = callbacks.find(|callback| callback.is_stock("lr-warmup-cosine"));
    let entries = &facts.training().phase_callbacks;
    let name = found?.name();
    let mut always = entries.iter().filter(|entry| entry.when.every <= 1);
    always.any(|entry| entry.name == name).then_some(name)
}

fn set_by_callback(facts: &Facts<'_>, _: &Node) -> Option<String> {
    let mode = facts.schedule().lr_mode;
    let changes = !matches!(mode, None | Some(LrMode::Constant));
    warmed_by_callback(facts, facts.recipe.resolved.get("dataset")?).filter(|_| changes)
}

fn warmed_by_callback(facts: &Facts<'_>, _: &Node) -> Option<String> {
    let name = rate_callback(facts)?;
    Some(format!(
        "the callback `{name}` sets the rate of every step; keep one of them"
    ))
}

/// The name of the run's curve.
fn mode(facts: &Facts<'_>) -> String {
    match facts.schedule().lr_mode {
        None | Some(LrMode::Constant) => "the learning rate is constant".to_owned(),
        Some(mode) => format!("`lr_mode` is {mode:?}")
            .chars()
            .take_while(|c| *c != '(')
            .collect(),
    }
}

fn is_by_steps(facts: &Facts<'_>) -> bool {
    facts.schedule().lr_mode == Some(LrMode::StepLRScheduler)
}

fn not_by_steps(facts: &Facts<'_>, _: &Node) -> Option<String> {
    let reason = format!("{}; `StepLRScheduler` reads it", mode(facts));
    (!is_by_steps(facts)).then_some(reason)
}

/// Epochs at which the run has ended.
fn late_updates(facts: &Facts<'_>) -> Option<(String, String)> {
    is_by_steps(facts).then_some(())?;
    late(facts, facts.schedule().lr_updates)
}

fn late_milestones(facts: &Facts<'_>) -> Option<(String, String)> {
    match facts.schedule().lr_mode {
        Some(LrMode::MultiStepLR(steps)) => {
            let milestones = steps.milestones.iter();
            late(facts, milestones.map(|epoch| *epoch as f64).collect())
        }
        _ => None,
    }
}

fn late(facts: &Facts<'_>, epochs: Vec<f64>) -> Option<(String, String)> {
    let most = facts.training().max_epochs;
    let late = listed(epochs.into_iter().filter(|epoch| *epoch >= most as f64))?;
    Some((
        late,
        format!(
            "the epochs of the run are 0 to {} here",
            most.saturating_sub(1)
        ),
    ))
}

fn never_comes(facts: &Facts<'_>, _: &Node) -> Option<String> {
    let epochs = facts.training().max_epochs;
    let every = facts.schedule().step_lr_update_freq?;
    let reason = format!("the run has {epochs} epochs, and no update falls among them");
    (is_by_steps(facts) && every >= epochs as f64).then_some(reason)
}

fn without_decay(facts: &Facts<'_>, _: &Node) -> Option<String> {
    let decays = matches!(
        facts.schedule().lr_mode,
        Some(LrMode::StepLRScheduler | LrMode::ExponentialLRScheduler)
    );
    let reason = format!(
        "{}; `StepLRScheduler` and `ExponentialLRScheduler` read it",
        mode(facts)
    );
    match facts.schedule().lr_decay_factor {
        _ if !decays => Some(reason),
        Some(1.0) => Some(STILL.to_owned()),
        _ => None,
    }
}

const STILL: &str = "1 times the rate is the rate";

fn not_cosine(facts: &Facts<'_>, _: &Node) -> Option<String> {
    let is_cosine = matches!(
        facts.schedule().lr_mode,
        Some(LrMode::CosineLRScheduler | LrMode::FlatCosineLRScheduler)
    );
    let reason = format!(
        "{}; `CosineLRScheduler` and `FlatCosineLRScheduler` read it",
        mode(facts)
    );
    let is_still = facts.schedule().cosine_final_lr_ratio == 1.0;
    match is_cosine {
        false => Some(reason),
        true => is_still.then(|| "at 1 the cosine is a line: write `lr_mode: Constant`".to_owned()),
    }
}

fn no_warmup(facts: &Facts<'_>, _: &Node) -> Option<String> {
    let schedule = facts.schedule();
    let length = schedule.lr_warmup_epochs + schedule.lr_warmup_steps;
    (length == 0).then(|| "there is no warm-up: `lr_warmup_epochs` gives it its length".to_owned())
}

/// A warm-up by steps lasts one epoch at most.
fn long_warmup(facts: &Facts<'_>, _: &Node) -> Option<String> {
    let schedule = facts.schedule();
    let cosines = [LrMode::CosineLRScheduler, LrMode::FlatCosineLRScheduler];
    if schedule.lr_mode.is_some_and(|mode| cosines.contains(&mode)) {
        // A cosine begins so many steps later.
        return None;
    }
    if schedule.warmup_mode != Some(WarmupMode::LinearBatchLRWarmup) {
        let reason = "`warmup_mode: LinearBatchLRWarmup` and the cosines read it";
        return Some(reason.to_owned());
    }
    let steps = facts.steps_in_epoch();
    let reason = format!("beyond {steps} of them, the steps of the first epoch");
    (schedule.lr_warmup_steps > steps).then_some(reason)
}

fn constant(facts: &Facts<'_>, _: &Node) -> Option<String> {
    let mode = facts.schedule().lr_mode;
    let is_constant = matches!(mode, None | Some(LrMode::Constant));
    is_constant.then(|| "the learning rate is constant".to_owned())
}

fn no_weight_decay(facts: &Facts<'_>, _: &Node) -> Option<String> {
    let mut groups = facts.built.optimizer.groups().iter();
    let decays = groups.any(|group| group.weight_decay != 0.0);
    (!decays).then(|| "there is no weight decay".to_owned())
}

fn no_momentum(facts: &Facts<'_>, _: &Node) -> Option<String> {
    let params = &facts.training().optimizer_params;
    let momentum = params.get("momentum").map(|node| &node.content);
    let is_zero = match momentum {
        Some(Content::Scalar(value)) => value.as_f64() == Some(0.0),
        _ => false,
    };
    is_zero.then(|| "`momentum` is 0".to_owned())
}

//! Resuming: for each key of a recipe, who decides when a run goes on from a checkpoint. Owns the table, which
//! docs/resume.md shows to people, and the refusals; putting state back is the trainer's.

mod differences;

use std::path::Path;

use anyhow::{Result, anyhow};
use phasebox_data::changed_transforms;
use phasebox_nn::criterion::Criterion;
use phasebox_recipe::{Node, Recipe};
use phasebox_train::checkpoint::{Snapshot, State};
use phasebox_train::trainer::{Changed, GivesWay};
use serde_json::Value;
use tch::Device;

use self::differences::{Difference, differences, normal};

/// The one who decides about a key that has changed since the checkpoint.
enum Rule {
    /// The recipe, from the next batch on.
    Recipe,
    /// The recipe at an epoch's start. Inside an epoch, the change is refused.
    AtEpochStart,
    /// The recipe, if the optimizer's state is left out. If not, the change is refused.
    WithoutOptimizerState,
    /// The checkpoint. A value that asks for something else is refused; one that is gone asks for nothing.
    Checkpoint,
    /// The key is about resuming itself.
    Resuming,
}

/// Tells the trainer what gives way to the recipe.
type Effect = fn(&mut Changed, &Difference);

/// The keys that are not simply the recipe's; the longest that fits counts. A key stands for all below it.
const ROWS: &[(&str, Rule, Effect)] = &[
    ("architecture", Rule::Recipe, network),
    ("arch_params", Rule::Recipe, network),
    ("dataset", Rule::AtEpochStart, data),
    ("dataset_params", Rule::AtEpochStart, data),
    ("train_dataloader_params", Rule::Recipe, train_loader),
    (
        "train_dataloader_params.batch_size",
        Rule::AtEpochStart,
        train_loader,
    ),
    (
        "train_dataloader_params.shuffle",
        Rule::AtEpochStart,
        train_loader,
    ),
    ("train_transforms", Rule::Recipe, train_loader),
    ("val_dataloader_params", Rule::Recipe, validation),
    ("val_transforms", Rule::Recipe, validation),
    ("test_dataloader_params", Rule::Recipe, test_loader),
    ("checkpoint_params", Rule::Checkpoint, nothing),
    ("training_hyperparams.seed", Rule::AtEpochStart, nothing),
    (
        "training_hyperparams.optimizer",
        Rule::WithoutOptimizerState,
        hyperparameters,
    ),
    (
        "training_hyperparams.optimizer_params",
        Rule::Recipe,
        hyperparameters,
    ),
    (
        "training_hyperparams.zero_weight_decay_on_bias_and_bn",
        Rule::Recipe,
        groups,
    ),
    ("training_hyperparams.initial_lr", Rule::Recipe, groups),
    ("training_hyperparams.lr_mode", Rule::Recipe, learning_rates),
    (
        "training_hyperparams.batch_accumulate",
        Rule::Recipe,
        accumulation,
    ),
    ("training_hyperparams.loss", Rule::Recipe, loss),
    ("training_hyperparams.criterion_params", Rule::Recipe, loss),
    (
        "training_hyperparams.train_metrics_list",
        Rule::Recipe,
        train_metrics,
    ),
    (
        "training_hyperparams.phase_callbacks",
        Rule::Recipe,
        callbacks,
    ),
    ("training_hyperparams.resume", Rule::Resuming, nothing),
    ("training_hyperparams.run_id", Rule::Resuming, nothing),
    ("training_hyperparams.resume_path", Rule::Resuming, nothing),
    ("training_hyperparams.ckpt_name", Rule::Resuming, nothing),
    (
        "training_hyperparams.load_opt_params",
        Rule::Resuming,
        nothing,
    ),
];

fn nothing(_: &mut Changed, _: &Difference) {}

fn network(changed: &mut Changed, difference: &Difference) {
    changed.network.push(difference.to_string());
}

fn train_loader(changed: &mut Changed, difference: &Difference) {
    give_way(&mut changed.loaders.train, difference);
}

/// Validation's parameters and transforms are those of the test, too, unless the recipe says otherwise.
fn validation(changed: &mut Changed, difference: &Difference) {
    give_way(&mut changed.loaders.validation, difference);
    give_way(&mut changed.loaders.test, difference);
    let is_size = difference.key.ends_with("batch_size") || difference.key.ends_with("num_workers");
    changed.validation |= !is_size;
}

fn test_loader(changed: &mut Changed, difference: &Difference) {
    give_way(&mut changed.loaders.test, difference);
}

/// Data in another place are taken for the same.
fn data(changed: &mut Changed, difference: &Difference) {
    changed.validation |= !difference.is_of_a_moved_file();
}

/// Adds the parameters of a loader that a difference is about.
fn give_way(loader: &mut GivesWay, difference: &Difference) {
    let mut parts = difference.key.split('.');
    let names = match (parts.next(), parts.next()) {
        (_, Some(name)) => Some(vec![name.to_owned()]),
        _ => changed_transforms(&difference.old, &difference.new),
    };
    match names {
        Some(names) => loader.add(names),
        None => *loader = GivesWay::Everything,
    }
}

fn hyperparameters(changed: &mut Changed, _: &Difference) {
    changed.hyperparameters = true;
}

fn learning_rates(changed: &mut Changed, _: &Difference) {
    changed.learning_rates = true;
}

/// Other groups of parameters have hyperparameters and rates of their own.
fn groups(changed: &mut Changed, _: &Difference) {
    changed.hyperparameters = true;
    changed.learning_rates = true;
}

fn accumulation(changed: &mut Changed, _: &Difference) {
    changed.accumulation = true;
}

/// The parameters that are written otherwise; [`parameters_of_loss`] adds those with another name.
fn loss(changed: &mut Changed, difference: &Difference) {
    let below = difference
        .key
        .strip_prefix("training_hyperparams.criterion_params.");
    match below.and_then(|below| below.split('.').next()) {
        Some(name) => changed.loss.add([name.to_owned()]),
        None => changed.loss = GivesWay::Everything,
    }
}

/// The parameters of a loss that two recipes have with different values, under whichever name they are written; nothing for
/// two losses.
fn parameters_of_loss(old: &Value, new: &Value) -> Option<Vec<String>> {
    let of = |recipe: &Value| {
        let training = &recipe["training_hyperparams"];
        let name = training["loss"].as_str()?;
        let loss = Criterion::new(name, &training["criterion_params"], Device::Cpu).ok()?;
        let state = loss.state();
        Some((loss.name(), state["parameters"].as_object()?.clone()))
    };
    match (of(old), of(new)) {
        (Some((name, old)), Some((same, new))) if name == same => {
            let names = old.keys().chain(new.keys());
            let differs = |name: &&String| old.get(*name) != new.get(*name);
            Some(names.filter(differs).cloned().collect())
        }
        _ => None,
    }
}

fn train_metrics(changed: &mut Changed, _: &Difference) {
    changed.train_metrics = true;
}

fn callbacks(changed: &mut Changed, _: &Difference) {
    changed.callbacks = true;
}

/// The decision about a resume: what gives way to the recipe, and a line for each key that has changed.
pub(super) struct Decision {
    pub(super) changed: Changed,
    pub(super) lines: Vec<String>,
}

/// The differences that make the network of a checkpoint another one, if the checkpoint knows its recipe.
pub(super) fn changes(recipe: &Recipe, checkpoint: &Snapshot) -> Result<Changed> {
    let mut changed = Changed::default();
    let earlier = match &checkpoint.state.recipe {
        Value::Null => return Ok(changed),
        kept => kept.clone(),
    };
    for difference in differences(&normal(earlier), &normal(recipe.to_json())) {
        let key = difference.key.rsplit('.').next().unwrap_or_default();
        if DIVIDES.contains(&key) && is_of_data(&difference.key) {
            return Err(anyhow!(
                "{difference}: samples that the run has trained on would be among those that it is measured by; leave the key, or name other data"
            ));
        }
        let (_, effect) = row(&difference.key);
        effect(&mut changed, &difference);
    }
    Ok(changed)
}

/// Keys of data sets that decide which samples a run trains on.
const DIVIDES: [&str; 3] = ["validation_fraction", "test_fraction", "split_seed"];

fn is_of_data(key: &str) -> bool {
    key.starts_with("dataset.") || key.starts_with("dataset_params.")
}

/// Compares a recipe with the one that a checkpoint was made with.
///
/// # Errors
/// A key that cannot change there, with its line, both values and the remedy.
pub(super) fn decide(recipe: &Recipe, path: &Path, snapshot: &Snapshot) -> Result<Decision> {
    let earlier = match &snapshot.state.recipe {
        Value::Null => recipe_beside(path),
        kept => kept.clone(),
    };
    let with_optimizer = recipe.training_hyperparams.resume.load_opt_params;
    let mut changed = Changed {
        optimizer_state: !with_optimizer,
        ..Changed::default()
    };
    let mut lines = Vec::new();
    if !with_optimizer {
        lines.push("`load_opt_params: false`: the optimizer's state begins anew".to_owned());
    }
    if earlier.is_null() {
        return Ok(Decision { changed, lines });
    }
    let case = Case {
        recipe,
        is_inside_epoch: is_inside_epoch(&snapshot.state),
        with_optimizer,
    };
    let (old, new) = (normal(earlier), normal(recipe.to_json()));
    for difference in differences(&old, &new) {
        let (rule, effect) = row(&difference.key);
        if let Some(line) = case.judge(rule, &difference)? {
            changed.recipe = true;
            effect(&mut changed, &difference);
            lines.push(line);
        }
    }
    if !changed.loss.is_nothing() {
        match parameters_of_loss(&old, &new) {
            Some(names) => changed.loss.add(names),
            None => changed.loss = GivesWay::Everything,
        }
    }
    Ok(Decision { changed, lines })
}

/// True if training batches of the epoch are left. In the passes after them, the position in the data no longer counts.
fn is_inside_epoch(state: &State) -> bool {
    let is_past_training = state
        .trainer
        .get("stage")
        .is_some_and(|stage| stage != "train");
    state.next_batch > 0 && !is_past_training
}

/// The row of a key; a key without one is the recipe's.
fn row(key: &str) -> (&'static Rule, Effect) {
    let fits = |name: &str| {
        let rest = key.strip_prefix(name);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    };
    let rows = ROWS.iter().filter(|(name, _, _)| fits(name));
    let longest = rows.max_by_key(|(name, _, _)| name.len());
    longest.map_or((&Rule::Recipe, nothing as Effect), |(_, rule, effect)| {
        (rule, *effect)
    })
}

/// Checkpoints of 0.1.0 hold no recipe: the run's folder does, two folders up.
fn recipe_beside(checkpoint: &Path) -> Value {
    let folder = checkpoint.canonicalize().unwrap_or_default();
    let run = folder.parent().and_then(Path::parent);
    let recipe = run.and_then(|run| Recipe::load(run.join("recipe.yaml"), &[]).ok());
    recipe.map_or(Value::Null, |recipe| recipe.to_json())
}

/// The resume that differences are judged for.
struct Case<'a> {
    recipe: &'a Recipe,
    is_inside_epoch: bool,
    with_optimizer: bool,
}

impl Case<'_> {
    /// The line for the log; none for a difference that asks for nothing.
    fn judge(&self, rule: &Rule, difference: &Difference) -> Result<Option<String>> {
        let refusal = match rule {
            Rule::Resuming => return Ok(None),
            Rule::Checkpoint if difference.new.is_null() => return Ok(None),
            Rule::WithoutOptimizerState if difference.differs_in_case_alone() => return Ok(None),
            Rule::Recipe => None,
            Rule::AtEpochStart if !self.is_inside_epoch => None,
            Rule::AtEpochStart if difference.is_of_a_moved_file() => None,
            Rule::AtEpochStart => Some(
                "the checkpoint stands inside an epoch: put back what it was, or go on from one of an epoch's end",
            ),
            Rule::WithoutOptimizerState if !self.with_optimizer => None,
            Rule::WithoutOptimizerState => Some(
                "the checkpoint holds the state of that optimizer: put back what it was, or set `load_opt_params: false`",
            ),
            Rule::Checkpoint => Some(
                "a resumed run has the weights of its checkpoint: remove the key, or begin a new run",
            ),
        };
        match refusal {
            None => Ok(Some(format!("{difference}: the recipe decides"))),
            Some(reason) => Err(self.refusal(difference, reason)),
        }
    }

    fn refusal(&self, difference: &Difference, reason: &str) -> anyhow::Error {
        let node = place(&self.recipe.resolved, &difference.key);
        let message = format!("the run cannot be resumed: {difference}; {reason}");
        anyhow!(node.location.error(message))
    }
}

/// The node of a key, or the nearest above it that is written.
fn place<'a>(root: &'a Node, key: &str) -> &'a Node {
    let mut node = root;
    for part in key.split('.') {
        // A key may also stand at the top of a recipe.
        match node.get(part).or_else(|| root.get(part)) {
            Some(below) => node = below,
            None => break,
        }
    }
    node
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn keys(old: Value, new: Value) -> Vec<String> {
        let found = differences(&normal(old), &normal(new)).into_iter();
        found.map(|difference| difference.to_string()).collect()
    }

    #[test]
    fn only_what_recipes_mean_is_compared() {
        let check = |old: Value, new: Value, expected: &[&str]| {
            assert_eq!(keys(old, new), expected);
        };
        check(
            json!({"seed": 1, "training_hyperparams": {"optimizer": {"SGD": {"momentum": 0.9}}}}),
            json!({"training_hyperparams": {"seed": 1, "optimizer": "SGD", "optimizer_params": {"momentum": 0.9}}}),
            &[],
        );
        check(
            json!({"arch_params": {}, "variables": 1}),
            json!({"val_transforms": null}),
            &[],
        );
        check(
            json!({"training_hyperparams": {"max_epochs": 2, "loss": "MSELoss"}}),
            json!({"training_hyperparams": {"max_epochs": 3, "loss": {"MSELoss": {"a": [1]}}}}),
            &[
                "`training_hyperparams.max_epochs` was 2 and is 3",
                "`training_hyperparams.criterion_params.a` was not written and is [1]",
            ],
        );
    }

    #[test]
    fn the_longest_row_that_fits_counts() {
        let is = |key: &str, expected: fn(&Rule) -> bool| assert!(expected(row(key).0), "{key}");
        is("train_dataloader_params.batch_size", |rule| {
            matches!(rule, Rule::AtEpochStart)
        });
        is("train_dataloader_params.num_workers", |rule| {
            matches!(rule, Rule::Recipe)
        });
        is("training_hyperparams.optimizer", |rule| {
            matches!(rule, Rule::WithoutOptimizerState)
        });
        is("training_hyperparams.optimizer_params.momentum", |rule| {
            matches!(rule, Rule::Recipe)
        });
        is("training_hyperparams.resume_path", |rule| {
            matches!(rule, Rule::Resuming)
        });
    }
}

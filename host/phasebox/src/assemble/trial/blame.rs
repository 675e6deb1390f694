//! The section of a recipe that an error of a trial is about, and the remedy. Owns the mapping from how far the trial came
//! to a place in the recipe; the errors' own words are those of the parts.

use anyhow::{Error, Result, anyhow};
use phasebox_recipe::{Content, Location, Node, Recipe};
use phasebox_train::callback::CallbackFailed;
use phasebox_train::split::Split;
use phasebox_train::trainer::LossNotFinite;

use super::super::build::{Built, line_in};
use super::super::callbacks::PlannedCallback;
use super::probe::Seen;

/// The facts that turn an error into a place.
pub(super) struct Blame<'a> {
    recipe: &'a Recipe,
    callbacks: Vec<(String, Node)>,
    /// The shape of a sample of each input, in training and in validation.
    train_shapes: String,
    valid_shapes: String,
}

/// The operation that an error ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Reading,
    Network,
    Loss,
    Metrics,
    Step,
    BetweenBatches,
}

impl<'a> Blame<'a> {
    pub(super) fn new(
        recipe: &'a Recipe,
        callbacks: &[PlannedCallback],
        built: &Built,
    ) -> Result<Blame<'a>> {
        let entries = callbacks.iter();
        let entries = entries.filter_map(|callback| {
            let entry = callback.written()?.clone();
            Some((callback.name().to_owned(), entry))
        });
        Ok(Blame {
            recipe,
            callbacks: entries.collect(),
            train_shapes: shapes(built.train_loader.input_shapes()?),
            valid_shapes: shapes(built.valid_loader.input_shapes()?),
        })
    }

    /// A line about a callback, with its place: the parameter that `failure` names, or the entry.
    pub(super) fn at_callback(&self, name: &str, failure: &str, text: &str) -> String {
        let mut callbacks = self.callbacks.iter();
        let entry = callbacks.find(|(known, _)| known == name);
        match entry.and_then(|(_, entry)| line_in(&[entry], failure)) {
            Some(place) => format!("{place}: {text}"),
            None => text.to_owned(),
        }
    }

    /// The error that ended a trial, with its place in the recipe.
    pub(super) fn place(&self, error: Error, seen: &Seen) -> Error {
        if let Some(CallbackFailed { name, .. }) = error.downcast_ref() {
            let failure = format!("{error:#}");
            let context = self.at_callback(name, &failure, "in a trial of the recipe");
            return error.context(context);
        }
        if error.is::<LossNotFinite>() {
            let (node, reason) = self.loss();
            let message = format!("a trial of the recipe failed in training{reason}");
            return error.context(node.location.error(message));
        }
        let text = format!("{error:#}");
        let stage = Stage::of(seen, &text);
        let (node, remedy) = self.section(stage, seen, &text);
        let doing = stage.doing(seen.split);
        let message = format!("a trial of the recipe failed {doing}: {text}{remedy}");
        let named = match stage {
            Stage::Loss => self.in_loss(&text),
            Stage::Metrics => line_in(&[node], &text),
            _ => None,
        };
        anyhow!(named.unwrap_or(&node.location).error(message))
    }

    /// The section to change, and how.
    fn section(&self, stage: Stage, seen: &Seen, text: &str) -> (&Node, String) {
        let training = &self.recipe.training_hyperparams;
        let none = String::new();
        match stage {
            Stage::Reading => (self.data(seen.split), none),
            Stage::Network => self.network(seen),
            Stage::Loss => (&training.loss, none),
            Stage::Metrics => (self.metric(seen.split, text), none),
            Stage::Step => (&training.optimizer, none),
            Stage::BetweenBatches => (&self.recipe.resolved, none),
        }
    }

    /// The reason for a loss that is no number, if it shows: a mean over samples that all have the weight 0.
    fn loss(&self) -> (&Node, &'static str) {
        let training = &self.recipe.training_hyperparams;
        let inline = training.loss.entries().first().map(|entry| &entry.value);
        let blocks = [Some(&training.criterion_params), inline];
        let mut weights = blocks
            .into_iter()
            .flatten()
            .filter_map(|block| block.get("weight"));
        match weights.find(|weights| has_zero(weights)) {
            Some(weights) => (
                weights,
                ", perhaps since `weight` is 0 for the classes of a whole batch",
            ),
            None => (&training.loss, ""),
        }
    }

    /// The place of the loss's parameter that an error names.
    fn in_loss(&self, text: &str) -> Option<&Location> {
        let training = &self.recipe.training_hyperparams;
        line_in(&[&training.loss, &training.criterion_params], text)
    }

    /// The transforms of a split, or the data set if there are none.
    fn data(&self, split: Option<Split>) -> &Node {
        let transforms = match split {
            Some(Split::Train) | None => &self.recipe.train_transforms,
            Some(Split::Validation | Split::Test) => &self.recipe.val_transforms,
        };
        match is_written(transforms) {
            true => transforms,
            false => &self.recipe.dataset,
        }
    }

    /// A network that refuses a batch: the section that gave the batch its shape.
    fn network(&self, seen: &Seen) -> (&Node, String) {
        let Blame {
            recipe,
            train_shapes,
            valid_shapes,
            ..
        } = self;
        let is_training = seen.split == Some(Split::Train);
        if !is_training && train_shapes != valid_shapes {
            let transforms = match is_written(&recipe.val_transforms) {
                true => &recipe.val_transforms,
                false => &recipe.train_transforms,
            };
            let remedy = format!(
                "; a sample is {train_shapes} after `train_transforms`, and {valid_shapes} after `val_transforms`: \
                 write the same size in both"
            );
            return (transforms, remedy);
        }
        if is_training && seen.batch_size == 1 {
            let remedy = "; the last batch of an epoch has 1 sample: set `drop_last: true`, or another `batch_size`";
            return (&recipe.train_dataloader_params, remedy.to_owned());
        }
        (
            &recipe.architecture,
            format!("; inputs are {}", seen.inputs),
        )
    }

    /// The entry of the metric that an error names, or the list.
    fn metric(&self, split: Option<Split>, text: &str) -> &Node {
        let training = &self.recipe.training_hyperparams;
        let list = match split {
            Some(Split::Train) => &training.train_metrics_list,
            _ => &training.valid_metrics_list,
        };
        let Content::List(items) = &list.content else {
            return list;
        };
        let mut items = items.iter();
        items.find(|item| text.contains(name(item))).unwrap_or(list)
    }
}

fn has_zero(list: &Node) -> bool {
    let Content::List(items) = &list.content else {
        return false;
    };
    items.iter().any(|item| match &item.content {
        Content::Scalar(value) => value.as_f64() == Some(0.0),
        _ => false,
    })
}

/// The name of `name` or of `{name: parameters}`.
fn name(item: &Node) -> &str {
    let first = item.entries().first();
    let key = first.map(|entry| entry.key.as_str());
    item.as_str().or(key).unwrap_or_default()
}

/// True if the recipe has the section.
fn is_written(section: &Node) -> bool {
    let is_empty = matches!(&section.content, Content::Map(entries) if entries.is_empty());
    !is_empty && !section.is_null()
}

fn shapes(inputs: Vec<(String, Vec<i64>)>) -> String {
    let each = inputs.iter().map(|(_, shape)| format!("{shape:?}"));
    each.collect::<Vec<_>>().join(", ")
}

impl Stage {
    fn of(seen: &Seen, text: &str) -> Stage {
        if seen.inputs.is_empty() {
            match text.contains("cannot be read") {
                true => Stage::Reading,
                false => Stage::BetweenBatches,
            }
        } else if seen.preds.is_empty() {
            Stage::Network
        } else if !seen.has_loss {
            Stage::Loss
        } else if text.contains("metric `") {
            Stage::Metrics
        } else {
            Stage::Step
        }
    }

    /// The operation and its place in the loop, in words.
    fn doing(self, split: Option<Split>) -> String {
        let pass = match split {
            Some(Split::Train) => "training",
            Some(Split::Validation) => "validation",
            Some(Split::Test) => "test",
            None => "its beginning",
        };
        let operation = match self {
            Stage::Reading => "reading a batch",
            Stage::Network => "in the network's forward pass",
            Stage::Loss => "computing the loss",
            Stage::Metrics => "computing a metric",
            Stage::Step => "in the backward pass or the optimizer's step",
            Stage::BetweenBatches => "between two batches",
        };
        format!("in {pass}, {operation}")
    }
}

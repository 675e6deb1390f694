//! Keys of the network and of the loss.

use phasebox_data::Target;
use phasebox_recipe::{Content, Entry, Node, Note};
use serde_json::Value;

use super::{Facts, Rule, without_effect};

pub(super) const RULES: &[Rule] = &[
    Rule::new("arch_params.num_classes", "null", own_heads),
    Rule::new("arch_params.dropout", "0", no_hidden_layer),
    Rule::new("arch_params.activation", "null", no_hidden_layer),
    Rule::new(
        "training_hyperparams.channels_last",
        "false",
        no_convolution,
    ),
];

/// The networks whose outputs something else decides.
fn own_heads(facts: &Facts<'_>, _: &Node) -> Option<String> {
    match facts.built.net.architecture() {
        "multi_task_mlp" => Some("`heads` gives the outputs".to_owned()),
        "torchscript" => Some("the network's file gives the outputs".to_owned()),
        _ => None,
    }
}

fn no_hidden_layer(facts: &Facts<'_>, _: &Node) -> Option<String> {
    let hidden = facts.recipe.arch_params.get("hidden")?;
    let is_empty = hidden.content == Content::List(Vec::new());
    is_empty.then(|| "there is no hidden layer".to_owned())
}

fn no_convolution(facts: &Facts<'_>, _: &Node) -> Option<String> {
    let mut parameters = facts.built.net.parameters().iter();
    let has_some = parameters.any(|(_, tensor)| tensor.dim() == 4);
    (!has_some).then(|| "the network has no convolution".to_owned())
}

/// Parameters of the loss that change no number of it. They stand below its name, or in `criterion_params`.
pub(super) fn loss_notes(facts: &Facts<'_>) -> Vec<Note> {
    let training = facts.training();
    let below = training.loss.entries().iter().map(|entry| &entry.value);
    let sections = below.chain([&training.criterion_params]);
    let parameters = sections.flat_map(Node::entries);
    let reasons = parameters.filter_map(|entry| Some((entry, parameter(facts, entry)?)));
    reasons
        .map(|(entry, reason)| without_effect(entry, &entry.value.path, &reason))
        .collect()
}

fn parameter(facts: &Facts<'_>, entry: &Entry) -> Option<String> {
    match entry.key.as_str() {
        "ignore_index" => no_such_class(facts, &entry.value.to_json()),
        "weight" | "pos_weight" | "cls_pos_weight" => all_alike(&entry.value.to_json()),
        _ => None,
    }
}

/// The value that PyTorch and SuperGradients write for none.
const NO_INDEX: i64 = -100;

/// An index that no sample has. A mask may have one that is no class.
fn no_such_class(facts: &Facts<'_>, index: &Value) -> Option<String> {
    let dataset = facts.built.train_loader.dataset();
    let classes = dataset.num_classes()? as i64;
    let sample = dataset.sample(0).ok()?;
    let mut targets = sample.target.iter();
    let are_classes = targets.all(|(_, target)| matches!(target, Target::Class(_)));
    let index = index.as_i64().filter(|index| *index != NO_INDEX)?;
    let is_one = (0..classes).contains(&index);
    (are_classes && !is_one).then(|| format!("the classes are 0 to {}", classes - 1))
}

/// Weights of 1.
fn all_alike(weights: &Value) -> Option<String> {
    let is_one = |weight: &Value| weight.as_f64() == Some(1.0);
    let are_ones = match weights {
        Value::Array(weights) => !weights.is_empty() && weights.iter().all(is_one),
        weight => is_one(weight),
    };
    are_ones.then(|| "a weight of 1 changes nothing".to_owned())
}

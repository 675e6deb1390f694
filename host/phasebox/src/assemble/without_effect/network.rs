//! Keys of the network and of the loss.

use phasebox_recipe::{Content, Node};

use super::{Facts, Rule};

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

//! The numbers and the names of classes, which data, network, loss and metrics of detections each have in a recipe. Owns
//! their comparison, and which of them is wrong where they differ; each is read by its own section.

use anyhow::{Result, anyhow};
use phasebox_recipe::{Content, Node, Note, Recipe};
use serde_json::Value;

use super::build::Built;

/// A number of classes, and where it is written.
struct Count<'a> {
    owner: &'static str,
    key: &'static str,
    count: i64,
    place: &'a Node,
}

/// Refuses numbers of classes that differ, and names that are not those of the data.
///
/// # Errors
/// The key that differs from the others, with its place and what to write.
pub(super) fn check(recipe: &Recipe, built: &Built) -> Result<()> {
    let data = built.train_loader.dataset().num_classes();
    let data = data.map(|count| count as i64);
    if let (Some(network), Some(loss)) = (of_network(recipe, built), of_loss(recipe, built)) {
        check_network(&network, &loss, data)?;
        loss.check(network.count, "the network has")?;
        for metric in metrics(recipe).filter_map(of_metric) {
            metric.check(network.count, "the network has")?;
        }
    }
    let names = built.train_loader.dataset().class_names();
    let mut lists = metrics(recipe).filter_map(|metric| parameters(metric)?.get("class_names"));
    lists.try_for_each(|list| check_names(list, names.unwrap_or_default()))
}

/// A line about outputs of a detection network that no class of the data has.
pub(super) fn note(recipe: &Recipe, built: &Built) -> Option<Note> {
    let data = built.train_loader.dataset().num_classes()? as i64;
    of_loss(recipe, built)?;
    let network = of_network(recipe, built)?;
    let count = network.count;
    (count > data).then(|| Note {
        location: network.place.location.clone(),
        text: format!(
            "the network has {count} classes, and the data have {data}: the others are never right"
        ),
    })
}

/// Refuses a network that lacks classes of the data, or that alone has more.
fn check_network(network: &Count<'_>, loss: &Count<'_>, data: Option<i64>) -> Result<()> {
    let Some(data) = data else {
        return Ok(());
    };
    let differs_alone = loss.count == data;
    match network.count < data || differs_alone {
        true => network.check(data, "the data have"),
        false => Ok(()),
    }
}

impl Count<'_> {
    fn check(&self, wanted: i64, words: &str) -> Result<()> {
        if self.count == wanted {
            return Ok(());
        }
        let Count {
            owner, key, count, ..
        } = self;
        let message =
            format!("{owner} has {count} classes, and {words} {wanted}: write `{key}: {wanted}`");
        Err(anyhow!(self.place.location.error(message)))
    }
}

fn of_network<'a>(recipe: &'a Recipe, built: &Built) -> Option<Count<'a>> {
    let written = recipe.arch_params.get("num_classes");
    Some(Count {
        owner: "the network",
        key: "num_classes",
        count: built.net.num_classes()?,
        place: written.unwrap_or(&recipe.architecture),
    })
}

/// The number of a loss that has one as a parameter: one of detections.
fn of_loss<'a>(recipe: &'a Recipe, built: &Built) -> Option<Count<'a>> {
    let training = &recipe.training_hyperparams;
    let count = built.criterion.parameters().get("num_classes")?.as_i64()?;
    let inline = training.loss.entries().first().map(|entry| &entry.value);
    let sections = [Some(&training.criterion_params), inline];
    let mut written = sections
        .into_iter()
        .flatten()
        .filter_map(|section| section.get("num_classes"));
    Some(Count {
        owner: "the loss",
        key: "num_classes",
        count,
        place: written.next().unwrap_or(&training.loss),
    })
}

fn of_metric(metric: &Node) -> Option<Count<'_>> {
    let place = parameters(metric)?.get("num_cls")?;
    Some(Count {
        owner: "the metric",
        key: "num_cls",
        count: place.parse().ok()?,
        place,
    })
}

/// The metrics of both lists.
fn metrics(recipe: &Recipe) -> impl Iterator<Item = &Node> {
    let training = &recipe.training_hyperparams;
    let lists = [&training.train_metrics_list, &training.valid_metrics_list];
    lists.into_iter().flat_map(|list| match &list.content {
        Content::List(items) => items.as_slice(),
        _ => &[],
    })
}

/// The parameters of `{name: parameters}`.
fn parameters(metric: &Node) -> Option<&Node> {
    metric.entries().first().map(|entry| &entry.value)
}

/// Refuses names other than those of the data, whose values would stand under names of other classes. Names of classes
/// that the data only number are the recipe's to choose.
fn check_names(list: &Node, known: &[String]) -> Result<()> {
    let written: Vec<String> = match list.to_json() {
        Value::Array(names) => names.iter().map(text).collect(),
        _ => return Ok(()),
    };
    let mut numbers = known.iter().enumerate();
    let are_numbers = numbers.all(|(number, name)| *name == number.to_string());
    let is_own = are_numbers && !written.iter().any(|name| known.contains(name));
    let mut pairs = written.iter().zip(known).enumerate();
    let differing = pairs.find(|(_, (written, known))| written != known);
    let Some((class, (name, own))) = differing.filter(|_| !is_own) else {
        return Ok(());
    };
    let message = format!(
        "`class_names` calls class {class} `{name}`, and the data call it `{own}`: write their names in their order, \
         [{}]",
        known.join(", ")
    );
    Err(anyhow!(list.location.error(message)))
}

/// A name as it is written; YAML may take it for a number.
fn text(name: &Value) -> String {
    name.as_str()
        .map_or_else(|| name.to_string(), str::to_owned)
}

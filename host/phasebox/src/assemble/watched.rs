//! The metric that decides which epoch is best: which of those that are there a recipe means, and its better direction.

use anyhow::{Result, anyhow};
use phasebox_contract::suggest;
use phasebox_recipe::{Node, Recipe};
use phasebox_train::split::Split;

use super::build::Built;

/// The metric that decides.
pub(super) struct Watched {
    /// Its name, as validation or a callback gives it.
    pub(super) metric: String,
    pub(super) greater_is_better: bool,
}

impl Watched {
    /// The metric that the recipe watches, of those that validation computes or callbacks publish.
    ///
    /// # Errors
    /// A metric that nobody gives; a direction that is wrong, or that nobody knows.
    pub(super) fn of(recipe: &Recipe, built: &Built, published: &[String]) -> Result<Watched> {
        let metric = metric(recipe, built, published)?;
        check_is_on(recipe, built, &metric)?;
        let greater_is_better = direction(recipe, built, &metric)?;
        Ok(Watched {
            metric,
            greater_is_better,
        })
    }
}

fn metric(recipe: &Recipe, built: &Built, published: &[String]) -> Result<String> {
    let written = &recipe.training_hyperparams.metric_to_watch;
    let computed = built.metrics.validation.names();
    let loss = built.criterion.name();
    if let Some(name) = name_of(written, Split::Validation, &computed, loss) {
        return Ok(name.to_owned());
    }
    if published.contains(written) {
        return Ok(written.clone());
    }
    let names = computed.iter().chain(published).map(String::as_str);
    let hint = suggest::hint(written, &names.collect::<Vec<_>>());
    let ranked = computed.iter().filter(|name| {
        let metrics = &built.metrics.validation;
        metrics.greater_is_better(name).is_some()
    });
    let ranked: Vec<&String> = ranked.collect();
    let remedy = remedy(recipe, &computed, &ranked, published);
    let message = format!("`metric_to_watch`: validation gives no `{written}`{hint}; {remedy}");
    Err(anyhow!(
        place(recipe, "metric_to_watch").location.error(message)
    ))
}

/// Refuses a part of the loss that is left off at first: it is 0 then, and nothing later is smaller.
fn check_is_on(recipe: &Recipe, built: &Built, metric: &str) -> Result<()> {
    if !is_off(built, metric) {
        return Ok(());
    }
    let message = "`metric_to_watch: l1`: it is 0 while `use_l1` is off, and no later epoch would be better: watch another, such as \
                   `loss` or `mAP@0.50:0.95`";
    let place = place(recipe, "metric_to_watch");
    Err(anyhow!(place.location.error(message)))
}

/// True for a part of the loss that its parameters leave off.
pub(super) fn is_off(built: &Built, part: &str) -> bool {
    let use_l1 = built.criterion.parameters().get("use_l1");
    part == "l1" && use_l1.and_then(serde_json::Value::as_bool) == Some(false)
}

/// The direction that is known, unless the recipe contradicts it; the recipe's for a metric of a callback.
fn direction(recipe: &Recipe, built: &Built, metric: &str) -> Result<bool> {
    let written = recipe
        .training_hyperparams
        .greater_metric_to_watch_is_better;
    let known = built.metrics.validation.greater_is_better(metric);
    let message = match (known, written) {
        (Some(known), Some(written)) if known != written => {
            let better = if known { "greater" } else { "smaller" };
            format!(
                "`{DIRECTION}: {written}`: `{metric}` is better when it is {better}; remove the key"
            )
        }
        (None, None) => without_direction(built, metric),
        (known, written) => return Ok(written.or(known).unwrap_or(true)),
    };
    let key = if written.is_some() {
        DIRECTION
    } else {
        "metric_to_watch"
    };
    Err(anyhow!(place(recipe, key).location.error(message)))
}

/// The refusal of a metric whose better values nobody knows.
fn without_direction(built: &Built, metric: &str) -> String {
    let is_published = !built
        .metrics
        .validation
        .names()
        .iter()
        .any(|name| name == metric);
    let reason = match is_published {
        true => "a callback publishes it, and only the recipe can say which values are better;",
        false => {
            "it does not say how good detections are: watch another, such as `mAP@0.50:0.95`, or"
        }
    };
    format!("`metric_to_watch: {metric}`: {reason} write `{DIRECTION}: true` or `false`")
}

/// The key of the better direction.
const DIRECTION: &str = "greater_metric_to_watch_is_better";

/// The line of a key, or of the section that it is missing from.
pub(super) fn place<'a>(recipe: &'a Recipe, key: &str) -> &'a Node {
    let section = recipe.resolved.get("training_hyperparams");
    let node = section.and_then(|section| section.get(key).or(Some(section)));
    node.unwrap_or(&recipe.resolved)
}

/// The metric of a split that a recipe means: by its name here or in the log (`valid/Accuracy`), as Keras writes it
/// (`val_loss`), or as SuperGradients finds it, blind to case and punctuation and with losses by their class.
pub(super) fn name_of<'a>(
    written: &str,
    split: Split,
    known: &'a [String],
    loss: &str,
) -> Option<&'a str> {
    let prefixes: &[&str] = match split {
        Split::Train => &["train/", "train_"],
        Split::Validation => &["valid/", "valid_", "val/", "val_"],
        Split::Test => &["test/", "test_"],
    };
    let mut prefixes = prefixes.iter();
    let short = prefixes.find_map(|prefix| written.strip_prefix(prefix));
    let short = short.unwrap_or(written);
    let part = match short.split_once('/') {
        Some((owner, part)) if is_loss(owner, loss) => part,
        None if is_loss(short, loss) => "loss",
        _ => short,
    };
    [written, short, part]
        .into_iter()
        .find_map(|name| find(name, known))
}

/// The one metric of a name, exactly or but for case and punctuation.
fn find<'a>(name: &str, known: &'a [String]) -> Option<&'a str> {
    let exact = known.iter().find(|known| *known == name);
    let mut alike = known.iter().filter(|known| letters(known) == letters(name));
    let only = alike.next().filter(|_| alike.next().is_none());
    exact.or(only).map(String::as_str)
}

/// True for the class of the loss, under PyTorch's name or SuperGradients'.
fn is_loss(name: &str, loss: &str) -> bool {
    let names = [loss, "LabelSmoothingCrossEntropyLoss"];
    let smoothed = usize::from(loss == "CrossEntropyLoss");
    let mut names = names[..=smoothed].iter();
    names.any(|known| letters(known) == letters(name))
}

fn letters(name: &str) -> String {
    let letters = name.chars().filter(|letter| letter.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}

/// The way to a metric that is there, or to the one that is watched.
fn remedy(
    recipe: &Recipe,
    computed: &[String],
    ranked: &[&String],
    published: &[String],
) -> String {
    let watched = &recipe.training_hyperparams.metric_to_watch;
    let last = |name: &String| name.rsplit('/').next() == Some(watched.as_str());
    let parts: Vec<String> = computed.iter().filter(|name| last(name)).cloned().collect();
    let is_default = place(recipe, "metric_to_watch").as_str().is_none();
    match (watched.contains('/'), published) {
        _ if !parts.is_empty() => format!("write one of {}", parts.join(", ")),
        (false, _) if is_default => format!(
            "it is watched where nothing else is written: write `metric_to_watch: {}`",
            worth_watching(ranked)
        ),
        (false, _) => "add it to `valid_metrics_list`".to_owned(),
        (true, []) => "no callback of this recipe lists a metric that it publishes".to_owned(),
        (true, names) => format!("callbacks publish {}", names.join(", ")),
    }
}

/// The metric to suggest, among those whose better values are known: the mean precision of detections, or the last.
fn worth_watching<'a>(ranked: &[&'a String]) -> &'a str {
    let of_boxes = ranked.iter().find(|name| name.starts_with("mAP"));
    let found = of_boxes.or(ranked.last());
    found.map_or("loss", |name| name.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_have_the_names_of_logs_and_of_other_trainers() {
        let known = ["loss", "Accuracy", "Top5", "mAP@0.50", "color/Accuracy"].map(str::to_owned);
        for (written, split, expected) in [
            ("Accuracy", Split::Validation, Some("Accuracy")),
            ("accuracy", Split::Validation, Some("Accuracy")),
            ("valid/Accuracy", Split::Validation, Some("Accuracy")),
            ("val_loss", Split::Validation, Some("loss")),
            ("train/loss", Split::Train, Some("loss")),
            ("train/loss", Split::Validation, None),
            ("top-5", Split::Validation, Some("Top5")),
            ("map@0.50", Split::Validation, Some("mAP@0.50")),
            ("CrossEntropyLoss", Split::Validation, Some("loss")),
            (
                "LabelSmoothingCrossEntropyLoss",
                Split::Validation,
                Some("loss"),
            ),
            ("CrossEntropyLoss/loss", Split::Validation, Some("loss")),
            (
                "valid/color/accuracy",
                Split::Validation,
                Some("color/Accuracy"),
            ),
            ("publisher/Accuracy", Split::Validation, None),
            ("MSELoss", Split::Validation, None),
        ] {
            let found = name_of(written, split, &known, "CrossEntropyLoss");
            assert_eq!(found, expected, "{written}");
        }
    }
}

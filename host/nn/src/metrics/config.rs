//! [`MetricConfig`]: one entry of a recipe's list of metrics. Owns the names of its values and the choice of the tensors
//! that it compares; counts nothing.

use std::rc::Rc;

use anyhow::{Context, Result, anyhow, bail};
use phasebox_contract::printable;
use serde_json::Value;
use torch_ext::Items;

use super::metric::{Count, Metric, Seen};
use super::totals::Rule;
use super::{BatchItems, Metrics, find};
use crate::chosen::Chosen;
use crate::refusal;

/// A metric of a recipe, ready to be counted in as many [`Metrics`] as needed.
#[derive(Clone)]
pub struct MetricConfig {
    /// The name of its value, or what the names of its values begin with.
    pub(super) key: String,
    pub(super) names: Vec<String>,
    chosen: Chosen,
    pub(super) metric: Rc<dyn Metric>,
}

impl MetricConfig {
    /// One entry of `train_metrics_list` or `valid_metrics_list`: a name, or a name with its parameters
    /// (`TopK: {k: 3}`). Beside its own it has `preds` and `target`, which choose what it compares where there are
    /// several; what it chooses is then put before its name: `color/Accuracy`.
    ///
    /// # Errors
    /// Neither form; an unknown metric (with the list and the nearest name); an unknown or mistyped parameter.
    pub fn from_value(entry: &Value) -> Result<MetricConfig> {
        match entry {
            Value::String(name) => MetricConfig::parse(name, &Value::Null),
            Value::Object(map) if map.len() == 1 => {
                let (name, params) = map.iter().next().context("a map of one has an entry")?;
                MetricConfig::parse(name, params)
            }
            other => bail!("a metric is a name or `Name: {{parameters}}`, not {other}"),
        }
    }

    /// Its values over one batch, in [`Metrics`] of its own. Waits for the device.
    ///
    /// # Errors
    /// As [`Metrics::gather`].
    pub fn of_batch(&self, batch: &BatchItems<'_>) -> Result<Vec<(String, f64)>> {
        let mut metrics = Metrics::new(std::slice::from_ref(self), &[])?;
        metrics.update(batch.preds, batch.target)?;
        metrics.gather(batch)?;
        metrics.compute()
    }

    fn parse(name: &str, block: &Value) -> Result<MetricConfig> {
        let (name, read) = find(name)?;
        let (chosen, own) = Chosen::take(&format!("metric `{name}`"), block)?;
        let metric = read(name, &own)?;
        let mut key = metric.key().unwrap_or_else(|| name.to_owned());
        let prefix = chosen.name().map(|chosen| format!("{chosen}/"));
        let prefix = prefix.unwrap_or_default();
        key.insert_str(0, &prefix);
        let several = metric.value_names().into_iter();
        let mut names: Vec<String> = several.map(|name| format!("{prefix}{name}")).collect();
        if names.is_empty() {
            names.push(key.clone());
        }
        for value in &names {
            printable::check_value_name(value).with_context(|| format!("metric `{name}`"))?;
        }
        Ok(MetricConfig {
            key,
            names,
            chosen,
            metric,
        })
    }

    /// True if a greater value of that name is better; nothing for one that is no measure.
    pub(super) fn greater_is_better(&self, name: &str) -> Option<bool> {
        let place = self.names.iter().position(|known| known == name)?;
        let own = self.metric.value_names();
        let own = own.get(place).map_or(name, String::as_str);
        self.metric.greater_is_better(own)
    }

    /// The refusal of a value that another metric gives too.
    pub(super) fn says_as(&self, other: &str, value: &str) -> String {
        let remedy = match value.contains("Best_score_threshold") {
            true => "set `calc_best_score_thresholds: false` in one of them",
            false => "keep one of them",
        };
        format!(
            "metric `{}` gives `{value}`, as `{other}` does: {remedy}",
            self.key
        )
    }

    /// The addend of a batch, whose values are looked at if it is the `first`.
    pub(super) fn count(&self, batch: &BatchItems<'_>, first: bool) -> Result<Count> {
        let reads = self.metric.reads();
        let chosen = self.chosen.of_usual(batch.preds, batch.target, reads);
        let chosen = chosen.map_err(|error| match reads {
            Some(name) => anyhow!("{error:#}: {}", only_in_evaluation(name)),
            None => error,
        });
        let counted = chosen.and_then(|(preds, target)| {
            let seen = Seen {
                preds,
                target,
                inputs: batch.inputs.and_then(Items::one),
                additional: batch.additional,
            };
            self.count_seen(&seen, first)
                .map_err(|error| refusal::of_pair(preds, target, &error))
        });
        counted.map_err(|error| anyhow!("metric `{}` {error:#}", self.key))
    }

    fn count_seen(&self, seen: &Seen<'_>, first: bool) -> Result<Count> {
        let count = match self.metric.rule() {
            Rule::Add => self.metric.count(seen.preds, seen.target)?,
            Rule::Append => self.metric.rows(seen)?,
        };
        if first {
            self.metric.look_at(seen.preds, seen.target)?;
        }
        Ok(count)
    }
}

fn only_in_evaluation(name: &str) -> String {
    format!(
        "a detection network gives `{name}` in evaluation alone; is the metric meant for `valid_metrics_list`?"
    )
}

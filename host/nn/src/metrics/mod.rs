//! Metrics by name, and [`Metrics`]: the running totals of one pass over a loader. Owns accumulation on the device
//! and its one read; knows neither loops nor logs, nor which metric is watched.
//!
//! Totals are int64 or float64 and added to in place: counts are exact, sums do not depend on how a device splits
//! work across batches, and an update can be part of a captured graph.
mod classification;
mod regression;
#[cfg(test)]
mod tests;
mod totals;

use anyhow::{Context, Result, anyhow, bail, ensure};
use phasebox_contract::suggest;
use serde::Deserialize;
use serde_json::Value;
use tch::{Device, Kind, Tensor, no_grad};
use totals::Totals;

use crate::params;
use crate::refusal;

/// Every metric a recipe can name, whatever the case. `Top5` is `TopK: {k: 5}`, and so for every number.
pub const METRICS: [&str; 6] = ["Accuracy", "Top5", "TopK", "F1", "MAE", "MSE"];

/// A metric with its parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricConfig {
    /// Share of samples whose highest prediction is the target; for one logit a sample, its sign.
    Accuracy,
    /// Share of samples whose target is among the `k` highest predictions.
    TopK {
        /// At least 1, at most the number of classes.
        k: i64,
    },
    /// F1 score of each class present in predictions or target, averaged (macro, as scikit-learn).
    F1,
    /// Mean absolute error.
    Mae,
    /// Mean squared error.
    Mse,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TopKParams {
    k: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NoParams {}

impl MetricConfig {
    /// One entry of `train_metrics_list` or `valid_metrics_list`: a name, or a name with its parameters
    /// (`TopK: {k: 3}`).
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

    /// The metric `name` with its parameters.
    ///
    /// # Errors
    /// As [`MetricConfig::from_value`].
    pub fn parse(name: &str, block: &Value) -> Result<MetricConfig> {
        let name = suggest::fuzzy(name, &METRICS).unwrap_or(name);
        let owner = format!("metric `{name}`");
        if name == "TopK" {
            let TopKParams { k } = params::read(&owner, block)?;
            ensure!(k > 0, "parameters of {owner}: `k` must be at least 1");
            return Ok(MetricConfig::TopK { k });
        }
        let NoParams {} = params::read(&owner, block)?;
        match name {
            "Accuracy" => Ok(MetricConfig::Accuracy),
            "F1" => Ok(MetricConfig::F1),
            "MAE" => Ok(MetricConfig::Mae),
            "MSE" => Ok(MetricConfig::Mse),
            _ => numbered_top(name)
                .ok_or_else(|| anyhow!(suggest::unknown("metric", name, &METRICS))),
        }
    }

    /// The key of its value: as in the recipe, and `Top3` for `TopK: {k: 3}`.
    pub fn name(&self) -> String {
        match self {
            MetricConfig::Accuracy => "Accuracy".to_owned(),
            MetricConfig::TopK { k } => format!("Top{k}"),
            MetricConfig::F1 => "F1".to_owned(),
            MetricConfig::Mae => "MAE".to_owned(),
            MetricConfig::Mse => "MSE".to_owned(),
        }
    }

    /// What one batch adds to the totals.
    fn count(&self, preds: &Tensor, target: &Tensor) -> Result<Count> {
        match self {
            MetricConfig::Accuracy => classification::accuracy(preds, target),
            MetricConfig::TopK { k } => classification::top_k(*k, preds, target),
            MetricConfig::F1 => classification::confusion(preds, target),
            MetricConfig::Mae => regression::absolute(preds, target),
            MetricConfig::Mse => regression::squared(preds, target),
        }
    }

    /// The metric from its totals.
    fn value(&self, sums: &[f64], elements: f64) -> f64 {
        match self {
            MetricConfig::F1 => classification::macro_f1(sums),
            _ => sums.iter().sum::<f64>() / elements,
        }
    }
}

fn numbered_top(name: &str) -> Option<MetricConfig> {
    let k = name.strip_prefix("Top")?.parse().ok().filter(|k| *k > 0)?;
    Some(MetricConfig::TopK { k })
}

/// Whether a higher value of the metric `name` is the better one. False for losses and errors, and for any name that
/// is not a metric's.
pub fn greater_is_better(name: &str) -> bool {
    name == "Accuracy" || name == "F1" || numbered_top(name).is_some()
}

/// One batch's addend: sums (1-d, int64 or float64) over so many elements.
struct Count {
    sums: Tensor,
    elements: i64,
}

/// Loss items and metrics of one pass over a loader.
pub struct Metrics {
    loss_names: Vec<String>,
    loss: Totals,
    metrics: Vec<(MetricConfig, Totals)>,
}

impl Metrics {
    /// Empty totals for the criterion's items (`Criterion::item_names`) and the recipe's metrics.
    ///
    /// # Errors
    /// Two of one name.
    pub fn new(configs: &[MetricConfig], loss_names: &[&str]) -> Result<Metrics> {
        let metrics = Metrics {
            loss_names: loss_names.iter().map(|name| (*name).to_owned()).collect(),
            loss: Totals::default(),
            metrics: configs
                .iter()
                .map(|config| (*config, Totals::default()))
                .collect(),
        };
        let mut names = metrics.names();
        names.sort();
        if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            bail!("metric `{}` is there twice", pair[0]);
        }
        Ok(metrics)
    }

    /// The keys of [`Metrics::compute`], in its order: loss items, then metrics as configured.
    pub fn names(&self) -> Vec<String> {
        let metrics = self.metrics.iter().map(|(config, _)| config.name());
        self.loss_names.iter().cloned().chain(metrics).collect()
    }

    /// Back to nothing seen. The totals keep their memory. No sync.
    ///
    /// # Errors
    /// Only a device's.
    pub fn reset(&mut self) -> Result<()> {
        self.totals_mut().try_for_each(|(_, totals)| totals.reset())
    }

    /// Adds one batch. For classification `preds` `[N, C, …]` and `target` class indices `[N, …]` or probabilities
    /// `[N, C, …]` (their highest class counts); for regression equal shapes. No sync.
    ///
    /// # Errors
    /// Shapes that do not go together, in words; totals of metrics before the failing one then hold the batch.
    pub fn update(&mut self, preds: &Tensor, target: &Tensor) -> Result<()> {
        no_grad(|| {
            for (config, totals) in &mut self.metrics {
                let counted = config
                    .count(preds, target)
                    .and_then(|count| totals.add(&count));
                counted.map_err(|error| refusal(config, preds, target, &error))?;
            }
            Ok(())
        })
    }

    /// Adds one batch's loss items (`LossOutput::items`), weighted by its size, so that [`Metrics::compute`] gives the mean over
    /// samples and not over batches. No sync.
    ///
    /// # Errors
    /// Another number of items than named.
    pub fn update_loss(&mut self, items: &Tensor, batch_size: i64) -> Result<()> {
        let named = self.loss_names.len() as i64;
        ensure!(
            items.size() == [named],
            "{named} loss items are named, got {}",
            torch_ext::described(items)
        );
        no_grad(|| {
            let sums = items.f_to_kind(Kind::Double)?.f_mul_scalar(batch_size)?;
            self.loss.add(&Count {
                sums,
                elements: batch_size,
            })
        })
    }

    /// The mean of the first loss item so far, 0-d float64 on its device, or nothing before the first batch. No sync.
    ///
    /// # Errors
    /// Only a device's.
    pub fn mean_loss(&self) -> Result<Option<Tensor>> {
        no_grad(|| self.loss.first_mean())
    }

    /// The values so far, in the order of [`Metrics::names`], without those that have seen nothing. **One sync** for all.
    ///
    /// # Errors
    /// Only a device's.
    pub fn compute(&self) -> Result<Vec<(String, f64)>> {
        let mut numbers = Numbers::read(self.totals().filter_map(|(_, totals)| totals.flat()))?;
        let mut values = Vec::new();
        if let Some((sums, samples)) = numbers.take(&self.loss) {
            values.extend(
                self.loss_names
                    .iter()
                    .cloned()
                    .zip(sums.iter().map(|sum| sum / samples)),
            );
        }
        for (config, totals) in &self.metrics {
            if let Some((sums, elements)) = numbers.take(totals) {
                values.push((config.name(), config.value(&sums, elements)));
            }
        }
        Ok(values)
    }

    /// The totals by name, for a checkpoint in mid-epoch (or a sum over ranks): shallow handles. No sync.
    pub fn state(&self) -> Vec<(String, Tensor)> {
        self.totals()
            .flat_map(|(name, totals)| totals.state(&name))
            .collect()
    }

    /// Takes the totals of a [`Metrics::state`] (copied, on `device`); what it does not name has seen nothing.
    /// Continuing from it gives the same bits as never having stopped.
    ///
    /// # Errors
    /// A name that no metric here has.
    pub fn load_state(&mut self, state: &[(String, Tensor)], device: Device) -> Result<()> {
        let known: Vec<String> = self
            .totals()
            .flat_map(|(name, _)| Totals::names(&name))
            .collect();
        if let Some((stranger, _)) = state.iter().find(|(name, _)| !known.contains(name)) {
            bail!(
                "the saved totals `{stranger}` belong to no metric of this recipe ({})",
                self.names().join(", ")
            );
        }
        self.totals_mut()
            .try_for_each(|(name, totals)| totals.load(&name, state, device))
    }

    fn totals(&self) -> impl Iterator<Item = (String, &Totals)> {
        let metrics = self
            .metrics
            .iter()
            .map(|(config, totals)| (config.name(), totals));
        std::iter::once((LOSS_ITEMS.to_owned(), &self.loss)).chain(metrics)
    }

    fn totals_mut(&mut self) -> impl Iterator<Item = (String, &mut Totals)> {
        let metrics = self
            .metrics
            .iter_mut()
            .map(|(config, totals)| (config.name(), totals));
        std::iter::once((LOSS_ITEMS.to_owned(), &mut self.loss)).chain(metrics)
    }
}

/// What the saved totals of all loss items together are called.
const LOSS_ITEMS: &str = "loss_items";

fn refusal(
    config: &MetricConfig,
    preds: &Tensor,
    target: &Tensor,
    error: &anyhow::Error,
) -> anyhow::Error {
    let owner = format!("metric `{}`", config.name());
    refusal::of_pair(&owner, preds, target, error)
}

/// All totals on the CPU, handed out in the order they were read.
struct Numbers(std::vec::IntoIter<f64>);

impl Numbers {
    fn read(parts: impl Iterator<Item = Result<Tensor>>) -> Result<Numbers> {
        let parts = parts.collect::<Result<Vec<_>>>()?;
        if parts.is_empty() {
            return Ok(Numbers(Vec::new().into_iter()));
        }
        let numbers = Tensor::f_cat(&parts, 0)?.f_to_device(Device::Cpu)?;
        Ok(Numbers(Vec::<f64>::try_from(&numbers)?.into_iter()))
    }

    /// Sums and elements of `totals`, if it has seen anything.
    fn take(&mut self, totals: &Totals) -> Option<(Vec<f64>, f64)> {
        let mut sums: Vec<f64> = self.0.by_ref().take(totals.width()?).collect();
        let elements = sums.pop().filter(|count| *count > 0.0)?;
        Some((sums, elements))
    }
}

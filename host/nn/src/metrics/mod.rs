//! Metrics by name, and [`Metrics`]: the running totals of one pass over a loader. Owns accumulation on the device
//! and its one read; knows neither loops nor logs, nor which metric is watched.
//!
//! Totals are int64 or float64 and added to in place: counts are exact, sums do not depend on how a device splits
//! work across batches, and an update can be part of a recorded step. A metric whose value needs every sample at once
//! gathers rows instead; they grow from batch to batch, so [`Metrics::gather`] stays outside of recorded steps.
//!
//! **To add a metric**: one file here, or a place in one, with its parameters (a struct with `deny_unknown_fields`)
//! that implements [`Metric`]; one row in [`METRICS`]; rows in `tests/reference/metrics.py`.

mod auroc;
mod classification;
mod config;
mod detection;
mod metric;
mod regression;
#[cfg(test)]
mod tests;
mod totals;

use std::collections::HashMap;
use std::rc::Rc;

use anyhow::{Context, Result, anyhow, bail, ensure};
use phasebox_contract::{missing, suggest};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tch::{Device, Kind, Tensor, no_grad};
use torch_ext::Items;

use auroc::Auroc;
use classification::{Accuracy, F1, PrecisionRecall, TopK};
pub use config::MetricConfig;
use detection::coco::CocoMetrics;
use metric::{Count, Metric};
use regression::{Mae, Mse};
use totals::{Rule, Totals};

use crate::detection::post_prediction::PostPrediction;
use crate::missing::METRICS as NOT_THERE;
use crate::params;

/// Every metric a recipe can name, whatever the case. Beside `Top5` there is a name for every other number.
const METRICS: &[(&str, Read)] = &[
    ("Accuracy", read::<Accuracy>),
    ("Top5", read_numbered),
    ("TopK", read::<TopK>),
    ("F1", read::<F1>),
    ("PrecisionRecall", read::<PrecisionRecall>),
    ("AUROC", read::<Auroc>),
    ("MAE", read::<Mae>),
    ("MSE", read::<Mse>),
    ("DetectionMetrics", detection::read),
    ("DetectionMetrics_050", detection::read),
    ("DetectionMetrics_075", detection::read),
    ("DetectionMetrics_050_095", detection::read),
    ("CocoMetrics", read::<CocoMetrics>),
];

/// Reads the parameters of the metric of that name.
type Read = fn(&str, &Value) -> Result<Rc<dyn Metric>>;

fn read<M: Metric + DeserializeOwned + 'static>(
    name: &str,
    block: &Value,
) -> Result<Rc<dyn Metric>> {
    let owner = format!("metric `{name}`");
    let metric: M = params::read(&owner, block)?;
    metric
        .check()
        .map_err(|error| anyhow!("parameters of {owner}: {error}"))?;
    Ok(Rc::new(metric))
}

/// `Top5` is `TopK: {k: 5}`, and so on for every number.
fn read_numbered(name: &str, block: &Value) -> Result<Rc<dyn Metric>> {
    let NoParams {} = params::read(&format!("metric `{name}`"), block)?;
    let k = number(name).with_context(|| format!("metric `{name}` has no number"))?;
    Ok(Rc::new(TopK { k }))
}

/// The number of a name such as `Top5`.
fn number(name: &str) -> Option<i64> {
    let number = name.strip_prefix("Top").and_then(|k| k.parse().ok());
    number.filter(|k| *k > 0)
}

/// The metric that a recipe calls `name`: as it is written here, and the reader of its parameters.
fn find(name: &str) -> Result<(&str, Read)> {
    let names: Vec<&str> = METRICS.iter().map(|(name, _)| *name).collect();
    let known = suggest::fuzzy(name, &names);
    let row = METRICS.iter().find(|(row, _)| Some(*row) == known);
    match row {
        Some((name, read)) => Ok((name, *read)),
        None if number(name).is_some() => Ok((name, read_numbered)),
        None => Err(anyhow!(missing::refusal("metric", name, &names, NOT_THERE))),
    }
}

/// Refuses a name that no metric has.
///
/// # Errors
/// The remedy for a metric of SuperGradients that is not there yet; "did you mean" for any other name.
pub fn check_name(name: &str) -> Result<()> {
    find(name).map(drop)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NoParams {}

/// The tensors of a batch that metrics may read.
#[derive(Clone, Copy)]
pub struct BatchItems<'a> {
    /// The network's predictions.
    pub preds: &'a Items,
    /// The target, or several.
    pub target: &'a Items,
    /// The network's inputs, whose size bounds boxes.
    pub inputs: Option<&'a Items>,
    /// Additions of the collation, beside inputs and target.
    pub additional: Option<&'a Items>,
}

impl<'a> BatchItems<'a> {
    fn of_pair(preds: &'a Items, target: &'a Items) -> BatchItems<'a> {
        BatchItems {
            preds,
            target,
            inputs: None,
            additional: None,
        }
    }
}

/// Items of losses that say how much was compared, and not how well it fits.
const COUNTS: [&str; 1] = ["num_fg"];

/// Items of losses that are sums over matched cells: a 0 says that nothing matched in the whole pass, and no box is good.
const OF_MATCHES: [&str; 2] = ["iou", "cls"];

/// Loss items and metrics of one pass over a loader.
pub struct Metrics {
    loss_names: Vec<String>,
    loss: Totals,
    metrics: Vec<(MetricConfig, Totals)>,
    /// The rules whose metrics have looked at the values of a batch.
    looked: Vec<Rule>,
}

impl Metrics {
    /// Empty totals for the criterion's items (`Criterion::item_names`) and the recipe's metrics.
    ///
    /// # Errors
    /// Two metrics of one name.
    pub fn new(configs: &[MetricConfig], loss_names: &[String]) -> Result<Metrics> {
        let totals = |config: &MetricConfig| Totals::new(config.metric.rule());
        let metrics = Metrics {
            loss_names: loss_names.to_vec(),
            loss: Totals::new(Rule::Add),
            metrics: configs
                .iter()
                .map(|config| (config.clone(), totals(config)))
                .collect(),
            looked: Vec::new(),
        };
        metrics.check_names()?;
        Ok(metrics)
    }

    /// Refuses two metrics of one name, and two that give a value of one name.
    fn check_names(&self) -> Result<()> {
        let mut givers: HashMap<&str, &str> = HashMap::new();
        let of_loss = self.loss_names.iter();
        givers.extend(of_loss.map(|name| (name.as_str(), "the loss")));
        for (config, _) in &self.metrics {
            let key = config.key.as_str();
            for name in &config.names {
                match givers.insert(name, key) {
                    Some(other) if other == key => bail!("metric `{key}` is there twice: keep one"),
                    Some(other) => bail!("{}", config.says_as(other, name)),
                    None => {}
                }
            }
        }
        Ok(())
    }

    /// The keys of [`Metrics::compute`], in its order: loss items, then metrics as configured.
    pub fn names(&self) -> Vec<String> {
        let metrics = self.metrics.iter().flat_map(|(config, _)| &config.names);
        self.loss_names.iter().chain(metrics).cloned().collect()
    }

    /// True if a greater value of that name is better, false for errors and losses; nothing for a name that is not there
    /// and for a value that is no measure, such as a count.
    pub fn greater_is_better(&self, name: &str) -> Option<bool> {
        if self.loss_names.iter().any(|known| known == name) {
            return (!COUNTS.contains(&name)).then_some(false);
        }
        let mut configs = self.metrics.iter().map(|(config, _)| config);
        let config = configs.find(|config| config.names.iter().any(|known| known == name));
        config?.greater_is_better(name)
    }

    /// The way from a network's output to detections, as the first metric of those has it.
    pub fn post_prediction(&self) -> Option<PostPrediction> {
        let mut metrics = self.metrics.iter();
        metrics.find_map(|(config, _)| config.metric.post_prediction())
    }

    /// Sets all totals to zero; they keep their memory. No sync.
    ///
    /// # Errors
    /// Only the device's.
    pub fn reset(&mut self) -> Result<()> {
        self.totals_mut().try_for_each(|(_, totals)| totals.reset())
    }

    /// Adds one batch to the metrics that are sums. For classification `preds` `[N, C, …]` and `target` class indices
    /// `[N, …]` or probabilities `[N, C, …]` (the most probable class counts); for regression equal shapes. Waits for the
    /// device at the first batch, whose values are looked at; later batches do not sync.
    ///
    /// # Errors
    /// Shapes that do not go together, in words; the totals of the metrics before the failing one then hold the batch.
    pub fn update(&mut self, preds: &Items, target: &Items) -> Result<()> {
        self.count(Rule::Add, &BatchItems::of_pair(preds, target))
    }

    /// Adds one batch to the metrics that gather rows. Waits as [`Metrics::update`] does; metrics of detections wait at
    /// each batch.
    ///
    /// # Errors
    /// As [`Metrics::update`]; more rows than a pass may gather.
    pub fn gather(&mut self, batch: &BatchItems<'_>) -> Result<()> {
        self.count(Rule::Append, batch)
    }

    /// True if there is a metric that [`Metrics::gather`] is for.
    pub fn gathers(&self) -> bool {
        let mut metrics = self.metrics.iter();
        metrics.any(|(config, _)| config.metric.rule() == Rule::Append)
    }

    fn count(&mut self, rule: Rule, batch: &BatchItems<'_>) -> Result<()> {
        let first = !self.looked.contains(&rule);
        if first {
            self.looked.push(rule);
        }
        no_grad(|| {
            for (config, totals) in &mut self.metrics {
                if config.metric.rule() == rule {
                    let count = config.count(batch, first)?;
                    totals
                        .add(&count)
                        .map_err(|error| anyhow!("metric `{}`: {error:#}", config.key))?;
                }
            }
            Ok(())
        })
    }

    /// Adds one batch's loss items (`LossOutput::items`), weighted by the batch's size, so that [`Metrics::compute`]
    /// gives the mean over samples and not over batches. No sync.
    ///
    /// # Errors
    /// A number of items that differs from the number of names.
    pub fn update_loss(&mut self, items: &Tensor, batch_size: i64) -> Result<()> {
        let named = self.loss_names.len() as i64;
        ensure!(
            items.size() == [named],
            "{named} loss items are named, got {}",
            torch_ext::described(items)
        );
        no_grad(|| {
            self.loss.add(&Count {
                numbers: items.f_to_kind(Kind::Double)?.f_mul_scalar(batch_size)?,
                elements: batch_size,
            })
        })
    }

    /// The mean of the first loss item so far, 0-d float64 on the items' device, or nothing before the first batch.
    /// No sync.
    ///
    /// # Errors
    /// Only the device's.
    pub fn mean_loss(&self) -> Result<Option<Tensor>> {
        no_grad(|| self.loss.first_mean())
    }

    /// The values so far, in the order of [`Metrics::names`]. Metrics that have seen no batch are left out. **One sync**
    /// for all.
    ///
    /// # Errors
    /// Only the device's.
    pub fn compute(&self) -> Result<Vec<(String, f64)>> {
        let mut numbers = Numbers::read(self.totals().filter_map(|(_, totals)| totals.flat()))?;
        let mut values = Vec::new();
        if let Some((sums, samples)) = numbers.take(&self.loss) {
            for (name, sum) in self.loss_names.iter().zip(sums) {
                values.push((name.clone(), of_pass(name, sum / samples)));
            }
        }
        for (config, totals) in &self.metrics {
            if let Some((totals, elements)) = numbers.take(totals) {
                let several = config.metric.values(&totals, elements);
                let several =
                    several.map_err(|error| anyhow!("metric `{}`: {error:#}", config.key))?;
                values.extend(config.names.iter().cloned().zip(several));
            }
        }
        Ok(values)
    }

    /// The totals by name, for a checkpoint in mid-epoch: shallow handles, but for rows, which are joined. No sync.
    ///
    /// # Errors
    /// Only the device's.
    pub fn state(&self) -> Result<Vec<(String, Tensor)>> {
        let mut state = Vec::new();
        for (name, totals) in self.totals() {
            state.extend(totals.state(name)?);
        }
        Ok(state)
    }

    /// Handles to the totals that [`Metrics::update`] changes in place, by name. No sync.
    pub fn sums(&self) -> Vec<(String, Tensor)> {
        let totals = self.totals();
        totals
            .flat_map(|(name, totals)| totals.sums(name))
            .collect()
    }

    /// Takes the totals of a [`Metrics::state`], copied to `device`; metrics that the state does not name start anew.
    /// To continue from them gives the same bits as never to have stopped.
    ///
    /// # Errors
    /// A name that belongs to no metric here.
    pub fn load_state(&mut self, state: &[(String, Tensor)], device: Device) -> Result<()> {
        let known: Vec<String> = self
            .totals()
            .flat_map(|(name, _)| Totals::names(name))
            .collect();
        if let Some((stranger, _)) = state.iter().find(|(name, _)| !known.contains(name)) {
            bail!(
                "the saved totals `{stranger}` belong to no metric of this recipe ({})",
                self.names().join(", ")
            );
        }
        self.totals_mut()
            .try_for_each(|(name, totals)| totals.load(name, state, device))
    }

    /// Adds the totals of another pass over other samples, as a [`Metrics::state`] of the same metrics has them: sums are
    /// added, rows come after the rows here. So the values of several ranks are those of all their samples.
    ///
    /// # Errors
    /// As [`Metrics::load_state`]; totals of another width.
    pub fn merge(&mut self, state: &[(String, Tensor)], device: Device) -> Result<()> {
        let mut other = Metrics {
            loss_names: self.loss_names.clone(),
            loss: Totals::new(Rule::Add),
            metrics: Vec::new(),
            looked: Vec::new(),
        };
        for (config, totals) in &self.metrics {
            let empty = Totals::new(totals.rule());
            other.metrics.push((config.clone(), empty));
        }
        other.load_state(state, device)?;
        no_grad(|| {
            let others = other.totals().map(|(_, totals)| totals);
            let mut pairs = self.totals_mut().zip(others);
            pairs.try_for_each(|((_, own), other)| own.merge(other))
        })
    }

    fn totals(&self) -> impl Iterator<Item = (&str, &Totals)> {
        let metrics = self.metrics.iter();
        let metrics = metrics.map(|(config, totals)| (config.key.as_str(), totals));
        std::iter::once((LOSS_ITEMS, &self.loss)).chain(metrics)
    }

    fn totals_mut(&mut self) -> impl Iterator<Item = (&str, &mut Totals)> {
        let metrics = self.metrics.iter_mut();
        let metrics = metrics.map(|(config, totals)| (config.key.as_str(), totals));
        std::iter::once((LOSS_ITEMS, &mut self.loss)).chain(metrics)
    }
}

/// The mean of a loss item; no number where it is of nothing.
fn of_pass(name: &str, mean: f64) -> f64 {
    match mean == 0.0 && OF_MATCHES.contains(&name) {
        true => f64::NAN,
        false => mean,
    }
}

/// The name of the saved totals of all loss items together.
const LOSS_ITEMS: &str = "loss_items";

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

    /// Sums and elements of `totals`, if it has seen a batch.
    fn take(&mut self, totals: &Totals) -> Option<(Vec<f64>, f64)> {
        let mut sums: Vec<f64> = self.0.by_ref().take(totals.width()?).collect();
        let elements = sums.pop().filter(|count| *count > 0.0)?;
        Some((sums, elements))
    }
}

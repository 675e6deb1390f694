//! [`Metric`], the trait of every metric, and what passes between a metric and its totals. Owns no number.

use anyhow::Result;
use tch::Tensor;
use torch_ext::Items;

use super::totals::Rule;
use crate::detection::post_prediction::PostPrediction;

/// The tensors of a batch, for a metric that compares one prediction with one target.
pub(super) struct Seen<'a> {
    pub(super) preds: &'a Tensor,
    pub(super) target: &'a Tensor,
    /// The network's input, where it is one.
    pub(super) inputs: Option<&'a Tensor>,
    /// The additional items, such as `crowd_targets`.
    pub(super) additional: Option<&'a Items>,
}

/// A metric with its parameters. It owns no tensor: a batch is counted, and the values follow from all counts together.
pub(super) trait Metric {
    /// Refuses parameters out of range, with the name of the key.
    fn check(&self) -> Result<()> {
        Ok(())
    }

    /// The key of the value, where the parameters decide it; otherwise the key is the metric's name.
    fn key(&self) -> Option<String> {
        None
    }

    /// The names of the values, where there are several.
    fn value_names(&self) -> Vec<String> {
        Vec::new()
    }

    /// True unless the values are errors; nothing for one that is no measure. `value` is one of
    /// [`Metric::value_names`], or the metric's key.
    fn greater_is_better(&self, _value: &str) -> Option<bool> {
        Some(true)
    }

    /// The name of the prediction that it reads, of several; without one the recipe says which.
    fn reads(&self) -> Option<&'static str> {
        None
    }

    /// The way from a network's output to detections, for a metric of those.
    fn post_prediction(&self) -> Option<PostPrediction> {
        None
    }

    /// How counts become totals: as sums, unless every sample is needed at once.
    fn rule(&self) -> Rule {
        Rule::Add
    }

    /// Looks at the values of a batch for mistakes that no shape shows. Waits for the device.
    ///
    /// # Errors
    /// Values that the metric is not made for.
    fn look_at(&self, _preds: &Tensor, _target: &Tensor) -> Result<()> {
        Ok(())
    }

    /// The addend of one batch, or its rows. No sync.
    fn count(&self, preds: &Tensor, target: &Tensor) -> Result<Count>;

    /// The rows of one batch for [`Rule::Append`], for a metric that reads more of a batch than a prediction and a
    /// target. Outside of recorded steps; it may wait for the device.
    fn rows(&self, seen: &Seen<'_>) -> Result<Count> {
        self.count(seen.preds, seen.target)
    }

    /// The values from the totals: the sums of all counts, or all rows one after the other. One value, unless
    /// [`Metric::value_names`] names several.
    ///
    /// # Errors
    /// Rows that no count wrote.
    fn values(&self, totals: &[f64], elements: f64) -> Result<Vec<f64>> {
        Ok(vec![totals.iter().sum::<f64>() / elements])
    }
}

/// The share of one batch in a metric's totals.
pub(super) struct Count {
    /// Sums: 1-d, int64 or float64. Rows: `[n, k]`, of any number. On the device of the predictions.
    pub(super) numbers: Tensor,
    /// The number of elements that the sums are over, or of rows.
    pub(super) elements: i64,
}

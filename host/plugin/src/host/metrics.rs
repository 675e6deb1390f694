//! The contract's `metrics`: the running metrics of one split, and the metrics that callbacks publish beside them.

use phasebox_contract::phase::Phase;
use phasebox_nn::metrics::{BatchItems, MetricConfig, Metrics};
use phasebox_train::context::Context;
use phasebox_train::trace::Part;
use wasmtime::component::Resource;

use super::batch_items::{Batched, not_set};
use super::data_loader::split_of;
use crate::bindings::context::HostMetrics;
use crate::bindings::types::{ErrorCode, ScalarEntry};
use crate::error::{HostResult, refuse};
use crate::markers::{MetricsHandle, TensorHandle};
use crate::state::PluginState;

type This = Resource<MetricsHandle>;

/// The phases at which a callback's metric joins those of its split.
const LOADER_ENDS: &[Phase] = &[
    Phase::TrainLoaderEnd,
    Phase::ValidationLoaderEnd,
    Phase::TestLoaderEnd,
];
/// The most names that one callback publishes metrics under.
const MAX_PUBLISHED: usize = 256;

impl PluginState {
    /// Publishes and logs a number as a metric of the split that ends.
    pub(super) fn publish(&mut self, name: &str, value: f64) -> HostResult<()> {
        self.only_at("publish-metric", LOADER_ENDS)?;
        let name = self.log_name(name)?;
        if self.published.len() >= MAX_PUBLISHED && !self.published.contains(&name) {
            return refuse(
                ErrorCode::QuotaExceeded,
                format!("this callback publishes {MAX_PUBLISHED} metrics already"),
            );
        }
        self.published.insert(name.clone());
        let context = self.context()?;
        context.logger.scalar(context.global_step, &name, value)?;
        context.publish(name, value);
        Ok(())
    }

    /// Publishes the value of a tensor of one element. Syncs.
    pub(super) fn publish_tensor(
        &mut self,
        name: &str,
        value: &Resource<TensorHandle>,
    ) -> HostResult<()> {
        self.only_at("publish-metric-tensor", LOADER_ENDS)?;
        let value = self.read_number(value)?;
        self.publish(name, value)
    }

    /// The values of a metric, which is an entry of a recipe's list as JSON, over the batch alone. Syncs.
    pub(super) fn metric_of_batch(&mut self, entry: &str) -> HostResult<Vec<ScalarEntry>> {
        let metric = MetricConfig::from_value(&self.json_value(entry)?)?;
        self.count_sync()?;
        let context = self.context()?;
        let (Some(preds), Some(target)) = (&context.preds, &context.target) else {
            let part = match context.preds {
                None => Part::Preds,
                Some(_) => Part::Target,
            };
            return not_set(context, part, Batched::Preds.set_from());
        };
        let batch = BatchItems {
            preds,
            target,
            inputs: context.inputs.as_ref(),
            additional: Some(&context.additional_batch_items),
        };
        Ok(scalar_entries(&metric.of_batch(&batch)?))
    }
}

impl HostMetrics for PluginState {
    fn names(&mut self, this: This) -> wasmtime::Result<Vec<String>> {
        let context = self.context_or_trap()?;
        Ok(metrics_of(context, &this).names())
    }

    fn compute(&mut self, this: This) -> HostResult<Vec<ScalarEntry>> {
        self.check_trains("running metrics")?;
        self.count_sync()?;
        let context = self.context()?;
        Ok(scalar_entries(&metrics_of(context, &this).compute()?))
    }

    fn drop(&mut self, _: This) -> wasmtime::Result<()> {
        Ok(())
    }
}

fn metrics_of<'a>(context: &'a Context, this: &This) -> &'a Metrics {
    &context.running_metrics[split_of(this.rep())]
}

/// Named values as the contract's records.
pub(super) fn scalar_entries(values: &[(String, f64)]) -> Vec<ScalarEntry> {
    values
        .iter()
        .map(|(name, value)| ScalarEntry {
            name: name.clone(),
            value: *value,
        })
        .collect()
}

//! The contract's `metrics`: the running metrics of one split.

use phasebox_nn::metrics::Metrics;
use phasebox_train::context::Context;
use wasmtime::component::Resource;

use super::data_loader::split_of;
use crate::bindings::context::HostMetrics;
use crate::bindings::types::ScalarEntry;
use crate::error::HostResult;
use crate::markers::MetricsHandle;
use crate::state::PluginState;

type This = Resource<MetricsHandle>;

impl HostMetrics for PluginState {
    fn names(&mut self, this: This) -> wasmtime::Result<Vec<String>> {
        let context = self.context_or_trap()?;
        Ok(metrics_of(context, &this).names())
    }

    fn compute(&mut self, this: This) -> HostResult<Vec<ScalarEntry>> {
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

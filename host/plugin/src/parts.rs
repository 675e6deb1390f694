//! Host side of the trainer's parts in the contract: model, optimizer, criterion, data-loader, metrics and
//! logger. Their handles are plain numbers, so none of this allocates a slot.

use phasebox_contract::grants::Grant;
use phasebox_contract::limits::Limit;
use phasebox_data::DataLoader;
use phasebox_nn::metrics::Metrics;
use phasebox_nn::model::Model;
use phasebox_nn::tensor_group::TensorGroup;
use phasebox_train::logger::{self, Histogram};
use tch::{Kind, Tensor};
use torch_ext::Deferred;
use wasmtime::component::Resource;

use super::bindings::phasebox::train::context::{
    HostCriterion, HostDataLoader, HostLogger, HostMetrics, HostModel, HostOptimizer,
};
use super::bindings::phasebox::train::types::{ErrorCode, ScalarEntry};
use super::context::entries;
use super::error::{HostResult, refusal, refuse};
use super::handles::{
    CriterionHandle, EMA, GroupHandle, LoaderHandle, LoggerHandle, MetricsHandle, ModelHandle,
    OptimizerHandle, Owner, TEST, TRAIN, TensorHandle,
};
use super::store::{MAX_RESULT_ELEMENTS, PluginState, clip};

impl PluginState {
    fn model(&mut self, this: &Resource<ModelHandle>) -> HostResult<&Model> {
        let context = self.context()?;
        match (this.rep(), &context.ema_model) {
            (EMA, Some(ema)) => Ok(ema.model()),
            (EMA, None) => refuse(ErrorCode::NotAvailable, "this run keeps no moving average"),
            _ => Ok(&context.net),
        }
    }

    fn loader(&mut self, this: &Resource<LoaderHandle>) -> HostResult<&mut DataLoader> {
        let context = self.context()?;
        match this.rep() {
            TRAIN => Ok(&mut context.train_loader),
            TEST => context
                .test_loader
                .as_mut()
                .ok_or_else(|| refusal(ErrorCode::NotAvailable, "this run has no test set")),
            _ => Ok(&mut context.valid_loader),
        }
    }

    fn running_metrics(&mut self, this: &Resource<MetricsHandle>) -> HostResult<&Metrics> {
        let context = self.context()?;
        Ok(match this.rep() {
            TRAIN => &context.train_metrics,
            TEST => &context.test_metrics,
            _ => &context.valid_metrics,
        })
    }
}

fn trapped(error: super::error::HostError) -> wasmtime::Error {
    wasmtime::Error::msg(format!("{error:?}"))
}

impl HostModel for PluginState {
    fn architecture(&mut self, this: Resource<ModelHandle>) -> wasmtime::Result<String> {
        Ok(self
            .model(&this)
            .map_err(trapped)?
            .architecture()
            .to_owned())
    }

    fn parameters(&mut self, this: Resource<ModelHandle>) -> HostResult<Resource<GroupHandle>> {
        let members = self.model(&this)?.parameter_group()?;
        self.lend_group(members, Owner::Parameters)
    }

    fn gradients(&mut self, this: Resource<ModelHandle>) -> HostResult<Resource<GroupHandle>> {
        if this.rep() == EMA {
            return refuse(
                ErrorCode::NotAvailable,
                "the moving average has no gradients",
            );
        }
        self.context()?.optimizer.restore_gradients()?;
        let members = self.model(&this)?.gradient_group()?;
        if members.is_empty() {
            return refuse(
                ErrorCode::NotAvailable,
                "there are gradients from on-train-batch-backward-end of the first batch on",
            );
        }
        self.lend_group(members, Owner::Gradients)
    }

    fn buffers(&mut self, this: Resource<ModelHandle>) -> HostResult<Resource<GroupHandle>> {
        let members = self.model(&this)?.buffer_group()?;
        self.lend_group(members, Owner::Parameters)
    }

    fn freeze(&mut self, this: Resource<ModelHandle>, glob: String) -> HostResult<u32> {
        self.require(Grant::Parameters)?;
        Ok(self.model(&this)?.freeze(&glob)? as u32)
    }

    fn unfreeze(&mut self, this: Resource<ModelHandle>, glob: String) -> HostResult<u32> {
        self.require(Grant::Parameters)?;
        Ok(self.model(&this)?.unfreeze(&glob)? as u32)
    }

    fn drop(&mut self, _: Resource<ModelHandle>) -> wasmtime::Result<()> {
        Ok(())
    }
}

impl HostOptimizer for PluginState {
    fn name(&mut self, _: Resource<OptimizerHandle>) -> wasmtime::Result<String> {
        Ok(self.context().map_err(trapped)?.optimizer.name().to_owned())
    }

    fn group_names(&mut self, _: Resource<OptimizerHandle>) -> wasmtime::Result<Vec<String>> {
        let groups = self.context().map_err(trapped)?.optimizer.groups();
        Ok(groups.iter().map(|group| group.name.clone()).collect())
    }

    fn learning_rate(&mut self, this: Resource<OptimizerHandle>, group: String) -> HostResult<f64> {
        self.hyperparameter(this, group, "lr".to_owned())
    }

    fn set_learning_rate(
        &mut self,
        this: Resource<OptimizerHandle>,
        group: String,
        value: f64,
    ) -> HostResult<()> {
        self.set_hyperparameter(this, group, "lr".to_owned(), value)
    }

    fn hyperparameter(
        &mut self,
        _: Resource<OptimizerHandle>,
        group: String,
        name: String,
    ) -> HostResult<f64> {
        let optimizer = &self.context()?.optimizer;
        let group = if group.is_empty() {
            optimizer.groups().first().map(|group| group.name.clone())
        } else {
            Some(group)
        };
        Ok(optimizer.hyperparameter(&group.unwrap_or_default(), &name)?)
    }

    fn set_hyperparameter(
        &mut self,
        _: Resource<OptimizerHandle>,
        group: String,
        name: String,
        value: f64,
    ) -> HostResult<()> {
        self.require(Grant::Optimizer)?;
        let optimizer = &mut self.context()?.optimizer;
        if !group.is_empty() {
            return Ok(optimizer.set_hyperparameter(&group, &name, value)?);
        }
        let groups: Vec<String> = optimizer
            .groups()
            .iter()
            .map(|group| group.name.clone())
            .collect();
        groups
            .iter()
            .try_for_each(|group| Ok(optimizer.set_hyperparameter(group, &name, value)?))
    }

    fn state(
        &mut self,
        _: Resource<OptimizerHandle>,
        name: String,
    ) -> HostResult<Resource<GroupHandle>> {
        let prefix = format!("{name}/");
        let state = self.context()?.optimizer.state();
        let of_name =
            |(key, tensor): (String, Tensor)| Some((key.strip_prefix(&prefix)?.to_owned(), tensor));
        let named: Vec<_> = state.into_iter().filter_map(of_name).collect();
        if named.is_empty() {
            let known = self.context()?.optimizer.state_names().join(", ");
            return refuse(
                ErrorCode::NotAvailable,
                format!(
                    "the optimizer keeps no `{}` (yet); it keeps: {known}",
                    clip(&name)
                ),
            );
        }
        self.lend_group(TensorGroup::new(named)?, Owner::OptimizerState)
    }

    fn drop(&mut self, _: Resource<OptimizerHandle>) -> wasmtime::Result<()> {
        Ok(())
    }
}

impl HostCriterion for PluginState {
    fn name(&mut self, _: Resource<CriterionHandle>) -> wasmtime::Result<String> {
        Ok(self.context().map_err(trapped)?.criterion.name().to_owned())
    }

    fn parameters(&mut self, _: Resource<CriterionHandle>) -> wasmtime::Result<Vec<String>> {
        Ok(self
            .context()
            .map_err(trapped)?
            .criterion
            .parameters()
            .keys()
            .cloned()
            .collect())
    }

    fn get(&mut self, _: Resource<CriterionHandle>, key: String) -> HostResult<String> {
        Ok(self.context()?.criterion.get(&key)?.to_string())
    }

    fn set(&mut self, _: Resource<CriterionHandle>, key: String, value: String) -> HostResult<()> {
        self.require(Grant::Criterion)?;
        let value = parse_json(&value)?;
        Ok(self.context()?.criterion.set(&key, value)?)
    }

    fn drop(&mut self, _: Resource<CriterionHandle>) -> wasmtime::Result<()> {
        Ok(())
    }
}

fn parse_json(text: &str) -> HostResult<serde_json::Value> {
    serde_json::from_str(text).map_err(|error| {
        refusal(
            ErrorCode::InvalidArgument,
            format!("`{}` is not JSON: {error}", clip(text)),
        )
    })
}

impl HostDataLoader for PluginState {
    fn name(&mut self, this: Resource<LoaderHandle>) -> wasmtime::Result<String> {
        let name = match this.rep() {
            TRAIN => "train",
            TEST => "test",
            _ => "validation",
        };
        Ok(name.to_owned())
    }

    fn batches(&mut self, this: Resource<LoaderHandle>) -> wasmtime::Result<u64> {
        Ok(self.loader(&this).map_err(trapped)?.batches())
    }

    fn samples(&mut self, this: Resource<LoaderHandle>) -> wasmtime::Result<u64> {
        Ok(self.loader(&this).map_err(trapped)?.samples())
    }

    fn batch_size(&mut self, this: Resource<LoaderHandle>) -> wasmtime::Result<u32> {
        Ok(self.loader(&this).map_err(trapped)?.batch_size() as u32)
    }

    fn parameters(&mut self, this: Resource<LoaderHandle>) -> wasmtime::Result<Vec<String>> {
        Ok(self.loader(&this).map_err(trapped)?.parameters())
    }

    fn get(&mut self, this: Resource<LoaderHandle>, key: String) -> HostResult<String> {
        Ok(self.loader(&this)?.get(&key)?.to_string())
    }

    fn set(&mut self, this: Resource<LoaderHandle>, key: String, value: String) -> HostResult<()> {
        self.require(Grant::Loaders)?;
        let value = parse_json(&value)?;
        Ok(self.loader(&this)?.set(&key, value)?)
    }

    fn drop(&mut self, _: Resource<LoaderHandle>) -> wasmtime::Result<()> {
        Ok(())
    }
}

impl HostMetrics for PluginState {
    fn names(&mut self, this: Resource<MetricsHandle>) -> wasmtime::Result<Vec<String>> {
        Ok(self.running_metrics(&this).map_err(trapped)?.names())
    }

    fn compute(&mut self, this: Resource<MetricsHandle>) -> HostResult<Vec<ScalarEntry>> {
        self.count_sync()?;
        Ok(entries(&self.running_metrics(&this)?.compute()?))
    }

    fn drop(&mut self, _: Resource<MetricsHandle>) -> wasmtime::Result<()> {
        Ok(())
    }
}

impl PluginState {
    /// Metric names are namespaced by callback: two callbacks cannot write over each other. Counts a logged value.
    fn log_name(&mut self, own_name: &str) -> HostResult<String> {
        self.charge(Limit::LogValues, 1)?;
        let name = format!("{}/{own_name}", self.name);
        if !self.logged_names.contains(&name) {
            logger::check_name(own_name)?;
            logger::check_name(&name)?;
            self.charge(Limit::MetricNames, 1)?;
            self.logged_names.insert(name.clone());
        }
        Ok(name)
    }

    /// Counts a file, or refuses it.
    fn write_file(&mut self, bytes: u64) -> HostResult<()> {
        self.charge(Limit::Artifacts, bytes)?;
        self.charge(Limit::ArtifactFiles, 1)
    }

    pub(super) fn log_value(&mut self, name: &str, value: f64) -> HostResult<()> {
        let name = self.log_name(name)?;
        let context = self.context()?;
        Ok(context.logger.scalar(context.global_step, &name, value)?)
    }

    /// One element, written when it has arrived.
    pub(super) fn log_tensor(
        &mut self,
        name: &str,
        value: &Resource<TensorHandle>,
    ) -> HostResult<()> {
        let tensor = self.tensor(value)?;
        if torch_ext::numel(tensor) != 1 {
            let message = format!("one element is needed, this tensor is {:?}", tensor.size());
            return refuse(ErrorCode::ShapeMismatch, message);
        }
        let deferred = Deferred::new(tensor)?;
        let name = self.log_name(name)?;
        let context = self.context()?;
        Ok(context
            .logger
            .scalar_deferred(context.global_step, &name, deferred)?)
    }
}

/// Elements of an image to log or write.
const MAX_IMAGE_ELEMENTS: usize = 16 << 20;
/// Bins of a logged histogram.
const MAX_HISTOGRAM_BINS: u32 = 1024;

impl PluginState {
    fn image_tensor(&mut self, image: &Resource<TensorHandle>) -> HostResult<Tensor> {
        let tensor = self.tensor(image)?.shallow_clone();
        if tensor.numel() > MAX_IMAGE_ELEMENTS {
            let message = format!(
                "an image may have {MAX_IMAGE_ELEMENTS} elements, this one has {}",
                tensor.numel()
            );
            return refuse(ErrorCode::TooLarge, message);
        }
        self.count_sync()?;
        self.count_copied(torch_ext::bytes(&tensor))?;
        // Uncompressed: what the file will have is known only when it is made.
        self.write_file(torch_ext::bytes(&tensor))?;
        Ok(tensor.f_detach()?)
    }
}

impl HostLogger for PluginState {
    fn scalar(&mut self, _: Resource<LoggerHandle>, name: String, value: f64) -> HostResult<()> {
        self.log_value(&name, value)
    }

    fn scalar_tensor(
        &mut self,
        _: Resource<LoggerHandle>,
        name: String,
        value: Resource<TensorHandle>,
    ) -> HostResult<()> {
        self.log_tensor(&name, &value)
    }

    fn histogram(
        &mut self,
        _: Resource<LoggerHandle>,
        name: String,
        values: Resource<TensorHandle>,
        bins: u32,
    ) -> HostResult<()> {
        if !(1..=MAX_HISTOGRAM_BINS).contains(&bins) {
            let message = format!("bins must be 1 to {MAX_HISTOGRAM_BINS}, not {bins}");
            return refuse(ErrorCode::InvalidArgument, message);
        }
        let tensor = self.tensor(&values)?.shallow_clone();
        if tensor.numel() as u64 > MAX_RESULT_ELEMENTS || tensor.numel() == 0 {
            return refuse(
                ErrorCode::TooLarge,
                format!("no histogram of {} elements", tensor.numel()),
            );
        }
        self.count_sync()?;
        let histogram = Histogram::of(&tensor.f_detach()?.f_to_kind(Kind::Float)?, bins as usize)?;
        let name = self.log_name(&name)?;
        let context = self.context()?;
        Ok(context
            .logger
            .histogram(context.global_step, &name, &histogram)?)
    }

    fn image(
        &mut self,
        _: Resource<LoggerHandle>,
        name: String,
        image: Resource<TensorHandle>,
    ) -> HostResult<()> {
        let name = self.log_name(&name)?;
        let tensor = self.image_tensor(&image)?;
        let context = self.context()?;
        Ok(context.logger.image(context.global_step, &name, &tensor)?)
    }

    fn text(&mut self, _: Resource<LoggerHandle>, name: String, text: String) -> HostResult<()> {
        self.charge(Limit::HostBytes, text.len() as u64)?;
        let name = self.log_name(&name)?;
        let context = self.context()?;
        Ok(context
            .logger
            .text(context.global_step, &name, &super::error::truncate(text))?)
    }

    fn artifact(
        &mut self,
        _: Resource<LoggerHandle>,
        file_name: String,
        data: Vec<u8>,
    ) -> HostResult<()> {
        self.require(Grant::Files)?;
        phasebox_files::atomic_file::check_file_name(&file_name)?;
        self.charge(Limit::HostBytes, data.len() as u64)?;
        self.write_file(data.len() as u64)?;
        let name = self.name.clone();
        Ok(self.context()?.logger.artifact(&name, &file_name, &data)?)
    }

    fn image_file(
        &mut self,
        _: Resource<LoggerHandle>,
        file_name: String,
        image: Resource<TensorHandle>,
    ) -> HostResult<()> {
        self.require(Grant::Files)?;
        let (tensor, name) = (self.image_tensor(&image)?, self.name.clone());
        Ok(self
            .context()?
            .logger
            .image_file(&name, &file_name, &tensor)?)
    }

    fn drop(&mut self, _: Resource<LoggerHandle>) -> wasmtime::Result<()> {
        Ok(())
    }
}

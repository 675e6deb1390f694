//! The contract's `phase-context`: the context lent for one call, read attribute by attribute, and the
//! functions by which a callback replaces parts of the batch and asks the trainer for something. Each
//! getter is one look at a field; `replacements` and `requests` decide what may be asked for, and when.

use phasebox_component::Profile;
use phasebox_contract::grants::Grant;
use phasebox_contract::phase::Phase;
use phasebox_contract::printable::one_line;
use phasebox_train::split::Split;
use phasebox_train::trace::Part;
use wasmtime::component::Resource;

use super::argument_checks::check_word;
use super::batch_items::Batched;
use super::metrics::scalar_entries;
use super::optimizer::LEARNING_RATE;
use super::replacements::{BATCH_STARTS, BEFORE_LOSS, as_loss};
use super::requests::{BEFORE_BACKWARD, BEFORE_STEP, stop_at};
use crate::bindings::context::{Host, HostPhaseContext};
use crate::bindings::types::{ErrorCode, ScalarEntry};
use crate::error::{HostResult, clip, refuse};
use crate::markers::{
    ContextHandle, CriterionHandle, EMA, GroupHandle, LoaderHandle, LoggerHandle, MetricsHandle,
    ModelHandle, NET, ONLY, OptimizerHandle, TEST, TRAIN, TensorHandle, VALIDATION,
};
use crate::owner::Owner;
use crate::state::PluginState;

type This = Resource<ContextHandle>;

impl Host for PluginState {
    fn release(
        &mut self,
        tensors: Vec<Resource<TensorHandle>>,
        groups: Vec<Resource<GroupHandle>>,
    ) -> wasmtime::Result<()> {
        tensors.iter().for_each(|tensor| self.forget_tensor(tensor));
        groups.iter().for_each(|group| self.forget_group(group));
        Ok(())
    }
}

/// A value read from the lent context. Without a context the call traps, which cannot happen: a guest has
/// no handle to one then.
macro_rules! read {
    ($self:ident, $context:ident => $value:expr) => {{
        let $context = $self.context_or_trap()?;
        Ok($value)
    }};
}

impl HostPhaseContext for PluginState {
    fn phase(&mut self, _: This) -> wasmtime::Result<String> {
        read!(self, context => context.phase.name().to_owned())
    }

    fn epoch(&mut self, _: This) -> wasmtime::Result<Option<u32>> {
        read!(self, context => context.epoch)
    }

    fn batch_idx(&mut self, _: This) -> wasmtime::Result<Option<u64>> {
        read!(self, context => context.batch_idx)
    }

    fn global_step(&mut self, _: This) -> wasmtime::Result<u64> {
        read!(self, context => context.global_step)
    }

    fn samples_seen(&mut self, _: This) -> wasmtime::Result<u64> {
        read!(self, context => context.samples_seen)
    }

    fn max_epochs(&mut self, _: This) -> wasmtime::Result<u32> {
        read!(self, context => context.run.max_epochs)
    }

    fn steps_per_epoch(&mut self, _: This) -> wasmtime::Result<u64> {
        read!(self, context => context.steps_per_epoch())
    }

    fn max_steps(&mut self, _: This) -> wasmtime::Result<u64> {
        read!(self, context => context.max_steps())
    }

    fn position(&mut self, _: This) -> wasmtime::Result<(Option<u32>, Option<u64>, u64)> {
        read!(self, context => (context.epoch, context.batch_idx, context.global_step))
    }

    fn progress(&mut self, _: This) -> wasmtime::Result<(u64, u64)> {
        read!(self, context => (context.global_step, context.max_steps()))
    }

    fn is_last_batch(&mut self, _: This) -> wasmtime::Result<bool> {
        read!(self, context => context.is_last_batch)
    }

    fn is_accumulation_boundary(&mut self, _: This) -> wasmtime::Result<bool> {
        read!(self, context => context.is_accumulation_boundary)
    }

    fn elapsed_seconds(&mut self, _: This) -> wasmtime::Result<f64> {
        let has_clock = self.grants.has(Grant::Clock) && self.profile == Profile::Fast;
        read!(self, context => match has_clock {
            true => context.elapsed().as_secs_f64(),
            // A clock that tells nothing about the machine, and the same in every run.
            false => context.global_step as f64,
        })
    }

    fn rank(&mut self, _: This) -> wasmtime::Result<u32> {
        Ok(0)
    }

    fn local_rank(&mut self, _: This) -> wasmtime::Result<u32> {
        Ok(0)
    }

    fn world_size(&mut self, _: This) -> wasmtime::Result<u32> {
        Ok(1)
    }

    fn seed(&mut self, _: This) -> wasmtime::Result<u64> {
        read!(self, context => context.run.seed)
    }

    fn inputs(&mut self, _: This) -> HostResult<Resource<TensorHandle>> {
        self.lend_single(Batched::Inputs)
    }

    fn inputs_group(&mut self, _: This) -> HostResult<Resource<GroupHandle>> {
        self.lend_all(Batched::Inputs)
    }

    fn target(&mut self, _: This) -> HostResult<Resource<TensorHandle>> {
        self.lend_single(Batched::Target)
    }

    fn target_group(&mut self, _: This) -> HostResult<Resource<GroupHandle>> {
        self.lend_all(Batched::Target)
    }

    fn preds(&mut self, _: This) -> HostResult<Resource<TensorHandle>> {
        self.lend_single(Batched::Preds)
    }

    fn preds_group(&mut self, _: This) -> HostResult<Resource<GroupHandle>> {
        self.lend_all(Batched::Preds)
    }

    fn loss(&mut self, _: This) -> HostResult<Resource<TensorHandle>> {
        let set_from =
            "the loss exists from on-train-batch-loss-end on, and at the end of evaluation batches";
        self.lend_of_batch((Owner::Loss, Part::Loss), set_from, |context| {
            context.loss.as_ref()
        })
    }

    fn loss_log_items(&mut self, _: This) -> HostResult<Resource<TensorHandle>> {
        let set_from =
            "they exist from on-train-batch-loss-end on, and at the end of evaluation batches";
        self.lend_of_batch((Owner::Predictions, Part::Loss), set_from, |context| {
            context.loss_log_items.as_ref()
        })
    }

    fn loss_logging_items_names(&mut self, _: This) -> wasmtime::Result<Vec<String>> {
        read!(self, context => context.criterion.item_names().to_vec())
    }

    fn batch_size(&mut self, _: This) -> wasmtime::Result<u64> {
        read!(self, context => context.batch_size)
    }

    fn additional_batch_items(&mut self, _: This) -> wasmtime::Result<Vec<String>> {
        read!(self, context => context.additional_batch_items.names().into_iter().map(str::to_owned).collect())
    }

    fn additional_batch_item(
        &mut self,
        _: This,
        name: String,
    ) -> HostResult<Resource<TensorHandle>> {
        check_word(&name)?;
        let set_from = format!(
            "no item `{}`; `additional-batch-items` lists them",
            clip(&name)
        );
        self.lend_of_batch((Owner::Inputs, Part::Additional), &set_from, |context| {
            context.additional_batch_items.get(&name).ok()
        })
    }

    fn net(&mut self, _: This) -> HostResult<Resource<ModelHandle>> {
        Ok(Resource::new_own(NET))
    }

    fn ema_model(&mut self, _: This) -> HostResult<Resource<ModelHandle>> {
        match self.context()?.ema_model {
            Some(_) => Ok(Resource::new_own(EMA)),
            None => refuse(
                ErrorCode::NotAvailable,
                "this run keeps no moving average; set `ema: true` in the recipe",
            ),
        }
    }

    fn optimizer(&mut self, _: This) -> HostResult<Resource<OptimizerHandle>> {
        Ok(Resource::new_own(ONLY))
    }

    fn criterion(&mut self, _: This) -> HostResult<Resource<CriterionHandle>> {
        Ok(Resource::new_own(ONLY))
    }

    fn train_loader(&mut self, _: This) -> HostResult<Resource<LoaderHandle>> {
        Ok(Resource::new_own(TRAIN))
    }

    fn valid_loader(&mut self, _: This) -> HostResult<Resource<LoaderHandle>> {
        Ok(Resource::new_own(VALIDATION))
    }

    fn test_loader(&mut self, _: This) -> HostResult<Resource<LoaderHandle>> {
        match self.context()?.test_loader {
            Some(_) => Ok(Resource::new_own(TEST)),
            None => refuse(ErrorCode::NotAvailable, "this run has no test set"),
        }
    }

    fn sg_logger(&mut self, _: This) -> HostResult<Resource<LoggerHandle>> {
        Ok(Resource::new_own(ONLY))
    }

    fn parameters(&mut self, _: This) -> HostResult<Resource<GroupHandle>> {
        let members = self.parameter_group()?;
        self.lend_group(members, Owner::Parameters)
    }

    fn gradients(&mut self, _: This) -> HostResult<Resource<GroupHandle>> {
        let members = self.gradient_group()?;
        self.lend_group(members, Owner::Gradients)
    }

    fn buffers(&mut self, _: This) -> HostResult<Resource<GroupHandle>> {
        let members = self.buffer_group()?;
        self.lend_group(members, Owner::Parameters)
    }

    fn clip_gradients(
        &mut self,
        _: This,
        max_norm: f64,
        p: f64,
    ) -> HostResult<Resource<TensorHandle>> {
        Owner::Gradients.check_change(self.grants)?;
        let gradients = self.gradient_group()?;
        self.clip_group(&gradients, max_norm, p)
    }

    fn clip_and_log_gradients(
        &mut self,
        this: This,
        max_norm: f64,
        p: f64,
        name: String,
    ) -> HostResult<()> {
        let norm = self.clip_gradients(this, max_norm, p)?;
        let logged = self.log_tensor(&name, &norm);
        self.forget_tensor(&norm);
        logged
    }

    fn learning_rate(&mut self, _: This, group: String) -> HostResult<f64> {
        self.read_hyperparameter(&group, LEARNING_RATE)
    }

    fn set_learning_rate(&mut self, _: This, group: String, value: f64) -> HostResult<()> {
        self.write_hyperparameter(&group, LEARNING_RATE, value)
    }

    fn log_scalar(&mut self, _: This, name: String, value: f64) -> HostResult<()> {
        self.log_value(&name, value)
    }

    fn log_scalars(&mut self, _: This, values: Vec<ScalarEntry>) -> HostResult<()> {
        self.log_values(&values)
    }

    fn log_scalar_tensor(
        &mut self,
        _: This,
        name: String,
        value: Resource<TensorHandle>,
    ) -> HostResult<()> {
        self.log_tensor(&name, &value)
    }

    fn metrics_dict(&mut self, _: This) -> wasmtime::Result<Vec<ScalarEntry>> {
        read!(self, context => scalar_entries(&context.metrics_dict))
    }

    fn metric(&mut self, _: This, name: String) -> wasmtime::Result<Option<f64>> {
        read!(self, context => context.metric(&name))
    }

    fn publish_metric(&mut self, _: This, name: String, value: f64) -> HostResult<()> {
        self.publish(&name, value)
    }

    fn publish_metric_tensor(
        &mut self,
        _: This,
        name: String,
        value: Resource<TensorHandle>,
    ) -> HostResult<()> {
        self.publish_tensor(&name, &value)
    }

    fn metrics_compute_fn(&mut self, _: This) -> HostResult<Resource<MetricsHandle>> {
        Ok(Resource::new_own(match self.context()?.split {
            Split::Train => TRAIN,
            Split::Validation => VALIDATION,
            Split::Test => TEST,
        }))
    }

    fn valid_metrics(&mut self, _: This) -> HostResult<Resource<MetricsHandle>> {
        Ok(Resource::new_own(VALIDATION))
    }

    fn batch_metric(&mut self, _: This, metric: String) -> HostResult<Vec<ScalarEntry>> {
        self.metric_of_batch(&metric)
    }

    fn loss_avg_meter(&mut self, _: This) -> HostResult<Resource<TensorHandle>> {
        self.check_room(1)?;
        self.launch(1)?;
        let context = self.context()?;
        let mean = context.running_metrics[context.split].mean_loss()?;
        let Some(mean) = mean else {
            return refuse(
                ErrorCode::NotAvailable,
                "no loss has been computed in this split yet",
            );
        };
        self.make(mean)
    }

    fn metric_to_watch(&mut self, _: This) -> wasmtime::Result<String> {
        read!(self, context => context.run.metric_to_watch.clone())
    }

    fn greater_metric_to_watch_is_better(&mut self, _: This) -> wasmtime::Result<bool> {
        read!(self, context => context.run.greater_metric_to_watch_is_better)
    }

    fn best_metric(&mut self, _: This) -> wasmtime::Result<Option<f64>> {
        read!(self, context => context.best_metric)
    }

    fn best_epoch(&mut self, _: This) -> wasmtime::Result<Option<u32>> {
        read!(self, context => context.best_epoch)
    }

    fn lr_warmup_epochs(&mut self, _: This) -> wasmtime::Result<u32> {
        read!(self, context => context.run.lr_warmup_epochs)
    }

    fn device(&mut self, _: This) -> wasmtime::Result<String> {
        read!(self, context => phasebox_train::device::name(context.device))
    }

    fn experiment_name(&mut self, _: This) -> wasmtime::Result<String> {
        read!(self, context => context.run.experiment_name.clone())
    }

    fn ckpt_dir(&mut self, _: This) -> wasmtime::Result<String> {
        read!(self, context => context.run.ckpt_dir.clone())
    }

    fn training_params(&mut self, _: This) -> wasmtime::Result<String> {
        read!(self, context => context.run.training_params.clone())
    }

    fn checkpoint_params(&mut self, _: This) -> wasmtime::Result<String> {
        read!(self, context => context.run.checkpoint_params.clone())
    }

    fn arch_params(&mut self, _: This) -> wasmtime::Result<String> {
        read!(self, context => context.run.arch_params.clone())
    }

    fn architecture(&mut self, _: This) -> wasmtime::Result<String> {
        read!(self, context => context.net.architecture().to_owned())
    }

    fn ddp_silent_mode(&mut self, _: This) -> wasmtime::Result<bool> {
        read!(self, context => context.run.silent_mode)
    }

    fn stop_training(&mut self, _: This) -> wasmtime::Result<bool> {
        read!(self, context => context.control.stop.is_some())
    }

    fn outcome(&mut self, _: This) -> wasmtime::Result<Option<String>> {
        read!(self, context => context.outcome.as_ref().map(ToString::to_string))
    }

    fn set_inputs(&mut self, _: This, value: Resource<TensorHandle>) -> HostResult<()> {
        self.require(Grant::Inputs)?;
        self.only_at("set-inputs", BATCH_STARTS)?;
        self.replace_in_batch(Batched::Inputs, None, &value)
    }

    fn set_inputs_item(
        &mut self,
        _: This,
        name: String,
        value: Resource<TensorHandle>,
    ) -> HostResult<()> {
        self.require(Grant::Inputs)?;
        self.only_at("set-inputs-item", BATCH_STARTS)?;
        self.replace_in_batch(Batched::Inputs, Some(&name), &value)
    }

    fn set_target(&mut self, _: This, value: Resource<TensorHandle>) -> HostResult<()> {
        self.require(Grant::Target)?;
        self.only_at("set-target", BEFORE_LOSS)?;
        self.replace_in_batch(Batched::Target, None, &value)
    }

    fn set_target_item(
        &mut self,
        _: This,
        name: String,
        value: Resource<TensorHandle>,
    ) -> HostResult<()> {
        self.require(Grant::Target)?;
        self.only_at("set-target-item", BEFORE_LOSS)?;
        self.replace_in_batch(Batched::Target, Some(&name), &value)
    }

    fn set_loss(&mut self, _: This, value: Resource<TensorHandle>) -> HostResult<()> {
        self.require(Grant::Loss)?;
        self.only_at("set-loss", &[Phase::TrainBatchLossEnd])?;
        let value = self.become_part(&value, Owner::Loss)?;
        self.context()?.loss = Some(as_loss(&value)?);
        Ok(())
    }

    fn repeat_backward(&mut self, _: This) -> HostResult<Resource<TensorHandle>> {
        self.require(Grant::Passes)?;
        self.require(Grant::Gradients)?;
        self.only_at("repeat-backward", &[Phase::TrainBatchGradientStepStart])?;
        self.pass_backward()
    }

    fn gradient_penalty(
        &mut self,
        _: This,
        inputs: Vec<Resource<TensorHandle>>,
        norm: f64,
    ) -> HostResult<Resource<TensorHandle>> {
        self.require(Grant::Passes)?;
        self.only_at("gradient-penalty", &[Phase::TrainBatchLossEnd])?;
        self.pass_penalty(&inputs, norm)
    }

    fn request_stop(&mut self, _: This, at: String, reason: String) -> HostResult<()> {
        self.require(Grant::Stop)?;
        let at = stop_at(&at)?;
        let control = &mut self.context()?.control;
        control.stop_training(at, &one_line(&reason));
        Ok(())
    }

    fn stop_if_above(
        &mut self,
        _: This,
        value: Resource<TensorHandle>,
        threshold: f64,
        reason: String,
    ) -> HostResult<()> {
        if threshold.is_nan() {
            return refuse(ErrorCode::InvalidArgument, "the threshold is not a number");
        }
        self.request_stop_if(&value, Some(threshold), &reason)
    }

    fn stop_if_nonfinite(
        &mut self,
        _: This,
        value: Resource<TensorHandle>,
        reason: String,
    ) -> HostResult<()> {
        self.request_stop_if(&value, None, &reason)
    }

    fn stop_epoch(&mut self, _: This, reason: String) -> HostResult<()> {
        self.require(Grant::Stop)?;
        self.request("stop-epoch", &reason, |control, _| {
            control.stop_epoch = true;
        })
    }

    fn skip_batch(&mut self, _: This, reason: String) -> HostResult<()> {
        self.require(Grant::Skip)?;
        self.only_at("skip-batch", &[Phase::TrainBatchStart])?;
        self.request("skip-batch", &reason, |control, _| {
            control.skip_batch = true;
        })
    }

    fn skip_backward(&mut self, _: This, reason: String) -> HostResult<()> {
        self.require(Grant::Skip)?;
        self.only_at("skip-backward", BEFORE_BACKWARD)?;
        self.request("skip-backward", &reason, |control, _| {
            control.skip_backward = true;
        })
    }

    fn skip_step(&mut self, _: This, reason: String) -> HostResult<()> {
        self.require(Grant::Skip)?;
        self.only_at("skip-step", BEFORE_STEP)?;
        self.request("skip-step", &reason, |control, _| {
            control.skip_step = true;
        })
    }

    fn request_validation(&mut self, _: This) -> HostResult<()> {
        self.require(Grant::Validate)?;
        self.request("request-validation", "", |control, _| {
            control.validate = true;
        })
    }

    fn request_checkpoint(&mut self, _: This, tag: String) -> HostResult<()> {
        self.require(Grant::Checkpoint)?;
        self.request_checkpoint_as(tag)
    }

    fn set_accumulation(&mut self, _: This, batches: u32) -> HostResult<()> {
        self.require(Grant::Optimizer)?;
        if batches == 0 {
            return refuse(
                ErrorCode::InvalidArgument,
                "an optimizer step needs at least one batch",
            );
        }
        self.request("set-accumulation", &batches.to_string(), |control, _| {
            control.accumulation = Some(batches);
        })
    }

    fn disable_self(&mut self, _: This, reason: String) -> HostResult<()> {
        self.request("disable-self", &reason, |control, _| {
            control.disable_self = true;
        })
    }

    fn abort(&mut self, _: This, reason: String) -> HostResult<()> {
        self.require(Grant::Stop)?;
        self.request("abort", &reason, |control, ask| {
            control.abort.get_or_insert(ask);
        })
    }

    fn drop(&mut self, _: This) -> wasmtime::Result<()> {
        Ok(())
    }
}

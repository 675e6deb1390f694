//! Host side of the contract's `phase-context`: the lent context, read attribute by attribute, and the
//! verbs. Each getter is one look at a field; what may be set when is decided here.

use phasebox_component::Profile;
use phasebox_contract::grants::Grant;
use phasebox_contract::limits::Limit;
use phasebox_contract::phase::Phase;
use phasebox_train::context::{Context, Split};
use phasebox_train::control::{StopAt, StopCondition};
use phasebox_train::logger::one_line;
use tch::Tensor;
use torch_ext::{Deferred, owned_copy};
use wasmtime::component::Resource;

use super::bindings::phasebox::train::context::{Host, HostPhaseContext};
use super::bindings::phasebox::train::types::{ErrorCode, ScalarEntry};
use super::caught::caught;
use super::error::{HostResult, refusal, refuse};
use super::handles::{
    ContextHandle, CriterionHandle, EMA, LoaderHandle, LoggerHandle, MetricsHandle, ModelHandle,
    NET, OptimizerHandle, Owner, TEST, TRAIN, TensorHandle, VALIDATION,
};
use super::store::{PluginState, clip};

type This = Resource<ContextHandle>;

/// Conditional stops that may wait for their value at once, over all callbacks.
const MAX_CONDITIONS: usize = 256;

impl PluginState {
    /// A handle to a tensor of the batch, or since when there is one.
    fn of_batch(
        &mut self,
        owner: Owner,
        set_from: &str,
        field: impl FnOnce(&Context) -> Option<&Tensor>,
    ) -> HostResult<Resource<TensorHandle>> {
        let context = self.context()?;
        let Some(tensor) = field(context).map(Tensor::shallow_clone) else {
            let phase = context.phase;
            return refuse(
                ErrorCode::NotAvailable,
                format!("not set at {phase}: {set_from}"),
            );
        };
        self.lend(tensor, owner)
    }

    /// What is to be a part of the batch: the tensor itself if it is the callback's own or that part already, otherwise
    /// a copy. The grant to change the part would reach into the tensor it was taken from, such as a parameter.
    fn become_part(&mut self, value: &Resource<TensorHandle>, part: Owner) -> HostResult<Tensor> {
        let entry = self.tensors.get(value.rep())?;
        if entry.owner == Owner::Callback || entry.owner == part {
            return Ok(entry.tensor.shallow_clone());
        }
        self.launch(1)?;
        let tensor = self.tensor(value)?;
        // What leads back to the parameters still does.
        Ok(if tensor.requires_grad() {
            caught(|| tensor.f_multiply_scalar(1.0))?
        } else {
            owned_copy(tensor)?
        })
    }

    /// Refuses a verb that would come too late to be obeyed.
    fn only_at(&mut self, verb: &str, phases: &[Phase]) -> HostResult<()> {
        let phase = self.context()?.phase;
        if phases.contains(&phase) {
            return Ok(());
        }
        let names: Vec<&str> = phases.iter().map(|phase| phase.name()).collect();
        refuse(
            ErrorCode::NotAvailable,
            format!(
                "`{verb}` has no effect at {phase}; it works at {}",
                names.join(", ")
            ),
        )
    }

    fn condition(
        &mut self,
        value: &Resource<TensorHandle>,
        threshold: Option<f64>,
        reason: String,
    ) -> HostResult<()> {
        self.require(Grant::Stop)?;
        let tensor = self.tensor(value)?;
        if torch_ext::numel(tensor) != 1 {
            return refuse(
                ErrorCode::ShapeMismatch,
                format!("one element is needed, not {:?}", tensor.size()),
            );
        }
        let value = Deferred::new(tensor)?;
        let control = &mut self.context()?.control;
        if control.conditions.len() >= MAX_CONDITIONS {
            return refuse(
                ErrorCode::QuotaExceeded,
                format!("{MAX_CONDITIONS} conditional stops are waiting already"),
            );
        }
        // Recorded in the history when it holds, not when it is asked.
        let verb = if threshold.is_some() {
            "stop-if-above"
        } else {
            "stop-if-nonfinite"
        };
        let ask = control.unrecorded_ask(verb, &one_line(&reason));
        control.conditions.push(StopCondition {
            value,
            threshold,
            ask,
        });
        Ok(())
    }
}

const BATCH_STARTS: &[Phase] = &[
    Phase::TrainBatchStart,
    Phase::ValidationBatchStart,
    Phase::TestBatchStart,
];
const BEFORE_LOSS: &[Phase] = &[
    Phase::TrainBatchStart,
    Phase::ValidationBatchStart,
    Phase::TestBatchStart,
    Phase::TrainBatchForwardEnd,
];
const BEFORE_BACKWARD: &[Phase] = &[
    Phase::TrainBatchStart,
    Phase::TrainBatchForwardEnd,
    Phase::TrainBatchLossEnd,
];
const BEFORE_STEP: &[Phase] = &[
    Phase::TrainBatchStart,
    Phase::TrainBatchForwardEnd,
    Phase::TrainBatchLossEnd,
    Phase::TrainBatchBackwardEnd,
    Phase::TrainBatchGradientStepStart,
    Phase::TrainBatchGradientReady,
];

impl Host for PluginState {}

/// `None` outside a phase cannot happen: guests have no context handle then.
macro_rules! read {
    ($self:ident, $context:ident => $value:expr) => {{
        let $context = $self
            .context()
            .map_err(|_| wasmtime::Error::msg("the context is not lent"))?;
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
        read!(self, context => context.steps_per_epoch() * u64::from(context.run.max_epochs))
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
        self.of_batch(
            Owner::Inputs,
            "inputs exist during batch phases",
            |context| context.inputs.as_ref(),
        )
    }

    fn target(&mut self, _: This) -> HostResult<Resource<TensorHandle>> {
        self.of_batch(
            Owner::Target,
            "the target exists during batch phases",
            |context| context.target.as_ref(),
        )
    }

    fn preds(&mut self, _: This) -> HostResult<Resource<TensorHandle>> {
        let set_from = "predictions exist from on-train-batch-forward-end on, and at the end of evaluation batches";
        self.of_batch(Owner::Predictions, set_from, |context| {
            context.preds.as_ref()
        })
    }

    fn loss(&mut self, _: This) -> HostResult<Resource<TensorHandle>> {
        let set_from =
            "the loss exists from on-train-batch-loss-end on, and at the end of evaluation batches";
        self.of_batch(Owner::Loss, set_from, |context| context.loss.as_ref())
    }

    fn loss_log_items(&mut self, _: This) -> HostResult<Resource<TensorHandle>> {
        let set_from =
            "they exist from on-train-batch-loss-end on, and at the end of evaluation batches";
        self.of_batch(Owner::Predictions, set_from, |context| {
            context.loss_log_items.as_ref()
        })
    }

    fn loss_logging_items_names(&mut self, _: This) -> wasmtime::Result<Vec<String>> {
        read!(self, context => context.criterion.item_names().iter().map(|name| (*name).to_owned()).collect())
    }

    fn additional_batch_items(&mut self, _: This) -> wasmtime::Result<Vec<String>> {
        read!(self, context => context.additional_batch_items.iter().map(|(name, _)| name.clone()).collect())
    }

    fn additional_batch_item(
        &mut self,
        _: This,
        name: String,
    ) -> HostResult<Resource<TensorHandle>> {
        let set_from = format!(
            "no item `{}`; `additional-batch-items` lists them",
            clip(&name)
        );
        self.of_batch(Owner::Inputs, &set_from, |context| {
            context
                .additional_batch_items
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, tensor)| tensor)
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
        Ok(Resource::new_own(0))
    }

    fn criterion(&mut self, _: This) -> HostResult<Resource<CriterionHandle>> {
        Ok(Resource::new_own(0))
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
        Ok(Resource::new_own(0))
    }

    fn log_scalar(&mut self, _: This, name: String, value: f64) -> HostResult<()> {
        self.log_value(&name, value)
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
        read!(self, context => entries(&context.metrics_dict))
    }

    fn metric(&mut self, _: This, name: String) -> wasmtime::Result<Option<f64>> {
        read!(self, context => context.metric(&name))
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

    fn loss_avg_meter(&mut self, _: This) -> HostResult<Resource<TensorHandle>> {
        let mean = self.context()?.metrics().mean_loss()?;
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
        read!(self, context => context.outcome.clone())
    }

    fn set_inputs(&mut self, _: This, value: Resource<TensorHandle>) -> HostResult<()> {
        self.require(Grant::Inputs)?;
        self.only_at("set-inputs", BATCH_STARTS)?;
        let value = self.become_part(&value, Owner::Inputs)?;
        let context = self.context()?;
        check_batch(
            &value,
            context.device,
            context.target.as_ref(),
            "inputs",
            "target",
        )?;
        context.inputs = Some(value);
        Ok(())
    }

    fn set_target(&mut self, _: This, value: Resource<TensorHandle>) -> HostResult<()> {
        self.require(Grant::Target)?;
        self.only_at("set-target", BEFORE_LOSS)?;
        let value = self.become_part(&value, Owner::Target)?;
        let context = self.context()?;
        check_batch(
            &value,
            context.device,
            context.inputs.as_ref(),
            "target",
            "inputs",
        )?;
        context.target = Some(value);
        Ok(())
    }

    fn set_loss(&mut self, _: This, value: Resource<TensorHandle>) -> HostResult<()> {
        self.require(Grant::Loss)?;
        self.only_at("set-loss", &[Phase::TrainBatchLossEnd])?;
        let value = self.become_part(&value, Owner::Loss)?;
        if torch_ext::numel(&value) != 1 {
            return refuse(
                ErrorCode::ShapeMismatch,
                format!("a loss has one element, this is {:?}", value.size()),
            );
        }
        if !value.requires_grad() {
            let message = "this tensor has no way back to the parameters: make it from the loss or the predictions";
            return refuse(ErrorCode::InvalidArgument, message);
        }
        self.context()?.loss = Some(value.f_reshape(&[] as &[i64])?);
        Ok(())
    }

    fn request_stop(&mut self, _: This, at: String, reason: String) -> HostResult<()> {
        self.require(Grant::Stop)?;
        let at = match at.as_str() {
            "batch" => StopAt::Batch,
            "step" => StopAt::Step,
            "epoch" => StopAt::Epoch,
            other => {
                let message = format!(
                    "stop at \"batch\", \"step\" or \"epoch\", not `{}`",
                    clip(other)
                );
                return refuse(ErrorCode::InvalidArgument, message);
            }
        };
        self.context()?
            .control
            .stop_training(at, &one_line(&reason));
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
        self.condition(&value, Some(threshold), reason)
    }

    fn stop_if_nonfinite(
        &mut self,
        _: This,
        value: Resource<TensorHandle>,
        reason: String,
    ) -> HostResult<()> {
        self.condition(&value, None, reason)
    }

    fn stop_epoch(&mut self, _: This, reason: String) -> HostResult<()> {
        self.require(Grant::Stop)?;
        let control = &mut self.context()?.control;
        control.ask("stop-epoch", &one_line(&reason));
        control.stop_epoch = true;
        Ok(())
    }

    fn skip_batch(&mut self, _: This, reason: String) -> HostResult<()> {
        self.require(Grant::Skip)?;
        self.only_at("skip-batch", &[Phase::TrainBatchStart])?;
        let control = &mut self.context()?.control;
        control.ask("skip-batch", &one_line(&reason));
        control.skip_batch = true;
        Ok(())
    }

    fn skip_backward(&mut self, _: This, reason: String) -> HostResult<()> {
        self.require(Grant::Skip)?;
        self.only_at("skip-backward", BEFORE_BACKWARD)?;
        let control = &mut self.context()?.control;
        control.ask("skip-backward", &one_line(&reason));
        control.skip_backward = true;
        Ok(())
    }

    fn skip_step(&mut self, _: This, reason: String) -> HostResult<()> {
        self.require(Grant::Skip)?;
        self.only_at("skip-step", BEFORE_STEP)?;
        let control = &mut self.context()?.control;
        control.ask("skip-step", &one_line(&reason));
        control.skip_step = true;
        Ok(())
    }

    fn request_validation(&mut self, _: This) -> HostResult<()> {
        self.require(Grant::Validate)?;
        let control = &mut self.context()?.control;
        control.ask("request-validation", "");
        control.validate = true;
        Ok(())
    }

    fn request_checkpoint(&mut self, _: This, tag: String) -> HostResult<()> {
        self.require(Grant::Checkpoint)?;
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if tag.is_empty() || tag.len() > 64 || !tag.chars().all(plain) {
            let message = format!(
                "`{}` is no tag: 1 to 64 letters, digits, `_` or `-`",
                clip(&tag)
            );
            return refuse(ErrorCode::InvalidArgument, message);
        }
        if is_reserved(&tag) {
            let message = format!("the trainer itself writes `ckpt_{tag}`: choose another tag");
            return refuse(ErrorCode::InvalidArgument, message);
        }
        if !self.tags.contains(&tag) {
            self.charge(Limit::CheckpointTags, 1)?;
            self.tags.insert(tag.clone());
        }
        let control = &mut self.context()?.control;
        control.ask("request-checkpoint", &tag);
        if !control.checkpoints.contains(&tag) {
            control.checkpoints.push(tag);
        }
        Ok(())
    }

    fn set_accumulation(&mut self, _: This, batches: u32) -> HostResult<()> {
        self.require(Grant::Optimizer)?;
        if batches == 0 {
            return refuse(
                ErrorCode::InvalidArgument,
                "an optimizer step needs at least one batch",
            );
        }
        let control = &mut self.context()?.control;
        control.ask("set-accumulation", &batches.to_string());
        control.accumulation = Some(batches);
        Ok(())
    }

    fn disable_self(&mut self, _: This, reason: String) -> HostResult<()> {
        let control = &mut self.context()?.control;
        control.ask("disable-self", &one_line(&reason));
        control.disable_self = true;
        Ok(())
    }

    fn abort(&mut self, _: This, reason: String) -> HostResult<()> {
        self.require(Grant::Stop)?;
        let control = &mut self.context()?.control;
        let ask = control.ask("abort", &one_line(&reason));
        control.abort.get_or_insert(ask);
        Ok(())
    }

    fn drop(&mut self, _: This) -> wasmtime::Result<()> {
        Ok(())
    }
}

/// Tags whose checkpoints mean something, or the best model would be whatever a callback calls so.
fn is_reserved(tag: &str) -> bool {
    ["latest", "best", "error"].contains(&tag)
        || tag.starts_with("best_")
        || tag.starts_with("epoch_")
}

pub(crate) fn entries(values: &[(String, f64)]) -> Vec<ScalarEntry> {
    values
        .iter()
        .map(|(name, value)| ScalarEntry {
            name: name.clone(),
            value: *value,
        })
        .collect()
}

/// A replaced half of a batch must be on its device and as long as the other half.
fn check_batch(
    value: &Tensor,
    device: tch::Device,
    other: Option<&Tensor>,
    what: &str,
    other_name: &str,
) -> HostResult<()> {
    if value.device() != device {
        return Err(refusal(
            ErrorCode::DeviceMismatch,
            format!("{what} must be on {}", phasebox_train::device::name(device)),
        ));
    }
    let length = |tensor: &Tensor| tensor.size().first().copied();
    match (length(value), other.and_then(length)) {
        (Some(here), Some(there)) if here != there => refuse(
            ErrorCode::ShapeMismatch,
            format!("{what} has {here} samples, {other_name} has {there}"),
        ),
        (None, _) => refuse(
            ErrorCode::ShapeMismatch,
            format!("{what} needs a first dimension, the samples"),
        ),
        _ => Ok(()),
    }
}

//! Every function of the contract with the kinds of its arguments. Tensors, vision and storage come from the list that the
//! table of operations uses; the rest is here. `host/fuzz` checks that none of `wit/` is missing.

use phasebox_sdk::bindings::phasebox::train::context;
use phasebox_sdk::prelude::*;

use crate::bytes::{Bytes, MOST_CALLS};
use crate::hands::{Answer, Hands};

/// One call; none if nothing is held of what it needs.
type Call = fn(&mut Bytes, &Hands, Option<&PhaseContext>) -> Option<Answer>;

/// An argument, or an early end.
macro_rules! argument {
    ($bytes:ident $hands:ident $ctx:ident context) => {
        $ctx?
    };
    ($bytes:ident $hands:ident $ctx:ident tensor) => {
        $bytes.one_of(&$hands.tensors)?
    };
    ($bytes:ident $hands:ident $ctx:ident tensors) => {
        &$bytes
            .several(|bytes| bytes.one_of(&$hands.tensors))
            .into_iter()
            .collect::<Option<Vec<_>>>()?
    };
    ($bytes:ident $hands:ident $ctx:ident classes) => {
        match $bytes.flag() {
            true => Some($bytes.one_of(&$hands.tensors)?),
            false => None,
        }
    };
    ($bytes:ident $hands:ident $ctx:ident image) => {
        $bytes.mostly_of(&$hands.image, &$hands.tensors)?
    };
    ($bytes:ident $hands:ident $ctx:ident images) => {
        $bytes.mostly_of(&$hands.images, &$hands.tensors)?
    };
    ($bytes:ident $hands:ident $ctx:ident boxes) => {
        $bytes.mostly_of(&$hands.boxes, &$hands.tensors)?
    };
    ($bytes:ident $hands:ident $ctx:ident scores) => {
        $bytes.mostly_of(&$hands.scores, &$hands.tensors)?
    };
    ($bytes:ident $hands:ident $ctx:ident masks) => {
        $bytes.mostly_of(&$hands.masks, &$hands.tensors)?
    };
    ($bytes:ident $hands:ident $ctx:ident mode) => {
        &$bytes.mode()
    };
    ($bytes:ident $hands:ident $ctx:ident way) => {
        &$bytes.way()
    };
    ($bytes:ident $hands:ident $ctx:ident format) => {
        &$bytes.format()
    };
    ($bytes:ident $hands:ident $ctx:ident colors) => {
        &$bytes.colors()
    };
    ($bytes:ident $hands:ident $ctx:ident texts) => {
        &$bytes.texts()
    };
    ($bytes:ident $hands:ident $ctx:ident passing_tensors) => {
        $hands.passing_tensors($bytes)
    };
    ($bytes:ident $hands:ident $ctx:ident passing_groups) => {
        $hands.passing_groups($bytes)
    };
    ($bytes:ident $hands:ident $ctx:ident scalars) => {
        &$bytes.scalars()
    };
    ($bytes:ident $hands:ident $ctx:ident group) => {
        $bytes.one_of(&$hands.groups)?
    };
    ($bytes:ident $hands:ident $ctx:ident deferred) => {
        $bytes.one_of(&$hands.numbers)?
    };
    ($bytes:ident $hands:ident $ctx:ident model) => {
        $bytes.one_of(&$hands.models)?
    };
    ($bytes:ident $hands:ident $ctx:ident optimizer) => {
        $bytes.one_of(&$hands.optimizers)?
    };
    ($bytes:ident $hands:ident $ctx:ident criterion) => {
        $bytes.one_of(&$hands.criteria)?
    };
    ($bytes:ident $hands:ident $ctx:ident loader) => {
        $bytes.one_of(&$hands.loaders)?
    };
    ($bytes:ident $hands:ident $ctx:ident metrics) => {
        $bytes.one_of(&$hands.metrics)?
    };
    ($bytes:ident $hands:ident $ctx:ident logger) => {
        $bytes.one_of(&$hands.loggers)?
    };
    ($bytes:ident $hands:ident $ctx:ident indices) => {
        &$bytes.indices()
    };
    ($bytes:ident $hands:ident $ctx:ident integers) => {
        &$bytes.integers()
    };
    ($bytes:ident $hands:ident $ctx:ident floats) => {
        &$bytes.floats()
    };
    ($bytes:ident $hands:ident $ctx:ident text) => {
        &$bytes.text()
    };
    ($bytes:ident $hands:ident $ctx:ident name) => {
        &$bytes.name()
    };
    ($bytes:ident $hands:ident $ctx:ident file) => {
        &$bytes.file()
    };
    ($bytes:ident $hands:ident $ctx:ident tag) => {
        &$bytes.tag()
    };
    ($bytes:ident $hands:ident $ctx:ident reason) => {
        &$bytes.reason()
    };
    ($bytes:ident $hands:ident $ctx:ident moment) => {
        &$bytes.moment()
    };
    ($bytes:ident $hands:ident $ctx:ident inputs) => {
        &[$bytes.mostly_of(&$hands.inputs, &$hands.tensors)?]
    };
    ($bytes:ident $hands:ident $ctx:ident training) => {
        &$bytes.training()
    };
    ($bytes:ident $hands:ident $ctx:ident item) => {
        &$bytes.item()
    };
    ($bytes:ident $hands:ident $ctx:ident metric_name) => {
        &$bytes.metric_name()
    };
    ($bytes:ident $hands:ident $ctx:ident parameter) => {
        &$bytes.parameter()
    };
    ($bytes:ident $hands:ident $ctx:ident group_name) => {
        &$bytes.group_name()
    };
    ($bytes:ident $hands:ident $ctx:ident setting) => {
        &$bytes.setting()
    };
    ($bytes:ident $hands:ident $ctx:ident json) => {
        &$bytes.json()
    };
    ($bytes:ident $hands:ident $ctx:ident metric_entry) => {
        &$bytes.metric_entry()
    };
    ($bytes:ident $hands:ident $ctx:ident data) => {
        &$bytes.data()
    };
    ($bytes:ident $hands:ident $ctx:ident $kind:ident) => {
        $bytes.$kind()
    };
}

macro_rules! operations {
    ($($interface:ident $prefix:literal { $($function:ident($($kind:ident),*))* })*) => {
        const LISTED: &[(&str, Call)] = &[$($((
            concat!($prefix, ".", stringify!($function)),
            |_bytes, _hands, _ctx| Some($interface::$function($(argument!(_bytes _hands _ctx $kind)),*).into()),
        ),)*)*];
    };
}

mod tensors {
    use super::*;
    include!("../../../tensor_ops/operations.rs");
    pub(super) const CALLS: &[(&str, Call)] = LISTED;
}

operations! {
    diagnostics "diagnostics" {
        log(level, reason)
        report_failure(reason, reason, reason)
    }
    context "context" {
        release(passing_tensors, passing_groups)
    }
    Model "model" {
        architecture(model)
        parameters(model)
        gradients(model)
        buffers(model)
        freeze(model, parameter)
        unfreeze(model, parameter)
        requires_grad(model, parameter)
        forward(model, inputs, training)
    }
    Optimizer "optimizer" {
        name(optimizer)
        group_names(optimizer)
        learning_rate(optimizer, group_name)
        set_learning_rate(optimizer, group_name, number)
        hyperparameter(optimizer, group_name, setting)
        set_hyperparameter(optimizer, group_name, setting, number)
        state(optimizer, setting)
        group_state(optimizer, group_name, setting)
        state_names(optimizer)
        parameter_names(optimizer, group_name)
    }
    Criterion "criterion" {
        name(criterion)
        parameters(criterion)
        get(criterion, setting)
        set(criterion, setting, json)
    }
    DataLoader "data-loader" {
        name(loader)
        batches(loader)
        samples(loader)
        batch_size(loader)
        parameters(loader)
        get(loader, setting)
        set(loader, setting, json)
    }
    Metrics "metrics" {
        names(metrics)
        compute(metrics)
    }
    Logger "logger" {
        scalar(logger, name, number)
        scalar_tensor(logger, name, tensor)
        histogram(logger, name, tensor, count)
        image(logger, name, image)
        text(logger, name, reason)
        artifact(logger, file, data)
        image_file(logger, file, image)
    }
    PhaseContext "phase-context" {
        phase(context)
        epoch(context)
        batch_idx(context)
        global_step(context)
        position(context)
        progress(context)
        samples_seen(context)
        max_epochs(context)
        steps_per_epoch(context)
        max_steps(context)
        is_last_batch(context)
        is_accumulation_boundary(context)
        elapsed_seconds(context)
        rank(context)
        local_rank(context)
        world_size(context)
        seed(context)
        batch_size(context)
        inputs(context)
        inputs_group(context)
        target(context)
        target_group(context)
        preds(context)
        preds_group(context)
        loss(context)
        loss_log_items(context)
        loss_logging_items_names(context)
        additional_batch_items(context)
        additional_batch_item(context, text)
        net(context)
        ema_model(context)
        optimizer(context)
        criterion(context)
        train_loader(context)
        valid_loader(context)
        test_loader(context)
        sg_logger(context)
        parameters(context)
        gradients(context)
        buffers(context)
        clip_gradients(context, number, number)
        clip_and_log_gradients(context, number, number, name)
        learning_rate(context, group_name)
        set_learning_rate(context, group_name, number)
        log_scalar(context, name, number)
        log_scalars(context, scalars)
        log_scalar_tensor(context, name, tensor)
        metrics_dict(context)
        metric(context, name)
        publish_metric(context, metric_name, number)
        publish_metric_tensor(context, metric_name, tensor)
        metrics_compute_fn(context)
        valid_metrics(context)
        batch_metric(context, metric_entry)
        loss_avg_meter(context)
        metric_to_watch(context)
        greater_metric_to_watch_is_better(context)
        best_metric(context)
        best_epoch(context)
        lr_warmup_epochs(context)
        device(context)
        experiment_name(context)
        ckpt_dir(context)
        training_params(context)
        checkpoint_params(context)
        arch_params(context)
        architecture(context)
        ddp_silent_mode(context)
        stop_training(context)
        outcome(context)
        set_inputs(context, tensor)
        set_inputs_item(context, item, tensor)
        set_target(context, tensor)
        set_target_item(context, item, tensor)
        set_loss(context, tensor)
        repeat_backward(context)
        gradient_penalty(context, inputs, number)
        request_stop(context, moment, reason)
        stop_if_above(context, tensor, number, reason)
        stop_if_nonfinite(context, tensor, reason)
        stop_epoch(context, reason)
        skip_batch(context, reason)
        skip_backward(context, reason)
        skip_step(context, reason)
        request_validation(context)
        request_checkpoint(context, tag)
        set_accumulation(context, count)
        disable_self(context, reason)
        abort(context, reason)
    }
}

/// `Bytes::call` gives an index into this.
pub(crate) const CALLS: [(&str, Call); tensors::CALLS.len() + LISTED.len()] = {
    let mut all = [tensors::CALLS[0]; tensors::CALLS.len() + LISTED.len()];
    let mut index = 0;
    while index < all.len() {
        let here = index.checked_sub(tensors::CALLS.len());
        all[index] = match here {
            Some(rest) => LISTED[rest],
            None => tensors::CALLS[index],
        };
        index += 1;
    }
    all
};
const _: () = assert!(CALLS.len() <= MOST_CALLS, "a program cannot name more");

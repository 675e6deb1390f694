//! Extra passes: the network run beside the loop, on behalf of a callback. Owns that such a pass leaves its result and
//! nothing else: the running statistics and the run's random numbers are put back. Decides neither who may ask for one
//! nor how often.

use anyhow::{Context as _, Result, ensure};
use phasebox_nn::model::Model;
use tch::{Device, Kind, Tensor, no_grad};
use torch_ext::{GradientMode, Items, owned_copy};

use super::step_op::{autocast, loss_of};
use crate::context::Context;

/// Predictions of the network, or of its moving average, for `inputs` of the run's device, without gradients and in
/// memory of their own. In
/// training mode (`train`) dropout drops and batch statistics are used; random numbers come from `seed`. Does not sync.
///
/// # Errors
/// There is no moving average; the inputs do not fit the network.
pub fn forward(
    context: &mut Context,
    of_average: bool,
    inputs: &Items,
    train: bool,
    seed: u64,
) -> Result<Items> {
    let _unrecorded = GradientMode::set(false);
    let preds = match train {
        true => {
            let trace = Trace::begin(context, of_average, seed)?;
            let preds = predictions(context, of_average, inputs, true);
            trace.erase(context, of_average)?;
            preds?
        }
        false => predictions(context, of_average, inputs, false)?,
    };
    // A network may return an input or a parameter as it is: the callback must not get hold of that.
    Ok(preds.try_map(owned_copy)?)
}

/// Replaces the gradients by those of the batch in progress at the present parameters: forward pass, loss and backward
/// pass in training mode once more (Foret et al. 2021, SAM). Answers the loss of this pass, detached (0-d). Predictions
/// and loss of the batch stay as they are. Does not sync.
///
/// # Errors
/// The step has several batches, of which only the last is still there; there is no batch.
pub fn repeat_backward(context: &mut Context, seed: u64) -> Result<Tensor> {
    ensure!(
        context.accumulation.planned() == 1,
        "a step of several batches cannot be repeated: only its last batch is still there; set `batch_accumulate: 1`"
    );
    let trace = Trace::begin(context, false, seed)?;
    let repeated = backward_again(context);
    trace.erase(context, false)?;
    repeated
}

fn backward_again(context: &mut Context) -> Result<Tensor> {
    context.optimizer.zero_grad()?;
    let _recorded = GradientMode::set(true);
    let inputs = context.inputs.as_ref().context("the batch has no inputs")?;
    let inputs = inputs.shallow_clone();
    let preds = predictions(context, false, &inputs, true)?;
    let loss = loss_of(context, &preds)?.loss;
    loss.f_backward()?;
    Ok(loss.f_detach()?)
}

/// The gradient penalty of the network at `inputs`: the mean over samples of (‖∂ Σ preds / ∂ inputs‖₂ − `wanted`)², with
/// a way back to the parameters (0-d; Gulrajani et al. 2017). In training mode. Does not sync.
///
/// # Errors
/// The inputs do not fit the network, or are no floating point tensors.
pub fn gradient_penalty(
    context: &mut Context,
    inputs: &Items,
    wanted: f64,
    seed: u64,
) -> Result<Tensor> {
    let trace = Trace::begin(context, false, seed)?;
    let penalty = penalty(context, inputs, wanted);
    trace.erase(context, false)?;
    penalty
}

fn penalty(context: &mut Context, inputs: &Items, wanted: f64) -> Result<Tensor> {
    let _recorded = GradientMode::set(true);
    let leaves = inputs.try_map(|input| input.f_detach()?.f_set_requires_grad(true))?;
    let preds = predictions(context, false, &leaves, true)?;
    let mut sums = Vec::with_capacity(preds.len());
    for each in preds.tensors() {
        sums.push(each.f_sum(Kind::Float)?);
    }
    let leaves: Vec<&Tensor> = leaves.tensors().collect();
    let gradients = Tensor::f_run_backward(&sums, &leaves, true, true)?;
    let mut squares = Vec::with_capacity(gradients.len());
    for gradient in &gradients {
        let squared = gradient.f_square()?.f_flatten(1, -1)?;
        squares.push(squared.f_sum_dim_intlist([1].as_slice(), false, Kind::Float)?);
    }
    let squares =
        Tensor::f_stack(&squares, 0)?.f_sum_dim_intlist([0].as_slice(), false, Kind::Float)?;
    // The root has no slope at 0.
    let norms = squares.f_clamp_min(1e-12)?.f_sqrt()?;
    Ok(norms.f_sub_scalar(wanted)?.f_square()?.f_mean(None)?)
}

fn predictions(context: &Context, of_average: bool, inputs: &Items, train: bool) -> Result<Items> {
    let _autocast = autocast(context.run.autocast, context.device)?;
    network(context, of_average)?.forward(inputs, train)
}

fn network(context: &Context, of_average: bool) -> Result<&Model> {
    match (of_average, &context.ema_model) {
        (false, _) => Ok(&context.net),
        (true, Some(ema)) => Ok(ema.model()),
        (true, None) => Err(anyhow::anyhow!("this run keeps no moving average")),
    }
}

/// Everything that a pass in training mode would leave behind: the state of the generators, and the buffers.
struct Trace {
    random: Vec<(Device, Tensor)>,
    buffers: Vec<Tensor>,
}

impl Trace {
    /// Keeps the state, and lets random numbers come from `seed`.
    fn begin(context: &Context, of_average: bool, seed: u64) -> Result<Trace> {
        let mut random = vec![(Device::Cpu, torch_ext::rng_state(Device::Cpu)?)];
        if context.device != Device::Cpu {
            random.push((context.device, torch_ext::rng_state(context.device)?));
        }
        let mut buffers = Vec::new();
        for (_, buffer) in network(context, of_average)?.buffers() {
            buffers.push(owned_copy(buffer)?);
        }
        torch_ext::manual_seed(seed)?;
        Ok(Trace { random, buffers })
    }

    /// Puts the state back, in place.
    fn erase(self, context: &Context, of_average: bool) -> Result<()> {
        for (device, state) in &self.random {
            torch_ext::set_rng_state(*device, state)?;
        }
        let buffers = network(context, of_average)?.buffers().iter();
        for ((_, buffer), before) in buffers.zip(&self.buffers) {
            // By way of an alias with a version of its own: the batch's backward pass, which may be still to come, has
            // saved the buffer and refuses one that has changed. To it, it has not.
            no_grad(|| buffer.f_data()?.f_copy_(before))?;
        }
        Ok(())
    }
}

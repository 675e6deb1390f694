//! Extra passes through the network: `model.forward`, `repeat-backward` and `gradient-penalty`. Owns what may be passed in
//! and what a pass is charged; running it is the trainer's part.

use phasebox_contract::grants::Grant;
use phasebox_contract::limits::Limit;
use phasebox_nn::tensor_group::TensorGroup;
use phasebox_train::context::Context;
use phasebox_train::trace::Part;
use phasebox_train::trainer::extra_pass;
use torch_ext::{Extent, Items};
use wasmtime::component::Resource;

use super::argument_checks::check_word;
use super::size_checks::check_extent;
use crate::bindings::types::ErrorCode;
use crate::error::{HostResult, clip, refuse};
use crate::markers::{GroupHandle, TensorHandle};
use crate::owner::Owner;
use crate::state::PluginState;

impl PluginState {
    /// Predictions of the network, or of its moving average, as a group.
    pub(super) fn pass_forward(
        &mut self,
        of_average: bool,
        inputs: &[Resource<TensorHandle>],
        mode: &str,
    ) -> HostResult<Resource<GroupHandle>> {
        self.require(Grant::Passes)?;
        if of_average {
            self.check_trains("moving average")?;
        }
        check_word(mode)?;
        let train = is_train(mode)?;
        let inputs = self.begin_pass(inputs)?;
        let seed = self.random.seed_of_pass();
        let preds = extra_pass::forward(self.context()?, of_average, &inputs, train, seed)?;
        let mut named = Vec::with_capacity(preds.len());
        for (name, tensor) in preds.iter("preds") {
            let extent = Extent::of(tensor);
            check_extent(tensor, extent)?;
            self.charge(Limit::CallTensors, extent.bytes)?;
            named.push((name.to_owned(), tensor.shallow_clone()));
        }
        self.lend_group(TensorGroup::new(named)?, Owner::Callback)
    }

    /// The gradients of the batch once more, at the present parameters; the loss of the pass.
    pub(super) fn pass_backward(&mut self) -> HostResult<Resource<TensorHandle>> {
        self.check_traced(Part::Inputs)?;
        self.check_traced(Part::Target)?;
        self.charge_pass()?;
        let seed = self.random.seed_of_pass();
        let context = self.context()?;
        if context.accumulation.planned() != 1 {
            return refuse(
                ErrorCode::Unsupported,
                "a step of several batches cannot be repeated: only its last batch is still there; set \
                 `batch_accumulate: 1`",
            );
        }
        let loss = extra_pass::repeat_backward(context, seed)?;
        self.make(loss)
    }

    /// The gradient penalty of the network at `inputs`.
    pub(super) fn pass_penalty(
        &mut self,
        inputs: &[Resource<TensorHandle>],
        wanted: f64,
    ) -> HostResult<Resource<TensorHandle>> {
        if !wanted.is_finite() || wanted < 0.0 {
            return refuse(
                ErrorCode::InvalidArgument,
                format!(
                    "the norm that is wanted must be a finite number, at least 0, not {wanted}"
                ),
            );
        }
        let inputs = self.begin_pass(inputs)?;
        let seed = self.random.seed_of_pass();
        let penalty = extra_pass::gradient_penalty(self.context()?, &inputs, wanted, seed)?;
        self.make(penalty)
    }

    fn begin_pass(&mut self, inputs: &[Resource<TensorHandle>]) -> HostResult<Items> {
        let declared = self.context()?.train_loader.input_shapes()?;
        check_number(inputs.len(), declared.len())?;
        let mut tensors = Vec::with_capacity(inputs.len());
        for handle in inputs {
            tensors.push(self.tensor(handle)?.shallow_clone());
        }
        self.charge_pass()?;
        let context = self.context()?;
        for (tensor, (name, sample)) in tensors.iter().zip(&declared) {
            check_input(context, tensor, name, sample)?;
        }
        match tensors.len() {
            1 => Ok(tensors.remove(0).into()),
            _ => {
                let names = declared.into_iter().map(|(name, _)| name);
                Ok(Items::named(names.zip(tensors))?)
            }
        }
    }

    fn charge_pass(&mut self) -> HostResult<()> {
        self.require(Grant::Passes)?;
        self.check_traced(Part::Parameters)?;
        self.check_traced(Part::Buffers)?;
        self.check_room(1)?;
        self.charge(Limit::Passes, 1)?;
        self.launch(1)
    }
}

fn is_train(mode: &str) -> HostResult<bool> {
    match mode {
        "train" => Ok(true),
        "evaluation" => Ok(false),
        other => refuse(
            ErrorCode::InvalidArgument,
            format!(
                "a pass is in mode \"train\" or \"evaluation\", not `{}`",
                clip(other)
            ),
        ),
    }
}

fn check_number(given: usize, declared: usize) -> HostResult<()> {
    if given == declared {
        return Ok(());
    }
    refuse(
        ErrorCode::InvalidArgument,
        format!("the network takes {declared} inputs, not {given}"),
    )
}

/// Refuses inputs of another device, and more of them than the largest batch has.
fn check_input(
    context: &Context,
    tensor: &tch::Tensor,
    name: &str,
    sample: &[i64],
) -> HostResult<()> {
    if tensor.device() != context.device {
        let device = phasebox_train::device::name(context.device);
        return refuse(
            ErrorCode::DeviceMismatch,
            format!("`{name}` must be on {device}"),
        );
    }
    let batch = context.train_loader.batch_size();
    let batch = batch.max(context.valid_loader.batch_size()) as u64;
    let elements: u64 = sample.iter().map(|length| *length as u64).product();
    let most = batch.saturating_mul(elements);
    let given = torch_ext::numel(tensor) as u64;
    if given > most {
        return refuse(
            ErrorCode::TooLarge,
            format!("`{name}` has {given} elements; a pass takes at most those of a batch, {most}"),
        );
    }
    Ok(())
}

//! The contract's passes through the network beside the batch's own: when they are allowed, and inputs that are like
//! those of the batch. The passes themselves are the trainer's.

use phasebox_contract::grants::Grant;
use phasebox_contract::limits::Limit;
use phasebox_contract::phase::Phase;
use phasebox_nn::tensor_group::TensorGroup;
use tch::Tensor;
use torch_ext::Items;
use wasmtime::component::Resource;

use super::batch_items::{Batched, not_set};
use crate::bindings::types::ErrorCode;
use crate::error::{HostResult, clip, refuse};
use crate::markers::{GroupHandle, TensorHandle};
use crate::owner::Owner;
use crate::state::PluginState;

/// The name of an output that has none.
const OUTPUT: &str = "preds";

impl PluginState {
    /// The network's outputs for other inputs, as tensors of the callback.
    pub(super) fn pass_forward(
        &mut self,
        inputs: &Resource<GroupHandle>,
        mode: &str,
    ) -> HostResult<Resource<GroupHandle>> {
        self.require(Grant::Passes)?;
        let train = is_train(mode)?;
        let given = self.group(inputs)?.members.clone();
        let inputs = self.inputs_like_the_batch(&given)?;
        self.charge(Limit::Passes, 1)?;
        let outputs = self.context()?.pass_forward(&inputs, train)?;
        let outputs = outputs.iter(OUTPUT);
        let named: Vec<_> = outputs
            .map(|(name, tensor)| (name.to_owned(), tensor.shallow_clone()))
            .collect();
        let members = TensorGroup::new(named)?;
        self.charge(Limit::CallTensors, members.bytes())?;
        self.lend_group(members, Owner::Callback)
    }

    /// Other gradients for the batch; answers the loss.
    pub(super) fn pass_backward(&mut self) -> HostResult<Resource<TensorHandle>> {
        self.require(Grant::Passes)?;
        self.require(Grant::Gradients)?;
        self.only_at("backward-again", &[Phase::TrainBatchGradientStepStart])?;
        if self.context()?.loss_divisor() != 1 {
            return refuse(
                ErrorCode::Unsupported,
                "several batches share this step, and only the last of them is here: it needs `batch_accumulate: 1`",
            );
        }
        self.charge(Limit::Passes, 1)?;
        let loss = self.context()?.pass_backward()?;
        self.make(loss)
    }

    /// The members as inputs of the network. Anything that is not like the inputs of the batch could ask for any amount
    /// of memory.
    fn inputs_like_the_batch(&mut self, given: &TensorGroup) -> HostResult<Items> {
        let context = self.context()?;
        let Some(batch) = context.inputs.as_ref() else {
            return not_set(context, "inputs exist during batch phases");
        };
        let own = batch.iter(Batched::Inputs.name());
        let pairs = given.named().iter().zip(own);
        let rows = given.named().first().and_then(|(_, first)| rows(first));
        let are_alike = given.named().len() == batch.len()
            && rows.is_some_and(|rows| (1..=context.batch_size as i64).contains(&rows))
            && pairs.into_iter().all(|((name, tensor), (own_name, own))| {
                name == own_name && self::rows(tensor) == rows && is_like(tensor, own)
            });
        if !are_alike {
            return refuse(
                ErrorCode::ShapeMismatch,
                format!(
                    "these are no inputs like those of the batch ({}): their names, dtypes and shapes are wanted, \
                     with as many samples or fewer",
                    batch.described()
                ),
            );
        }
        as_items(given, batch)
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

fn rows(tensor: &Tensor) -> Option<i64> {
    tensor.size().first().copied()
}

/// The same dtype, device and shape of a sample.
fn is_like(tensor: &Tensor, own: &Tensor) -> bool {
    let samples = [tensor, own].map(|tensor| tensor.size().into_iter().skip(1).collect::<Vec<_>>());
    samples[0] == samples[1] && tensor.kind() == own.kind() && tensor.device() == own.device()
}

/// Detached, so that no pass records how the callback made them.
fn as_items(given: &TensorGroup, batch: &Items) -> HostResult<Items> {
    let mut named = Vec::new();
    for (name, tensor) in given.named() {
        named.push((name.as_str(), tensor.f_detach()?));
    }
    match (batch.names().is_empty(), named.pop()) {
        (true, Some((_, only))) => Ok(only.into()),
        (_, last) => {
            named.extend(last);
            Ok(Items::named(named)?)
        }
    }
}

//! One recorded batch: the tensors that its replays read, and its segments. Owns how a batch gets into those tensors
//! and how the results get out; what is recorded together is the plan's, and how a [`Recorder`]'s.

use anyhow::{Context as _, Result};
use tch::{Tensor, no_grad};
use torch_ext::{Items, TensorList};

use super::recorder::{Recorder, Recording};
use crate::context::Context;
use crate::trainer::Settings;
use crate::trainer::step_op::{self, StepOp};
use crate::trainer::to_device::Landing;

/// A recorded batch.
pub(super) struct RecordedBatch {
    inputs: Items,
    target: Items,
    segments: Vec<RecordedSegment>,
    gradients: Gradients,
}

/// Operations that one launch replays.
struct RecordedSegment {
    ops: Vec<StepOp>,
    /// The results that the operations leave in the context, written by each replay.
    outputs: Outputs,
    recording: Box<dyn Recording>,
}

impl RecordedBatch {
    /// Records `segments` with the batch in the context, in an order of samples of its own. Leaves the context
    /// changed.
    ///
    /// The order differs so that a value which a recorder froze in, where it should read the batch, shows in the
    /// rehearsal.
    pub(super) fn record(
        segments: Vec<Vec<StepOp>>,
        recorder: &mut dyn Recorder,
        context: &mut Context,
        settings: &Settings,
    ) -> Result<RecordedBatch> {
        let mut batch = RecordedBatch {
            inputs: memory_for(&context.inputs)?,
            target: memory_for(&context.target)?,
            segments: Vec::new(),
            gradients: Gradients::default(),
        };
        batch.take_in(context)?;
        for tensor in batch.inputs.tensors().filter(|tensor| tensor.dim() > 0) {
            no_grad(|| tensor.shallow_clone().f_copy_(&tensor.f_flip([0])?))?;
        }
        for ops in segments {
            let mut perform = |context: &mut Context| perform_all(&ops, context, settings);
            let recording = recorder.record(context, &mut perform)?;
            batch.segments.push(RecordedSegment {
                ops,
                outputs: Outputs::of(context),
                recording,
            });
        }
        batch.gradients = Gradients::of(context)?;
        Ok(batch)
    }

    /// The tensors that replays read.
    pub(super) fn landing(&self) -> Landing<'_> {
        Landing {
            inputs: &self.inputs,
            target: &self.target,
        }
    }

    /// Copies the batch in the context into the tensors that replays read, and puts these into the context.
    pub(super) fn take_in(&self, context: &mut Context) -> Result<()> {
        take_in(&self.inputs, &mut context.inputs)?;
        take_in(&self.target, &mut context.target)?;
        self.gradients.take_the_place_of_others()
    }

    /// Replays the segment that `op` begins. Nothing is left to do for another operation: it was replayed with the
    /// first of its segment.
    pub(super) fn replay(
        &mut self,
        op: StepOp,
        context: &mut Context,
        settings: &Settings,
    ) -> Result<()> {
        let mut segments = self.segments.iter_mut();
        let Some(segment) = segments.find(|segment| segment.ops.first() == Some(&op)) else {
            return Ok(());
        };
        let ops = &segment.ops;
        let mut perform = |context: &mut Context| perform_all(ops, context, settings);
        segment.recording.replay(context, &mut perform)?;
        segment.outputs.put_into(context);
        Ok(())
    }
}

/// The gradients that replays write, and their parameters. A backward pass that writes its gradients anew, as the first of
/// a step does, leaves each recording with memory of its own for them.
#[derive(Default)]
struct Gradients {
    parameters: TensorList,
    gradients: TensorList,
}

impl Gradients {
    /// The gradients of parameters that learn. Once others learn, the recording is over.
    fn of(context: &Context) -> Result<Gradients> {
        let mut found = Gradients::default();
        for (_, parameter) in context.net.parameters() {
            let gradient = parameter.grad();
            if parameter.requires_grad() && gradient.defined() {
                found.parameters.push(parameter)?;
                found.gradients.push(&gradient)?;
            }
        }
        Ok(found)
    }

    /// Makes these the gradients, with the values of those that are it now.
    fn take_the_place_of_others(&self) -> Result<()> {
        if self.gradients.are_gradients_of(&self.parameters) {
            return Ok(());
        }
        let mut present = vec![false; self.parameters.len()];
        let mut others = TensorList::new();
        others.set_gradients_of(&self.parameters, &mut present)?;
        self.gradients.copy_(&others)?;
        Ok(self.gradients.give_gradients_to(&self.parameters)?)
    }
}

/// Does the operations eagerly.
pub(super) fn perform_all(
    ops: &[StepOp],
    context: &mut Context,
    settings: &Settings,
) -> Result<()> {
    ops.iter()
        .try_for_each(|op| step_op::perform(*op, context, settings))
}

/// Memory for tensors of these sizes and layouts.
fn memory_for(items: &Option<Items>) -> Result<Items> {
    let items = items.as_ref().context("the batch is incomplete")?;
    items.try_map(|tensor| Ok(tensor.f_detach()?.f_empty_like()?))
}

/// Copies the tensors of `items` into those of `recorded`, which take their place.
fn take_in(recorded: &Items, items: &mut Option<Items>) -> Result<()> {
    let given = items.as_ref().context("the batch is incomplete")?;
    for (recorded, given) in recorded.tensors().zip(given.tensors()) {
        copy_in(recorded, given)?;
    }
    *items = Some(recorded.shallow_clone());
    Ok(())
}

fn copy_in(recorded: &Tensor, given: &Tensor) -> Result<()> {
    if !is_same_memory(recorded, given) {
        // A view of an earlier batch, which lay here, would be read while it is written.
        let apart = if torch_ext::shares_storage(recorded, given) {
            torch_ext::owned_copy(given)?
        } else {
            given.shallow_clone()
        };
        no_grad(|| recorded.shallow_clone().f_copy_(&apart))?;
    }
    Ok(())
}

/// True if both are one memory, seen in one layout.
fn is_same_memory(left: &Tensor, right: &Tensor) -> bool {
    left.data_ptr() == right.data_ptr()
        && left.size() == right.size()
        && left.stride() == right.stride()
}

/// The batch in the context, to be put back after a rehearsal.
pub(super) struct BatchTensors {
    inputs: Option<Items>,
    target: Option<Items>,
}

impl BatchTensors {
    pub(super) fn of(context: &Context) -> BatchTensors {
        BatchTensors {
            inputs: handles(&context.inputs),
            target: handles(&context.target),
        }
    }

    pub(super) fn put_into(&self, context: &mut Context) {
        context.inputs = handles(&self.inputs);
        context.target = handles(&self.target);
    }
}

/// The results of a segment in the context. The default forgets what an earlier pass has left, so that nothing recorded
/// can depend on it.
#[derive(Default)]
pub(super) struct Outputs {
    preds: Option<Items>,
    loss: Option<Tensor>,
    loss_log_items: Option<Tensor>,
}

impl Outputs {
    fn of(context: &Context) -> Outputs {
        Outputs {
            preds: handles(&context.preds),
            loss: handle(&context.loss),
            loss_log_items: handle(&context.loss_log_items),
        }
    }

    pub(super) fn put_into(&self, context: &mut Context) {
        context.preds = handles(&self.preds);
        context.loss = handle(&self.loss);
        context.loss_log_items = handle(&self.loss_log_items);
    }
}

fn handles(items: &Option<Items>) -> Option<Items> {
    items.as_ref().map(Items::shallow_clone)
}

fn handle(tensor: &Option<Tensor>) -> Option<Tensor> {
    tensor.as_ref().map(Tensor::shallow_clone)
}

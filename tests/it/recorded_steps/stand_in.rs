//! A recorder that stands for CUDA's where there is none, faults that it may have, and one that reads rates as CUDA does.
//! Knows nothing of what is trained.

use std::cell::RefCell;
use std::rc::Rc;

use anyhow::{Result, bail};
use phasebox_train::context::Context;
use phasebox_train::trainer::{Recorder, Recording, StepOps};
use tch::{Tensor, no_grad};
use torch_ext::Items;

/// Tensors that recordings of a step leave in the context.
#[derive(Default)]
struct Outputs {
    preds: Option<Items>,
    loss: Option<Tensor>,
    loss_log_items: Option<Tensor>,
}

/// Runs recorded work again, and like a graph writes what comes of it into the tensors it was recorded with.
#[derive(Default)]
pub(super) struct RunAgain {
    /// The latest results, with their way back: those of the recording lead nowhere.
    live: Rc<RefCell<Outputs>>,
    fault: Fault,
}

/// A fault of a recorder.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Fault {
    #[default]
    None,
    /// It cannot be readied.
    Prepare,
    /// It cannot record.
    Record,
    /// Replays compute nothing.
    Idle,
    /// Replays compute everything twice.
    Twice,
    /// Replays read the batch that was there when they were recorded.
    Frozen,
}

/// As on CUDA, learning rates are read from tensors, as float32.
#[derive(Default)]
pub(super) struct WithDeviceRates(RunAgain);

impl Recorder for WithDeviceRates {
    fn prepare(&mut self, context: &mut Context) -> Result<()> {
        context.optimizer.use_device_learning_rates()
    }

    fn record(&mut self, context: &mut Context, ops: StepOps<'_>) -> Result<Box<dyn Recording>> {
        self.0.record(context, ops)
    }
}

impl RunAgain {
    pub(super) fn with(fault: Fault) -> RunAgain {
        RunAgain {
            fault,
            ..RunAgain::default()
        }
    }
}

struct Again {
    live: Rc<RefCell<Outputs>>,
    own: Outputs,
    inputs: Option<Items>,
    fault: Fault,
}

impl Recorder for RunAgain {
    fn prepare(&mut self, _: &mut Context) -> Result<()> {
        if self.fault == Fault::Prepare {
            bail!("there is nothing to record with")
        } else {
            Ok(())
        }
    }

    fn record(&mut self, context: &mut Context, ops: StepOps<'_>) -> Result<Box<dyn Recording>> {
        ops(context)?;
        if self.fault == Fault::Record {
            bail!("the stream is not capturing");
        }
        let inputs = context.inputs.as_ref();
        let inputs = inputs
            .map(|inputs| inputs.try_map(torch_ext::owned_copy))
            .transpose()?;
        Ok(Box::new(Again {
            live: self.live.clone(),
            own: outputs(context),
            inputs,
            fault: self.fault,
        }))
    }
}

impl Recording for Again {
    fn replay(&mut self, context: &mut Context, again: StepOps<'_>) -> Result<()> {
        if self.fault == Fault::Idle {
            return Ok(());
        }
        self.live.borrow().put_into(context);
        if self.fault == Fault::Frozen {
            context.inputs = self.inputs.as_ref().map(Items::shallow_clone);
        }
        again(context)?;
        let now = outputs(context);
        for (own, now) in self.own.tensors().zip(now.tensors()) {
            no_grad(|| own.shallow_clone().copy_(&now.detach()));
            if self.fault == Fault::Twice {
                let (_, weight) = &context.net.parameters()[0];
                let _ = no_grad(|| weight.shallow_clone().g_add_scalar_(1e-3));
            }
        }
        *self.live.borrow_mut() = now;
        Ok(())
    }
}

fn outputs(context: &Context) -> Outputs {
    Outputs {
        preds: context.preds.as_ref().map(Items::shallow_clone),
        loss: context.loss.as_ref().map(Tensor::shallow_clone),
        loss_log_items: context.loss_log_items.as_ref().map(Tensor::shallow_clone),
    }
}

impl Outputs {
    fn put_into(&self, context: &mut Context) {
        context.preds = self.preds.as_ref().map(Items::shallow_clone);
        context.loss = self.loss.as_ref().map(Tensor::shallow_clone);
        context.loss_log_items = self.loss_log_items.as_ref().map(Tensor::shallow_clone);
    }

    fn tensors(&self) -> impl Iterator<Item = &Tensor> {
        let preds = self.preds.iter().flat_map(Items::tensors);
        preds.chain(&self.loss).chain(&self.loss_log_items)
    }
}

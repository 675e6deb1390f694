//! A recorder that stands for CUDA's where there is none, faults that it may have, and one that reads rates as CUDA does.
//! Knows nothing of what is trained.

use std::cell::RefCell;
use std::rc::Rc;

use anyhow::{Result, bail};
use phasebox_train::context::Context;
use phasebox_train::trainer::{Recorder, Recording, StepOps};
use tch::{Tensor, no_grad};

/// Tensors that recordings of a step leave in the context.
type Outputs = [Option<Tensor>; 3];

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
    inputs: Option<Tensor>,
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
        let inputs = context.inputs.as_ref().map(Tensor::copy);
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
        [context.preds, context.loss, context.loss_log_items] = handles(&self.live.borrow());
        if self.fault == Fault::Frozen {
            context.inputs = self.inputs.as_ref().map(Tensor::shallow_clone);
        }
        again(context)?;
        let now = outputs(context);
        for (own, now) in self.own.iter_mut().zip(&now) {
            if let (Some(own), Some(now)) = (own, now) {
                no_grad(|| own.copy_(&now.detach()));
                if self.fault == Fault::Twice {
                    let _ = no_grad(|| {
                        context.net.parameters()[0]
                            .1
                            .shallow_clone()
                            .g_add_scalar_(1e-3)
                    });
                }
            }
        }
        *self.live.borrow_mut() = now;
        Ok(())
    }
}

fn outputs(context: &Context) -> Outputs {
    [&context.preds, &context.loss, &context.loss_log_items]
        .map(|output| output.as_ref().map(Tensor::shallow_clone))
}

fn handles(outputs: &Outputs) -> Outputs {
    outputs
        .each_ref()
        .map(|output| output.as_ref().map(Tensor::shallow_clone))
}

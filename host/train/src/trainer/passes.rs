//! Passes through the network beside the batch's own, which callbacks ask for. Owns what a pass leaves alone: the
//! batch, its metrics and running statistics are as before. Who may pass, and how often, is not known here.

use anyhow::{Context as _, Result, ensure};
use tch::Tensor;
use torch_ext::{GradientMode, Items, owned_copy};

use super::step_op::autocast;
use crate::context::Context;

impl Context {
    /// The outputs of the network in training, in memory of their own and without gradients. Draws random numbers where
    /// the network has dropout and `train` says so. Does not sync.
    ///
    /// # Errors
    /// Inputs that the network does not take, or too little memory.
    pub fn pass_forward(&mut self, inputs: &Items, train: bool) -> Result<Items> {
        let statistics = Statistics::of(self)?;
        let outputs = self.forward_of(inputs, train, false);
        statistics.restore()?;
        outputs?.try_map(owned_copy).map_err(Into::into)
    }

    /// Puts the gradients of the batch at the present parameters in place of those that there are. Answers the loss of
    /// the loss function (0-d), in memory of its own. Does not sync.
    ///
    /// # Errors
    /// A batch that is not there as a whole, a network that is frozen as a whole, or too little memory.
    pub fn pass_backward(&mut self) -> Result<Tensor> {
        self.optimizer.zero_grad()?;
        let statistics = Statistics::of(self)?;
        let loss = self.gradients_of_batch();
        statistics.restore()?;
        Ok(owned_copy(&loss?)?)
    }

    fn gradients_of_batch(&mut self) -> Result<Tensor> {
        let inputs = self.inputs.take();
        let inputs = inputs.context("the batch has no inputs")?;
        let outputs = self.forward_of(&inputs, true, true);
        self.inputs = Some(inputs);
        let outputs = outputs?;
        let _recording = GradientMode::set(true);
        let casts = autocast(self.run.autocast, self.device)?;
        let target = self.target.as_ref().context("the batch has no target")?;
        let loss = self.criterion.forward(&outputs, target)?.loss;
        drop(casts);
        ensure!(
            loss.requires_grad(),
            "the loss does not depend on any parameter: is the whole network frozen?"
        );
        loss.f_backward()?;
        Ok(loss)
    }

    fn forward_of(&self, inputs: &Items, train: bool, records: bool) -> Result<Items> {
        let _recording = GradientMode::set(records);
        let _casts = autocast(self.run.autocast, self.device)?;
        self.net.forward(inputs, train)
    }
}

/// The network's buffers, such as running means, and copies of them.
struct Statistics(Vec<(Tensor, Tensor)>);

impl Statistics {
    fn of(context: &Context) -> Result<Statistics> {
        let mut pairs = Vec::new();
        for (_, buffer) in context.net.buffers() {
            pairs.push((buffer.shallow_clone(), owned_copy(buffer)?));
        }
        Ok(Statistics(pairs))
    }

    fn restore(self) -> Result<()> {
        let _unrecorded = GradientMode::set(false);
        for (mut buffer, copy) in self.0 {
            buffer.f_copy_(&copy)?;
        }
        Ok(())
    }
}

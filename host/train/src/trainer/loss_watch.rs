//! The watch over the training loss. Owns the losses that are on their way from the device; what a loss that is not
//! finite does is the recipe's `nan_policy`.

use anyhow::Result;
use phasebox_contract::policy::NanPolicy;
use tch::Tensor;
use torch_ext::{Deferred, DeferredQueue};

use super::Position;

/// Losses that may be on their way before they are waited for: a device that far behind is not worth more memory.
const MAX_ON_THEIR_WAY: usize = 256;

/// The losses of the run's batches: those on their way, and the last that arrived.
pub(super) struct LossWatch {
    policy: NanPolicy,
    /// Each with the batch it is of.
    on_their_way: DeferredQueue<Position>,
    last: Option<f64>,
    syncs: u64,
}

impl LossWatch {
    pub(super) fn new(policy: NanPolicy) -> LossWatch {
        LossWatch {
            policy,
            on_their_way: DeferredQueue::default(),
            last: None,
            syncs: 0,
        }
    }

    /// The loss of the batch at `position`, a tensor of one element. Answers the loss if it is not finite and the batch
    /// is therefore to have no backward pass. Syncs under [`NanPolicy::SkipStep`] alone.
    pub(super) fn watch(&mut self, loss: &Tensor, position: Position) -> Result<Option<f64>> {
        let mut value = Deferred::new(loss)?;
        if self.policy != NanPolicy::SkipStep {
            self.on_their_way.push(value, position);
            return Ok(None);
        }
        self.syncs += 1;
        let value = value.wait()?;
        self.last = Some(value);
        Ok((!value.is_finite()).then_some(value))
    }

    /// Reads the losses that have arrived. Syncs if the device is far behind.
    ///
    /// # Errors
    /// If a loss is not finite and the policy ends the run for it.
    pub(super) fn read_arrived(&mut self) -> Result<()> {
        if self.on_their_way.len() > MAX_ON_THEIR_WAY {
            return self.wait_for_all();
        }
        while let Some((value, position)) = self.on_their_way.pop_arrived()? {
            self.read(value, position)?;
        }
        Ok(())
    }

    /// Reads every loss. Syncs if any is on its way.
    ///
    /// # Errors
    /// If a loss is not finite and the policy ends the run for it.
    pub(super) fn wait_for_all(&mut self) -> Result<()> {
        self.syncs += u64::from(!self.on_their_way.is_empty());
        while let Some((value, position)) = self.on_their_way.pop_waiting()? {
            self.read(value, position)?;
        }
        Ok(())
    }

    /// The last loss that has arrived.
    pub(super) fn last(&self) -> Option<f64> {
        self.last
    }

    /// Waits for the device so far.
    pub(super) fn syncs(&self) -> u64 {
        self.syncs
    }

    fn read(&mut self, value: f64, position: Position) -> Result<()> {
        self.last = Some(value);
        if value.is_finite() || self.policy != NanPolicy::Abort {
            return Ok(());
        }
        let (batch, epoch) = (position.next_batch, position.epoch.into());
        Err(LossNotFinite {
            value,
            batch,
            epoch,
        }
        .into())
    }
}

/// The end of a run whose loss is not a number.
#[derive(Debug, thiserror::Error)]
#[error(
    "the loss is {value} at batch {batch} of epoch {epoch}: lower the learning rate, clip gradients, or set \
     `nan_policy: skip_step` or `ignore`"
)]
pub struct LossNotFinite {
    value: f64,
    batch: u64,
    epoch: u64,
}

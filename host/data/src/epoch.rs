//! The facts of an epoch that all its batches share: the seed of their draws, and a flag that ends the work on them. Owns
//! neither order nor threads.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Result;

/// The facts of an epoch that all its batches share.
#[derive(Clone, Debug, Default)]
pub struct Epoch {
    /// The number that the epoch's random transforms are drawn from.
    pub(super) seed: u64,
    /// Set once nobody waits for batches any more.
    pub(super) stop: Option<Arc<AtomicBool>>,
}

impl From<u64> for Epoch {
    /// An epoch of this seed that nothing stops.
    fn from(seed: u64) -> Self {
        Self { seed, stop: None }
    }
}

impl Epoch {
    /// Looks at the flag, between two samples.
    ///
    /// # Errors
    /// [`Stopped`], if it is set.
    pub(super) fn go_on(&self) -> Result<()> {
        match &self.stop {
            Some(stop) if stop.load(Ordering::Relaxed) => Err(Stopped.into()),
            _ => Ok(()),
        }
    }
}

/// The end of a batch that nobody waits for any more: some of its samples were not read.
#[derive(Debug)]
pub struct Stopped;

impl std::fmt::Display for Stopped {
    fn fmt(&self, text: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        text.write_str("the batch is not made to its end, as the run ends")
    }
}

impl std::error::Error for Stopped {}

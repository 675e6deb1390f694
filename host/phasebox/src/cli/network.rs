//! Questions of a command to the network. Owns that a signal ends them: with words, with the exit code of a signal, and
//! without half of a file.

use phasebox_registry::Downloads;
use phasebox_train::interrupt::Interrupt;

use super::Failure;
use crate::assemble::downloads;

/// Downloads, and the signals that end them.
pub(super) struct Network {
    downloads: Downloads,
    pub(super) interrupt: Interrupt,
}

impl Network {
    /// Listens to signals from now on, for the whole process.
    pub(super) fn listen() -> Result<Network, Failure> {
        let interrupt = Interrupt::listen().map_err(Failure::Failed)?;
        Ok(Network::ended_by(interrupt))
    }

    /// Questions that the signals end which a command listens to anyway.
    pub(super) fn ended_by(interrupt: Interrupt) -> Network {
        let downloads = downloads(interrupt.asked());
        Network {
            downloads,
            interrupt,
        }
    }

    /// The answer to a question.
    pub(super) fn ask<T>(
        &self,
        question: impl FnOnce(&Downloads) -> anyhow::Result<T>,
    ) -> Result<T, Failure> {
        question(&self.downloads).map_err(|error| Failure::before_training(error, &self.interrupt))
    }
}

//! SIGINT and SIGTERM, noticed between two batches. Owns the process's handlers. A second SIGINT ends the process at once,
//! for a person who does not want to wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context as _, Result};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

/// A request to end the process, by a signal. Clones share what they notice.
#[derive(Clone, Default)]
pub struct Interrupt {
    interrupted: Arc<AtomicBool>,
    terminated: Arc<AtomicBool>,
    /// A SIGINT has arrived, taken or not: the next one ends the process.
    impatient: Arc<AtomicBool>,
    /// Either signal has arrived, taken or not: a callback that is running ends.
    asked: Arc<AtomicBool>,
}

/// The exit code that a shell reports for a process that SIGINT ended.
const EXIT_CODE_OF_SIGINT: i32 = 130;

impl Interrupt {
    /// Listens from now on, for the whole process.
    ///
    /// # Errors
    /// If the handlers cannot be set.
    pub fn listen() -> Result<Interrupt> {
        let interrupt = Interrupt::default();
        let registered = flag::register_conditional_shutdown(
            SIGINT,
            EXIT_CODE_OF_SIGINT,
            interrupt.impatient.clone(),
        )
        .and_then(|_| flag::register(SIGINT, interrupt.impatient.clone()))
        .and_then(|_| flag::register(SIGINT, interrupt.interrupted.clone()))
        .and_then(|_| flag::register(SIGTERM, interrupt.terminated.clone()))
        .and_then(|_| flag::register(SIGINT, interrupt.asked.clone()))
        .and_then(|_| flag::register(SIGTERM, interrupt.asked.clone()));
        registered.context("cannot listen for SIGINT and SIGTERM")?;
        Ok(interrupt)
    }

    /// Notices nothing, for trainers inside other programs, which have signal handlers of their own.
    pub fn ignored() -> Interrupt {
        Interrupt::default()
    }

    /// True if a signal has arrived that nobody has taken, to end a wait between runs.
    pub fn is_set(&self) -> bool {
        self.terminated.load(Ordering::Relaxed) || self.interrupted.load(Ordering::Relaxed)
    }

    /// A flag that is set once either signal has arrived, and from then on.
    pub fn asked(&self) -> Arc<AtomicBool> {
        self.asked.clone()
    }

    /// Takes the signal that arrived; SIGTERM first if both did.
    pub fn take(&self) -> Option<&'static str> {
        if self.terminated.swap(false, Ordering::Relaxed) {
            return Some("SIGTERM");
        }
        self.interrupted
            .swap(false, Ordering::Relaxed)
            .then_some("SIGINT")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use signal_hook::low_level::raise;

    /// One SIGINT alone: the next would end the tests.
    #[test]
    fn a_signal_is_seen_until_it_is_taken() -> Result<()> {
        let interrupt = Interrupt::listen()?;
        for (signal, name) in [(SIGTERM, "SIGTERM"), (SIGINT, "SIGINT")] {
            assert!(!interrupt.is_set(), "before {name}");
            raise(signal)?;
            assert!(interrupt.is_set() && interrupt.clone().is_set(), "{name}");
            assert_eq!((interrupt.take(), interrupt.take()), (Some(name), None));
        }
        assert!(!interrupt.is_set() && !Interrupt::ignored().is_set());
        Ok(())
    }
}

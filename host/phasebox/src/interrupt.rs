//! SIGINT and SIGTERM, noticed between two batches. The second SIGINT ends the process at once, for whoever
//! does not want to wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context as _, Result};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

/// Whether the process was asked to end.
#[derive(Clone, Default)]
pub struct Interrupt {
    interrupted: Arc<AtomicBool>,
    terminated: Arc<AtomicBool>,
}

/// What a shell reports for a process that SIGINT ended.
const EXIT_CODE_OF_SIGINT: i32 = 130;

impl Interrupt {
    /// Listens from now on, for the whole process.
    ///
    /// # Errors
    /// If the handlers cannot be set.
    pub fn listen() -> Result<Interrupt> {
        let interrupt = Interrupt::default();
        let registered =
            flag::register_conditional_shutdown(SIGINT, EXIT_CODE_OF_SIGINT, interrupt.interrupted.clone())
                .and_then(|_| flag::register(SIGINT, interrupt.interrupted.clone()))
                .and_then(|_| flag::register(SIGTERM, interrupt.terminated.clone()));
        registered.context("cannot listen for SIGINT and SIGTERM")?;
        Ok(interrupt)
    }

    /// Never interrupted: for trainers inside other programs, which have signal handlers of their own.
    pub fn ignored() -> Interrupt {
        Interrupt::default()
    }

    /// The signal that arrived, once.
    pub fn take(&self) -> Option<&'static str> {
        if self.terminated.swap(false, Ordering::Relaxed) {
            return Some("SIGTERM");
        }
        self.interrupted.load(Ordering::Relaxed).then_some("SIGINT")
    }
}

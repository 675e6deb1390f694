//! Signals that end a run, noticed between two batches of training or of a pass. Owns the process's handlers. A second
//! SIGINT ends the process at once, for a person who does not want to wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use anyhow::{Context as _, Result};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2, SIGXFSZ};
use signal_hook::flag;

/// The signals that end a run. Schedulers of clusters announce the end of a job with one of them; SIGHUP comes from a
/// terminal that is closed.
const SIGNALS: [(i32, &str); 5] = [
    (SIGTERM, "SIGTERM"),
    (SIGINT, "SIGINT"),
    (SIGHUP, "SIGHUP"),
    (SIGUSR1, "SIGUSR1"),
    (SIGUSR2, "SIGUSR2"),
];

/// A request to end the process, by a signal. Clones share what they notice.
#[derive(Clone, Default)]
pub struct Interrupt {
    /// The last signal that has arrived and nobody has taken; 0 without one.
    arrived: Arc<AtomicUsize>,
    /// A SIGINT has arrived, taken or not: the next one ends the process.
    impatient: Arc<AtomicBool>,
    /// A signal has arrived, taken or not: a callback that is running ends.
    asked: Arc<AtomicBool>,
}

/// Makes a file that reaches the process's limit (`ulimit -f`) an error of the write: the signal would end the process
/// without a word.
///
/// # Errors
/// If the handler cannot be set.
pub fn survive_file_limit() -> Result<()> {
    let noticed = Arc::new(AtomicBool::new(false));
    let registered = flag::register(SIGXFSZ, noticed);
    registered.map(drop).context("cannot listen for SIGXFSZ")
}

/// The exit code that a shell reports for a process that SIGINT ended.
const EXIT_CODE_OF_SIGINT: i32 = 130;

impl Interrupt {
    /// Listens from now on, for the whole process. SIGHUP stays ignored where it is, as under `nohup`.
    ///
    /// # Errors
    /// If the handlers cannot be set.
    pub fn listen() -> Result<Interrupt> {
        let interrupt = Interrupt::default();
        for (signal, name) in SIGNALS {
            if signal == SIGHUP && is_ignored(signal) {
                continue;
            }
            flag::register_usize(signal, interrupt.arrived.clone(), signal as usize)
                .and_then(|_| flag::register(signal, interrupt.asked.clone()))
                .with_context(|| format!("cannot listen for {name}"))?;
        }
        // Last: a first SIGINT that arrives meanwhile must have been noticed.
        let impatient = &interrupt.impatient;
        flag::register_conditional_shutdown(SIGINT, EXIT_CODE_OF_SIGINT, impatient.clone())
            .and_then(|_| flag::register(SIGINT, impatient.clone()))
            .context("cannot listen for SIGINT")?;
        if interrupt.is_set() {
            interrupt.asked.store(true, Ordering::Relaxed);
        }
        Ok(interrupt)
    }

    /// Notices nothing, for trainers inside other programs, which have signal handlers of their own.
    pub fn ignored() -> Interrupt {
        Interrupt::default()
    }

    /// True if a signal has arrived that nobody has taken, to end a wait between runs.
    pub fn is_set(&self) -> bool {
        self.arrived.load(Ordering::Relaxed) != 0
    }

    /// A flag that is set once a signal has arrived, and from then on.
    pub fn asked(&self) -> Arc<AtomicBool> {
        self.asked.clone()
    }

    /// Takes the signal that arrived; the last, if several did.
    pub fn take(&self) -> Option<&'static str> {
        let arrived = self.arrived.swap(0, Ordering::Relaxed);
        let known = SIGNALS
            .iter()
            .find(|(signal, _)| *signal as usize == arrived);
        known.map(|(_, name)| *name)
    }
}

/// The signal that a text names.
pub(crate) fn signal_named(text: &str) -> Option<&'static str> {
    let known = SIGNALS.iter().map(|(_, name)| *name);
    known.into_iter().find(|name| *name == text)
}

/// True if the process was started with this signal ignored. Linux says so in a mask, in hexadecimal; elsewhere a signal
/// counts as noticed.
fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use signal_hook::low_level::raise;

    /// One SIGINT alone: the next would end the tests.
    #[test]
    fn a_signal_is_seen_until_it_is_taken() -> Result<()> {
        let interrupt = Interrupt::listen()?;
        for (signal, name) in SIGNALS {
            assert!(!interrupt.is_set(), "before {name}");
            raise(signal)?;
            assert!(interrupt.is_set() && interrupt.clone().is_set(), "{name}");
            assert_eq!((interrupt.take(), interrupt.take()), (Some(name), None));
        }
        assert!(!interrupt.is_set() && !Interrupt::ignored().is_set());
        Ok(())
    }
}

//! The clock that limits of time are counted in: a thread that ticks while the engine lives. Where time is counted in
//! instructions, the engine's epoch stands still until the process is asked to end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::engine::Profile;

/// The clock's resolution: deadlines are kept to within one tick.
pub const TICK: Duration = Duration::from_millis(10);

/// A thread that advances the engine's epoch, and a counter that host calls read.
pub(crate) struct Clock {
    ticks: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Clock {
    /// Starts to tick for an engine of that profile.
    pub(crate) fn start(
        engine: wasmtime::Engine,
        profile: Profile,
        interrupted: Arc<AtomicBool>,
    ) -> Result<Clock> {
        let ticks = Arc::new(AtomicU64::new(0));
        let stop = Arc::new(AtomicBool::new(false));
        let counted = ticks.clone();
        let stopped = stop.clone();
        let always = profile == Profile::Fast;
        let advance = move || {
            if always || interrupted.load(Ordering::Relaxed) {
                engine.increment_epoch();
            }
        };
        let thread = std::thread::Builder::new()
            .name("plugin-clock".into())
            .spawn(move || tick(advance, &counted, &stopped))
            .context("cannot start the clock of callbacks")?;
        Ok(Clock {
            ticks,
            stop,
            thread: Some(thread),
        })
    }

    /// The counter, in units of [`TICK`].
    pub(crate) fn ticks(&self) -> Arc<AtomicU64> {
        self.ticks.clone()
    }
}

fn tick(advance: impl Fn(), ticks: &AtomicU64, stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        std::thread::sleep(TICK);
        ticks.fetch_add(1, Ordering::Relaxed);
        advance();
    }
}

impl Drop for Clock {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A panic of the clock has nothing to add at this point.
            let _ = thread.join();
        }
    }
}

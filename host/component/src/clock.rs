//! The clock that limits of time are counted in: a thread that ticks while the engine lives. Where time is counted in
//! instructions, the engine's epoch stands still until the process is asked to end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use crate::engine::Profile;

/// The clock's resolution: deadlines are kept to within one tick.
pub const TICK: Duration = Duration::from_millis(10);
/// The time between two beats, where stacks are sampled; a sleep takes somewhat longer.
const BEAT: Duration = Duration::from_micros(100);

/// A thread that advances the engine's epoch, and a counter that host calls read.
pub(crate) struct Clock {
    ticks: Arc<AtomicU64>,
    beats: Option<Arc<AtomicU64>>,
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
        let always = profile == Profile::Fast;
        let advance = move || {
            if always || interrupted.load(Ordering::Relaxed) {
                engine.increment_epoch();
            }
        };
        Self::running(None, move |ticks, stop| tick(advance, ticks, stop))
    }

    /// Starts to tick, and to advance the epoch at every beat in between.
    pub(crate) fn start_beating(engine: wasmtime::Engine) -> Result<Clock> {
        let beats = Arc::new(AtomicU64::new(0));
        let beaten = beats.clone();
        Self::running(Some(beats), move |ticks, stop| {
            beat(&engine, ticks, &beaten, stop)
        })
    }

    /// Starts the thread, which counts until it is told to stop.
    fn running(
        beats: Option<Arc<AtomicU64>>,
        count: impl FnOnce(&AtomicU64, &AtomicBool) + Send + 'static,
    ) -> Result<Clock> {
        let ticks = Arc::new(AtomicU64::new(0));
        let stop = Arc::new(AtomicBool::new(false));
        let (counted, stopped) = (ticks.clone(), stop.clone());
        let thread = std::thread::Builder::new()
            .name("plugin-clock".into())
            .spawn(move || count(&counted, &stopped))
            .context("cannot start the clock of callbacks")?;
        Ok(Clock {
            ticks,
            beats,
            stop,
            thread: Some(thread),
        })
    }

    /// The counter of beats, where stacks are sampled.
    pub(crate) fn beats(&self) -> Option<Arc<AtomicU64>> {
        self.beats.clone()
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

fn beat(engine: &wasmtime::Engine, ticks: &AtomicU64, beats: &AtomicU64, stop: &AtomicBool) {
    let begun = Instant::now();
    while !stop.load(Ordering::Relaxed) {
        std::thread::sleep(BEAT);
        let passed = begun.elapsed().as_nanos() / TICK.as_nanos();
        ticks.store(u64::try_from(passed).unwrap_or(u64::MAX), Ordering::Relaxed);
        beats.fetch_add(1, Ordering::Relaxed);
        engine.increment_epoch();
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

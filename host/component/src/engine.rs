//! The one wasmtime engine of a process: its settings, the clock that deadlines count in, and the machine code that is
//! kept. Built once, shared by all callbacks of all runs. Links no host functions.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use wasmtime::{Config, WasmBacktraceDetails};

use super::compiled::CompiledCode;

/// Frames of host functions run on top of the guest's, so the guest's share of the stack stays small.
const GUEST_STACK_BYTES: usize = 512 << 10;

/// The clock's resolution: deadlines are kept to within one tick.
pub const TICK: Duration = Duration::from_millis(10);

/// Compiles components, and keeps the time that they run by.
pub struct Engine {
    pub(crate) engine: wasmtime::Engine,
    pub(crate) compiled: CompiledCode,
    clock: Clock,
    profile: Profile,
    interrupted: Arc<AtomicBool>,
}

/// What callbacks' time is counted in, and how much their results may depend on the machine.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Profile {
    /// Time by the clock.
    #[default]
    Fast,
    /// A nanosecond of a limit is one instruction; not-a-number has one bit pattern; time is counted in steps; values
    /// on their way are waited for. The same run ends at the same instruction everywhere, if the host's own numbers
    /// are the same.
    Deterministic,
}

impl Engine {
    /// Compiled code is kept in `cache_dir`, if that folder is the user's alone or can be made so.
    ///
    /// # Errors
    /// If the clock's thread cannot be started.
    pub fn new(cache_dir: &Path) -> Result<Engine> {
        Self::with_profile(cache_dir, Profile::Fast)
    }

    /// The same for a profile; code is kept for each.
    ///
    /// # Errors
    /// If the clock's thread cannot be started.
    pub fn with_profile(cache_dir: &Path, profile: Profile) -> Result<Engine> {
        let engine = wasmtime::Engine::new(&config(profile)).map_err(|error| anyhow!(error))?;
        let clock = Clock::start(engine.clone())?;
        Ok(Engine {
            engine,
            clock,
            compiled: CompiledCode::open(cache_dir),
            profile,
            interrupted: Arc::default(),
        })
    }

    /// Calls of its callbacks end soon after `interrupted` is set, whatever time their limits leave.
    #[must_use]
    pub fn heed(self, interrupted: Arc<AtomicBool>) -> Engine {
        Engine {
            interrupted,
            ..self
        }
    }

    /// The engine that stores and linkers are made for.
    pub fn wasmtime(&self) -> &wasmtime::Engine {
        &self.engine
    }

    /// The clock, in units of [`TICK`].
    pub fn ticks(&self) -> Arc<AtomicU64> {
        self.clock.ticks.clone()
    }

    /// What callbacks' time is counted in.
    pub fn profile(&self) -> Profile {
        self.profile
    }

    /// Set once calls in progress should end.
    pub fn interrupted(&self) -> Arc<AtomicBool> {
        self.interrupted.clone()
    }

    /// One line for people: where compiled code is kept, and how much.
    ///
    /// # Errors
    /// Why none is kept.
    pub fn describe_compiled_code(&self) -> Result<String> {
        self.compiled.describe()
    }
}

/// Threads, garbage collection and exceptions are not even compiled in. Several memories are allowed: their sum is
/// limited.
fn config(profile: Profile) -> Config {
    let deterministic = profile == Profile::Deterministic;
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        .epoch_interruption(!deterministic)
        .consume_fuel(deterministic)
        .cranelift_nan_canonicalization(deterministic)
        .max_wasm_stack(GUEST_STACK_BYTES)
        .wasm_backtrace_details(WasmBacktraceDetails::Enable)
        .shared_memory(false)
        .wasm_memory64(false)
        .wasm_custom_page_sizes(false)
        .wasm_wide_arithmetic(false)
        .wasm_stack_switching(false)
        .wasm_relaxed_simd(false);
    config
}

/// Ticks while the engine lives; both the engine's epoch and a counter that host calls read.
struct Clock {
    ticks: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Clock {
    fn start(engine: wasmtime::Engine) -> Result<Clock> {
        let (ticks, stop) = (
            Arc::new(AtomicU64::new(0)),
            Arc::new(AtomicBool::new(false)),
        );
        let (ticking, stopping) = (ticks.clone(), stop.clone());
        let tick = move || {
            while !stopping.load(Ordering::Relaxed) {
                std::thread::sleep(TICK);
                ticking.fetch_add(1, Ordering::Relaxed);
                engine.increment_epoch();
            }
        };
        let thread = std::thread::Builder::new()
            .name("plugin-clock".into())
            .spawn(tick);
        Ok(Clock {
            ticks,
            stop,
            thread: Some(thread.context("cannot start the clock of callbacks")?),
        })
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

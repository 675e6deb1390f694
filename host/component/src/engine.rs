//! The wasmtime engine that callbacks are compiled for and run on: its settings, its clock, and the machine
//! code that is kept for it. It is made once and shared by all callbacks of all runs. Links no host functions.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};

use anyhow::{Result, anyhow};
use serde::{Deserialize, Serialize};
use wasmtime::{Config, WasmBacktraceDetails};

use crate::clock::Clock;
use crate::compiled::CompiledCode;
use crate::in_use::InUse;
use crate::task;

/// The stack of a guest. It is small since host functions run on top of the guest's frames.
const GUEST_STACK_BYTES: usize = 512 << 10;

/// Compiles components, keeps their code, and counts the time that they run by.
pub struct Engine {
    pub(crate) engine: wasmtime::Engine,
    pub(crate) compiled: CompiledCode,
    pub(crate) in_use: InUse,
    clock: Clock,
    profile: Profile,
    interrupted: Arc<AtomicBool>,
    /// The program to start for a task, if there is one.
    pub(crate) program: Option<PathBuf>,
}

/// The unit of callbacks' time, and how much their results may depend on the machine.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub enum Profile {
    /// Time is counted by the clock.
    #[default]
    Fast,
    /// A nanosecond of a limit is one instruction, not-a-number has one bit pattern, time is counted in steps,
    /// and values on their way are waited for. If the host's own numbers are the same, a run ends at the same
    /// instruction everywhere.
    Deterministic,
}

impl Engine {
    /// An engine on the fast profile. Compiled code is kept in `cache_dir`, if that folder is the user's alone
    /// or can be made so.
    ///
    /// # Errors
    /// If the clock's thread cannot be started.
    pub fn new(cache_dir: &Path) -> Result<Engine> {
        Self::with_profile(cache_dir, Profile::Fast, Arc::default())
    }

    /// An engine on a profile of choice. Compiled code is kept for each profile. Calls end soon after `interrupted` is set,
    /// whatever time their limits leave.
    ///
    /// # Errors
    /// If the clock's thread cannot be started.
    pub fn with_profile(
        cache_dir: &Path,
        profile: Profile,
        interrupted: Arc<AtomicBool>,
    ) -> Result<Engine> {
        let ends = interrupted.clone();
        Self::with_clock(cache_dir, profile, interrupted, |engine| {
            Clock::start(engine, profile, ends)
        })
    }

    /// An engine on the fast profile whose clock beats about every 0.1 ms, so that stacks of guests can be sampled. A
    /// component's code is that of any other engine on this profile.
    ///
    /// # Errors
    /// If the clock's thread cannot be started.
    pub fn beating(cache_dir: &Path, interrupted: Arc<AtomicBool>) -> Result<Engine> {
        Self::with_clock(cache_dir, Profile::Fast, interrupted, Clock::start_beating)
    }

    fn with_clock(
        cache_dir: &Path,
        profile: Profile,
        interrupted: Arc<AtomicBool>,
        start: impl FnOnce(wasmtime::Engine) -> Result<Clock>,
    ) -> Result<Engine> {
        let engine = wasmtime_engine(profile)?;
        Ok(Engine {
            clock: start(engine.clone())?,
            engine,
            compiled: CompiledCode::open(cache_dir),
            in_use: InUse::default(),
            profile,
            interrupted,
            program: task::program(),
        })
    }

    /// The counter of beats; none on an engine that does not beat.
    pub fn beats(&self) -> Option<Arc<AtomicU64>> {
        self.clock.beats()
    }

    /// The engine that stores and linkers are made for.
    pub fn wasmtime(&self) -> &wasmtime::Engine {
        &self.engine
    }

    /// The clock, in units of [`TICK`](crate::TICK).
    pub fn ticks(&self) -> Arc<AtomicU64> {
        self.clock.ticks()
    }

    /// The profile that components are compiled for.
    pub fn profile(&self) -> Profile {
        self.profile
    }

    /// The flag that is set once calls in progress should end.
    pub fn interrupted(&self) -> Arc<AtomicBool> {
        self.interrupted.clone()
    }

    /// One line for people: where compiled code is kept, and how much.
    ///
    /// # Errors
    /// If none is kept; says why.
    pub fn describe_compiled_code(&self) -> Result<String> {
        self.compiled.describe()
    }
}

/// The engine of a profile, in whichever process.
pub(crate) fn wasmtime_engine(profile: Profile) -> Result<wasmtime::Engine> {
    wasmtime::Engine::new(&config(profile)).map_err(|error| anyhow!(error))
}

/// The settings of a profile. Threads, garbage collection and exceptions are not even compiled in. Several
/// memories are allowed, since their sum is limited.
fn config(profile: Profile) -> Config {
    let deterministic = profile == Profile::Deterministic;
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        .epoch_interruption(true)
        .consume_fuel(deterministic)
        .cranelift_nan_canonicalization(deterministic)
        .max_wasm_stack(GUEST_STACK_BYTES)
        // Debug information is read outside: a stranger's may take any time and memory.
        .wasm_backtrace_details(WasmBacktraceDetails::Disable)
        .shared_memory(false)
        .wasm_memory64(false)
        .wasm_custom_page_sizes(false)
        .wasm_wide_arithmetic(false)
        .wasm_stack_switching(false)
        .wasm_relaxed_simd(false);
    config
}

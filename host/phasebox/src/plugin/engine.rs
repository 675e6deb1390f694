//! The one wasmtime engine of a process: its settings, the clock that deadlines count in, and the linker
//! that holds every host function. Built once, shared by all callbacks of all runs.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;

use anyhow::{Context as _, Result, anyhow};
use wasmtime::component::{HasSelf, Linker};
use wasmtime::{Cache, CacheConfig, Config, WasmBacktraceDetails};

use super::bindings::Imports;
use super::limits::TICK;
use super::store::PluginState;

/// Frames of host functions run on top of the guest's, so the guest's share of the stack stays small.
const GUEST_STACK_BYTES: usize = 512 << 10;

/// Compiles and runs components.
pub struct PluginEngine {
    pub(crate) engine: wasmtime::Engine,
    pub(crate) linker: Linker<PluginState>,
    pub(crate) clock: Clock,
}

impl PluginEngine {
    /// Compiled code is kept in `cache_dir`, keyed by the component's bytes and the engine's settings.
    ///
    /// # Errors
    /// If the cache folder cannot be made or the clock's thread cannot be started.
    pub fn new(cache_dir: &Path) -> Result<PluginEngine> {
        let engine = wasmtime::Engine::new(&config(cache_dir)?).map_err(|error| anyhow!(error))?;
        let mut linker = Linker::new(&engine);
        Imports::add_to_linker::<_, HasSelf<PluginState>>(&mut linker, |state| state)
            .map_err(|error| anyhow!(error))?;
        let clock = Clock::start(engine.clone())?;
        Ok(PluginEngine { engine, linker, clock })
    }
}

fn config(cache_dir: &Path) -> Result<Config> {
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        .epoch_interruption(true)
        .max_wasm_stack(GUEST_STACK_BYTES)
        .wasm_backtrace_details(WasmBacktraceDetails::Enable)
        .wasm_memory64(false)
        .wasm_relaxed_simd(false);
    config.cache(Some(compilation_cache(cache_dir)?));
    Ok(config)
}

/// Whoever can write there can run code in this process: the folder is for its owner alone.
fn compilation_cache(directory: &Path) -> Result<Cache> {
    use std::os::unix::fs::DirBuilderExt;
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(directory);
    made.with_context(|| format!("cannot make the folder for compiled callbacks {}", directory.display()))?;
    let directory = directory.canonicalize()?;
    let mut config = CacheConfig::new();
    config.with_directory(directory);
    Cache::new(config).map_err(|error| anyhow!(error))
}

/// Ticks while the engine lives; both the engine's epoch and a counter that host calls read.
pub(crate) struct Clock {
    ticks: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Clock {
    fn start(engine: wasmtime::Engine) -> Result<Clock> {
        let (ticks, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let (ticking, stopping) = (ticks.clone(), stop.clone());
        let tick = move || {
            while !stopping.load(Ordering::Relaxed) {
                std::thread::sleep(TICK);
                ticking.fetch_add(1, Ordering::Relaxed);
                engine.increment_epoch();
            }
        };
        let thread = std::thread::Builder::new().name("plugin-clock".into()).spawn(tick);
        Ok(Clock { ticks, stop, thread: Some(thread.context("cannot start the clock of callbacks")?) })
    }

    /// The counter, in units of [`TICK`].
    pub(crate) fn ticks(&self) -> Arc<AtomicU64> {
        self.ticks.clone()
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

//! What one callback may use, and the parts of it that wasmtime enforces: time and memory.
//! Owns the defaults and their reasons. Handles are capped in `arena`, tensor bytes in `store`.
//! Every limit refuses; none waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use wasmtime::{ResourceLimiter, StoreContextMut, UpdateDeadline};

use super::store::PluginState;

/// The clock's resolution: deadlines are kept to within one tick.
pub(crate) const TICK: Duration = Duration::from_millis(10);

/// Limits of one callback; a recipe's `limits:` changes single fields.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Limits {
    /// Guest time one call may take; the time spent in host functions is not charged. The slowest stock
    /// callback needs 1 ms; a second still leaves a Python callback's first call room.
    pub time: Duration,
    /// Guest time for instantiation and `configure`, where interpreters start up.
    pub load_time: Duration,
    /// Linear memory over all memories of the component. Python and JavaScript components start at about 40 MiB.
    pub memory_bytes: u64,
    /// Tensor memory kept by handles and storage, and again what one call may make.
    pub tensor_bytes: u64,
    /// Live handles of one kind.
    pub handles: usize,
    /// Device syncs in one call; 0 forbids them.
    pub syncs: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            time: Duration::from_secs(1),
            load_time: Duration::from_secs(10),
            memory_bytes: 256 << 20,
            tensor_bytes: 1 << 30,
            handles: 4096,
            syncs: u64::MAX,
        }
    }
}

/// Counts linear memory over all memories of a store, which wasmtime's own limits do not: those are per memory.
pub(crate) struct MemoryLimiter {
    limit_bytes: u64,
    used_bytes: u64,
    pub(crate) peak_bytes: u64,
    /// Set when growth was refused, so that the trap that follows can be explained.
    pub(crate) refused_bytes: Option<u64>,
}

/// Table entries of one table; a component of a large interpreter has about 7,000.
const MAX_TABLE_ELEMENTS: usize = 100_000;

impl MemoryLimiter {
    pub(crate) fn new(limit_bytes: u64) -> MemoryLimiter {
        MemoryLimiter { limit_bytes, used_bytes: 0, peak_bytes: 0, refused_bytes: None }
    }
}

impl ResourceLimiter for MemoryLimiter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let wanted = self.used_bytes.saturating_add(desired.saturating_sub(current) as u64);
        if wanted > self.limit_bytes {
            self.refused_bytes = Some(wanted);
            return Ok(false);
        }
        self.used_bytes = wanted;
        self.peak_bytes = self.peak_bytes.max(wanted);
        Ok(true)
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(desired <= MAX_TABLE_ELEMENTS)
    }

    fn instances(&self) -> usize {
        200
    }

    fn tables(&self) -> usize {
        200
    }

    fn memories(&self) -> usize {
        50
    }
}

/// Guest time of one call, in ticks of the engine's clock. Host time is given back when the deadline is
/// reached rather than measured at every host call: a load of one counter is all a crossing pays.
pub(crate) struct Deadline {
    clock: Arc<AtomicU64>,
    entered_host_at: u64,
    host_ticks: u64,
    /// What the call in progress may take.
    pub(crate) limit: Duration,
}

impl Deadline {
    pub(crate) fn new(clock: Arc<AtomicU64>) -> Deadline {
        Deadline { clock, entered_host_at: 0, host_ticks: 0, limit: Duration::ZERO }
    }

    /// A call begins; in ticks, what it may take.
    pub(crate) fn begin(&mut self, limit: Duration) -> u64 {
        (self.host_ticks, self.limit) = (0, limit);
        ticks(limit)
    }

    #[inline]
    pub(crate) fn enter_host(&mut self) {
        self.entered_host_at = self.clock.load(Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn leave_host(&mut self) {
        self.host_ticks += self.clock.load(Ordering::Relaxed) - self.entered_host_at;
    }

    /// The deadline is reached: give back what host functions took, or end the call.
    pub(crate) fn reached(mut state: StoreContextMut<'_, PluginState>) -> wasmtime::Result<UpdateDeadline> {
        match std::mem::take(&mut state.data_mut().deadline.host_ticks) {
            0 => Ok(UpdateDeadline::Interrupt),
            ticks => Ok(UpdateDeadline::Continue(ticks)),
        }
    }
}

/// Ticks in a duration, with one more for the tick in progress.
fn ticks(duration: Duration) -> u64 {
    duration.as_millis().div_ceil(TICK.as_millis()).try_into().unwrap_or(u64::MAX / 2).saturating_add(1)
}

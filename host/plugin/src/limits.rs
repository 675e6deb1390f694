//! The limits that wasmtime enforces: guest time and memory. Handles are capped in `arena`, what host functions use
//! in `store`; the table of all limits is `phasebox_contract::limits`. Every limit refuses; none waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use phasebox_component::TICK;
use phasebox_contract::limits::Limit;
use wasmtime::{ResourceLimiter, StoreContextMut, UpdateDeadline};

use super::store::PluginState;

/// Counts linear memory over all memories of a store, which wasmtime's own limits do not: those are per memory.
pub(crate) struct MemoryLimiter {
    limit_bytes: u64,
    used_bytes: u64,
    pub(crate) peak_bytes: u64,
    /// How often growth was refused.
    pub(crate) refusals: u64,
    /// Set when growth was refused, so that the trap that follows can be explained.
    pub(crate) refused_bytes: Option<u64>,
}

/// Table entries of one table; a component of a large interpreter has about 7,000.
const MAX_TABLE_ELEMENTS: usize = 100_000;
/// What one takes of the host's memory.
const TABLE_ELEMENT_BYTES: usize = 16;

impl MemoryLimiter {
    pub(crate) fn new(limit_bytes: u64) -> MemoryLimiter {
        MemoryLimiter {
            limit_bytes,
            used_bytes: 0,
            peak_bytes: 0,
            refusals: 0,
            refused_bytes: None,
        }
    }
}

impl MemoryLimiter {
    /// Takes in so many bytes more, if there is room.
    fn grow(&mut self, bytes: usize) -> bool {
        let wanted = self.used_bytes.saturating_add(bytes as u64);
        if wanted > self.limit_bytes {
            self.refusals += 1;
            self.refused_bytes = Some(wanted);
            return false;
        }
        self.used_bytes = wanted;
        self.peak_bytes = self.peak_bytes.max(wanted);
        true
    }
}

impl ResourceLimiter for MemoryLimiter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(self.grow(desired.saturating_sub(current)))
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let more = desired
            .saturating_sub(current)
            .saturating_mul(TABLE_ELEMENT_BYTES);
        Ok(desired <= MAX_TABLE_ELEMENTS && self.grow(more))
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

/// Between two looks at whether the process was asked to end.
const SLICE_TICKS: u64 = 10;
/// What a call in progress then still gets: one that ends by itself can save its state.
const GRACE_TICKS: u64 = 100;

/// Guest time of one call, in ticks of the engine's clock. Host time is given back when the deadline is
/// reached rather than measured at every host call: a load of one counter is all a crossing pays. Over many calls
/// a tick falls to whoever runs when it comes, so that short calls are charged what they take on average.
pub(crate) struct Deadline {
    clock: Arc<AtomicU64>,
    began_at: u64,
    entered_host_at: u64,
    /// Of the call in progress.
    host_ticks: u64,
    /// Those of them that the deadline was moved by.
    returned_ticks: u64,
    /// Of the call in progress, beyond the slice it is in.
    left_ticks: u64,
    /// Whether the process was asked to end, and when a call in progress has to.
    interrupted: Arc<AtomicBool>,
    grace_ends_at: Option<u64>,
    /// The limit that ends the call in progress, and what it leaves it, in nanoseconds.
    pub(crate) limit: Limit,
    left: u64,
    /// What the call took, where it is counted in fuel.
    burnt: Option<u64>,
}

impl Deadline {
    pub(crate) fn new(clock: Arc<AtomicU64>) -> Deadline {
        Deadline {
            clock,
            began_at: 0,
            entered_host_at: 0,
            host_ticks: 0,
            returned_ticks: 0,
            left_ticks: 0,
            interrupted: Arc::default(),
            grace_ends_at: None,
            limit: Limit::LoadTime,
            left: 0,
            burnt: None,
        }
    }

    /// Calls in progress end soon after this is set.
    pub(crate) fn heed(&mut self, interrupted: Arc<AtomicBool>) {
        self.interrupted = interrupted;
    }

    /// A call begins that may take so many nanoseconds; the first of them, in ticks.
    pub(crate) fn begin(&mut self, limit: Limit, left: u64) -> u64 {
        (self.limit, self.left) = (limit, left);
        (self.host_ticks, self.returned_ticks) = (0, 0);
        self.began_at = self.clock.load(Ordering::Relaxed);
        self.entered_host_at = self.began_at;
        self.left_ticks = ticks(left);
        self.grace_ends_at = None;
        self.slice()
    }

    /// The next part of what is left.
    fn slice(&mut self) -> u64 {
        let slice = self.left_ticks.min(SLICE_TICKS);
        self.left_ticks -= slice;
        slice
    }

    /// Whether the process was asked to end so long ago that this call has to.
    fn is_cut_short(&mut self) -> bool {
        let now = self.clock.load(Ordering::Relaxed);
        self.interrupted.load(Ordering::Relaxed)
            && now >= *self.grace_ends_at.get_or_insert(now + GRACE_TICKS)
    }

    /// Whether the call in progress has taken anything that can be counted.
    #[inline]
    pub(crate) fn has_ticked(&self) -> bool {
        self.burnt.is_some() || self.clock.load(Ordering::Relaxed) != self.began_at
    }

    /// It has ended: guest time and host time, in nanoseconds.
    pub(crate) fn end(&self) -> (u64, u64) {
        let all = self.clock.load(Ordering::Relaxed) - self.began_at;
        let guest = || nanoseconds(all.saturating_sub(self.host_ticks));
        (
            self.burnt.unwrap_or_else(guest),
            nanoseconds(self.host_ticks),
        )
    }

    /// What the call that begins may take, as fuel.
    pub(crate) fn fuel(&self) -> u64 {
        self.left
    }

    /// The call has left so much of its fuel.
    pub(crate) fn burn(&mut self, left: u64) {
        self.burnt = Some(self.fuel().saturating_sub(left));
    }

    /// What the call that has ended took at least, if that is a tick or more.
    #[inline]
    pub(crate) fn at_least(&self) -> Option<Duration> {
        let whole = (self.clock.load(Ordering::Relaxed) - self.began_at).checked_sub(1)?;
        (whole > 0).then(|| Duration::from_nanos(nanoseconds(whole)))
    }

    /// Time in host functions so far.
    #[inline]
    pub(crate) fn host_ticks(&self) -> u64 {
        self.host_ticks
    }

    #[inline]
    pub(crate) fn enter_host(&mut self) {
        self.entered_host_at = self.clock.load(Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn leave_host(&mut self) {
        self.host_ticks += self.clock.load(Ordering::Relaxed) - self.entered_host_at;
    }

    /// A slice is over: give back what host functions took, and go on with the next or end the call.
    pub(crate) fn reached(
        mut state: StoreContextMut<'_, PluginState>,
    ) -> wasmtime::Result<UpdateDeadline> {
        let deadline = &mut state.data_mut().deadline;
        let ticks = deadline.host_ticks
            - std::mem::replace(&mut deadline.returned_ticks, deadline.host_ticks);
        deadline.left_ticks = deadline.left_ticks.saturating_add(ticks);
        if deadline.is_cut_short() {
            return Err(wasmtime::Error::msg(
                "it did not return within a second after the run was interrupted",
            ));
        }
        Ok(match deadline.slice() {
            0 => UpdateDeadline::Interrupt,
            slice => UpdateDeadline::Continue(slice),
        })
    }
}

const TICK_NANOSECONDS: u64 = TICK.as_nanos() as u64;

/// Ticks in so many nanoseconds, with one more for the tick in progress.
fn ticks(nanoseconds: u64) -> u64 {
    nanoseconds.div_ceil(TICK_NANOSECONDS) + 1
}

/// Whole ticks in so many nanoseconds.
pub(crate) fn ticks_within(nanoseconds: u64) -> u64 {
    nanoseconds / TICK_NANOSECONDS
}

fn nanoseconds(ticks: u64) -> u64 {
    ticks.saturating_mul(TICK_NANOSECONDS)
}

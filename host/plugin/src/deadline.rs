//! The limits of time: how long one call of a guest may take, and how long it keeps the host busy.
//!
//! On the fast profile, guest time is counted in ticks of the engine's clock. Host time is given back when
//! the deadline is reached rather than measured at every host call, so a crossing pays only for one load of
//! a counter. Over many calls a tick falls to the code that runs when it comes, so that short calls are
//! charged what they take on average. On the deterministic profile, guest time is counted in fuel; there the engine's
//! epoch advances only once the process was asked to end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use phasebox_component::TICK;
use phasebox_contract::limits::Limit;
use wasmtime::UpdateDeadline;

/// The ticks between two looks at whether the process was asked to end.
const SLICE_TICKS: u64 = 10;
/// The ticks that a call in progress still gets then, so that one that ends by itself can save its state.
pub(crate) const GRACE_TICKS: u64 = 100;
const TICK_NANOSECONDS: u64 = TICK.as_nanos() as u64;

/// The time of one call. Times are in ticks of the clock, limits in nanoseconds.
pub(crate) struct Deadline {
    clock: Arc<AtomicU64>,
    began_at: u64,
    entered_host_at: u64,
    /// The time of the call in progress that host functions took.
    host_ticks: u64,
    /// The part of `host_ticks` by which the deadline has been moved.
    returned_ticks: u64,
    /// The time left to the call in progress after the slice it is in.
    left_ticks: u64,
    /// Set when the process was asked to end.
    interrupted: Arc<AtomicBool>,
    /// The time at which an interrupted call has to end.
    grace_ends_at: Option<u64>,
    /// The limit that ends the call in progress.
    pub(crate) limit: Limit,
    /// The nanoseconds that the limit left to the call when it began.
    budget: u64,
    /// The fuel that the call took, where it is counted in fuel.
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
            budget: 0,
            burnt: None,
        }
    }

    /// Ends calls in progress soon after `interrupted` is set.
    pub(crate) fn interrupt_on(&mut self, interrupted: Arc<AtomicBool>) {
        self.interrupted = interrupted;
    }

    /// Begins a call of at most `budget` nanoseconds by `limit`. Returns the first slice of them, in ticks.
    pub(crate) fn begin(&mut self, limit: Limit, budget: u64) -> u64 {
        self.limit = limit;
        self.budget = budget;
        self.host_ticks = 0;
        self.returned_ticks = 0;
        self.began_at = self.now();
        self.entered_host_at = self.began_at;
        self.left_ticks = ticks_for(budget);
        self.grace_ends_at = None;
        self.take_slice()
    }

    /// The end of a slice: gives back what host functions took, and goes on with the next slice or ends the
    /// call.
    pub(crate) fn reached(&mut self) -> wasmtime::Result<UpdateDeadline> {
        let host_ticks = self.host_ticks - self.returned_ticks;
        self.returned_ticks = self.host_ticks;
        self.left_ticks = self.left_ticks.saturating_add(host_ticks);
        if self.grace_is_over() {
            return Err(outlasted_grace());
        }
        Ok(match self.take_slice() {
            0 => UpdateDeadline::Interrupt,
            slice => UpdateDeadline::Continue(slice),
        })
    }

    /// Takes the next part off what is left.
    fn take_slice(&mut self) -> u64 {
        let slice = self.left_ticks.min(SLICE_TICKS);
        self.left_ticks -= slice;
        slice
    }

    /// True if the process was asked to end so long ago that this call has to end.
    fn grace_is_over(&mut self) -> bool {
        if !self.interrupted.load(Ordering::Relaxed) {
            return false;
        }
        let now = self.now();
        now >= *self.grace_ends_at.get_or_insert(now + GRACE_TICKS)
    }

    /// The fuel for the call that begins: one unit a nanosecond.
    pub(crate) fn fuel(&self) -> u64 {
        self.budget
    }

    /// Notes the fuel that the call has left.
    pub(crate) fn record_fuel_left(&mut self, left: u64) {
        self.burnt = Some(self.budget.saturating_sub(left));
    }

    /// True if the call in progress has taken anything that can be counted.
    #[inline]
    pub(crate) fn has_ticked(&self) -> bool {
        self.burnt.is_some() || self.ticks_taken() > 0
    }

    /// Guest time of the call that has ended, in nanoseconds.
    pub(crate) fn guest_time(&self) -> u64 {
        let guest_ticks = self.ticks_taken().saturating_sub(self.host_ticks);
        self.burnt.unwrap_or_else(|| nanoseconds(guest_ticks))
    }

    /// Host time of the call that has ended, in nanoseconds.
    pub(crate) fn host_time(&self) -> u64 {
        nanoseconds(self.host_ticks)
    }

    /// The time that the call which has ended took at least, if that is a tick or more.
    #[inline]
    pub(crate) fn at_least(&self) -> Option<Duration> {
        let whole = self.ticks_taken().checked_sub(1)?;
        (whole > 0).then(|| Duration::from_nanos(nanoseconds(whole)))
    }

    /// The time that host functions took so far, in ticks.
    #[inline]
    pub(crate) fn host_ticks(&self) -> u64 {
        self.host_ticks
    }

    #[inline]
    pub(crate) fn enter_host(&mut self) {
        self.entered_host_at = self.now();
    }

    #[inline]
    pub(crate) fn leave_host(&mut self) {
        self.host_ticks += self.now() - self.entered_host_at;
    }

    #[inline]
    pub(crate) fn now(&self) -> u64 {
        self.clock.load(Ordering::Relaxed)
    }

    #[inline]
    fn ticks_taken(&self) -> u64 {
        self.now() - self.began_at
    }
}

/// The end of a call that goes on for [`GRACE_TICKS`] after the process was asked to end.
#[cold]
pub(crate) fn outlasted_grace() -> wasmtime::Error {
    wasmtime::Error::msg("it did not return within a second after the run was interrupted")
}

/// The ticks that cover a time, and one more for the tick in progress.
fn ticks_for(nanoseconds: u64) -> u64 {
    nanoseconds.div_ceil(TICK_NANOSECONDS) + 1
}

/// The whole ticks in a time.
pub(crate) fn ticks_within(nanoseconds: u64) -> u64 {
    nanoseconds / TICK_NANOSECONDS
}

fn nanoseconds(ticks: u64) -> u64 {
    ticks.saturating_mul(TICK_NANOSECONDS)
}

//! Time that passes only when a program looks at a clock, a microsecond each time, or waits, as long as it waits. So a
//! program sees the same times in every run, a loop that waits for the clock ends, and nobody sleeps.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::bindings::Nothing;
use crate::bindings::exports::wasi::clocks::{monotonic_clock, timezone, wall_clock};
use crate::bindings::exports::wasi::io::poll;
use poll::{Pollable, PollableBorrow};
use wall_clock::Datetime;

/// Nanoseconds since the component was started, as it sees them.
static NOW: AtomicU64 = AtomicU64::new(0);
/// The nanoseconds that one look at a clock takes.
const LOOK: u64 = 1000;
/// The beginning of the year 2000, in seconds since 1970.
const BEGINNING: u64 = 946_684_800;
const SECOND: u64 = 1_000_000_000;

fn now() -> u64 {
    NOW.load(Ordering::Relaxed)
}

fn look() -> u64 {
    wait_until(now().saturating_add(LOOK));
    now()
}

fn wait_until(moment: u64) {
    NOW.fetch_max(moment, Ordering::Relaxed);
}

/// A moment to wait for, in nanoseconds since the start. What does not depend on time is ready at once.
pub(crate) struct Moment(u64);

impl Moment {
    pub(crate) fn past() -> Pollable {
        Pollable::new(Moment(0))
    }
}

impl poll::GuestPollable for Moment {
    fn ready(&self) -> bool {
        self.0 <= now()
    }

    fn block(&self) {
        wait_until(self.0);
    }
}

impl poll::Guest for Nothing {
    type Pollable = Moment;

    fn poll(list: Vec<PollableBorrow<'_>>) -> Vec<u32> {
        let moments: Vec<u64> = list.iter().map(|one| one.get::<Moment>().0).collect();
        wait_until(moments.iter().copied().min().unwrap_or(0));
        let ready = (0..).zip(moments).filter(|(_, moment)| *moment <= now());
        ready.map(|(index, _)| index).collect()
    }
}

impl monotonic_clock::Guest for Nothing {
    fn now() -> u64 {
        look()
    }

    fn resolution() -> u64 {
        LOOK
    }

    fn subscribe_instant(when: u64) -> Pollable {
        Pollable::new(Moment(when))
    }

    fn subscribe_duration(when: u64) -> Pollable {
        Pollable::new(Moment(now().saturating_add(when)))
    }
}

impl wall_clock::Guest for Nothing {
    fn now() -> Datetime {
        let now = look();
        Datetime {
            seconds: BEGINNING + now / SECOND,
            nanoseconds: (now % SECOND) as u32,
        }
    }

    fn resolution() -> Datetime {
        Datetime {
            seconds: 0,
            nanoseconds: LOOK as u32,
        }
    }
}

impl timezone::Guest for Nothing {
    fn display(_: Datetime) -> timezone::TimezoneDisplay {
        timezone::TimezoneDisplay {
            utc_offset: 0,
            name: "UTC".to_owned(),
            in_daylight_saving_time: false,
        }
    }

    fn utc_offset(_: Datetime) -> i32 {
        0
    }
}

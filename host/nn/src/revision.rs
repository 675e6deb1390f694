//! Numbers that tell two states of an object apart, by which a recording learns that it is out of date. Does not know
//! the objects.

use std::sync::atomic::{AtomicU64, Ordering};

/// A number that no earlier call in this process gave.
pub(crate) fn fresh() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

//! Numbers that differ whenever what they stand for has changed: how recorded work learns that it is out of date.
//! Knows nothing of what they stand for.

use std::sync::atomic::{AtomicU64, Ordering};

/// A number that no call before gave. Only good for telling two states of one run apart.
pub(crate) fn fresh() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

//! The memory that a process holds, as Linux counts it.

use std::fs;

/// Bytes on a page of the machines that these tests run on.
const PAGE: u64 = 4096;

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ProcessMemory {
    pub(crate) resident_bytes: u64,
    #[allow(dead_code, reason = "a program beside `it` reads it")]
    pub(crate) mapped_bytes: u64,
}

impl ProcessMemory {
    /// Memory of a process by its number, or of this one by `self`; zeros for a process that has ended.
    pub(crate) fn of(process: &str) -> ProcessMemory {
        let text = fs::read_to_string(format!("/proc/{process}/statm")).unwrap_or_default();
        let pages: Vec<u64> = text
            .split_whitespace()
            .filter_map(|count| count.parse().ok())
            .collect();
        match pages.as_slice() {
            [mapped, resident, ..] => ProcessMemory {
                resident_bytes: resident * PAGE,
                mapped_bytes: mapped * PAGE,
            },
            _ => ProcessMemory::default(),
        }
    }
}

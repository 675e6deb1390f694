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

    /// The memory that a process holds for itself alone and has written to; none once it has ended.
    #[allow(dead_code, reason = "a program beside `it` does not read it")]
    pub(crate) fn private_bytes(process: u32) -> Option<u64> {
        let text = fs::read_to_string(format!("/proc/{process}/smaps_rollup")).ok()?;
        let mut lines = text.lines();
        let line = lines.find_map(|line| line.strip_prefix("Private_Dirty:"))?;
        let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
        Some(kib << 10)
    }
}

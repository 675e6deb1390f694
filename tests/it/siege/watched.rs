//! A process that has ended, the time it took, and the most memory that it and the processes which it started held.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::harness::{Finished, Scratch};

/// The time between two looks: a process that ends sooner is too small to matter.
const BETWEEN_LOOKS: Duration = Duration::from_millis(2);

pub(super) struct Watched {
    pub(super) finished: Finished,
    pub(super) seconds: f64,
    pub(super) peak_bytes: u64,
}

impl Watched {
    pub(super) fn run(scratch: &Scratch, mut command: Command) -> Watched {
        let begun = Instant::now();
        let child = command.spawn().expect("the binary starts");
        let id = child.id();
        let is_over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let peak = scope.spawn(|| peak_until(&is_over, id));
            let finished = scratch.finish(child);
            is_over.store(true, Ordering::Relaxed);
            Watched {
                finished,
                seconds: begun.elapsed().as_secs_f64(),
                peak_bytes: peak.join().expect("looking does not fail"),
            }
        })
    }
}

/// The sum of the peaks of all processes: they may have held them at different times.
fn peak_until(is_over: &AtomicBool, id: u32) -> u64 {
    let mut peaks = BTreeMap::new();
    while !is_over.load(Ordering::Relaxed) {
        note(id, &mut peaks);
        std::thread::sleep(BETWEEN_LOOKS);
    }
    peaks.values().sum()
}

/// Notes the peak of a process and of its children, as far as they still run.
fn note(id: u32, peaks: &mut BTreeMap<u32, u64>) {
    if let Some(peak) = peak_of(id) {
        peaks.insert(id, peak);
    }
    let Ok(threads) = fs::read_dir(format!("/proc/{id}/task")) else {
        return;
    };
    for thread in threads.flatten() {
        let children = fs::read_to_string(thread.path().join("children")).unwrap_or_default();
        let ids = children.split_whitespace().filter_map(|id| id.parse().ok());
        ids.for_each(|id| note(id, peaks));
    }
}

/// The most that a process has held, in bytes.
fn peak_of(id: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse().ok()?;
    Some(kibibytes << 10)
}

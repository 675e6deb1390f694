//! A process that has ended, the time it took of a processor, and the most memory that it and the processes which it
//! started held. Time on the clock says more of the machine than of the file.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::harness::{Finished, Scratch};

/// The time between two looks: a process that ends sooner is too small to matter.
const BETWEEN_LOOKS: Duration = Duration::from_millis(2);

pub(super) struct Watched {
    pub(super) finished: Finished,
    /// Seconds of all processors together.
    pub(super) seconds: f64,
    pub(super) peak_bytes: u64,
}

impl Watched {
    pub(super) fn run(scratch: &Scratch, mut command: Command) -> Watched {
        let child = command.spawn().expect("the binary starts");
        let id = child.id();
        let is_over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let watching = scope.spawn(|| watch_until(&is_over, id));
            let finished = scratch.finish(child);
            is_over.store(true, Ordering::Relaxed);
            let seen = watching.join().expect("looking does not fail");
            Watched {
                finished,
                seconds: seen.values().map(|one| one.seconds).sum(),
                peak_bytes: seen.values().map(|one| one.peak_bytes).sum(),
            }
        })
    }
}

/// The use that a process has made of the machine so far.
struct Use {
    seconds: f64,
    peak_bytes: u64,
}

/// The last that was seen of each process.
fn watch_until(is_over: &AtomicBool, id: u32) -> BTreeMap<u32, Use> {
    let mut seen = BTreeMap::new();
    while !is_over.load(Ordering::Relaxed) {
        note(id, &mut seen);
        std::thread::sleep(BETWEEN_LOOKS);
    }
    seen
}

/// Notes a process and its children, as far as they still run.
fn note(id: u32, seen: &mut BTreeMap<u32, Use>) {
    if let Some(found) = use_of(id) {
        seen.insert(id, found);
    }
    let Ok(threads) = fs::read_dir(format!("/proc/{id}/task")) else {
        return;
    };
    for thread in threads.flatten() {
        let children = fs::read_to_string(thread.path().join("children")).unwrap_or_default();
        let ids = children.split_whitespace().filter_map(|id| id.parse().ok());
        ids.for_each(|id| note(id, seen));
    }
}

fn use_of(id: u32) -> Option<Use> {
    let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse().ok()?;
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // After the name, which may hold anything: the 12th and 13th fields are hundredths in the program and in the kernel.
    let (_, fields) = stat.rsplit_once(')')?;
    let ticks = fields.split_whitespace().skip(11).take(2);
    let ticks: f64 = ticks.filter_map(|field| field.parse::<f64>().ok()).sum();
    Some(Use {
        seconds: ticks / 100.0,
        peak_bytes: kibibytes << 10,
    })
}

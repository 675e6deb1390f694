//! The cost of reading an input: memory at one time, and time of a processor, both in proportion to the input. Counts what
//! this thread takes from Rust's allocator; tensors are libtorch's, and are counted by who makes them.

use std::fs;
use std::time::Duration;

/// Time that reading an input of any size may take in a build for tests, and for each of its bytes.
const FREE_TIME: Duration = Duration::from_secs(1);
const TIME_EACH: Duration = Duration::from_micros(20);

/// The most bytes of memory that reading an input may take at one time.
#[derive(Clone, Copy)]
pub(crate) struct Memory {
    /// For an input of any size.
    pub(crate) free: u64,
    /// For each byte of the input.
    pub(crate) each: u64,
}

/// Does `work` on an input of `size` bytes.
///
/// # Panics
/// If it takes more memory or time than an input of that size may take.
pub(crate) fn within<T>(memory: Memory, size: usize, work: impl FnOnce() -> T) -> T {
    let mut answer = None;
    let begun = time_on_processor();
    let taken = allocation_counter::measure(|| answer = Some(work()));
    let time = time_on_processor() - begun;
    let most = memory.free + memory.each * size as u64;
    assert!(
        taken.bytes_max <= most,
        "{size} bytes take {} bytes of memory, and {most} are in proportion",
        taken.bytes_max
    );
    let longest = FREE_TIME + TIME_EACH * u32::try_from(size).expect("an input is small");
    assert!(
        time <= longest,
        "{size} bytes take {time:?}, and {longest:?} is in proportion"
    );
    answer.expect("the work was done")
}

/// The time that this thread has spent on a processor: other programs that share it do not count.
pub(crate) fn time_on_processor() -> Duration {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = text
        .split(' ')
        .next()
        .and_then(|number| number.parse().ok());
    Duration::from_nanos(nanoseconds.unwrap_or_default())
}

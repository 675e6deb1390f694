//! The work and the cost of a callback: the numbers that `summary.json` shows for it. Owns the counts; the code that runs
//! the callback counts.

use std::time::Duration;

use phasebox_data::Random;

/// Counts of one callback over a run. Times are of whole calls, host functions included.
#[derive(Default, Clone)]
pub struct Counters {
    /// Calls of phases.
    pub calls: u64,
    /// Host functions called.
    pub crossings: u64,
    /// Tensor operations started.
    pub launches: u64,
    /// Waits for the device.
    pub syncs: u64,
    /// Bytes copied between device and guest.
    pub bytes_copied: u64,
    /// Host functions that panicked.
    pub host_panics: u64,
    /// Durations of calls: the first calls are all timed, later ones are sampled.
    pub call_time: Durations,
    /// The choice of calls that are timed.
    pub sample: Sample,
}

/// Calls that are all timed before a sample has to do.
const TIMED_AT_FIRST: u32 = 256;
/// Calls of which one is timed on average: two looks at a clock cost a fifth of a call that does nothing.
const SAMPLED: u64 = 16;

/// The choice of calls that are timed. Distances are random, so that work which a callback does every so many calls is
/// neither missed nor counted double. They are the same in every run.
#[derive(Clone)]
pub struct Sample {
    first: u32,
    skip: u32,
    random: Random,
}

impl Default for Sample {
    fn default() -> Sample {
        Sample {
            first: TIMED_AT_FIRST,
            skip: 0,
            random: Random::new(1),
        }
    }
}

impl Sample {
    /// True if the call that begins is timed.
    #[inline]
    pub fn takes_next(&mut self) -> bool {
        if self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        self.plan();
        true
    }

    fn plan(&mut self) {
        if self.first > 0 {
            self.first -= 1;
            return;
        }
        self.skip = self.random.below(2 * SAMPLED - 1) as u32;
    }
}

/// A histogram of durations: four buckets to each doubling, so a percentile is exact to about 20 %.
#[derive(Clone)]
pub struct Durations {
    buckets: [u32; BUCKETS],
    longest: Duration,
    count: u64,
}

const BUCKETS: usize = 160;

impl Default for Durations {
    fn default() -> Durations {
        Durations {
            buckets: [0; BUCKETS],
            longest: Duration::ZERO,
            count: 0,
        }
    }
}

impl Durations {
    /// Adds one duration.
    #[inline]
    pub fn record(&mut self, duration: Duration) {
        let bucket = bucket_of(duration.as_nanos() as u64);
        self.buckets[bucket] = self.buckets[bucket].saturating_add(1);
        self.longest = self.longest.max(duration);
        self.count += 1;
    }

    /// The longest duration, exactly.
    pub fn max(&self) -> Duration {
        self.longest
    }

    /// The duration that a `share` (0 to 1) of all durations stays below, to the width of a bucket.
    pub(crate) fn percentile(&self, share: f64) -> Duration {
        let rank = (self.count as f64 * share).ceil() as u64;
        let mut seen = 0;
        for (index, count) in self.buckets.iter().enumerate() {
            seen += u64::from(*count);
            if seen >= rank {
                return Duration::from_nanos(upper_bound_of(index)).min(self.longest);
            }
        }
        self.longest
    }
}

/// The bucket of a duration: bucket 4·e + m holds nanoseconds from 2^e·(1 + m/4) on.
fn bucket_of(nanoseconds: u64) -> usize {
    let value = nanoseconds.max(4);
    let exponent = value.ilog2();
    let quarter = (value >> (exponent - 2)) & 3;
    (4 * exponent as usize + quarter as usize).min(BUCKETS - 1)
}

fn upper_bound_of(bucket: usize) -> u64 {
    let (exponent, quarter) = (bucket as u32 / 4, bucket as u64 % 4);
    (1u64 << exponent) + ((quarter + 1) << exponent.saturating_sub(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_calls_are_timed_and_then_one_in_sixteen() {
        let mut sample = Sample::default();
        let first = (0..TIMED_AT_FIRST).filter(|_| sample.takes_next()).count();
        assert_eq!(first, TIMED_AT_FIRST as usize);
        let later: Vec<usize> = (0..160_000).filter(|_| sample.takes_next()).collect();
        assert!((9_500..10_500).contains(&later.len()), "{}", later.len());
        let at_even = later.iter().filter(|call| call.is_multiple_of(8)).count();
        assert!((1_100..1_400).contains(&at_even), "no rhythm: {at_even}");
    }

    #[test]
    fn percentiles_are_within_a_bucket() {
        let mut durations = Durations::default();
        (1..=1000).for_each(|microseconds| durations.record(Duration::from_micros(microseconds)));
        for (share, exact) in [(0.5, 500.0), (0.95, 950.0), (0.99, 990.0)] {
            let found = durations.percentile(share).as_secs_f64() * 1e6;
            assert!(
                (found / exact - 1.0).abs() < 0.25,
                "{share}: {found} for {exact}"
            );
        }
        assert_eq!(durations.max(), Duration::from_millis(1));
        assert_eq!(Durations::default().percentile(0.5), Duration::ZERO);
    }
}

//! What a callback did and cost: the numbers that `summary.json` shows for it. Whoever runs the callback counts.

use std::time::Duration;

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
    /// Durations of calls.
    pub call_time: Durations,
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
        Durations { buckets: [0; BUCKETS], longest: Duration::ZERO, count: 0 }
    }
}

impl Durations {
    /// Adds one duration.
    pub fn record(&mut self, duration: Duration) {
        let bucket = bucket_of(duration.as_nanos() as u64);
        self.buckets[bucket] = self.buckets[bucket].saturating_add(1);
        self.longest = self.longest.max(duration);
        self.count += 1;
    }

    /// The longest, exactly.
    pub fn max(&self) -> Duration {
        self.longest
    }

    /// The duration that a `share` (0–1) of all stay below, to bucket width.
    pub fn percentile(&self, share: f64) -> Duration {
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

/// Bucket 4·e + m holds nanoseconds from 2^e·(1 + m/4) on.
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
    fn percentiles_are_within_a_bucket() {
        let mut durations = Durations::default();
        (1..=1000).for_each(|microseconds| durations.record(Duration::from_micros(microseconds)));
        for (share, exact) in [(0.5, 500.0), (0.95, 950.0), (0.99, 990.0)] {
            let found = durations.percentile(share).as_secs_f64() * 1e6;
            assert!((found / exact - 1.0).abs() < 0.25, "{share}: {found} for {exact}");
        }
        assert_eq!(durations.max(), Duration::from_millis(1));
        assert_eq!(Durations::default().percentile(0.5), Duration::ZERO);
    }
}

//! Times the sides of a comparison in turn, for ratios that hold on a machine with other work. Knows no row.

use std::time::{Duration, Instant};

use crate::measure::{is_measured, median};

/// The number of rounds, whose median counts: other load comes and goes, and hits all sides of a round alike.
const ROUNDS: usize = 1001;
/// The length of one side's round: much less than the time slice that a busy system gives to others.
const ROUND: Duration = Duration::from_micros(200);

/// One side of a comparison, which runs as often as it is told.
pub(crate) type Side<'a> = &'a mut dyn FnMut(u64);

/// The median nanoseconds of one run of each side. Rounds go in turn: A, B, A, B, …
pub(crate) fn nanoseconds<const N: usize>(mut sides: [Side<'_>; N]) -> [f64; N] {
    let counts = sides.each_mut().map(|side| count_for(*side));
    let mut times = [const { Vec::new() }; N];
    for _ in 0..if is_measured() { ROUNDS } else { 1 } {
        for ((side, count), times) in sides.iter_mut().zip(counts).zip(&mut times) {
            times.push(timed(*side, count).as_nanos() as f64 / count as f64);
        }
    }
    times.map(median)
}

/// The number of runs of a side that make one round.
fn count_for(side: Side<'_>) -> u64 {
    let mut count = 1;
    while is_measured() && timed(side, count) < ROUND {
        count *= 2;
    }
    count
}

fn timed(side: Side<'_>, count: u64) -> Duration {
    let begun = Instant::now();
    side(count);
    begun.elapsed()
}

//! What all benchmarks share: sides timed in turn, and rows of JSON on standard output, one a line:
//! `{"name", "value", "unit", "against", "ratio", "bar"}`. Owns no row.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// Rounds of which the median counts: other load comes and goes, and hits both sides of a round alike.
const ROUNDS: usize = 1001;
/// A round of one side lasts about this long: much less than the slice that a busy system gives to others.
const ROUND: Duration = Duration::from_micros(200);

/// Runs something so many times.
pub(crate) type Side<'a> = &'a mut dyn FnMut(u64);

/// One line of the result.
pub(crate) struct Row<'a> {
    pub(crate) name: &'a str,
    pub(crate) value: f64,
    pub(crate) unit: &'a str,
    /// What the value stands beside, and how many times that it is.
    pub(crate) against: Option<(&'a str, f64)>,
    /// What it should be, in words.
    pub(crate) bar: &'a str,
}

impl Row<'_> {
    #[expect(clippy::print_stdout, reason = "the result of the benchmark")]
    pub(crate) fn print(&self) {
        let rounded = |number: f64| (number * 1000.0).round() / 1000.0;
        let (against, ratio) = match self.against {
            Some((against, ratio)) => (json!(against), json!(rounded(ratio))),
            None => (Value::Null, Value::Null),
        };
        let (name, value, unit, bar) = (self.name, rounded(self.value), self.unit, self.bar);
        println!(
            "{}",
            json!({"name": name, "value": value, "unit": unit, "against": against, "ratio": ratio, "bar": bar})
        );
    }
}

/// Nanoseconds that one run of each side takes, timed in turn: A, B, A, B, …; the medians.
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

/// How often a side runs in one round.
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

/// The middle one, or the upper of two.
pub(crate) fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or(f64::NAN)
}

/// `cargo bench` says `--bench`; as a test a benchmark runs everything once, to see that it works.
pub(crate) fn is_measured() -> bool {
    std::env::args().any(|argument| argument == "--bench")
}

/// Whether the row or group `name` was asked for: all are when nobody names one.
pub(crate) fn is_wanted(name: &str) -> bool {
    let mut wanted = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).peekable();
    wanted.peek().is_none() || wanted.any(|wanted| name.contains(&wanted))
}

/// A path of this clone.
pub(crate) fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

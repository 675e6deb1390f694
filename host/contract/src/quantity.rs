//! Amounts of time, bytes and things, and their text: `250 ms`, `64 MiB`, `100`. Owns the units that are read and
//! written. It sets no limits.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context as _, Error, Result, ensure};

/// The kind of thing that an amount measures.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Measure {
    /// Time, in nanoseconds.
    Time,
    /// Memory, in bytes.
    Bytes,
    /// Things, one by one.
    Count,
}

/// An amount with what it measures.
///
/// Reading takes a number with a unit, or a whole number alone for a count. Writing rounds to one digit after the
/// point, so a text that is written and read back may be another amount.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Amount {
    measure: Measure,
    amount: u64,
}

pub(crate) const MILLISECOND: u64 = 1_000_000;
pub(crate) const SECOND: u64 = 1000 * MILLISECOND;
const KIB: u64 = 1 << 10;
pub(crate) const MIB: u64 = 1 << 20;

/// Seconds of one unit.
const TIME_UNITS: &[(&str, f64)] = &[
    ("us", 1e-6),
    ("µs", 1e-6),
    ("ms", 1e-3),
    ("s", 1.0),
    ("m", 60.0),
    ("min", 60.0),
    ("h", 3600.0),
];
/// Bytes of one unit.
const BYTE_UNITS: &[(&str, f64)] = &[
    ("B", 1.0),
    ("kB", 1e3),
    ("KB", 1e3),
    ("MB", 1e6),
    ("GB", 1e9),
    ("TB", 1e12),
    ("KiB", 1024.0),
    ("MiB", 1_048_576.0),
    ("GiB", 1_073_741_824.0),
    ("TiB", 1_099_511_627_776.0),
];
/// A day: longer than any call that still means something.
const LONGEST_SECONDS: f64 = 86_400.0;
/// Every whole number up to here is exact as a float.
const MOST_BYTES: f64 = 9_007_199_254_740_992.0;

impl Measure {
    /// The texts that are read as this measure, to finish the sentence "expected …".
    pub fn expected(self) -> &'static str {
        match self {
            Measure::Time => {
                "a time with its unit (us, ms, s, m, h), such as 250ms, of at most a day"
            }
            Measure::Bytes => "a size with its unit (B, KiB, MiB, GiB, kB, MB, GB), such as 64MiB",
            Measure::Count => "a whole number, 0 or more",
        }
    }
}

impl Amount {
    /// `amount` nanoseconds, bytes or things.
    pub fn new(measure: Measure, amount: u64) -> Amount {
        Amount { measure, amount }
    }

    /// The nanoseconds, bytes or things, if this is an amount of `measure`.
    pub fn in_measure(self, measure: Measure) -> Option<u64> {
        (self.measure == measure).then_some(self.amount)
    }

    fn of_seconds(seconds: f64) -> Result<Amount> {
        ensure!(
            seconds > 0.0 && seconds <= LONGEST_SECONDS,
            "expected {}",
            Measure::Time.expected()
        );
        let nanoseconds = Duration::from_secs_f64(seconds).as_nanos();
        Ok(Amount::new(Measure::Time, u64::try_from(nanoseconds)?))
    }

    fn of_bytes(bytes: f64) -> Result<Amount> {
        let bytes = bytes.round();
        ensure!(bytes <= MOST_BYTES, "expected fewer than 8 PiB");
        Ok(Amount::new(Measure::Bytes, bytes as u64))
    }
}

impl FromStr for Amount {
    type Err = Error;

    /// Reads a number without a sign, then its unit.
    fn from_str(text: &str) -> Result<Amount> {
        let text = text.trim();
        let digits = text.find(|letter: char| !letter.is_ascii_digit() && letter != '.');
        let Some(digits) = digits else {
            return Ok(Amount::new(Measure::Count, text.parse()?));
        };
        let (number, unit) = text.split_at(digits);
        let number: f64 = number.parse()?;
        let unit = unit.trim();
        if let Some(seconds) = find(TIME_UNITS, unit) {
            return Amount::of_seconds(number * seconds);
        }
        let bytes = find(BYTE_UNITS, unit).with_context(|| format!("unknown unit `{unit}`"))?;
        Amount::of_bytes(number * bytes)
    }
}

fn find(units: &[(&str, f64)], unit: &str) -> Option<f64> {
    units
        .iter()
        .find(|(name, _)| *name == unit)
        .map(|(_, factor)| *factor)
}

impl fmt::Display for Amount {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let amount = self.amount;
        match self.measure {
            Measure::Count => write!(formatter, "{amount}"),
            Measure::Time if amount >= SECOND => write!(formatter, "{} s", short(amount, SECOND)),
            Measure::Time => write!(formatter, "{} ms", short(amount, MILLISECOND)),
            Measure::Bytes if amount >= MIB => write!(formatter, "{} MiB", short(amount, MIB)),
            Measure::Bytes if amount >= KIB => write!(formatter, "{} KiB", short(amount, KIB)),
            Measure::Bytes => write!(formatter, "{amount} B"),
        }
    }
}

/// `amount` in `unit`s, with one digit after the point.
fn short(amount: u64, unit: u64) -> f64 {
    (amount as f64 / unit as f64 * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_read_like_recipes() {
        for (measure, amount, text) in [
            (Measure::Time, SECOND, "1 s"),
            (Measure::Time, 50 * MILLISECOND, "50 ms"),
            (Measure::Bytes, 256 * MIB, "256 MiB"),
            (Measure::Bytes, 3 * MIB / 2, "1.5 MiB"),
            (Measure::Bytes, 100, "100 B"),
            (Measure::Count, 0, "0"),
        ] {
            let amount = Amount::new(measure, amount);
            assert_eq!(amount.to_string(), text);
            assert_eq!(text.parse::<Amount>().expect("an amount"), amount);
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "", "ms", "-1ms", "0s", "2 days", "25h", "1.5", "1e3B", "9000TiB", "1..2s",
        ] {
            assert!(text.parse::<Amount>().is_err(), "{text}");
        }
    }
}

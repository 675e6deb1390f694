//! Quantities with units, as recipes write them: `250ms`, `64MiB`. Owns the units; it sets no limits.

use std::fmt;
use std::time::Duration;

use serde::de::{Deserialize, Deserializer, Error, Unexpected, Visitor};

const TIME_UNITS: &[(&str, f64)] = &[
    ("us", 1e-6),
    ("µs", 1e-6),
    ("ms", 1e-3),
    ("s", 1.0),
    ("m", 60.0),
    ("min", 60.0),
    ("h", 3600.0),
];
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
/// A day: longer than any call or epoch deadline that still means something.
const LONGEST_SECONDS: f64 = 86_400.0;
/// Every whole number up to here is exact as a float.
const MOST_BYTES: f64 = 9_007_199_254_740_992.0;

/// A length of time, from a text with a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Time(pub(super) Duration);

/// A size in bytes, from a text with a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bytes(pub(super) u64);

/// `number unit`, in the units' base; None for anything else, and for numbers below 0.
fn measure(text: &str, units: &[(&str, f64)]) -> Option<f64> {
    let split = text.find(|letter: char| !letter.is_ascii_digit() && letter != '.')?;
    let (number, unit) = text.split_at(split);
    let (_, factor) = units.iter().find(|(name, _)| *name == unit.trim())?;
    Some(number.parse::<f64>().ok()? * factor)
}

impl Time {
    fn read(text: &str) -> Option<Self> {
        let seconds = measure(text, TIME_UNITS)?;
        (seconds > 0.0 && seconds <= LONGEST_SECONDS)
            .then(|| Self(Duration::from_secs_f64(seconds)))
    }
}

impl Bytes {
    fn read(text: &str) -> Option<Self> {
        let bytes = measure(text, BYTE_UNITS)?.round();
        (bytes <= MOST_BYTES).then_some(Self(bytes as u64))
    }
}

/// Hands a text to `read`; a bare number is refused, because a reader cannot tell its unit.
struct Measured<T> {
    read: fn(&str) -> Option<T>,
    expected: &'static str,
}

impl<T> Visitor<'_> for Measured<T> {
    type Value = T;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.expected)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        (self.read)(text.trim()).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let expected = "a time with its unit (us, ms, s, m, h), such as 250ms, of at most a day";
        deserializer.deserialize_str(Measured {
            read: Self::read,
            expected,
        })
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let expected = "a size with its unit (B, KiB, MiB, GiB, kB, MB, GB), such as 64MiB";
        deserializer.deserialize_str(Measured {
            read: Self::read,
            expected,
        })
    }
}

//! A number as our files have it: JSON has neither NaN nor infinity, so they are the texts `"NaN"`, `"Infinity"` and
//! `"-Infinity"`, which Python's `float()`, pandas and JavaScript's `Number()` read back. Owns the spelling alone.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use serde_json::Value;

/// An `f64` that JSON can carry in every case.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Number(pub(crate) f64);

impl Number {
    /// The number that a value of JSON stands for; none for other texts and kinds.
    pub(crate) fn of(value: &Value) -> Option<f64> {
        match value {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => match text.as_str() {
                "NaN" => Some(f64::NAN),
                "Infinity" => Some(f64::INFINITY),
                "-Infinity" => Some(f64::NEG_INFINITY),
                _ => None,
            },
            _ => None,
        }
    }
}

/// Equal bit for bit.
impl PartialEq for Number {
    fn eq(&self, other: &Number) -> bool {
        self.0.to_bits() == other.0.to_bits()
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Number, D::Error> {
        deserialize(deserializer).map(Number)
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            finite if finite.is_finite() => serializer.serialize_f64(finite),
            nan if nan.is_nan() => serializer.serialize_str("NaN"),
            infinity if infinity > 0.0 => serializer.serialize_str("Infinity"),
            _ => serializer.serialize_str("-Infinity"),
        }
    }
}

/// Writes a field as a [`Number`].
pub(crate) fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    Number(*value).serialize(serializer)
}

/// Reads a field that is a [`Number`].
pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let value = Value::deserialize(deserializer)?;
    Number::of(&value).ok_or_else(|| D::Error::custom(format!("{value} is no number")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_float_has_a_json_form_and_comes_back() -> anyhow::Result<()> {
        let check = |value: f64, json: &str| -> anyhow::Result<()> {
            assert_eq!(serde_json::to_string(&Number(value))?, json);
            let read = Number::of(&serde_json::from_str(json)?).map(f64::to_bits);
            assert_eq!(read, Some(value.to_bits()), "{json}");
            Ok(())
        };
        check(0.1, "0.1")?;
        check(-0.0, "-0.0")?;
        check(5e-324, "5e-324")?;
        check(f64::NAN, "\"NaN\"")?;
        check(f64::INFINITY, "\"Infinity\"")?;
        check(f64::NEG_INFINITY, "\"-Infinity\"")?;
        for other in ["null", "\"0.1\"", "[1]"] {
            assert_eq!(Number::of(&serde_json::from_str(other)?), None, "{other}");
        }
        Ok(())
    }
}

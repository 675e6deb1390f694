//! One JSON object, read or written field by field, so that an error can name the key. It carries the recipe's
//! `params` in and the saved state both ways. It knows no callback.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::bindings::phasebox::train::types::Error;
use crate::error::Result;

/// A struct that is read from the recipe's `params`. Have it derived.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be read from a recipe",
    label = "write `#[derive(Parameters)]` on this struct"
)]
pub trait Parameters: Sized {
    /// The first paragraph of the struct's documentation.
    const SUMMARY: &'static str;
    /// The JSON Schema of `params`.
    const SCHEMA: &'static str;
    /// Whether a field is marked `#[state]`.
    const HAS_STATE: bool;

    /// Reads every parameter.
    ///
    /// # Errors
    /// A missing, unknown or ill-typed parameter, by its name (`invalid-argument`).
    #[doc(hidden)]
    fn from_fields(fields: Fields) -> Result<Self>;

    /// Writes the fields marked `#[state]`.
    #[doc(hidden)]
    fn save_fields(&self, fields: &mut Fields) -> Result<()>;

    /// Sets the fields marked `#[state]` that are there; others stay as they are.
    #[doc(hidden)]
    fn load_fields(&mut self, fields: &mut Fields) -> Result<()>;
}

/// What is left of a JSON object.
#[derive(Default)]
pub struct Fields(Map<String, Value>);

impl Fields {
    /// The object that `json` holds.
    pub fn parse(json: &str) -> Result<Self> {
        match serde_json::from_str(json) {
            Ok(Value::Object(fields)) => Ok(Self(fields)),
            Ok(other) => Err(Error::invalid(format!("expected keys with values, found {other}"))),
            Err(error) => Err(Error::invalid(format!("not JSON: {error}"))),
        }
    }

    /// Takes `name`, if it is there.
    pub fn take<T: DeserializeOwned>(&mut self, name: &str) -> Result<Option<T>> {
        let Some(value) = self.0.remove(name) else { return Ok(None) };
        serde_json::from_value(value)
            .map(Some)
            .map_err(|error| Error::invalid(format!("parameter `{name}`: {error}")))
    }

    /// Takes `name`, which must be there.
    pub fn required<T: DeserializeOwned>(&mut self, name: &str) -> Result<T> {
        self.take(name)?
            .ok_or_else(|| Error::invalid(format!("parameter `{name}` is missing: it has no default")))
    }

    /// Refuses what nobody took.
    pub fn refuse_rest(&self, known: &[&str]) -> Result<()> {
        let Some(name) = self.0.keys().next() else { return Ok(()) };
        let known = if known.is_empty() {
            "none is known".to_string()
        } else {
            format!("known: {}", known.join(", "))
        };
        Err(Error::invalid(format!("unknown parameter `{name}`; {known}")))
    }

    /// Adds `name`.
    pub fn put<T: Serialize>(&mut self, name: &str, value: &T) -> Result<()> {
        self.0.insert(name.to_string(), serde_json::to_value(value)?);
        Ok(())
    }

    /// The object as JSON.
    pub fn into_json(self) -> String {
        Value::Object(self.0).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<T: DeserializeOwned + PartialEq + core::fmt::Debug>(json: &str, expected: Result<T, &str>) {
        let read = Fields::parse(json).and_then(|mut fields| {
            let value = fields.required("rate")?;
            fields.refuse_rest(&["rate"]).map(|()| value)
        });
        assert_eq!(read.map_err(|error| error.message), expected.map_err(String::from), "{json}");
    }

    #[test]
    fn reads_a_field_or_names_it() {
        check(r#"{"rate": 2}"#, Ok(2.0));
        check(r#"{"rate": [1, 2]}"#, Ok(vec![1, 2]));
        check::<f64>("{}", Err("parameter `rate` is missing: it has no default"));
        check::<f64>("3", Err("expected keys with values, found 3"));
        check::<f64>(r#"{"rate": 1, "rat": 2}"#, Err("unknown parameter `rat`; known: rate"));
        check::<f64>(r#"{"rate": "x"}"#, Err("parameter `rate`: invalid type: string \"x\", expected f64"));
    }
}

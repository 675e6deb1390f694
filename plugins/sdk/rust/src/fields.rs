//! One JSON object, read or written field by field, so that an error can name the key. It carries the
//! recipe's `params` in, and the saved state in and out. It knows no callback.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::bindings::phasebox::train::types::Error;
use crate::error::Result;

/// A struct that is read from the recipe's `params`. Derive it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be read from a recipe",
    label = "write `#[derive(Parameters)]` on this struct"
)]
pub trait Parameters: Sized {
    /// The first paragraph of the struct's documentation.
    const SUMMARY: &'static str;
    /// The JSON Schema of `params`.
    const SCHEMA: &'static str;
    /// True if a field is marked `#[state]`.
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

    /// Sets the fields marked `#[state]` that `fields` holds; others stay as they are.
    #[doc(hidden)]
    fn load_fields(&mut self, fields: &mut Fields) -> Result<()>;
}

/// The fields of a JSON object that nobody has taken yet.
pub struct Fields {
    /// The word for a field in an error: "parameter" or "saved field".
    kind: &'static str,
    values: Map<String, Value>,
}

impl Fields {
    /// An object without fields.
    pub fn empty(kind: &'static str) -> Self {
        Self {
            kind,
            values: Map::new(),
        }
    }

    /// The object that `json` holds.
    pub fn parse(kind: &'static str, json: &str) -> Result<Self> {
        match serde_json::from_str(json) {
            Ok(Value::Object(values)) => Ok(Self { kind, values }),
            Ok(other) => Err(Error::invalid(format!(
                "expected a {kind} for each key, found {other}"
            ))),
            Err(error) => Err(Error::invalid(format!(
                "expected a {kind} for each key: {error}"
            ))),
        }
    }

    /// Refuses keys that are not among `known`.
    pub fn refuse_unknown(&self, known: &[&str]) -> Result<()> {
        let Some(name) = self
            .values
            .keys()
            .find(|name| !known.contains(&name.as_str()))
        else {
            return Ok(());
        };
        let known = if known.is_empty() {
            "none".to_string()
        } else {
            known.join(", ")
        };
        Err(Error::invalid(format!(
            "unknown {} `{name}`; known: {known}",
            self.kind
        )))
    }

    /// Takes the field `name`, if it exists.
    pub fn take<T: DeserializeOwned>(&mut self, name: &str) -> Result<Option<T>> {
        let Some(value) = self.values.remove(name) else {
            return Ok(None);
        };
        serde_json::from_value(value)
            .map(Some)
            .map_err(|error| Error::invalid(format!("{} `{name}`: {error}", self.kind)))
    }

    /// Takes the field `name`; an error if it does not exist.
    pub fn required<T: DeserializeOwned>(&mut self, name: &str) -> Result<T> {
        let value = self.take(name)?;
        value.ok_or_else(|| {
            Error::invalid(format!(
                "{} `{name}` is missing: it has no default",
                self.kind
            ))
        })
    }

    /// Takes the object `name`; an error if it does not exist.
    pub fn required_fields(&mut self, name: &str) -> Result<Self> {
        Ok(Self {
            kind: self.kind,
            values: self.required(name)?,
        })
    }

    /// Adds the field `name`.
    pub fn put<T: Serialize>(&mut self, name: &str, value: &T) -> Result<()> {
        self.values
            .insert(name.to_string(), serde_json::to_value(value)?);
        Ok(())
    }

    /// The object as JSON.
    pub fn into_json(self) -> String {
        Value::Object(self.values).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<T: DeserializeOwned + PartialEq + core::fmt::Debug>(
        json: &str,
        expected: Result<T, &str>,
    ) {
        let read = Fields::parse("parameter", json).and_then(|mut fields| {
            fields.refuse_unknown(&["rate"])?;
            fields.required("rate")
        });
        assert_eq!(
            read.map_err(|error| error.message),
            expected.map_err(String::from),
            "{json}"
        );
    }

    #[test]
    fn reads_a_field_or_names_it() {
        check(r#"{"rate": 2}"#, Ok(2.0));
        check(r#"{"rate": [1, 2]}"#, Ok(vec![1, 2]));
        check::<f64>("{}", Err("parameter `rate` is missing: it has no default"));
        check::<f64>("3", Err("expected a parameter for each key, found 3"));
        check::<f64>(r#"{"rat": 2}"#, Err("unknown parameter `rat`; known: rate"));
        check::<f64>(
            r#"{"rate": "x"}"#,
            Err("parameter `rate`: invalid type: string \"x\", expected f64"),
        );
    }
}

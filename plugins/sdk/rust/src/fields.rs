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

    /// Refuses a number that is beyond a bound, which `rule` calls as JSON Schema does. It stays in its field.
    pub fn check_bound(&self, name: &str, rule: &str, bound: f64) -> Result<()> {
        let Some(value) = self.values.get(name).and_then(Value::as_f64) else {
            return Ok(());
        };
        let allowed = match rule {
            "minimum" => value >= bound,
            "maximum" => value <= bound,
            "exclusiveMinimum" => value > bound,
            _ => value < bound,
        };
        if allowed {
            return Ok(());
        }
        Err(Error::invalid(format!(
            "{} `{name}` is {value}: its {rule} is {bound}",
            self.kind
        )))
    }

    /// Takes the object `name`; an error if it does not exist.
    pub fn required_fields(&mut self, name: &str) -> Result<Self> {
        Ok(Self {
            kind: self.kind,
            values: self.required(name)?,
        })
    }

    /// Adds the field `name`. What could not be read again, such as an infinity within, is refused.
    pub fn put<T: Serialize + DeserializeOwned>(&mut self, name: &str, value: &T) -> Result<()> {
        let json = serde_json::to_value(value)?;
        serde_json::from_value::<T>(json.clone()).map_err(|error| {
            Error::invalid(format!(
                "{} `{name}` cannot be saved as JSON, which has no infinity and no not-a-number: {error}",
                self.kind
            ))
        })?;
        self.values.insert(name.to_string(), json);
        Ok(())
    }

    /// Adds a number, or none. One that JSON lacks becomes a text: `inf`, `-inf` or `NaN`.
    pub fn put_number(&mut self, name: &str, value: Option<f64>) -> Result<()> {
        let json = match value {
            Some(value) if !value.is_finite() => value.to_string().into(),
            value => serde_json::to_value(value)?,
        };
        self.values.insert(name.to_string(), json);
        Ok(())
    }

    /// Takes what [`Self::put_number`] added, if the field exists.
    pub fn take_number(&mut self, name: &str) -> Result<Option<Option<f64>>> {
        if let Some(Value::String(text)) = self.values.get(name)
            && let Ok(value) = text.parse()
        {
            self.values.remove(name);
            return Ok(Some(Some(value)));
        }
        self.take(name)
    }

    /// A number that must be there.
    pub fn some_number(&self, name: &str, value: Option<f64>) -> Result<f64> {
        value.ok_or_else(|| Error::invalid(format!("{} `{name}` is not a number", self.kind)))
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
    fn numbers_that_json_lacks_are_read_as_they_were() -> Result<()> {
        for value in [
            None,
            Some(0.1),
            Some(-0.0),
            Some(f64::INFINITY),
            Some(f64::NAN),
        ] {
            let mut fields = Fields::empty("saved field");
            fields.put_number("best", value)?;
            let mut read = Fields::parse("saved field", &fields.into_json())?;
            let read = read.take_number("best")?.flatten();
            assert_eq!(read.map(f64::to_bits), value.map(f64::to_bits));
        }
        Ok(())
    }

    #[test]
    fn a_field_that_cannot_be_read_again_is_refused_when_it_is_saved() {
        let refused = Fields::empty("saved field").put("rates", &vec![f64::INFINITY]);
        let message = refused.map_or_else(|error| error.message, |()| String::new());
        assert!(message.contains("`rates` cannot be saved"), "{message}");
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

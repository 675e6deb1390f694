//! Parameters of a callback, held to the JSON Schema that its `describe` gives for them. Owns the comparison and the words
//! of a refusal; the schema is `schema`'s. Meaning beyond a schema is the callback's own, in `configure`.
//!
//! A parameter that may be left out may also be null: a recipe writes `key: null` for it.

mod schema;

use std::cell::Cell;

use phasebox_contract::printable::excerpt;
use phasebox_contract::suggest;
use serde_json::{Map, Value};

pub use self::schema::Schema;
use self::schema::{Bounds, Kind};

/// The most comparisons of a value with a schema: a list of many values may meet a schema of many alternatives.
const MOST_COMPARISONS: usize = 1 << 20;

/// The answer of a comparison; an error says which parameter does not fit, and why.
type Fit = Result<(), String>;

impl Schema {
    /// Compares the parameters of a recipe, an object or null for none, with the schema.
    ///
    /// # Errors
    /// The first parameter that does not fit, by its path, with what was expected.
    pub fn check(&self, params: &Value) -> Result<(), String> {
        let none = Value::Object(Map::new());
        let params = if params.is_null() { &none } else { params };
        let comparison = Comparison {
            left: Cell::new(MOST_COMPARISONS),
        };
        comparison.value(self, params, "")
    }
}

/// One comparison of parameters with a schema.
struct Comparison {
    left: Cell<usize>,
}

impl Comparison {
    /// Compares the value at `path`, which is empty for all parameters together.
    fn value(&self, schema: &Schema, value: &Value, path: &str) -> Fit {
        self.count()?;
        kind(schema, value, path)?;
        allowed(schema, value, path)?;
        bounds(&schema.bounds, value, path)?;
        self.alternatives(schema, value, path)?;
        match value {
            Value::Array(items) => self.items(schema, items, path),
            Value::Object(members) => self.members(schema, members, path),
            _ => Ok(()),
        }
    }

    fn count(&self) -> Fit {
        let left = self.left.get().checked_sub(1);
        self.left.set(left.ok_or_else(|| {
            format!(
                "they are more than {MOST_COMPARISONS} comparisons with the schema of `describe`"
            )
        })?);
        Ok(())
    }

    fn alternatives(&self, schema: &Schema, value: &Value, path: &str) -> Fit {
        let mut misfits = Vec::new();
        for alternative in &schema.any_of {
            match self.value(alternative, value, path) {
                Ok(()) => return Ok(()),
                Err(misfit) => misfits.push(misfit),
            }
        }
        misfits.into_iter().next().map_or(Ok(()), |first| {
            Err(format!("{first}, and no other alternative fits"))
        })
    }

    fn items(&self, schema: &Schema, items: &[Value], path: &str) -> Fit {
        let Some(of) = &schema.items else {
            return Ok(());
        };
        let mut numbered = items.iter().enumerate();
        numbered.try_for_each(|(index, item)| self.value(of, item, &format!("{path}[{index}]")))
    }

    fn members(&self, schema: &Schema, members: &Map<String, Value>, path: &str) -> Fit {
        for (name, value) in members {
            let below = below(path, name);
            match schema.properties.get(name).or(schema.others.as_deref()) {
                Some(_) if value.is_null() && !schema.required.contains(name) => {}
                Some(of) => self.value(of, value, &below)?,
                None if schema.is_closed => return Err(unknown(schema, name, &below)),
                None => {}
            }
        }
        let mut required = schema.required.iter();
        match required.find(|name| !members.contains_key(*name)) {
            Some(name) => Err(format!(
                "parameter `{}` is missing: it has no default",
                below(path, name)
            )),
            None => Ok(()),
        }
    }
}

/// The path of a member.
fn below(path: &str, name: &str) -> String {
    let name = excerpt(name);
    match path {
        "" => name,
        _ => format!("{path}.{name}"),
    }
}

fn unknown(schema: &Schema, name: &str, path: &str) -> String {
    let known: Vec<&str> = schema.properties.keys().map(String::as_str).collect();
    match known.as_slice() {
        [] => format!("unknown parameter `{path}`; known: none"),
        _ => format!("unknown parameter `{path}`{}", suggest::hint(name, &known)),
    }
}

fn kind(schema: &Schema, value: &Value, path: &str) -> Fit {
    let kinds = &schema.kinds;
    if kinds.is_empty() || kinds.iter().any(|kind| kind.fits(value)) {
        return Ok(());
    }
    let expected: Vec<&str> = kinds.iter().map(|kind| kind.in_words()).collect();
    misfit(path, &format!("expected {}", expected.join(" or ")), value)
}

fn allowed(schema: &Schema, value: &Value, path: &str) -> Fit {
    let Some(allowed) = &schema.allowed else {
        return Ok(());
    };
    if allowed.contains(value) {
        return Ok(());
    }
    let texts: Vec<String> = allowed.iter().map(bare).collect();
    let known: Vec<&str> = texts.iter().map(String::as_str).collect();
    let found = bare(value);
    let hint = suggest::hint(&found, &known);
    Err(format!(
        "{}: `{}` is none of its values{hint}",
        subject(path),
        excerpt(&found)
    ))
}

/// A text without its quotes, or else JSON.
fn bare(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

fn bounds(bounds: &Bounds, value: &Value, path: &str) -> Fit {
    let (measured, unit) = match value {
        Value::Number(number) => (number.as_f64(), ""),
        Value::String(text) => (Some(text.chars().count() as f64), " characters"),
        Value::Array(items) => (Some(items.len() as f64), " values"),
        _ => return Ok(()),
    };
    let broken = measured.and_then(|measured| bounds.broken(value, measured));
    match broken {
        Some(expected) => misfit(path, &format!("expected {expected}{unit}"), value),
        None => Ok(()),
    }
}

fn misfit(path: &str, expected: &str, value: &Value) -> Fit {
    Err(format!(
        "{}: {expected}, found {}",
        subject(path),
        found(value)
    ))
}

/// The parameter at a path, or all of them.
fn subject(path: &str) -> String {
    match path {
        "" => "the parameters".to_owned(),
        _ => format!("parameter `{path}`"),
    }
}

/// A value as a reader of the recipe knows it.
fn found(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::String(text) => format!("the text \"{}\"", excerpt(text)),
        Value::Array(items) => format!("a list of {}", items.len()),
        Value::Object(_) => "a mapping".to_owned(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

impl Kind {
    fn fits(self, value: &Value) -> bool {
        match self {
            Kind::Null => value.is_null(),
            Kind::Boolean => value.is_boolean(),
            Kind::Integer => value.as_f64().is_some_and(|number| number.fract() == 0.0),
            Kind::Number => value.is_number(),
            Kind::String => value.is_string(),
            Kind::Array => value.is_array(),
            Kind::Object => value.is_object(),
        }
    }

    fn in_words(self) -> &'static str {
        match self {
            Kind::Null => "nothing",
            Kind::Boolean => "true or false",
            Kind::Integer => "a whole number",
            Kind::Number => "a number",
            Kind::String => "a text",
            Kind::Array => "a list",
            Kind::Object => "a mapping",
        }
    }
}

#[cfg(test)]
mod tests;

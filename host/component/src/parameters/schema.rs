//! The JSON Schema of a callback's parameters, read. A keyword that is not obeyed here is refused, so that no author
//! relies on it; those that only explain are left alone. Comparing is the module's.

use std::collections::BTreeMap;

use phasebox_contract::printable::excerpt;
use phasebox_contract::suggest;
use serde_json::{Map, Value};

/// Keywords that constrain a value.
const OBEYED: [&str; 16] = [
    "type",
    "enum",
    "const",
    "anyOf",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "items",
    "properties",
    "required",
    "additionalProperties",
];
/// Keywords that tell a reader something.
const EXPLAINING: [&str; 9] = [
    "$schema",
    "$id",
    "$comment",
    "title",
    "description",
    "default",
    "examples",
    "deprecated",
    "format",
];

/// The schema of a value; every value fits the default.
#[derive(Debug, Default)]
pub struct Schema {
    /// Kinds that it may have; any if there are none.
    pub(super) kinds: Vec<Kind>,
    /// The only values.
    pub(super) allowed: Option<Vec<Value>>,
    /// Schemas of which it must fit one, if there are any.
    pub(super) any_of: Vec<Schema>,
    pub(super) bounds: Bounds,
    /// The schema of a list's values.
    pub(super) items: Option<Box<Schema>>,
    /// The schemas of an object's members.
    pub(super) properties: BTreeMap<String, Schema>,
    /// Members that may not be left out.
    pub(super) required: Vec<String>,
    /// The schema of other members, if they must fit one.
    pub(super) others: Option<Box<Schema>>,
    /// No other members are allowed.
    pub(super) is_closed: bool,
}

/// A kind of JSON value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Null,
    Boolean,
    Integer,
    Number,
    String,
    Array,
    Object,
}

/// Bounds on a number, and on the length of a text or list.
#[derive(Debug, Default)]
pub(super) struct Bounds {
    minimum: Option<f64>,
    maximum: Option<f64>,
    above: Option<f64>,
    below: Option<f64>,
    length: [Option<f64>; 2],
    count: [Option<f64>; 2],
}

impl Bounds {
    /// The bound that a value breaks, in words; `measured` is the number, or the length of the text or list.
    pub(super) fn broken(&self, value: &Value, measured: f64) -> Option<String> {
        let (least, most) = match value {
            Value::String(_) => self.length.into(),
            Value::Array(_) => self.count.into(),
            _ => (self.minimum, self.maximum),
        };
        let low = least.filter(|least| measured < *least);
        let high = most.filter(|most| measured > *most);
        let is_number = value.is_number();
        let under = self.above.filter(|above| is_number && measured <= *above);
        let over = self.below.filter(|below| is_number && measured >= *below);
        low.map(|bound| format!("at least {bound}"))
            .or_else(|| high.map(|bound| format!("at most {bound}")))
            .or_else(|| under.map(|bound| format!("more than {bound}")))
            .or_else(|| over.map(|bound| format!("less than {bound}")))
    }
}

impl Schema {
    /// Reads the schema that `describe` gives; null is none, and every value fits it.
    ///
    /// # Errors
    /// The keyword that is no JSON Schema, or is not obeyed, with its place.
    pub fn read(written: &Value) -> Result<Schema, String> {
        match written {
            Value::Null => Ok(Schema::default()),
            _ => read(written, "parameters"),
        }
    }
}

fn read(written: &Value, place: &str) -> Result<Schema, String> {
    let keywords = match written {
        Value::Bool(true) => return Ok(Schema::default()),
        Value::Object(keywords) => Keywords { keywords, place },
        _ => return Err(format!("`{place}` is no JSON Schema: expected an object")),
    };
    keywords.refuse_unknown()?;
    Ok(Schema {
        kinds: keywords.kinds()?,
        allowed: keywords.allowed()?,
        any_of: keywords.any_of()?,
        bounds: keywords.bounds()?,
        items: keywords.schema("items")?,
        properties: keywords.properties()?,
        required: keywords.texts("required")?,
        others: keywords.others()?,
        is_closed: keywords.get("additionalProperties") == Some(&Value::Bool(false)),
    })
}

/// The keywords of one schema, and the place of it.
struct Keywords<'a> {
    keywords: &'a Map<String, Value>,
    place: &'a str,
}

impl Keywords<'_> {
    fn refuse_unknown(&self) -> Result<(), String> {
        let known = |key: &str| OBEYED.contains(&key) || EXPLAINING.contains(&key);
        match self.keywords.keys().find(|key| !known(key)) {
            Some(key) => Err(format!(
                "`{}` is a keyword that phasebox does not obey{}; leave it out, and check it in `configure`",
                self.at(key),
                suggest::near(key, &OBEYED)
            )),
            None => Ok(()),
        }
    }

    fn at(&self, key: &str) -> String {
        format!("{}.{}", self.place, excerpt(key))
    }

    fn wrong(&self, key: &str, expected: &str) -> String {
        format!("`{}`: expected {expected}", self.at(key))
    }

    fn get(&self, key: &str) -> Option<&Value> {
        self.keywords.get(key)
    }

    /// The values of a list, none without one.
    fn list(&self, key: &str) -> Result<&[Value], String> {
        match self.get(key) {
            None => Ok(&[]),
            Some(Value::Array(values)) => Ok(values),
            Some(_) => Err(self.wrong(key, "a list")),
        }
    }

    fn texts(&self, key: &str) -> Result<Vec<String>, String> {
        let texts = self.list(key)?.iter().map(|value| value.as_str());
        let texts: Option<Vec<String>> = texts.map(|text| text.map(str::to_owned)).collect();
        texts.ok_or_else(|| self.wrong(key, "a list of texts"))
    }

    fn kinds(&self) -> Result<Vec<Kind>, String> {
        match self.get("type") {
            Some(Value::String(name)) => Ok(vec![self.kind(name)?]),
            _ => {
                let names = self.texts("type")?;
                names.iter().map(|name| self.kind(name)).collect()
            }
        }
    }

    fn kind(&self, name: &str) -> Result<Kind, String> {
        let found = KINDS.iter().find(|(known, _)| *known == name);
        found.map(|(_, kind)| *kind).ok_or_else(|| {
            let hint = suggest::hint(name, &KINDS.map(|(known, _)| known));
            format!(
                "`{}` names no type: `{}`{hint}",
                self.at("type"),
                excerpt(name)
            )
        })
    }

    fn allowed(&self) -> Result<Option<Vec<Value>>, String> {
        if let Some(only) = self.get("const") {
            return Ok(Some(vec![only.clone()]));
        }
        let listed = self.list("enum")?.to_vec();
        Ok(self.get("enum").map(|_| listed))
    }

    fn any_of(&self) -> Result<Vec<Schema>, String> {
        let alternatives = self.list("anyOf")?.iter();
        alternatives
            .map(|one| read(one, &self.at("anyOf")))
            .collect()
    }

    fn bounds(&self) -> Result<Bounds, String> {
        Ok(Bounds {
            minimum: self.number("minimum")?,
            maximum: self.number("maximum")?,
            above: self.number("exclusiveMinimum")?,
            below: self.number("exclusiveMaximum")?,
            length: [self.number("minLength")?, self.number("maxLength")?],
            count: [self.number("minItems")?, self.number("maxItems")?],
        })
    }

    fn number(&self, key: &str) -> Result<Option<f64>, String> {
        let Some(value) = self.get(key) else {
            return Ok(None);
        };
        let number = value.as_f64().ok_or_else(|| self.wrong(key, "a number"))?;
        Ok(Some(number))
    }

    fn schema(&self, key: &str) -> Result<Option<Box<Schema>>, String> {
        let schema = self.get(key).map(|schema| read(schema, &self.at(key)));
        Ok(schema.transpose()?.map(Box::new))
    }

    fn properties(&self) -> Result<BTreeMap<String, Schema>, String> {
        let place = self.at("properties");
        let members = match self.get("properties") {
            None => return Ok(BTreeMap::new()),
            Some(Value::Object(members)) => members,
            Some(_) => return Err(self.wrong("properties", "an object")),
        };
        let read = members.iter().map(|(name, schema)| {
            let schema = read(schema, &format!("{place}.{}", excerpt(name)))?;
            Ok((name.clone(), schema))
        });
        read.collect()
    }

    fn others(&self) -> Result<Option<Box<Schema>>, String> {
        match self.get("additionalProperties") {
            None | Some(Value::Bool(_)) => Ok(None),
            Some(_) => self.schema("additionalProperties"),
        }
    }
}

/// The names of kinds in a schema.
const KINDS: [(&str, Kind); 7] = [
    ("null", Kind::Null),
    ("boolean", Kind::Boolean),
    ("integer", Kind::Integer),
    ("number", Kind::Number),
    ("string", Kind::String),
    ("array", Kind::Array),
    ("object", Kind::Object),
];

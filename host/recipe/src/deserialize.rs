//! A serde `Deserializer` over located nodes: any serde type, with errors in a recipe author's words.
//! Owns the wording of typing errors; it knows no key of a recipe.

use std::fmt::{self, Display};

use phasebox_contract::printable::excerpt;
use phasebox_contract::{plain_words, suggest};
use serde::de::value::StrDeserializer;
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Expected, IntoDeserializer,
    MapAccess, SeqAccess, Unexpected, VariantAccess, Visitor,
};
use serde_json::Value;

use super::homes::home;
use super::location::{RecipeError, Result};
use super::node::{Content, Entry, Node};

impl Node {
    /// Types the node: any serde type, with errors that name the line and the key.
    ///
    /// # Errors
    /// The first unknown or missing key or unfitting value. `#[serde(flatten)]` and untagged enums work, but
    /// serde buffers what is below them, so their errors name the line of the whole node.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T> {
        T::deserialize(Reader(self)).map_err(|fault| fault.at(self))
    }
}

/// An error that serde reports. It gets its line from the innermost node that is being read.
#[derive(Debug)]
enum Fault {
    UnknownKey {
        key: String,
        known: &'static [&'static str],
    },
    MissingKey(&'static str),
    Unfit {
        expected: String,
    },
    Words(String),
    Placed(RecipeError),
}

type Answer<T> = std::result::Result<T, Fault>;

impl Fault {
    fn at(self, node: &Node) -> RecipeError {
        match self {
            Fault::Placed(error) => error,
            Fault::UnknownKey { key, known } => unknown_key(&key, node, known),
            Fault::MissingKey(key) => missing_key(key, node),
            Fault::Unfit { expected } => unfit(node, &expected),
            Fault::Words(words) => node.error(words),
        }
    }
}

/// The error for a key that a mapping must not have, at the line of the key.
pub(super) fn unknown_key(key: &str, mapping: &Node, known: &[&str]) -> RecipeError {
    let entry = mapping.entries().iter().find(|entry| entry.key == key);
    let location = entry.map_or(&mapping.location, |entry| &entry.location);
    let home = home(key, &[&mapping.path]);
    let hint = match home.is_empty() {
        true => suggest::hint(key, known),
        false => home,
    };
    location.error(format!(
        "unknown key `{}`{}{hint}",
        excerpt(key),
        inside(mapping)
    ))
}

/// The error for a key that a mapping lacks, at the line of the mapping.
pub(super) fn missing_key(key: &str, mapping: &Node) -> RecipeError {
    mapping
        .location
        .error(format!("missing key `{key}`{}; add it", inside(mapping)))
}

fn inside(mapping: &Node) -> String {
    if mapping.path.is_empty() {
        String::new()
    } else {
        format!(" in `{}`", excerpt(&mapping.path))
    }
}

/// The error for a value of another kind than `expected`, in serde's words or in plain ones.
pub(super) fn unfit(node: &Node, expected: &str) -> RecipeError {
    node.error(plain_words::unfit(expected, &node.kind()))
}

impl Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{self:?}")
    }
}

impl std::error::Error for Fault {}

impl de::Error for Fault {
    fn custom<T: Display>(message: T) -> Self {
        Fault::Words(plain_words::in_plain_words(&message.to_string()))
    }

    fn invalid_type(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Fault::Unfit {
            expected: expected.to_string(),
        }
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Fault::Unfit {
            expected: expected.to_string(),
        }
    }

    fn unknown_variant(variant: &str, known: &'static [&'static str]) -> Self {
        Fault::Words(format!(
            "unknown value `{}`{}",
            excerpt(variant),
            suggest::hint(variant, known)
        ))
    }

    fn unknown_field(key: &str, known: &'static [&'static str]) -> Self {
        Fault::UnknownKey {
            key: key.to_owned(),
            known,
        }
    }

    fn missing_field(key: &'static str) -> Self {
        Fault::MissingKey(key)
    }
}

/// A node to serde. An empty value (`key:` with nothing after it) counts as an empty list or mapping where one is wanted.
struct Reader<'a>(&'a Node);

impl<'de> Deserializer<'de> for Reader<'_> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Answer<V::Value> {
        let answer = match &self.0.content {
            Content::Scalar(value) => visit_scalar(value, visitor),
            Content::Unavailable(error) => Err(Fault::Placed((**error).clone())),
            Content::List(items) => visitor.visit_seq(Items(items.iter())),
            Content::Map(entries) => visitor.visit_map(Entries {
                entries: entries.iter(),
                value: None,
            }),
        };
        answer.map_err(|fault| Fault::Placed(fault.at(self.0)))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Answer<V::Value> {
        if self.0.is_null() {
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Answer<V::Value> {
        visitor
            .visit_newtype_struct(Reader(self.0))
            .map_err(|fault| Fault::Placed(fault.at(self.0)))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Answer<V::Value> {
        if self.0.is_null() {
            visitor.visit_seq(Items([].iter()))
        } else {
            self.deserialize_any(visitor)
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Answer<V::Value> {
        if !self.0.is_null() {
            return self.deserialize_any(visitor);
        }
        let nothing = Entries {
            entries: [].iter(),
            value: None,
        };
        visitor
            .visit_map(nothing)
            .map_err(|fault| Fault::Placed(fault.at(self.0)))
    }

    /// A list is refused: serde would take its items for the fields by position.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Answer<V::Value> {
        match self.0.content {
            Content::List(_) => Err(Fault::Placed(unfit(self.0, "a mapping"))),
            _ => self.deserialize_map(visitor),
        }
    }

    /// Also the words of YAML 1.1, which SuperGradients' files are read by.
    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Answer<V::Value> {
        match self.0.truth() {
            Some(truth) => visitor.visit_bool(truth),
            None => self.deserialize_any(visitor),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Answer<V::Value> {
        let answer = match (&self.0.content, self.0.as_str()) {
            (_, Some(name)) => visitor.visit_enum(name.into_deserializer()),
            (Content::Map(entries), _) if entries.len() == 1 => {
                visitor.visit_enum(Variant(&entries[0]))
            }
            _ => Err(Fault::Unfit {
                expected: "a name, or one name with its settings".to_owned(),
            }),
        };
        answer.map_err(|fault| Fault::Placed(fault.at(self.0)))
    }

    serde::forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        tuple tuple_struct identifier ignored_any
    }
}

fn visit_scalar<'de, V: Visitor<'de>>(value: &Value, visitor: V) -> Answer<V::Value> {
    match value {
        Value::Bool(flag) => visitor.visit_bool(*flag),
        Value::String(text) => visitor.visit_str(text),
        Value::Number(number) => match (number.as_u64(), number.as_i64()) {
            (Some(number), _) => visitor.visit_u64(number),
            (None, Some(number)) => visitor.visit_i64(number),
            (None, None) => visitor.visit_f64(number.as_f64().unwrap_or(f64::NAN)),
        },
        _ => visitor.visit_unit(),
    }
}

struct Items<'a>(std::slice::Iter<'a, Node>);

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Answer<Option<T::Value>> {
        self.0.next().map(|item| within(item, seed)).transpose()
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.0.len())
    }
}

struct Entries<'a> {
    entries: std::slice::Iter<'a, Entry>,
    value: Option<&'a Node>,
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Answer<Option<K::Value>> {
        let Some(entry) = self.entries.next() else {
            return Ok(None);
        };
        self.value = Some(&entry.value);
        seed.deserialize(StrDeserializer::new(&entry.key)).map(Some)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Answer<T::Value> {
        let value = self
            .value
            .take()
            .ok_or_else(|| Fault::Words("a key without its value".to_owned()))?;
        within(value, seed)
    }
}

/// Deserializes below a node, so that what goes wrong there carries its line.
fn within<'de, T: DeserializeSeed<'de>>(node: &Node, seed: T) -> Answer<T::Value> {
    seed.deserialize(Reader(node))
        .map_err(|fault| Fault::Placed(fault.at(node)))
}

/// `name: settings` as an enum's variant.
struct Variant<'a>(&'a Entry);

impl<'de> EnumAccess<'de> for Variant<'_> {
    type Error = Fault;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Answer<(V::Value, Self)> {
        Ok((seed.deserialize(StrDeserializer::new(&self.0.key))?, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_> {
    type Error = Fault;

    fn unit_variant(self) -> Answer<()> {
        if self.0.value.is_null() || self.0.value.content == Content::Map(Vec::new()) {
            return Ok(());
        }
        Err(Fault::Placed(self.0.value.error(format!(
            "`{}` takes no settings; remove them",
            self.0.key
        ))))
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Answer<T::Value> {
        within(&self.0.value, seed)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Answer<V::Value> {
        Reader(&self.0.value).deserialize_seq(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Answer<V::Value> {
        Reader(&self.0.value).deserialize_map(visitor)
    }
}

//! `Named`: what a recipe writes as a name alone, or as a name with its parameters. Knows no name.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{MapAccessDeserializer, MapDeserializer};
use serde::de::{DeserializeOwned, Deserializer, MapAccess, Visitor};
use serde::{Deserialize, de};

/// `name`, or `{name: parameters}`, read as the variant `name` of an enum.
pub(crate) struct Named<T>(pub(crate) T);

struct ByName<T>(PhantomData<T>);

/// No parameters, as serde reads them.
type Empty<'de, E> = MapDeserializer<'de, std::iter::Empty<(String, String)>, E>;

impl<'de, T: DeserializeOwned> Deserialize<'de> for Named<T> {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        reader.deserialize_any(ByName(PhantomData)).map(Named)
    }
}

impl<'de, T: DeserializeOwned> Visitor<'de> for ByName<T> {
    type Value = T;

    fn expecting(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        text.write_str("a name or {name: parameters}")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<T, E> {
        let none: Empty<'_, E> = MapDeserializer::new(std::iter::empty());
        let one = std::iter::once((name.to_owned(), none));
        T::deserialize(MapAccessDeserializer::new(MapDeserializer::new(one)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
        let named = T::deserialize(MapAccessDeserializer::new(&mut map))?;
        match map.next_key::<String>()? {
            None => Ok(named),
            Some(other) => Err(de::Error::custom(format!(
                "one name with its parameters is wanted, and `{other}` stands beside it"
            ))),
        }
    }
}

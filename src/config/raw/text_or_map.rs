//! What may be written as one text in place of a map of keys.

use std::fmt;
use std::marker::PhantomData;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};

/// A map of keys that has a short form.
pub(super) trait FromText: Sized {
    /// What is expected, for a mistake.
    const EXPECTED: &'static str;

    /// `None` where the text means nothing.
    fn from_text(text: String) -> Option<Self>;
}

/// The two forms, for the schema.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) enum TextOr<T> {
    Text(String),
    Map(T),
}

pub(super) fn text_or_map<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromText + Deserialize<'de>,
{
    one(deserializer).map(Some)
}

pub(super) fn one<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: FromText + Deserialize<'de>,
{
    struct Either<T>(PhantomData<T>);

    impl<'de, T: FromText + Deserialize<'de>> Visitor<'de> for Either<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(T::EXPECTED)
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
            T::from_text(text.to_owned())
                .ok_or_else(|| E::custom(format_args!("is not what is expected here: {}", T::EXPECTED)))
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
            T::deserialize(MapAccessDeserializer::new(map))
        }
    }

    deserializer.deserialize_any(Either(PhantomData))
}

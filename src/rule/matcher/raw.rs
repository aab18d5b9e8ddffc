//! A matcher as written in `config.matcher` of Next.js, or in YAML: a string, or a list of strings and objects.
//!
//! Every value is asked for its own type, so that a format that turns `1` into `"1"` on request does not.

mod item;

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

pub use self::item::{ConditionKind, RawCondition};

/// The matchers of one rule in order; one hit is enough. An empty list hits nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawMatcher(pub Vec<RawMatcherEntry>);

/// One matcher.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawMatcherEntry {
    pub source: String,
    /// False where the source is to be compared with the locale in the path.
    pub locale: bool,
    pub has: Vec<RawCondition>,
    pub missing: Vec<RawCondition>,
    /// The methods that it is for; every method where there are none.
    pub methods: Vec<String>,
}

impl RawMatcherEntry {
    /// The form of a string: this path, whatever else the request is.
    pub(crate) fn of_source(source: String) -> Self {
        Self { source, locale: true, has: Vec::new(), missing: Vec::new(), methods: Vec::new() }
    }
}

impl From<item::WrittenEntry> for RawMatcherEntry {
    fn from(written: item::WrittenEntry) -> Self {
        let item::WrittenEntry { source, locale, has, missing, methods } = written;
        Self { source, locale, has, missing, methods }
    }
}

impl<'de> Deserialize<'de> for RawMatcher {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MatcherVisitor)
    }
}

struct MatcherVisitor;

impl<'de> Visitor<'de> for MatcherVisitor {
    type Value = RawMatcher;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string, or a list of strings and objects with a `source`")
    }

    fn visit_str<E: Error>(self, source: &str) -> Result<RawMatcher, E> {
        Ok(RawMatcher(vec![RawMatcherEntry::of_source(source.to_owned())]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<RawMatcher, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = list.next_element()? {
            entries.push(entry);
        }
        Ok(RawMatcher(entries))
    }

    fn visit_map<A: MapAccess<'de>>(self, _: A) -> Result<RawMatcher, A::Error> {
        Err(A::Error::custom("an object stands in a list: write `[{source: …}]`, as Next.js asks for"))
    }
}

impl<'de> Deserialize<'de> for RawMatcherEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(EntryVisitor)
    }
}

struct EntryVisitor;

impl<'de> Visitor<'de> for EntryVisitor {
    type Value = RawMatcherEntry;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string, or an object with a `source`")
    }

    fn visit_str<E: Error>(self, source: &str) -> Result<RawMatcherEntry, E> {
        Ok(RawMatcherEntry::of_source(source.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RawMatcherEntry, A::Error> {
        item::WrittenEntry::deserialize(MapAccessDeserializer::new(map)).map(Into::into)
    }
}

impl JsonSchema for RawMatcher {
    fn schema_name() -> Cow<'static, str> {
        "Matcher".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let entry = generator.subschema_for::<RawMatcherEntry>();
        json_schema!({
            "description": "As `config.matcher` in Next.js: a path, or a list of paths and objects.",
            "anyOf": [{"type": "string", "pattern": "^/"}, {"type": "array", "items": entry}],
        })
    }
}

impl JsonSchema for RawMatcherEntry {
    fn schema_name() -> Cow<'static, str> {
        "MatcherEntry".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let object = generator.subschema_for::<item::WrittenEntry>();
        json_schema!({ "anyOf": [{"type": "string", "pattern": "^/"}, object] })
    }
}

#[cfg(test)]
mod tests {
    use super::RawMatcher;

    fn refusal(json: &str) -> String {
        let mut deserializer = serde_json::Deserializer::from_str(json);
        let error = serde_path_to_error::deserialize::<_, RawMatcher>(&mut deserializer).unwrap_err();
        format!("{}: {}", error.path(), error.inner())
    }

    #[test]
    fn mistakes_are_told_with_their_place() {
        for (json, place, words) in [
            ("true", ".", "expected a string, or a list"),
            (r#"{"source": "/a"}"#, ".", "an object stands in a list"),
            ("[null]", "[0]", "expected a string, or an object with a `source`"),
            (r#"[{"has": []}]"#, "[0]", "missing field `source`"),
            (r#"[{"source": "/a", "regexp": "x"}]"#, "[0].regexp", "unknown field `regexp`"),
            (r#"["/b", {"source": "/a", "locale": true}]"#, "[1].locale", "only `false` is allowed"),
            (r#"[{"source": "/a", "has": null}]"#, "[0].has", "invalid type: null"),
            (r#"[{"source": "/a", "has": [{}]}]"#, "[0].has[0]", "missing field `type`"),
            (
                r#"[{"source": "/a", "has": [{"type": "path", "key": "a"}]}]"#,
                "[0].has[0].type",
                "unknown variant `path`",
            ),
            (
                r#"[{"source": "/a", "has": [{"type": "header", "key": "a", "value": 1}]}]"#,
                "[0].has[0].value",
                "expected a string",
            ),
            (r#"[{"source": "/a", "has": [{"type": "host"}]}]"#, "[0].has[0]", "host must have a value"),
            (
                r#"[{"source": "/a", "has": [{"type": "host", "key": "h", "value": "a"}]}]"#,
                "[0].has[0]",
                "host has no key",
            ),
            (r#"[{"source": "/a", "missing": [{"type": "cookie"}]}]"#, "[0].missing[0]", "key is required"),
            (r#"[{"source": "/a", "methods": ["get"]}]"#, "[0].methods[0]", "write `GET`"),
            (r#"[{"source": "/a", "methods": []}]"#, "[0].methods", "at least one method"),
        ] {
            let refusal = refusal(json);
            assert!(
                refusal.starts_with(&format!("{place}: ")) && refusal.contains(words),
                "{json}: {refusal}"
            );
        }
    }

    #[test]
    fn the_schema_knows_both_shapes() {
        let schema = serde_json::to_string(&schemars::schema_for!(RawMatcher)).unwrap();
        for word in ["source", "missing", "\"header\"", "methods", "additionalProperties"] {
            assert!(schema.contains(word), "{word}: {schema}");
        }
    }
}

//! `on_deny` as written: a name, or an answer of one's own.

use std::fmt;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, IntoDeserializer as _, MapAccess, Visitor};

#[derive(Debug, JsonSchema)]
#[schemars(untagged)]
pub enum RawOnDeny {
    Named(NamedOnDeny),
    Custom(RawAnswer),
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum NamedOnDeny {
    /// A redirect to the login for a browser's page navigation, 401 for all else.
    Auto,
    /// A redirect to the login.
    Redirect,
    /// 401, with a JSON body.
    Unauthorized,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawAnswer {
    /// 300 to 599. Required.
    pub status: u16,
    /// The body. Default: empty.
    #[serde(default)]
    pub body: String,
    /// Headers by their names. Default: none.
    #[serde(default)]
    pub headers: IndexMap<String, String>,
}

impl<'de> Deserialize<'de> for RawOnDeny {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OnDenyVisitor)
    }
}

struct OnDenyVisitor;

impl<'de> Visitor<'de> for OnDenyVisitor {
    type Value = RawOnDeny;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`auto`, `redirect`, `unauthorized`, or a map of `status`, `body` and `headers`")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<RawOnDeny, E> {
        NamedOnDeny::deserialize(name.into_deserializer()).map(RawOnDeny::Named)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RawOnDeny, A::Error> {
        RawAnswer::deserialize(MapAccessDeserializer::new(map)).map(RawOnDeny::Custom)
    }
}

//! `identity` as written.

use std::fmt;
use std::time::Duration;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

use super::OneOrMany;
use super::text_or_map::{FromText, TextOr, one};

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "a map of keys")]
pub struct RawIdentity {
    /// Headers, and where their values are found, as in `sub`, `token.sub`, `auth.user.email`.
    /// Default: `x-auth-user-id: sub` and `x-auth-user-email: auth.user.email`.
    pub headers: Option<IndexMap<String, RawHeader>>,
    /// A header that carries the whole session as base64url JSON. Default: none.
    pub session_header: Option<String>,
    /// The most bytes of all these headers together; past it the largest optional ones are left out. Default: 8192.
    pub max_header_bytes: Option<usize>,
    /// Keep the session cookie from the upstream wherever the session was verified.
    pub strip_cookie: bool,
    /// Claims for Envoy's own filters and logs, beside `rule`, `decision`, `reason` and `provider`: paths, or a map of
    /// names to paths. Default: none.
    pub dynamic_metadata: Option<RawPaths>,
    /// A short-lived signed JWT that the upstream can verify by itself. Default: none.
    pub assertion: Option<RawAssertion>,
    /// `authorization`: send the assertion as `Authorization: Bearer` as well. Default: it is not.
    pub forward_token: Option<String>,
}

#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "a map of keys")]
pub struct RawAssertion {
    /// The header that carries it. Default: `x-auth-assertion`.
    pub header: Option<String>,
    /// A file with a private key, PKCS#8 PEM of Ed25519, EC P-256 or RSA; or several: the first signs, all are
    /// published. Default: a key is generated at each start.
    pub key_file: Option<OneOrMany>,
    /// Its `iss`. Default: `sessiongate`.
    pub issuer: Option<String>,
    /// Its `aud`, where neither the rule nor the host says otherwise. Default: `upstream`.
    pub audience: Option<String>,
    /// Its `aud` by host: names, or `*.` and a name; the first that covers the request's. Default: none.
    pub audiences: IndexMap<String, String>,
    /// How long it lasts at most, 1 s to 1 h. Default: 60 s.
    #[serde(with = "humantime_serde::option")]
    #[schemars(with = "Option<super::TimeSpan>")]
    pub ttl: Option<Duration>,
    /// Further claims: paths, or a map of names to paths. Default: none.
    pub claims: Option<RawPaths>,
}

/// Where a header's value is found: a path, or more.
#[derive(Debug, JsonSchema)]
#[schemars(with = "TextOr<RawHeaderDetails>")]
pub struct RawHeader(pub RawHeaderDetails);

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "a map of keys")]
pub struct RawHeaderDetails {
    /// Where the value is found. Required, or `cel`.
    pub claim: Option<String>,
    /// A CEL expression, in place of `claim`.
    pub cel: Option<String>,
    /// What stands between the items of a list. Default: `,`.
    pub separator: Option<String>,
    /// Whether it may be left out where there is too much to tell. Default: true, but for the subject.
    pub optional: Option<bool>,
}

/// Paths into the session: one, a list, or a map of names to paths.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
#[schemars(untagged)]
pub enum RawPaths {
    Listed(OneOrMany),
    Named(IndexMap<String, String>),
}

impl FromText for RawHeaderDetails {
    const EXPECTED: &'static str =
        "a path into the session, or a map of `claim` or `cel`, `separator` and `optional`";

    fn from_text(text: String) -> Option<Self> {
        Some(Self { claim: Some(text), ..Self::default() })
    }
}

impl<'de> Deserialize<'de> for RawHeader {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        one(deserializer).map(Self)
    }
}

impl<'de> Deserialize<'de> for RawPaths {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PathsVisitor;

        impl<'de> Visitor<'de> for PathsVisitor {
            type Value = RawPaths;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a path into the session, a list of paths, or a map of names to paths")
            }

            fn visit_str<E: Error>(self, path: &str) -> Result<RawPaths, E> {
                Ok(RawPaths::Listed(OneOrMany::One(path.to_owned())))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<RawPaths, A::Error> {
                let paths = Vec::deserialize(SeqAccessDeserializer::new(list))?;
                Ok(RawPaths::Listed(OneOrMany::Many(paths)))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RawPaths, A::Error> {
                IndexMap::deserialize(MapAccessDeserializer::new(map)).map(RawPaths::Named)
            }
        }

        deserializer.deserialize_any(PathsVisitor)
    }
}

//! The object form of a matcher, and the items of its `has` and `missing`.

use std::fmt;
use std::marker::PhantomData;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::value::StringDeserializer;
use serde::de::{Deserializer, Error, IntoDeserializer as _, Visitor};

/// A matcher with conditions.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "MatcherObject")]
pub struct WrittenEntry {
    /// A path-to-regexp source, as in `/admin/:path*`.
    #[serde(deserialize_with = "text")]
    pub source: String,
    /// `false`: the source is compared with the locale in the path. Default: without it.
    #[serde(default = "yes", deserialize_with = "only_false")]
    #[schemars(with = "bool", extend("const" = false))]
    pub locale: bool,
    /// All of these must hold. Default: none.
    #[serde(default)]
    pub has: Vec<RawCondition>,
    /// None of these may hold. Default: none.
    #[serde(default)]
    pub missing: Vec<RawCondition>,
    /// HTTP methods, in capitals. Default: all.
    #[serde(default, deserialize_with = "methods")]
    #[schemars(with = "Vec<String>")]
    pub methods: Vec<String>,
}

/// An item of `has` or `missing`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "WrittenCondition")]
pub struct RawCondition {
    pub kind: ConditionKind,
    /// The name of the header, query parameter or cookie; empty for the host.
    pub key: String,
    /// A JavaScript regular expression for the whole value.
    pub value: Option<String>,
}

/// What an item looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ConditionKind {
    Header,
    Query,
    Cookie,
    Host,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Condition")]
struct WrittenCondition {
    /// What is looked at.
    #[serde(deserialize_with = "kind")]
    r#type: ConditionKind,
    /// The name of the header, query parameter or cookie. Default: none, for `host`.
    #[serde(default, deserialize_with = "some_text")]
    key: Option<String>,
    /// A JavaScript regular expression for the whole value. Default: any value that is not
    /// empty.
    #[serde(default, deserialize_with = "some_text")]
    value: Option<String>,
}

impl TryFrom<WrittenCondition> for RawCondition {
    type Error = &'static str;

    fn try_from(written: WrittenCondition) -> Result<Self, Self::Error> {
        let WrittenCondition { r#type: kind, key, value } = written;
        let key = match (kind, key, &value) {
            (ConditionKind::Host, Some(_), _) => return Err("host has no key: unknown field `key`"),
            (ConditionKind::Host, None, None) => return Err("host must have a value"),
            (ConditionKind::Host, None, Some(_)) => String::new(),
            (_, None, _) => return Err("key is required when type is header, query or cookie"),
            (_, Some(key), _) => key,
        };
        Ok(Self { kind, key, value })
    }
}

/// By its name: a format with enums of its own would not tell which names there are.
fn kind<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ConditionKind, D::Error> {
    let name: StringDeserializer<D::Error> = text(deserializer)?.into_deserializer();
    ConditionKind::deserialize(name)
}

fn yes() -> bool {
    true
}

fn only_false<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    if deserializer.deserialize_any(Exactly(PhantomData::<bool>))? {
        return Err(D::Error::custom("only `false` is allowed; leave it out otherwise"));
    }
    Ok(false)
}

fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    deserializer.deserialize_any(Exactly(PhantomData::<String>))
}

fn some_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    text(deserializer).map(Some)
}

fn methods<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let methods: Vec<Method> = Vec::deserialize(deserializer)?;
    if methods.is_empty() {
        return Err(D::Error::custom("name at least one method, or leave `methods` out"));
    }
    Ok(methods.into_iter().map(|Method(method)| method).collect())
}

/// A method in capitals: methods are case-sensitive (RFC 9110, section 9.1), and one in small letters would
/// silently match nothing.
struct Method(String);

impl<'de> Deserialize<'de> for Method {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let method = text(deserializer)?;
        if method.is_empty() || !method.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'-') {
            let capitals = method.to_ascii_uppercase();
            return Err(D::Error::custom(format!(
                "`{method}` is no method; write `{capitals}`, in capital letters"
            )));
        }
        Ok(Self(method))
    }
}

/// Takes a value of just this type, and none that could be turned into it.
struct Exactly<T>(PhantomData<T>);

impl Visitor<'_> for Exactly<String> {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<String, E> {
        Ok(text.to_owned())
    }
}

impl Visitor<'_> for Exactly<bool> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`false`")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<bool, E> {
        Ok(value)
    }
}

//! The configuration as written: every key optional, unknown ones refused. Its JSON Schema comes from here too.

mod identity;
mod listen;
mod on_deny;
mod revocation;
mod session;
mod telemetry;
mod text_or_map;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::de::{DeserializeOwned, IntoDeserializer as _, value::StringDeserializer};
use serde::{Deserialize, Deserializer, Serialize};

pub use self::identity::{RawAssertion, RawHeader, RawHeaderDetails, RawIdentity, RawPaths};
pub use self::listen::{RawForwardAuth, RawLimits, RawListen, RawListener, RawTls};
pub use self::on_deny::{NamedOnDeny, RawAnswer, RawOnDeny};
pub use self::revocation::RawRevocation;
pub use self::session::{CookieCache, Kind, RawFrom, RawSession};
pub use self::telemetry::{RawDecisions, RawOtlp, RawRedact, RawTelemetry};

use crate::policy::Access;
use crate::rule::matcher::raw::RawMatcher;

/// The configuration of sessiongate.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "a map of keys")]
pub struct RawConfig {
    /// Where to listen.
    pub listen: RawListen,
    /// Session providers by a name of your own, tried in this order. Default: one of kind `authjs` called `web`.
    pub sessions: Option<IndexMap<String, RawSession>>,
    /// The application's login.
    pub login: RawLogin,
    /// The first rule that matches decides. Default: Auth.js's own routes and Next.js's static files are public.
    pub rules: Option<Vec<RawRule>>,
    /// What holds where no rule matches.
    pub default: RawDefault,
    /// The settings of next.config that change what a matcher means.
    pub next: RawNext,
    /// What the upstream is told about the caller.
    pub identity: RawIdentity,
    /// Sessions that somebody ended before their time. Default: none can be.
    pub revocation: Option<RawRevocation>,
    /// Forward-auth on the HTTP listener.
    pub forward_auth: RawForwardAuth,
    /// Logs and traces.
    pub telemetry: RawTelemetry,
}

#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "a map of keys")]
pub struct RawLogin {
    /// Where the application's sign-in page is, as Auth.js's `pages.signIn`: a path, base path and all, or an absolute
    /// URL. Default: `/api/auth/signin`.
    pub url: Option<String>,
    /// The query parameter that carries the URL asked for. Default: `callbackUrl`.
    pub callback_param: Option<String>,
    /// Where redirects go and what the callback begins with. Default: the origin of `AUTH_URL`.
    pub origin: Option<String>,
    /// Without an origin: the request's own host is used where it is one of these. Default: none, and redirects have
    /// no origin.
    pub trusted_hosts: Vec<String>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "a map of keys")]
pub struct RawRule {
    /// For logs and metrics. Default: the rule's place, as in `rules[2]`.
    pub name: Option<String>,
    /// The hosts that the rule is for: names, or `*.` and a name for every name below it. Default: all.
    pub hosts: Option<OneOrMany>,
    /// The paths that it is for, as `config.matcher` in Next.js has them. Default: all.
    pub matcher: Option<RawMatcher>,
    /// What it asks for. Default: `session`.
    #[serde(deserialize_with = "by_name")]
    pub access: Option<Access>,
    /// The providers accepted, in this order. Default: all.
    pub session: Option<OneOrMany>,
    /// What has to be true of the session and its request, in CEL; else 403. Only where `access` is `session`.
    /// Default: nothing.
    pub condition: Option<String>,
    /// How a request without a session is answered. Default: that of `default`.
    pub on_deny: Option<RawOnDeny>,
    /// The login of this rule's application. Default, key by key: that of `login`.
    pub login: Option<RawLogin>,
    /// For whom an assertion is made, its `aud`. Default: as `identity.assertion` says.
    pub audience: Option<String>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "a map of keys")]
pub struct RawDefault {
    /// What is asked for. Default: `session`.
    #[serde(deserialize_with = "by_name")]
    pub access: Option<Access>,
    /// The providers accepted, in this order. Default: all.
    pub session: Option<OneOrMany>,
    /// How a request without a session is answered. Default: `auto`.
    pub on_deny: Option<RawOnDeny>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "a map of keys")]
pub struct RawNext {
    /// `basePath`, as in `/docs`. Default: none.
    pub base_path: Option<String>,
    /// The locales that stand in paths. Default: none.
    pub i18n: Option<RawI18n>,
    /// `trailingSlash`: whether paths end in a slash.
    pub trailing_slash: bool,
    /// The build's id, where it is known: then only its own `/_next/data` paths are read as pages. Default: those of
    /// every build are.
    pub build_id: Option<String>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "a map of keys")]
pub struct RawI18n {
    /// `locales`, as in `[en, fr]`.
    pub locales: Vec<String>,
    /// `defaultLocale`: that of a path without one. Required.
    pub default_locale: Option<String>,
    /// `domains`: hosts with a default locale of their own.
    pub domains: Vec<RawDomain>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "a map of keys")]
pub struct RawDomain {
    /// The host. Required.
    pub domain: Option<String>,
    /// `defaultLocale` there. Required.
    pub default_locale: Option<String>,
    /// `locales` that are served there alone.
    pub locales: Vec<String>,
}

/// A span of time, as in `30d`, `12h`, `1m 30s` or `500ms`.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct TimeSpan(String);

/// A string, or a list of strings.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(untagged, expecting = "invalid type, expected a string or a list of strings")]
pub enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl OneOrMany {
    /// The strings with the path of each.
    pub(super) fn with_paths(self, path: &str) -> Vec<(String, String)> {
        match self {
            Self::One(text) => vec![(path.to_owned(), text)],
            Self::Many(texts) => {
                let paths = (0..texts.len()).map(|at| format!("{path}[{at}]"));
                paths.zip(texts).collect()
            }
        }
    }
}

/// One of the names of an enum. A format that has enums of its own, as the `config` crate has, would not tell which
/// names there are.
fn by_name<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Option<T>, D::Error> {
    let name: StringDeserializer<D::Error> = String::deserialize(deserializer)?.into_deserializer();
    T::deserialize(name).map(Some)
}

//! The configuration as written: every key optional, unknown ones refused, and the JSON Schema of all.

use std::time::Duration;

use config::{Value, ValueKind};
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_path_to_error::Segment;

use super::error::Problems;
use crate::policy::Access;
use crate::rule::matcher::raw::RawMatcher;

/// The configuration of sessiongate.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawConfig {
    /// Where to listen.
    pub listen: RawListen,
    /// Session providers by a name of your own, tried in this order.
    pub sessions: Option<IndexMap<String, RawSession>>,
    /// The application's login.
    pub login: RawLogin,
    /// The first rule that matches decides.
    pub rules: Option<Vec<RawRule>>,
    /// What holds where no rule matches.
    pub default: RawDefault,
    /// The settings of next.config that change what a matcher means.
    pub next: RawNext,
    /// What the upstream is told about the caller.
    pub identity: RawIdentity,
    /// Logs.
    pub telemetry: RawTelemetry,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawListen {
    /// Envoy's ext_authz: `host:port`, or `unix:` and a path. Default: `0.0.0.0:9191`.
    pub grpc: Option<String>,
    /// How long calls in flight may take to finish after SIGTERM, as in `10s`. Default: 10 s.
    #[serde(with = "humantime_serde::option")]
    #[schemars(with = "Option<String>")]
    pub drain_timeout: Option<Duration>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawSession {
    /// `authjs` for Auth.js v5, `nextauth` for NextAuth.js v4.
    pub kind: Option<Kind>,
    /// The application's secret, or a list, newest first.
    pub secret: Option<OneOrMany>,
    /// A file with one secret a line, newest first.
    pub secret_file: Option<String>,
    /// Accept a secret that is short or well known.
    pub allow_weak_secret: bool,
    /// The session cookie. Default: the application's own name and its `__Secure-` form.
    pub cookie: Option<String>,
    /// Accept the same token as `Authorization: Bearer`.
    pub bearer: bool,
    /// Refuse a session that was issued longer ago than this, as in `30d`. Default: its own expiry decides.
    #[serde(with = "humantime_serde::option")]
    #[schemars(with = "Option<String>")]
    pub max_age: Option<Duration>,
    /// The longest token that is looked at, in bytes. Default: 16384.
    pub max_token_bytes: Option<usize>,
}

/// The kinds of provider.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Auth.js v5.
    Authjs,
    /// NextAuth.js v4.
    Nextauth,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawLogin {
    /// A path, or an absolute URL. Default: `/api/auth/signin`.
    pub url: Option<String>,
    /// The query parameter that carries the URL asked for. Default: `callbackUrl`.
    pub callback_param: Option<String>,
    /// Where redirects go and what the callback begins with. Default: the origin of `AUTH_URL`.
    pub origin: Option<String>,
    /// Without an origin: the request's own host is used where it is one of these.
    pub trusted_hosts: Vec<String>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawRule {
    /// For logs and metrics. Default: the rule's place, as in `rules[2]`.
    pub name: Option<String>,
    /// The hosts that the rule is for: names, or `*.` and a name. Default: all.
    pub hosts: Option<OneOrMany>,
    /// As `config.matcher` in Next.js. Default: everything.
    pub matcher: Option<RawMatcher>,
    /// Default: `session`.
    pub access: Option<Access>,
    /// The providers accepted, in this order. Default: all.
    pub session: Option<OneOrMany>,
    /// How a request without a session is answered. Default: that of `default`.
    pub on_deny: Option<RawOnDeny>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawDefault {
    /// Default: `session`.
    pub access: Option<Access>,
    /// The providers accepted, in this order. Default: all.
    pub session: Option<OneOrMany>,
    /// Default: `auto`.
    pub on_deny: Option<RawOnDeny>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "`auto`, `redirect`, `unauthorized`, or an object of `status`, `body` and `headers`")]
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
    /// 401.
    Unauthorized,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawAnswer {
    /// 300 to 599.
    pub status: u16,
    #[serde(default)]
    pub body: String,
    #[serde(default)]
    pub headers: IndexMap<String, String>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawNext {
    /// `basePath`, as in `/docs`.
    pub base_path: Option<String>,
    pub i18n: Option<RawI18n>,
    /// `trailingSlash`.
    pub trailing_slash: bool,
    /// The build's id, where it is known: then only its own `/_next/data` paths are read as pages.
    pub build_id: Option<String>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawI18n {
    pub locales: Vec<String>,
    /// `defaultLocale`.
    pub default_locale: Option<String>,
    pub domains: Vec<RawDomain>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawDomain {
    pub domain: Option<String>,
    /// `defaultLocale`.
    pub default_locale: Option<String>,
    pub locales: Vec<String>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawIdentity {
    /// Header: where its value is found, as in `sub`, `token.sub`, `auth.user.email`.
    /// Default: `x-auth-user-id: sub` and `x-auth-user-email: auth.user.email`.
    pub headers: Option<IndexMap<String, String>>,
    /// A header that carries the whole session as base64url JSON. Default: none.
    pub session_header: Option<String>,
    /// Keep the session cookie from the upstream wherever the session was verified.
    pub strip_cookie: bool,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawTelemetry {
    /// `error`, `warn`, `info`, `debug`, `trace`, or a filter of `tracing`. Default: `info`.
    pub log: Option<String>,
    /// `json` or `text`. Default: `json`.
    pub format: Option<crate::telemetry::Format>,
}

/// A string, or a list of strings.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "a string or a list of strings")]
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

/// Reads the tree. Each mistake is noted and taken out of the tree, so that the next one is found as well.
pub(super) fn parse(mut tree: Value, problems: &mut Problems) -> RawConfig {
    loop {
        match serde_path_to_error::deserialize::<_, RawConfig>(tree.clone()) {
            Ok(raw) => return raw,
            Err(error) => {
                let mistake = Mistake::of(&error);
                problems.error(&mistake.path, &mistake.message);
                if !prune(&mut tree, &mistake.keys) {
                    return RawConfig::default();
                }
            }
        }
    }
}

/// A key of the tree, or a place in one of its lists.
#[derive(Debug)]
enum Key {
    Name(String),
    At(usize),
}

struct Mistake {
    path: String,
    message: String,
    keys: Vec<Key>,
}

impl Mistake {
    fn of(error: &serde_path_to_error::Error<config::ConfigError>) -> Self {
        let message = error.inner().to_string();
        let mut keys: Vec<Key> = error
            .path()
            .iter()
            .filter_map(|segment| match segment {
                Segment::Map { key } => Some(Key::Name(key.clone())),
                Segment::Seq { index } => Some(Key::At(*index)),
                Segment::Enum { .. } | Segment::Unknown => None,
            })
            .collect();
        if let Some(unknown) = unknown_field(&message)
            && !matches!(keys.last(), Some(Key::Name(last)) if last == unknown)
        {
            keys.push(Key::Name(unknown.to_owned()));
        }
        let path = render(&keys);
        // A value in the wrong place can be a secret.
        let hides_value = keys.iter().any(|key| matches!(key, Key::Name(name) if name.contains("secret")));
        let message = if hides_value && unknown_field(&message).is_none() {
            "is not of the type that is expected here".to_owned()
        } else {
            message
        };
        Self { path, message, keys }
    }
}

/// The name in serde's message ``unknown field `x`, expected …``; its path ends at the parent.
fn unknown_field(message: &str) -> Option<&str> {
    message.split_once("unknown field `")?.1.split('`').next()
}

fn render(keys: &[Key]) -> String {
    let mut path = String::new();
    for key in keys {
        match key {
            Key::Name(name) if path.is_empty() => path.push_str(name),
            Key::Name(name) => path.extend([".", name]),
            Key::At(at) => path.push_str(&format!("[{at}]")),
        }
    }
    if path.is_empty() { "the configuration".to_owned() } else { path }
}

/// Takes the innermost named key of the path out of the tree; false where there is none to take.
fn prune(tree: &mut Value, keys: &[Key]) -> bool {
    let Some(last) = keys.iter().rposition(|key| matches!(key, Key::Name(_))) else { return false };
    let mut value = tree;
    for key in &keys[..last] {
        let child = match (key, &mut value.kind) {
            (Key::Name(name), ValueKind::Table(table)) => table.get_mut(name),
            (Key::At(at), ValueKind::Array(items)) => items.get_mut(*at),
            _ => None,
        };
        let Some(child) = child else { return false };
        value = child;
    }
    match (&keys[last], &mut value.kind) {
        (Key::Name(name), ValueKind::Table(table)) => table.shift_remove(name).is_some(),
        _ => false,
    }
}

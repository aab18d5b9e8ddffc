//! `sessions`: one provider as written. Every kind's keys stand here; which of them a kind knows is checked when it is
//! resolved.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{OneOrMany, by_name};

#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "a map of keys")]
#[expect(clippy::struct_excessive_bools, reason = "they are switches of the configuration")]
pub struct RawSession {
    /// How the application keeps its sessions.
    #[serde(deserialize_with = "by_name")]
    pub kind: Option<Kind>,
    /// `authjs`, `nextauth`, `better-auth`: the application's secret, or a list, newest first. `jwt`: the key of HS256, HS384
    /// and HS512.
    pub secret: Option<OneOrMany>,
    /// A file with one secret a line, newest first.
    pub secret_file: Option<String>,
    /// Accept a secret that is short or well known.
    pub allow_weak_secret: bool,
    /// The session cookie, or several in order of preference. Default: the application's own name and its `__Secure-`
    /// form.
    pub cookie: Option<OneOrMany>,
    /// Accept the same token as `Authorization: Bearer`.
    pub bearer: bool,
    /// Refuse a session that was issued longer ago than this, as in `30d`; default: its own expiry decides. For `refresh`:
    /// how long a renewed session lasts; default: 30 days.
    #[serde(with = "humantime_serde::option")]
    #[schemars(with = "Option<String>")]
    pub max_age: Option<Duration>,
    /// The longest token that is looked at, in bytes. Default: 16384.
    pub max_token_bytes: Option<usize>,
    /// `authjs`, `nextauth`, `database`, `redis`: give sessions a new expiry once they are older than `update_age`.
    pub refresh: bool,
    /// How old a session is before it is renewed. Default: 1 day.
    #[serde(with = "humantime_serde::option")]
    #[schemars(with = "Option<String>")]
    pub update_age: Option<Duration>,
    /// `database`, `redis`, `better-auth`: where the sessions are. `endpoint`: the application's session endpoint, as in
    /// `http://127.0.0.1:3000/api/auth/session`.
    pub url: Option<String>,
    /// `database`: `pg-adapter`, `prisma`, `drizzle`, `typeorm`, `kysely` or `better-auth`. `redis`: `upstash`, `unstorage`
    /// or `better-auth`.
    pub schema: Option<String>,
    /// `database`: a query of your own with one placeholder for the token, in place of `schema`.
    pub query: Option<String>,
    /// `redis`: what the adapter puts before each key.
    pub prefix: Option<String>,
    /// `redis`: the certificate authority of the server, in PEM.
    pub ca_file: Option<String>,
    /// `database`: the most connections. Default: 10.
    pub connections: Option<u32>,
    /// The longest that a request waits for the store, the endpoint or the keys. Default: 1 s.
    #[serde(with = "humantime_serde::option")]
    #[schemars(with = "Option<String>")]
    pub timeout: Option<Duration>,
    /// How long a session is remembered, as in `10s`; `0s`: not at all. Default: 10 s.
    #[serde(with = "humantime_serde::option")]
    #[schemars(with = "Option<String>")]
    pub cache: Option<Duration>,
    /// How long it is remembered that a token is unknown. Default: 1 s.
    #[serde(with = "humantime_serde::option")]
    #[schemars(with = "Option<String>")]
    pub cache_unknown: Option<Duration>,
    /// How many tokens are remembered. Default: 100000.
    pub cache_entries: Option<u64>,
    /// `jwt`: what `iss` must be; without keys of your own, the issuer whose keys are discovered.
    pub issuer: Option<String>,
    /// `jwt`: `aud` must have one of these.
    pub audience: Option<OneOrMany>,
    /// `jwt`: what `sub` must be. Default: any text.
    pub subject: Option<String>,
    /// `jwt`: the algorithms accepted (RFC 7518, section 3.1), as in `RS256`.
    pub algorithms: Vec<String>,
    /// `jwt`: a JSON Web Key Set, as a URL or a file.
    pub jwks: Option<String>,
    /// `jwt`: a public key in PEM.
    pub public_key: Option<String>,
    /// `jwt`: a file with a public key in PEM.
    pub public_key_file: Option<String>,
    /// `jwt`: where the token is looked for, in order. Default: `Authorization: Bearer`.
    pub from: Vec<RawFrom>,
    /// `jwt`: how far the issuer's clock may be from ours. Default: 15 s.
    #[serde(with = "humantime_serde::option")]
    #[schemars(with = "Option<String>")]
    pub leeway: Option<Duration>,
    /// `jwt`: how long fetched keys are used while the issuer is away. Default: 1 day.
    #[serde(with = "humantime_serde::option")]
    #[schemars(with = "Option<String>")]
    pub keep_keys: Option<Duration>,
    /// `jwt`, `endpoint`: allow plain http to other machines.
    pub allow_http: bool,
    /// `better-auth`: `advanced.cookiePrefix`. Default: `better-auth`.
    pub cookie_prefix: Option<String>,
    /// `better-auth`: the strategy of `session.cookieCache`. Default: the cookie cache is not read.
    #[serde(deserialize_with = "by_name")]
    pub cookie_cache: Option<CookieCache>,
    /// `better-auth`: `session.cookieCache.version`. Default: `1`.
    pub cookie_cache_version: Option<String>,
}

/// The kinds of provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Auth.js v5: an encrypted cookie.
    Authjs,
    /// NextAuth.js v4: an encrypted cookie.
    Nextauth,
    /// A signed token.
    Jwt,
    /// Auth.js database sessions.
    Database,
    /// Sessions in Redis.
    Redis,
    /// The application's own session endpoint.
    Endpoint,
    /// Better Auth's signed cookies.
    BetterAuth,
}

/// Where a signed token is looked for: in a header after a prefix, or in a cookie.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "a map of keys")]
pub struct RawFrom {
    pub header: Option<String>,
    /// What stands before the token, as in `Bearer ` with its space. Default: nothing.
    pub prefix: Option<String>,
    pub cookie: Option<String>,
}

/// How Better Auth's cookie cache is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CookieCache {
    Compact,
    Jwt,
    Jwe,
}

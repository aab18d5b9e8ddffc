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
    /// How the application keeps its sessions. Required.
    #[serde(deserialize_with = "by_name")]
    pub kind: Option<Kind>,
    /// `authjs`, `nextauth`, `better-auth`, and `redis` with `better-auth`'s sessions: the application's secret, or a
    /// list, newest first. `jwt`: the key of HS256, HS384 and HS512. Default: `AUTH_SECRET`, for `authjs` and `nextauth`.
    pub secret: Option<OneOrMany>,
    /// A file with one secret a line, newest first, in place of `secret`.
    pub secret_file: Option<String>,
    /// Accept a secret that is shorter than 16 bytes, or known from documentation.
    pub allow_weak_secret: bool,
    /// The session cookie, or several in order of preference. Default: the application's own name and its `__Secure-`
    /// form.
    pub cookie: Option<OneOrMany>,
    /// Accept the same token as `Authorization: Bearer`.
    pub bearer: bool,
    /// Refuse a session that was issued longer ago than this, and with `refresh` how long a renewed one lasts.
    /// Default: its own expiry alone decides, and a renewed one lasts 30 days.
    #[serde(with = "humantime_serde::option")]
    #[schemars(with = "Option<super::TimeSpan>")]
    pub max_age: Option<Duration>,
    /// The longest token that is looked at, in bytes. Default: 16384.
    pub max_token_bytes: Option<usize>,
    /// Give sessions a new expiry once they are older than `update_age`.
    pub refresh: bool,
    /// How old a session is before it is renewed. Default: 1 day.
    #[serde(with = "humantime_serde::option")]
    #[schemars(with = "Option<super::TimeSpan>")]
    pub update_age: Option<Duration>,
    /// `database`, `redis`: where the sessions are. `endpoint`: the application's session endpoint, as in
    /// `http://127.0.0.1:3000/api/auth/session`. `better-auth`: where the sessions are, unless the cookie cache is enough.
    pub url: Option<String>,
    /// How the store is laid out. `database`: `pg-adapter`, `prisma`, `drizzle`, `typeorm`, `kysely` or `better-auth`, or
    /// a `query`. `redis`: `upstash`, `unstorage` or `better-auth`. Required.
    pub schema: Option<String>,
    /// A query of your own with one placeholder for the token, in place of `schema`.
    pub query: Option<String>,
    /// What stands before each key in Redis. Default: nothing.
    pub prefix: Option<String>,
    /// For `rediss:`: a file with the certificate authority of the server, in PEM. Default: those of the machine.
    pub ca_file: Option<String>,
    /// The most connections to the database. Default: 10.
    pub connections: Option<u32>,
    /// The longest that a request waits for the store, the endpoint or the keys. Default: 1 s.
    #[serde(with = "humantime_serde::option")]
    #[schemars(with = "Option<super::TimeSpan>")]
    pub timeout: Option<Duration>,
    /// How long a session is remembered; `0s`: not at all. Default: 10 s.
    #[serde(with = "humantime_serde::option")]
    #[schemars(with = "Option<super::TimeSpan>")]
    pub cache: Option<Duration>,
    /// How long it is remembered that a token is unknown. Default: 1 s.
    #[serde(with = "humantime_serde::option")]
    #[schemars(with = "Option<super::TimeSpan>")]
    pub cache_unknown: Option<Duration>,
    /// How many tokens are remembered. Default: 100000.
    pub cache_entries: Option<u64>,
    /// What `iss` must be; without keys of your own, the issuer whose keys are discovered. Default: any, with keys.
    pub issuer: Option<String>,
    /// `aud` must have one of these. Default: any.
    pub audience: Option<OneOrMany>,
    /// What `sub` must be. Default: any text.
    pub subject: Option<String>,
    /// The algorithms accepted (RFC 7518, section 3.1), as in `RS256`. Default: HS256 where there is a `secret`; else
    /// required.
    pub algorithms: Vec<String>,
    /// A JSON Web Key Set, as a URL or a file. Default: what the issuer's discovery document names.
    pub jwks: Option<String>,
    /// A public key in PEM, in place of `jwks`.
    pub public_key: Option<String>,
    /// A file with a public key in PEM, in place of `jwks`.
    pub public_key_file: Option<String>,
    /// Where the token is looked for, in order. Default: `Authorization: Bearer`.
    pub from: Vec<RawFrom>,
    /// How far the issuer's clock may be from ours. Default: 15 s.
    #[serde(with = "humantime_serde::option")]
    #[schemars(with = "Option<super::TimeSpan>")]
    pub leeway: Option<Duration>,
    /// How long fetched keys are used while the issuer is away. Default: 1 day.
    #[serde(with = "humantime_serde::option")]
    #[schemars(with = "Option<super::TimeSpan>")]
    pub keep_keys: Option<Duration>,
    /// Allow plain http to other machines.
    pub allow_http: bool,
    /// `advanced.cookiePrefix`. Default: `better-auth`.
    pub cookie_prefix: Option<String>,
    /// The strategy of `session.cookieCache`. Default: the cookie cache is not read.
    #[serde(deserialize_with = "by_name")]
    pub cookie_cache: Option<CookieCache>,
    /// `session.cookieCache.version`. Default: `1`.
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
    /// The name of the header.
    pub header: Option<String>,
    /// What stands before the token, as in `Bearer ` with its space. Default: nothing.
    pub prefix: Option<String>,
    /// The name of the cookie, in place of `header`.
    pub cookie: Option<String>,
}

/// How Better Auth's cookie cache is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CookieCache {
    /// Signed, in a form of Better Auth's own.
    Compact,
    /// A signed token.
    Jwt,
    /// An encrypted token.
    Jwe,
}

//! Which keys each kind of provider knows: another kind's key would be ignored, and that is refused.

use serde_json::Value;

use super::Written;
use crate::config::error::Problems;
use crate::config::raw::{Kind, RawSession};

/// The kinds as they are written.
pub(super) const KINDS: [&str; 7] =
    ["authjs", "nextauth", "jwt", "database", "redis", "endpoint", "better-auth"];

const SECRETS: &[&str] = &["secret", "secret_file", "allow_weak_secret"];
const TOKENS: &[&str] = &["bearer", "max_token_bytes"];
const REFRESH: &[&str] = &["refresh", "update_age"];
const CACHE: &[&str] = &["timeout", "cache", "cache_unknown", "cache_entries"];

/// The kind's own name, and the groups of keys that it knows besides `kind`.
const fn known(kind: Kind) -> (&'static str, &'static [&'static [&'static str]]) {
    match kind {
        Kind::Authjs => ("authjs", &[SECRETS, TOKENS, REFRESH, &["cookie", "max_age"]]),
        Kind::Nextauth => ("nextauth", &[SECRETS, TOKENS, REFRESH, &["cookie", "max_age"]]),
        Kind::Jwt => (
            "jwt",
            &[
                SECRETS,
                &["issuer", "audience", "subject", "algorithms", "jwks", "public_key", "public_key_file"],
                &["from", "leeway", "keep_keys", "allow_http", "timeout", "max_age", "max_token_bytes"],
            ],
        ),
        Kind::Database => (
            "database",
            &[TOKENS, REFRESH, CACHE, &["cookie", "max_age", "url", "schema", "query", "connections"]],
        ),
        Kind::Redis => (
            "redis",
            &[SECRETS, TOKENS, REFRESH, CACHE, &["cookie", "max_age", "url", "schema", "prefix", "ca_file"]],
        ),
        Kind::Endpoint => ("endpoint", &[TOKENS, CACHE, &["cookie", "url", "allow_http"]]),
        Kind::BetterAuth => (
            "better-auth",
            &[
                SECRETS,
                CACHE,
                &["cookie_prefix", "cookie_cache", "cookie_cache_version", "max_token_bytes"],
                &["url", "prefix", "ca_file", "connections"],
            ],
        ),
    }
}

/// Notes every key that was written and means nothing to the kind.
pub(super) fn refuse_foreign(kind: Kind, written: &Written<'_>, problems: &mut Problems) {
    let (name, groups) = known(kind);
    for key in keys_of(&written.raw) {
        if key != "kind" && !groups.iter().any(|group| group.contains(&key.as_str())) {
            problems.error(written.key(&key), format!("means nothing to `kind: {name}`"));
        }
    }
}

/// The keys whose value is not the default.
fn keys_of(raw: &RawSession) -> Vec<String> {
    let members = |raw: &RawSession| match serde_json::to_value(raw) {
        Ok(Value::Object(members)) => members,
        _ => serde_json::Map::new(),
    };
    let default = members(&RawSession::default());
    members(raw)
        .into_iter()
        .filter(|(key, value)| default.get(key) != Some(value))
        .map(|(key, _)| key)
        .collect()
}

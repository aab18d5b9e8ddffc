//! `sessions`: the providers, one file a kind.

mod authjs;
mod better_auth;
mod database;
mod endpoint;
mod jwt;
mod keys;
mod redis;
mod secrets;
mod stored;

pub(super) use self::secrets::Secrets;
use std::sync::Arc;

use indexmap::IndexMap;

use super::defaults::AuthEnvironment;
use crate::config::carried::{Carrying, Fingerprint};
use crate::config::error::Problems;
use crate::config::raw::{Kind, RawSession};
use crate::session::authjs::Version;
use crate::session::{Provider, Providers};

/// Without `sessions` there is one provider, with the secrets that Auth.js itself would use.
const DEFAULT_NAME: &str = "web";

/// A provider as written, and where it stands.
struct Written<'w> {
    /// Its name.
    name: &'w str,
    /// The path of its keys, as in `sessions.web`.
    path: String,
    raw: RawSession,
    auth: &'w AuthEnvironment,
}

/// The names of the providers as written, in order.
pub(super) fn names(raw: Option<&IndexMap<String, RawSession>>) -> Vec<String> {
    raw.map_or_else(|| vec![DEFAULT_NAME.to_owned()], |raw| raw.keys().cloned().collect())
}

pub(super) fn resolve(
    raw: Option<IndexMap<String, RawSession>>,
    auth: &AuthEnvironment,
    carrying: &mut Carrying,
    problems: &mut Problems,
) -> Option<Providers> {
    let default = || IndexMap::from([(DEFAULT_NAME.to_owned(), RawSession::of_kind(Kind::Authjs))]);
    let raw = raw.unwrap_or_else(default);
    if raw.is_empty() {
        problems.error("sessions", "at least one provider is needed");
    }
    let mut providers = Vec::new();
    let mut is_complete = !raw.is_empty();
    for (name, raw) in raw {
        let written = Written { name: &name, path: format!("sessions.{name}"), raw, auth };
        let known = problems.files.len();
        match provider(&written, problems) {
            Some(provider) => {
                let fingerprint = Fingerprint::of(&name, &written.raw, &problems.files, known);
                providers.push((Arc::from(name.as_str()), carrying.provider(fingerprint, provider)));
            }
            None => is_complete = false,
        }
    }
    is_complete.then(|| Providers::new(providers))
}

fn provider(written: &Written<'_>, problems: &mut Problems) -> Option<Provider> {
    let Some(kind) = written.raw.kind else {
        let message = format!("is missing: write one of {}", keys::KINDS.join(", "));
        problems.error(written.key("kind"), message);
        return None;
    };
    keys::refuse_foreign(kind, written, problems);
    match kind {
        Kind::Authjs => authjs::resolve(Version::V5, written, problems),
        Kind::Nextauth => authjs::resolve(Version::V4, written, problems),
        Kind::Jwt => jwt::resolve(written, problems),
        Kind::Database => database::resolve(written, problems),
        Kind::Redis => redis::resolve(written, problems),
        Kind::Endpoint => endpoint::resolve(written, problems),
        Kind::BetterAuth => better_auth::resolve(written, problems),
    }
}

impl Written<'_> {
    /// The path of one of its keys.
    fn key(&self, key: &str) -> String {
        format!("{}.{key}", self.path)
    }
}

impl RawSession {
    fn of_kind(kind: Kind) -> Self {
        Self { kind: Some(kind), ..Self::default() }
    }
}

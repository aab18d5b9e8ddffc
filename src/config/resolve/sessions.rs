//! `sessions`: the providers, with keys derived from their secrets.

use std::fs;
use std::sync::Arc;

use indexmap::IndexMap;
use zeroize::Zeroizing;

use super::defaults::AuthEnvironment;
use crate::config::error::Problems;
use crate::config::raw::{Kind, RawSession};
use crate::secret::Secret;
use crate::session::authjs::{AuthJs, AuthJsError, AuthJsOptions, MAX_TOKEN_BYTES, Version};
use crate::session::{Provider, Providers};

/// What a token may be configured to be at most: the header section that Envoy accepts.
const LARGEST_TOKEN_BYTES: usize = 64 * 1024;

/// Without `sessions` there is one provider, with the secrets that Auth.js itself would use.
const DEFAULT_NAME: &str = "web";

/// The names of the providers as written, in order.
pub(super) fn names(raw: Option<&IndexMap<String, RawSession>>) -> Vec<String> {
    raw.map_or_else(|| vec![DEFAULT_NAME.to_owned()], |raw| raw.keys().cloned().collect())
}

pub(super) fn resolve(
    raw: Option<IndexMap<String, RawSession>>,
    auth: &AuthEnvironment,
    problems: &mut Problems,
) -> Option<Providers> {
    let Some(raw) = raw else { return from_environment(auth, problems) };
    if raw.is_empty() {
        problems.error("sessions", "at least one provider is needed");
    }
    let mut providers = Vec::new();
    let mut is_complete = !raw.is_empty();
    for (name, session) in raw {
        match provider(&name, session, auth, problems) {
            Some(provider) => providers.push((Arc::from(name), provider)),
            None => is_complete = false,
        }
    }
    is_complete.then(|| Providers::new(providers))
}

fn from_environment(auth: &AuthEnvironment, problems: &mut Problems) -> Option<Providers> {
    let raw = RawSession { kind: Some(Kind::Authjs), ..RawSession::default() };
    let provider = provider(DEFAULT_NAME, raw, auth, problems)?;
    Some(Providers::new(vec![(Arc::from(DEFAULT_NAME), provider)]))
}

fn provider(
    name: &str,
    raw: RawSession,
    auth: &AuthEnvironment,
    problems: &mut Problems,
) -> Option<Provider> {
    let path = format!("sessions.{name}");
    let version = match raw.kind {
        Some(Kind::Authjs) => Some(Version::V5),
        Some(Kind::Nextauth) => Some(Version::V4),
        None => {
            problems.error(format!("{path}.kind"), "is missing: write `authjs` (v5) or `nextauth` (v4)");
            None
        }
    };
    let max_token_bytes = raw.max_token_bytes.unwrap_or(MAX_TOKEN_BYTES);
    if !(1..=LARGEST_TOKEN_BYTES).contains(&max_token_bytes) {
        problems.error(format!("{path}.max_token_bytes"), format!("must be 1 to {LARGEST_TOKEN_BYTES}"));
    }
    let secrets = secrets(&path, &raw, auth, problems);
    let options = AuthJsOptions {
        version: version?,
        secrets: secrets?,
        cookie: raw.cookie,
        salt: None,
        bearer: raw.bearer,
        max_age: raw.max_age,
        max_token_bytes,
    };
    match AuthJs::new(options) {
        Ok(provider) => Some(Provider::AuthJs(provider)),
        Err(error) => {
            let key = match error {
                AuthJsError::CookieName => "cookie",
                AuthJsError::NoSecret | AuthJsError::Keys => "secret",
            };
            problems.error(format!("{path}.{key}"), error);
            None
        }
    }
}

fn secrets(
    path: &str,
    raw: &RawSession,
    auth: &AuthEnvironment,
    problems: &mut Problems,
) -> Option<Vec<Secret>> {
    let written = match (&raw.secret, &raw.secret_file) {
        (Some(_), Some(_)) => {
            problems.error(format!("{path}.secret_file"), "stands beside `secret`: keep one of them");
            return None;
        }
        (Some(secret), None) => secret.clone().with_paths(&format!("{path}.secret")),
        (None, Some(file)) => from_file(&format!("{path}.secret_file"), file, problems)?,
        (None, None) => {
            auth.secrets.iter().map(|(name, secret)| ((*name).to_owned(), secret.clone())).collect()
        }
    };
    if written.is_empty() {
        let message = "is missing: write `secret: ${AUTH_SECRET}` or `secret_file`, or set AUTH_SECRET";
        problems.error(format!("{path}.secret"), message);
        return None;
    }
    let checked: Vec<Option<Secret>> =
        written.iter().map(|(path, text)| check(path, text, raw.allow_weak_secret, problems)).collect();
    checked.into_iter().collect()
}

/// One secret a line, as a mounted Kubernetes secret holds them.
fn from_file(path: &str, file: &str, problems: &mut Problems) -> Option<Vec<(String, String)>> {
    let text = fs::read_to_string(file).map(Zeroizing::new).map_err(|error| format!("{file}: {error}"));
    let text = problems.ok(path, text)?;
    let secrets: Vec<_> = Secret::lines(&text)
        .enumerate()
        .map(|(at, line)| (format!("{path} ({file}, secret {})", at + 1), line.to_owned()))
        .collect();
    if secrets.is_empty() {
        problems.error(path, format!("{file} holds no secret"));
        return None;
    }
    Some(secrets)
}

fn check(path: &str, text: &str, allow_weak: bool, problems: &mut Problems) -> Option<Secret> {
    let (secret, warning) = problems.ok(path, Secret::check(text, allow_weak))?;
    if let Some(warning) = warning {
        problems.warning(path, warning);
    }
    Some(secret)
}

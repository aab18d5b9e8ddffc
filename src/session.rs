//! Who is asking: a session, and the providers that find one in a request.

pub mod authjs;
pub mod claim_path;
pub mod credential;
mod error;
pub mod jwe;
mod providers;
mod user;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use serde::Serialize;
use serde_json::{Map, Value};

pub use self::claim_path::{ClaimPath, ClaimPathError};
pub use self::credential::{Finding, Source};
pub use self::error::SessionError;
pub use self::providers::{Accepted, Failure, Failures, Provider, Providers};

/// The claims of a token, or the columns of a stored session.
pub type Claims = Map<String, Value>;

/// The last moment that [`Session::expires_iso`] can say: the end of the year 9999.
const LAST_SECOND: f64 = 253_402_300_799.0;

/// A session that a provider has verified; nobody else can make one.
#[derive(Clone)]
pub struct Session {
    claims: Claims,
    expires: f64,
    provider: Arc<str>,
    finding: Finding,
}

/// What an application sees of a session, and its claims.
#[derive(Serialize)]
struct Envelope<'s> {
    user: Map<String, Value>,
    expires: String,
    provider: &'s str,
    claims: &'s Claims,
}

impl Session {
    pub(in crate::session) fn new(
        claims: Claims,
        expires: f64,
        provider: Arc<str>,
        finding: Finding,
    ) -> Self {
        Self { claims, expires, provider, finding }
    }

    /// The face `token`: all claims.
    #[must_use]
    pub fn claims(&self) -> &Claims {
        &self.claims
    }

    /// The name of the provider that verified it.
    #[must_use]
    pub fn provider(&self) -> &Arc<str> {
        &self.provider
    }

    /// Where in the request it was found.
    #[must_use]
    pub fn finding(&self) -> &Finding {
        &self.finding
    }

    /// When it ends, as JavaScript writes it: `2026-01-31T00:00:00.000Z`, at most the end of the year 9999.
    #[must_use]
    pub fn expires_iso(&self) -> String {
        let since = Duration::try_from_secs_f64(self.expires.clamp(0.0, LAST_SECOND)).unwrap_or_default();
        humantime::format_rfc3339_millis(UNIX_EPOCH + since).to_string()
    }

    /// Who it is, for the log: `sub`, else the user's `id`.
    #[must_use]
    pub fn subject(&self) -> Option<Cow<'_, str>> {
        match user::member(&self.claims, "id")? {
            Value::String(id) => Some(Cow::Borrowed(id)),
            Value::Number(id) => Some(Cow::Owned(id.to_string())),
            _ => None,
        }
    }

    /// The face `auth`, what Auth.js shows an application: `{user, expires, provider}`.
    #[must_use]
    pub fn auth(&self) -> Value {
        serde_json::json!({
            "user": user::object(&self.claims),
            "expires": self.expires_iso(),
            "provider": &*self.provider,
        })
    }

    /// The value at a path, built only where it is not a claim as it stands.
    #[must_use]
    pub fn lookup(&self, path: &ClaimPath) -> Option<Cow<'_, Value>> {
        path.find_in(self)
    }

    /// The whole session as JSON: `{"user":…,"expires":…,"provider":…,"claims":…}`.
    #[must_use]
    pub fn envelope(&self) -> String {
        let envelope = Envelope {
            user: user::object(&self.claims),
            expires: self.expires_iso(),
            provider: &self.provider,
            claims: &self.claims,
        };
        // Maps with text as keys always serialise.
        serde_json::to_string(&envelope).unwrap_or_default()
    }
}

/// Claims are about a person, so they are not shown.
impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("provider", &self.provider)
            .field("expires", &self.expires)
            .field("finding", &self.finding)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;

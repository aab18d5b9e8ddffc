//! Who is asking: a session, and the providers that find one in a request.

pub mod authjs;
pub mod bearer;
pub mod better_auth;
mod cache;
pub mod claim_path;
pub mod credential;
pub mod database;
pub mod endpoint;
mod error;
mod http;
pub mod jwe;
pub mod jwks;
mod mark;
mod moment;
mod providers;
mod record;
pub mod redis;
mod renewal;
pub mod revocation;
pub mod stored;
mod user;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use serde::Serialize;
use serde_json::{Map, Value};

pub use self::cache::CacheLimits;
pub use self::claim_path::{ClaimPath, ClaimPathError};
pub use self::credential::{Finding, Source};
pub use self::error::{Outage, SessionError};
pub use self::mark::Mark;
pub use self::providers::{Accepted, Failure, Failures, Figures, Provider, Providers};
pub use self::renewal::{Refresh, Renewal};

/// The claims of a token, or the columns of a stored session.
pub type Claims = Map<String, Value>;

/// The last moment that [`Session::expires_iso`] can say: the end of the year 9999.
const LAST_SECOND: f64 = 253_402_300_799.0;

/// A session that a provider has verified; nobody else can make one.
#[derive(Clone)]
pub struct Session {
    claims: Arc<Claims>,
    expires: f64,
    issued: Option<f64>,
    provider: Arc<str>,
    finding: Finding,
    mark: Mark,
    renewal: Option<Renewal>,
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
        claims: impl Into<Arc<Claims>>,
        expires: f64,
        provider: Arc<str>,
        finding: Finding,
        mark: Mark,
    ) -> Self {
        let claims = claims.into();
        let issued = claims.get("iat").and_then(Value::as_f64);
        Self { claims, expires, issued, provider, finding, mark, renewal: None }
    }

    /// The same session, known to have begun, or to have been renewed last, at this time.
    pub(in crate::session) fn issued_at(self, issued: Option<f64>) -> Self {
        Self { issued: issued.or(self.issued), ..self }
    }

    /// The same session with a new expiry that its cookies have to tell the browser.
    pub(in crate::session) fn renewed(self, renewal: Option<Renewal>) -> Self {
        Self { renewal, ..self }
    }

    /// The face `token`: all claims.
    #[must_use]
    pub fn claims(&self) -> &Claims {
        &self.claims
    }

    /// When it was issued, in seconds since 1970, where that is known.
    #[must_use]
    pub fn issued(&self) -> Option<f64> {
        self.issued
    }

    /// The cookies to send to the browser, where the session was given a new expiry.
    #[must_use]
    pub fn renewal(&self) -> Option<&Renewal> {
        self.renewal.as_ref()
    }

    /// The name of the provider that verified it.
    #[must_use]
    pub fn provider(&self) -> &Arc<str> {
        &self.provider
    }

    /// When it ends, in seconds since 1970.
    #[must_use]
    pub fn expires(&self) -> f64 {
        self.expires
    }

    /// What tells it from every other session of its provider.
    #[must_use]
    pub fn mark(&self) -> &Mark {
        &self.mark
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

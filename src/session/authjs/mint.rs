//! Making tokens as Auth.js makes them, with the newest secret.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::rand;
use serde_json::{Value, json};

use super::{AuthJs, SessionCookie};
use crate::request::HttpRequest;
use crate::session::credential::part_of;
use crate::session::jwe::JweError;
use crate::session::{Claims, Renewal};

/// Why a token is not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The caller's: the token's key depends on the cookie.
    #[error("the provider does not read that cookie")]
    UnknownCookie,
    /// The caller's: JSON cannot say when the token ends, or the clock stands before 1970.
    #[error("the time is out of range")]
    Time,
    #[error(transparent)]
    Jwe(#[from] JweError),
}

impl AuthJs {
    /// Makes a session token for the cookie `cookie`, adding `iat`, `exp` and `jti` as Auth.js does.
    ///
    /// # Errors
    /// [`SealError`] says whose fault it is.
    pub fn mint(
        &self,
        cookie: &str,
        mut claims: Claims,
        max_age: Duration,
        now: SystemTime,
    ) -> Result<String, SealError> {
        let iat = now.duration_since(UNIX_EPOCH).map_err(|_| SealError::Time)?.as_secs();
        let exp = iat.checked_add(max_age.as_secs()).ok_or(SealError::Time)?;
        claims.insert("iat".to_owned(), json!(iat));
        claims.insert("exp".to_owned(), json!(exp));
        claims.insert("jti".to_owned(), json!(random_uuid()?));
        self.seal(cookie, &claims)
    }

    /// Encrypts claims as they are for the cookie `cookie`.
    ///
    /// # Errors
    /// [`SealError`] says whose fault it is.
    pub fn seal(&self, cookie: &str, claims: &Claims) -> Result<String, SealError> {
        let ours = self.cookies.iter().find(|ours| *ours.name == *cookie);
        let newest = ours.and_then(|ours| ours.keys.newest()).ok_or(SealError::UnknownCookie)?;
        let payload = serde_json::to_vec(claims).map_err(|_| JweError::Crypto)?;
        Ok(newest.key.seal(&newest.header_text, &payload)?)
    }

    /// A new token for a session that is due, as Auth.js makes one when it is asked for the session. Only requests that
    /// read get one: what a sign-out answers must not be undone.
    pub(super) fn renewal(
        &self,
        cookie: &SessionCookie,
        claims: &Claims,
        expires: f64,
        request: &HttpRequest<'_>,
    ) -> Option<Renewal> {
        let refresh = self.refresh.filter(|_| request.is_safe())?;
        let issued = claims.get("iat").and_then(Value::as_f64);
        let issued = issued.unwrap_or(expires - refresh.max_age.as_secs_f64());
        if !refresh.is_due(issued, request.now) {
            return None;
        }
        let minted = self.mint(&cookie.name, claims.clone(), refresh.max_age, request.now);
        let token = minted.inspect_err(|error| tracing::warn!(%error, "a session was not renewed")).ok()?;
        let set: Vec<(String, String)> =
            self.cookies_for(&cookie.name, &token).map(|(name, value)| (name, value.to_owned())).collect();
        let mut stale: Vec<String> = Vec::new();
        for (sent, _) in request.cookies().iter() {
            let is_set = || set.iter().any(|(name, _)| name == sent);
            if part_of(sent, &cookie.name).is_some() && !is_set() && !stale.iter().any(|name| name == sent) {
                stale.push(sent.to_owned());
            }
        }
        Some(Renewal { set, stale, expires: refresh.expiry(request.now) })
    }

    /// The cookies that carry a token: one, or as many chunks as it needs, names and values.
    pub fn cookies_for<'t>(&self, cookie: &str, token: &'t str) -> impl Iterator<Item = (String, &'t str)> {
        let size = self.version.chunk_size();
        let is_whole = token.len() <= size;
        (0..token.len().div_ceil(size)).map(move |n| {
            let name = if is_whole { cookie.to_owned() } else { format!("{cookie}.{n}") };
            (name, token.get(n * size..token.len().min((n + 1) * size)).unwrap_or_default())
        })
    }
}

/// A random UUID, version 4 (RFC 9562, section 5.4).
fn random_uuid() -> Result<String, JweError> {
    let mut bytes = [0; 16];
    rand::fill(&mut bytes).map_err(|_| JweError::Crypto)?;
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = format!("{:032x}", u128::from_be_bytes(bytes));
    let groups = [0..8, 8..12, 12..16, 16..20, 20..32].map(|range| hex.get(range).unwrap_or_default());
    Ok(groups.join("-"))
}

//! Making tokens as Auth.js makes them, with the newest secret.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::rand;
use serde_json::json;

use super::AuthJs;
use crate::session::Claims;
use crate::session::jwe::JweError;

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

//! What the claims of a token must be for it to be a session.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value};

use crate::session::{Claims, SessionError};

/// How far the application's clock may be from ours, in seconds; Auth.js allows as much.
const CLOCK_TOLERANCE: f64 = 15.0;
/// What NextAuth.js has put into tokens of a sign-in under way.
const SIGN_IN_CLAIMS: [&str; 4] = ["value", "state", "code_verifier", "nonce"];
/// What tells whose session it is; a token of a sign-in knows none of it.
const IDENTITY_CLAIMS: [&str; 5] = ["sub", "email", "name", "id", "user"];

/// Reads a decrypted payload: UTF-8, a byte order mark or none, one JSON object.
pub(super) fn parse(payload: &[u8]) -> Result<Claims, SessionError> {
    let json = payload.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(payload);
    // Checked once as a whole, which is quicker than string by string.
    let json = std::str::from_utf8(json).map_err(|_| SessionError::Payload)?;
    serde_json::from_str(json).map_err(|_| SessionError::Payload)
}

/// Claims that are repeated in the header must be the same there (RFC 7519, section 5.3).
pub(super) fn agree_with_header(claims: &Claims, header: &Map<String, Value>) -> Result<(), SessionError> {
    let differs = |name: &&str| header.contains_key(*name) && header.get(*name) != claims.get(*name);
    ["iss", "sub", "aud"].into_iter().find(differs).map_or(Ok(()), |name| Err(SessionError::Claim(name)))
}

/// Holds the claims against the time (RFC 7519, section 4.1) and says when the session ends.
///
/// Auth.js writes `exp` always, so a token without it is not its own. An `iat` in the future is a clock that
/// goes wrong, and `exp` bounds the session all the same.
pub(super) fn check(
    claims: &Claims,
    now: SystemTime,
    max_age: Option<Duration>,
) -> Result<f64, SessionError> {
    let now = seconds(now);
    let exp = number(claims, "exp")?.ok_or(SessionError::Claim("exp"))?;
    let nbf = number(claims, "nbf")?;
    let iat = number(claims, "iat")?;
    if exp <= now - CLOCK_TOLERANCE {
        return Err(SessionError::Expired);
    }
    if nbf.is_some_and(|nbf| nbf > now + CLOCK_TOLERANCE) {
        return Err(SessionError::NotYetValid);
    }
    if let Some(max_age) = max_age {
        let age = now - iat.ok_or(SessionError::Claim("iat"))?;
        if age >= max_age.as_secs_f64() + CLOCK_TOLERANCE {
            return Err(SessionError::TooOld);
        }
    }
    if is_of_a_sign_in(claims) { Err(SessionError::NotASession) } else { Ok(exp) }
}

/// A state, PKCE or nonce token of NextAuth.js before 4.24.5 has the same key as a session (CVE-2023-48309).
fn is_of_a_sign_in(claims: &Claims) -> bool {
    let has = |name: &&str| claims.get(*name).is_some_and(|value| !value.is_null());
    SIGN_IN_CLAIMS.iter().any(has) && !IDENTITY_CLAIMS.iter().any(has)
}

/// A claim that may be missing but not be anything else than a number.
fn number(claims: &Claims, name: &'static str) -> Result<Option<f64>, SessionError> {
    match claims.get(name) {
        None => Ok(None),
        Some(value) => value.as_f64().filter(|n| n.is_finite()).map(Some).ok_or(SessionError::Claim(name)),
    }
}

/// Whole seconds since 1970. Before that a clock is wrong, and nothing shall be valid by it.
fn seconds(now: SystemTime) -> f64 {
    now.duration_since(UNIX_EPOCH).map_or(f64::INFINITY, |since| since.as_secs_f64().floor())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: u64 = 1_767_225_600;

    fn checked(claims: Value, max_age: Option<u64>) -> Result<f64, SessionError> {
        let Value::Object(claims) = claims else { panic!("not an object") };
        check(&claims, UNIX_EPOCH + Duration::from_secs(NOW), max_age.map(Duration::from_secs))
    }

    #[test]
    fn time_is_held_against_each_claim() {
        let later = NOW + 60;
        let table = [
            (json!({}), Err(SessionError::Claim("exp"))),
            (json!({"exp": later.to_string()}), Err(SessionError::Claim("exp"))),
            (json!({"exp": null}), Err(SessionError::Claim("exp"))),
            (json!({"exp": NOW - 15}), Err(SessionError::Expired)),
            (json!({"exp": NOW - 14}), Ok(())),
            (json!({"exp": later, "nbf": NOW + 15}), Ok(())),
            (json!({"exp": later, "nbf": NOW + 16}), Err(SessionError::NotYetValid)),
            (json!({"exp": later, "nbf": null}), Err(SessionError::Claim("nbf"))),
            (json!({"exp": later, "iat": "1"}), Err(SessionError::Claim("iat"))),
            (json!({"exp": later, "iat": NOW + 3600}), Ok(())),
        ];
        for (claims, expected) in table {
            assert_eq!(checked(claims.clone(), None).map(|_| ()), expected, "{claims}");
        }
        assert_eq!(checked(json!({"exp": 1e18}), None), Ok(1e18));
    }

    #[test]
    fn a_session_older_than_max_age_is_over() {
        let table = [
            (json!({"exp": NOW + 60}), Err(SessionError::Claim("iat"))),
            (json!({"exp": NOW + 60, "iat": NOW - 114}), Ok(())),
            (json!({"exp": NOW + 60, "iat": NOW - 115}), Err(SessionError::TooOld)),
        ];
        for (claims, expected) in table {
            assert_eq!(checked(claims.clone(), Some(100)).map(|_| ()), expected, "{claims}");
        }
    }

    #[test]
    fn tokens_of_a_sign_in_are_no_sessions() {
        let table = [
            (json!({"value": "x", "provider": "github"}), false),
            (json!({"state": "x"}), false),
            (json!({"code_verifier": "x", "name": null}), false),
            (json!({"nonce": "x"}), false),
            (json!({"nonce": "x", "sub": "1"}), true),
            (json!({"state": "x", "user": {"id": 1}}), true),
            (json!({"jti": "x"}), true),
        ];
        for (mut claims, is_session) in table {
            claims["exp"] = json!(NOW + 60);
            let expected = if is_session { Ok(()) } else { Err(SessionError::NotASession) };
            assert_eq!(checked(claims.clone(), None).map(|_| ()), expected, "{claims}");
        }
    }

    #[test]
    fn nothing_is_valid_by_a_clock_before_1970() {
        let claims = Claims::from_iter([("exp".to_owned(), json!(1e300))]);
        let early = UNIX_EPOCH - Duration::from_secs(1);
        assert_eq!(check(&claims, early, None), Err(SessionError::Expired));
    }
}

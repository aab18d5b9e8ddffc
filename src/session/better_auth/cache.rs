//! The cookie cache: session and user in a cookie, signed or encrypted, for a few minutes.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, Validation};
use serde_json::Value;

use super::javascript::Js;
use super::keys::Keys;
use crate::session::jwe::{Buffer, Compact, Encryption, JweError};
use crate::session::{Claims, SessionError};

/// How the application makes the cookie; never taken from the cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// JSON with a signature, in base64url.
    Compact,
    /// A signed token.
    Jwt,
    /// An encrypted token.
    Jwe,
}

/// What a genuine cookie holds.
pub(super) struct Cached {
    pub(super) session: Claims,
    pub(super) user: Claims,
    pub(super) version: String,
    /// When the cookie is over, in seconds since 1970; the session lasts longer.
    pub(super) expires: f64,
}

/// Opens the cookie.
///
/// # Errors
/// That it is not genuine, or not what Better Auth writes.
pub(super) fn open(
    strategy: Strategy,
    value: &str,
    keys: &Keys,
    max_bytes: usize,
) -> Result<Cached, SessionError> {
    match strategy {
        Strategy::Compact => compact(value, keys),
        Strategy::Jwt => jwt(value, keys),
        Strategy::Jwe => jwe(value, keys, max_bytes),
    }
}

/// Signed is the payload as JavaScript writes it once more, not as it stands in the cookie.
fn compact(value: &str, keys: &Keys) -> Result<Cached, SessionError> {
    let json = URL_SAFE_NO_PAD.decode(value).map_err(|_| SessionError::Malformed)?;
    let Js::Object(mut envelope) = serde_json::from_slice(&json).map_err(|_| SessionError::Malformed)? else {
        return Err(SessionError::Malformed);
    };
    let expires = match envelope.get("expiresAt") {
        Some(Js::Number(milliseconds)) => *milliseconds,
        _ => return Err(SessionError::Claim("expiresAt")),
    };
    let (Some(Js::String(signature)), Some(Js::Object(mut payload))) =
        (envelope.swap_remove("signature"), envelope.swap_remove("session"))
    else {
        return Err(SessionError::Malformed);
    };
    let own_expiry = payload.insert("expiresAt".to_owned(), Js::Number(expires));
    let signed = Js::Object(payload);
    let tag = URL_SAFE_NO_PAD.decode(signature).map_err(|_| SessionError::Malformed)?;
    if !keys.authentic(signed.stringify().as_bytes(), &tag) {
        return Err(SessionError::Signature);
    }
    drop(own_expiry);
    let Value::Object(claims) = signed.into_value() else { return Err(SessionError::Payload) };
    Cached::of(claims, expires / 1000.0)
}

fn jwt(value: &str, keys: &Keys) -> Result<Cached, SessionError> {
    let mut validation = Validation::new(Algorithm::HS256);
    validation.algorithms = vec![Algorithm::HS256, Algorithm::HS384, Algorithm::HS512];
    // The clock is the request's, and `exp` is asked for below.
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    let mut error = SessionError::Signature;
    for key in keys.iter() {
        match jsonwebtoken::decode::<Claims>(value, &key.jwt, &validation) {
            Ok(token) => return of_token(token.claims),
            Err(refused) => {
                use jsonwebtoken::errors::ErrorKind::{InvalidAlgorithm, InvalidSignature};
                error = match refused.kind() {
                    InvalidSignature => SessionError::Signature,
                    InvalidAlgorithm => SessionError::Algorithm,
                    _ => SessionError::Malformed,
                };
            }
        }
    }
    Err(error)
}

fn jwe(value: &str, keys: &Keys, max_bytes: usize) -> Result<Cached, SessionError> {
    let token = Compact::parse(value, max_bytes)?;
    let header = token.header(&[Encryption::A256CbcHs512])?;
    let kid = header.members.get("kid");
    let mut error = SessionError::UnknownKey;
    for key in keys.iter().filter(|key| kid.is_none_or(|kid| *kid == key.kid)) {
        let mut buffer = Buffer::new();
        match key.jwe.open(&token, &mut buffer) {
            Ok(payload) => {
                return of_token(serde_json::from_slice(payload).map_err(|_| SessionError::Payload)?);
            }
            Err(JweError::Malformed) => return Err(SessionError::Malformed),
            Err(refused) => error = refused.into(),
        }
    }
    Err(error)
}

fn of_token(claims: Claims) -> Result<Cached, SessionError> {
    let expires = claims.get("exp").and_then(Value::as_f64).ok_or(SessionError::Claim("exp"))?;
    Cached::of(claims, expires)
}

impl Cached {
    fn of(mut claims: Claims, expires: f64) -> Result<Self, SessionError> {
        let mut object = |name: &'static str| match claims.remove(name) {
            Some(Value::Object(object)) => Ok(object),
            _ => Err(SessionError::Claim(name)),
        };
        let (session, user) = (object("session")?, object("user")?);
        let version = match claims.remove("version") {
            None | Some(Value::Null) => "1".to_owned(),
            Some(Value::String(version)) => version,
            Some(_) => return Err(SessionError::Claim("version")),
        };
        if !expires.is_finite() {
            return Err(SessionError::Claim("exp"));
        }
        Ok(Self { session, user, version, expires })
    }
}

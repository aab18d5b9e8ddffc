//! What the claims of a signed token must be (RFC 7519, section 4.1): each that is asked for is there, and of its type.

use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::session::moment::seconds;
use crate::session::{Claims, SessionError};

/// What is asked of a token. `exp` and `sub` always are.
#[derive(Clone, Debug)]
pub struct Required {
    pub issuer: Option<String>,
    /// One of these; any, where there are none.
    pub audience: Vec<String>,
    pub subject: Option<String>,
    /// How far the issuer's clock may be from ours.
    pub leeway: Duration,
    /// The oldest token accepted, counted from `iat`.
    pub max_age: Option<Duration>,
}

impl Required {
    /// When the token ends, in seconds since 1970.
    ///
    /// # Errors
    /// The first claim that is missing, of another type, or not what is asked for.
    pub fn check(&self, claims: &Claims, now: SystemTime) -> Result<f64, SessionError> {
        let (now, leeway) = (seconds(now), self.leeway.as_secs_f64());
        let expires = number(claims, "exp")?.ok_or(SessionError::Claim("exp"))?;
        let (not_before, issued) = (number(claims, "nbf")?, number(claims, "iat")?);
        if expires + leeway <= now {
            return Err(SessionError::Expired);
        }
        if not_before.is_some_and(|not_before| not_before > now + leeway) {
            return Err(SessionError::NotYetValid);
        }
        if let Some(max_age) = self.max_age {
            let issued = issued.ok_or(SessionError::Claim("iat"))?;
            if now - issued >= max_age.as_secs_f64() + leeway {
                return Err(SessionError::TooOld);
            }
        }
        self.check_names(claims)?;
        Ok(expires)
    }

    fn check_names(&self, claims: &Claims) -> Result<(), SessionError> {
        let text = |name| claims.get(name).and_then(Value::as_str);
        if let Some(issuer) = &self.issuer
            && text("iss") != Some(issuer)
        {
            return Err(SessionError::Claim("iss"));
        }
        if !self.audience.is_empty() && !self.is_for_us(claims.get("aud")) {
            return Err(SessionError::Claim("aud"));
        }
        let subject = text("sub").filter(|subject| !subject.is_empty()).ok_or(SessionError::Claim("sub"))?;
        match &self.subject {
            Some(expected) if expected != subject => Err(SessionError::Claim("sub")),
            _ => Ok(()),
        }
    }

    /// Text, or a list of text and of nothing else.
    fn is_for_us(&self, audience: Option<&Value>) -> bool {
        let is_ours =
            |value: &Value| value.as_str().is_some_and(|name| self.audience.iter().any(|ours| ours == name));
        match audience {
            Some(Value::Array(names)) => names.iter().all(Value::is_string) && names.iter().any(is_ours),
            Some(name) => is_ours(name),
            None => false,
        }
    }
}

/// A claim that may be missing but not be anything else than a number.
fn number(claims: &Claims, name: &'static str) -> Result<Option<f64>, SessionError> {
    match claims.get(name) {
        None => Ok(None),
        Some(value) => value.as_f64().filter(|n| n.is_finite()).map(Some).ok_or(SessionError::Claim(name)),
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use serde_json::json;

    use super::*;

    const NOW: u64 = 1_767_225_600;

    #[test]
    fn each_claim_that_is_asked_for_is_required_and_of_its_type() {
        let required = Required {
            issuer: Some("https://issuer.test".to_owned()),
            audience: vec!["orders".to_owned(), "bills".to_owned()],
            subject: Some("machine".to_owned()),
            leeway: Duration::from_secs(15),
            max_age: Some(Duration::from_secs(100)),
        };
        let sound = json!({
            "iss": "https://issuer.test", "aud": ["x", "bills"], "sub": "machine",
            "exp": NOW + 60, "nbf": NOW, "iat": NOW,
        });
        let claim = |name| Err(SessionError::Claim(name));
        let table = [
            ("iss", json!("https://other.test"), claim("iss")),
            ("iss", json!(["https://issuer.test"]), claim("iss")),
            ("aud", json!("orders"), Ok(())),
            ("aud", json!("order"), claim("aud")),
            ("aud", json!([]), claim("aud")),
            ("aud", json!(["orders", 7]), claim("aud")),
            ("aud", json!({"orders": true}), claim("aud")),
            ("sub", json!("other"), claim("sub")),
            ("sub", json!(""), claim("sub")),
            ("sub", json!(7), claim("sub")),
            ("exp", json!((NOW + 60).to_string()), claim("exp")),
            ("exp", json!(NOW - 15), Err(SessionError::Expired)),
            ("exp", json!(NOW - 14), Ok(())),
            ("nbf", json!(NOW + 15), Ok(())),
            ("nbf", json!(NOW + 16), Err(SessionError::NotYetValid)),
            ("nbf", json!("0"), claim("nbf")),
            ("iat", json!(true), claim("iat")),
            ("iat", json!(NOW - 115), Err(SessionError::TooOld)),
        ];
        let check = |claims: &Value| {
            required.check(claims.as_object().unwrap(), UNIX_EPOCH + Duration::from_secs(NOW)).map(|_| ())
        };
        assert_eq!(check(&sound), Ok(()));
        for (name, value, expected) in table {
            let mut claims = sound.clone();
            claims[name] = value;
            assert_eq!(check(&claims), expected, "{claims}");
        }
        for name in ["exp", "iss", "aud", "sub", "iat"] {
            let mut claims = sound.clone();
            claims.as_object_mut().unwrap().remove(name);
            assert_eq!(check(&claims), claim(name), "without {name}");
            claims[name] = Value::Null;
            assert_eq!(check(&claims), claim(name), "{name}: null");
        }
    }
}

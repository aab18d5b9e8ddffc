//! What is not told of people.

use std::borrow::Cow;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::secret::Secret;

/// How many bytes of a hash are told: enough to tell people apart.
const HASH_BYTES: usize = 16;

/// What becomes of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Redaction {
    /// It is left empty.
    Omit,
    /// A keyed hash stands in, the same for the same value.
    Hash,
}

/// What is told of paths and subjects.
#[derive(Clone, Default)]
pub struct Redact {
    pub path: Option<Redaction>,
    pub sub: Option<Redaction>,
    key: Option<hmac::Key>,
}

impl Redact {
    /// `secret` is the key of hashes.
    #[must_use]
    pub fn new(path: Option<Redaction>, sub: Option<Redaction>, secret: Option<&Secret>) -> Self {
        let key = secret.map(|secret| hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes()));
        Self { path, sub, key }
    }

    pub(super) fn path<'t>(&self, text: &'t str) -> Cow<'t, str> {
        self.told(self.path, text.into())
    }

    pub(super) fn sub<'t>(&self, text: Cow<'t, str>) -> Cow<'t, str> {
        self.told(self.sub, text)
    }

    fn told<'t>(&self, redaction: Option<Redaction>, text: Cow<'t, str>) -> Cow<'t, str> {
        match (redaction, &self.key) {
            (None, _) => text,
            (Some(Redaction::Hash), Some(key)) if !text.is_empty() => {
                let hash = hmac::sign(key, text.as_bytes());
                let told = hash.as_ref().get(..HASH_BYTES).unwrap_or_default();
                Cow::Owned(URL_SAFE_NO_PAD.encode(told))
            }
            (Some(Redaction::Hash | Redaction::Omit), _) => Cow::Borrowed(""),
        }
    }
}

/// Not its key.
impl std::fmt::Debug for Redact {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Redact").field("path", &self.path).field("sub", &self.sub).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::{Redact, Redaction};
    use crate::secret::Secret;

    #[test]
    fn what_is_redacted_is_left_out_or_hashed_with_the_key() {
        let secret = |text| Secret::check(text, false).expect("a secret").0;
        let [one, other] = ["k1-2gZ8vQd9LmXw4TtYb7Rn", "k2-9sWc3HkPf6JuVe1MaXo"]
            .map(|key| Redact::new(Some(Redaction::Hash), Some(Redaction::Omit), Some(&secret(key))));
        assert_eq!(one.path("/orders/7"), one.path("/orders/7"));
        assert_ne!(one.path("/orders/7"), one.path("/orders/8"));
        assert_ne!(one.path("/orders/7"), other.path("/orders/7"));
        assert_eq!((one.path("").as_ref(), one.sub("u-1".into()).as_ref()), ("", ""));
        assert_eq!(Redact::default().path("/orders/7"), "/orders/7");
        assert_eq!(Redact::new(Some(Redaction::Hash), None, None).path("/orders/7"), "", "no key, no hash");
    }
}

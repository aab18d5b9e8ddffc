//! The keys that Better Auth makes of its secrets.

use aws_lc_rs::{digest, hkdf, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::DecodingKey;
use zeroize::Zeroizing;

use crate::secret::Secret;
use crate::session::jwe::{Encryption, Key};

/// Salt and info of the key of the cookie cache.
const SALT: &[u8] = b"better-auth-session";
const INFO: &[u8] = b"BetterAuth.js Generated Encryption Key";

/// The keys of every secret, the newest first.
pub(super) struct Keys(Vec<SecretKeys>);

pub(super) struct SecretKeys {
    mac: hmac::Key,
    pub(super) jwt: DecodingKey,
    pub(super) jwe: Key,
    /// RFC 7638 thumbprint of the key for JWE, with SHA-256.
    pub(super) kid: String,
}

/// Why keys cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("keys cannot be derived from the secret")]
pub struct KeysError;

impl Keys {
    pub(super) fn derive(secrets: &[Secret]) -> Result<Self, KeysError> {
        secrets.iter().map(SecretKeys::derive).collect::<Result<_, _>>().map(Self)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &SecretKeys> {
        self.0.iter()
    }

    /// Whether the token's signature, in base64 with padding, is that of one of the secrets.
    pub(super) fn signed(&self, token: &str, signature: &str) -> bool {
        let Ok(tag) = STANDARD.decode(signature) else { return false };
        self.authentic(token.as_bytes(), &tag)
    }

    /// Whether the tag (HMAC-SHA-256) of a text was made with one of the secrets; compared in constant time.
    pub(super) fn authentic(&self, text: &[u8], tag: &[u8]) -> bool {
        self.0.iter().any(|keys| hmac::verify(&keys.mac, text, tag).is_ok())
    }
}

impl SecretKeys {
    fn derive(secret: &Secret) -> Result<Self, KeysError> {
        let bytes = secret.expose().as_bytes();
        let encryption = Encryption::A256CbcHs512;
        let mut key = Zeroizing::new(vec![0; encryption.key_len()]);
        hkdf::Salt::new(hkdf::HKDF_SHA256, SALT)
            .extract(bytes)
            .expand(&[INFO], Length(key.len()))
            .and_then(|okm| okm.fill(&mut key))
            .map_err(|_| KeysError)?;
        let encoded = Zeroizing::new(URL_SAFE_NO_PAD.encode(&*key));
        let jwk = Zeroizing::new(format!(r#"{{"k":"{}","kty":"oct"}}"#, *encoded));
        Ok(Self {
            mac: hmac::Key::new(hmac::HMAC_SHA256, bytes),
            jwt: DecodingKey::from_secret(bytes),
            jwe: Key::new(encryption, &key).map_err(|_| KeysError)?,
            kid: URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, jwk.as_bytes())),
        })
    }
}

/// How many bytes to derive.
struct Length(usize);

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

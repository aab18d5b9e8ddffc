//! The keys of one session cookie, derived from the application's secrets.

use std::{fmt, slice};

use aws_lc_rs::{digest, hkdf};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::{AuthJsError, Version};
use crate::secret::Secret;
use crate::session::SessionError;
use crate::session::jwe::{Compact, Encryption, Key};

/// Every key that a token in one cookie may have been made with; the newest secret's come first.
#[derive(Debug)]
pub(super) struct Keyring {
    version: Version,
    keys: Vec<NamedKey>,
}

/// A key, and what tokens say that were made with it.
pub(super) struct NamedKey {
    pub key: Key,
    /// The place of its secret in the configuration: 0 is the newest.
    pub place: usize,
    /// RFC 7638 thumbprint, base64url.
    kid: String,
    /// The first part of each token that Auth.js makes with this key.
    pub header_text: String,
}

/// The keys to try on a token.
pub(super) struct Selected<'k> {
    pub keys: &'k [NamedKey],
    /// The members of the header, unless it is the very one that Auth.js writes.
    pub header: Option<Map<String, Value>>,
}

impl Keyring {
    pub fn derive(version: Version, secrets: &[Secret], salt: &str) -> Result<Self, AuthJsError> {
        let secrets = secrets.iter().enumerate();
        let pairs = secrets.flat_map(|secret| version.encryptions().iter().map(move |e| (secret, *e)));
        let keys = pairs.map(|(secret, encryption)| NamedKey::derive(version, secret, salt, encryption));
        Ok(Self { version, keys: keys.collect::<Result<_, _>>()? })
    }

    /// The key of the newest secret, in the encryption that the version writes.
    pub fn newest(&self) -> Option<&NamedKey> {
        self.keys.first()
    }

    /// The keys that a token's header asks for.
    ///
    /// v5: with `kid`, the key that has it; without, the newest secret's. v4 writes no `kid` and knows one
    /// secret: there each of ours is tried, so that a secret can be changed without signing everybody out.
    pub fn select(&self, token: &Compact<'_>) -> Result<Selected<'_>, SessionError> {
        let as_written = |key: &&NamedKey| key.header_text == token.header_text();
        if let Some(key) = self.keys.iter().find(as_written) {
            return Ok(Selected { keys: self.alternatives(key), header: None });
        }
        let header = token.header(self.version.encryptions())?;
        let fits = |key: &&NamedKey| key.key.encryption() == header.encryption;
        let key = match (self.version, header.members.get("kid")) {
            (Version::V4, _) | (Version::V5, None) => self.keys.iter().find(fits),
            (Version::V5, Some(kid)) => self.keys.iter().find(|key| fits(key) && *kid == key.kid),
        };
        let key = key.ok_or(SessionError::UnknownKey)?;
        Ok(Selected { keys: self.alternatives(key), header: Some(header.members) })
    }

    fn alternatives<'k>(&'k self, key: &'k NamedKey) -> &'k [NamedKey] {
        match self.version {
            Version::V5 => slice::from_ref(key),
            Version::V4 => &self.keys,
        }
    }
}

impl NamedKey {
    fn derive(
        version: Version,
        (place, secret): (usize, &Secret),
        salt: &str,
        encryption: Encryption,
    ) -> Result<Self, AuthJsError> {
        // NextAuth.js 4 seals its state, PKCE and nonce cookies with a salt since 4.24.5, sessions never.
        let (salt, info) = match version {
            Version::V5 => (salt, format!("Auth.js Generated Encryption Key ({salt})")),
            Version::V4 => ("", "NextAuth.js Generated Encryption Key".to_owned()),
        };
        let mut bytes = Zeroizing::new(vec![0; encryption.key_len()]);
        hkdf::Salt::new(hkdf::HKDF_SHA256, salt.as_bytes())
            .extract(secret.expose().as_bytes())
            .expand(&[info.as_bytes()], Length(bytes.len()))
            .and_then(|okm| okm.fill(&mut bytes))
            .map_err(|_| AuthJsError::Keys)?;
        let kid = thumbprint(&bytes);
        let key = Key::new(encryption, &bytes).map_err(|_| AuthJsError::Keys)?;
        let header = match version {
            Version::V5 => format!(r#"{{"alg":"dir","enc":"{}","kid":"{kid}"}}"#, encryption.name()),
            Version::V4 => format!(r#"{{"alg":"dir","enc":"{}"}}"#, encryption.name()),
        };
        Ok(Self { key, place, kid, header_text: URL_SAFE_NO_PAD.encode(header) })
    }
}

/// Without the thumbprint, by which a weak secret could be guessed.
impl fmt::Debug for NamedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.key.fmt(f)
    }
}

/// The thumbprint of a symmetric key (RFC 7638), with the hash that is as long as the key, as Auth.js takes
/// it.
fn thumbprint(key: &[u8]) -> String {
    let algorithm = if key.len() == digest::SHA512_OUTPUT_LEN { &digest::SHA512 } else { &digest::SHA256 };
    let jwk =
        Zeroizing::new(format!(r#"{{"k":"{}","kty":"oct"}}"#, *Zeroizing::new(URL_SAFE_NO_PAD.encode(key))));
    URL_SAFE_NO_PAD.encode(digest::digest(algorithm, jwk.as_bytes()))
}

/// How many bytes to derive.
struct Length(usize);

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

//! JWE in compact form (RFC 7516) with a key that both sides have (`dir`): open and seal.
//!
//! What a token says about itself is held against what is allowed; it never chooses beyond that. Anything
//! that Auth.js does not write is refused: compression, critical extensions, an encrypted key, sloppy
//! base64url.

mod key;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use memchr::memchr_iter;
use serde_json::{Map, Value};
use smallvec::SmallVec;

pub use self::key::Key;

/// The longest first part of a token, in characters.
pub const MAX_HEADER: usize = 1024;

/// Room for a decrypted payload; one of 1 KiB needs no allocation.
pub type Buffer = SmallVec<[u8; 1024]>;

/// How the payload is encrypted (RFC 7518, section 5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// AES-256-CBC with HMAC-SHA-512 (5.2.5).
    A256CbcHs512,
    /// AES-256-GCM (5.3).
    A256Gcm,
}

/// Why a token is not opened. None of these says more than its sender knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JweError {
    /// The sender's fault.
    #[error("the token is longer than is read")]
    TooLarge,
    /// The sender's fault: not five parts, not base64url, a header that is no JSON object.
    #[error("the token is not a compact JWE")]
    Malformed,
    /// The sender's fault, or the application encrypts in another way than is configured.
    #[error("the token's algorithm, compression or critical header is not accepted")]
    Algorithm,
    /// A forged or damaged token, or one made with another key.
    #[error("the token cannot be decrypted")]
    Decryption,
    /// Ours: a key of the wrong length.
    #[error("the key does not fit the encryption")]
    Key,
    /// The machine's: no randomness, no memory.
    #[error("the cryptographic library failed")]
    Crypto,
}

/// A token in its parts, not yet decoded.
#[derive(Clone, Copy)]
pub struct Compact<'t> {
    header: &'t str,
    iv: &'t str,
    ciphertext: &'t str,
    tag: &'t str,
}

/// The protected header of a token that is encrypted in an allowed way.
pub struct Header {
    pub encryption: Encryption,
    /// All its members.
    pub members: Map<String, Value>,
}

impl Encryption {
    /// The name in a token's `enc`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::A256CbcHs512 => "A256CBC-HS512",
            Self::A256Gcm => "A256GCM",
        }
    }

    /// The length of a key, in bytes.
    #[must_use]
    pub const fn key_len(self) -> usize {
        match self {
            Self::A256CbcHs512 => 64,
            Self::A256Gcm => 32,
        }
    }
}

impl<'t> Compact<'t> {
    /// Splits a token into its parts, after checking their sizes.
    ///
    /// # Errors
    /// [`JweError::TooLarge`] above `max_bytes` or [`MAX_HEADER`]; [`JweError::Malformed`] unless there are
    /// five parts; [`JweError::Algorithm`] with an encrypted key, which `dir` does not have (RFC 7518,
    /// section 4.5).
    pub fn parse(token: &'t str, max_bytes: usize) -> Result<Self, JweError> {
        if token.len() > max_bytes {
            return Err(JweError::TooLarge);
        }
        let mut dots = memchr_iter(b'.', token.as_bytes());
        let mut rest = 0;
        let mut part = || {
            let (begin, end) = (rest, dots.next()?);
            rest = end + 1;
            token.get(begin..end)
        };
        let (Some(header), Some(encrypted_key), Some(iv), Some(ciphertext)) =
            (part(), part(), part(), part())
        else {
            return Err(JweError::Malformed);
        };
        let (None, Some(tag)) = (dots.next(), token.get(rest..)) else { return Err(JweError::Malformed) };
        if header.len() > MAX_HEADER {
            return Err(JweError::TooLarge);
        }
        if !encrypted_key.is_empty() {
            return Err(JweError::Algorithm);
        }
        Ok(Self { header, iv, ciphertext, tag })
    }

    /// The protected header as it stands in the token.
    #[must_use]
    pub fn header_text(&self) -> &'t str {
        self.header
    }

    /// Decodes the protected header and holds it against the encryptions that are allowed.
    ///
    /// # Errors
    /// [`JweError::Malformed`] unless it is a JSON object; [`JweError::Algorithm`] unless `alg` is `dir` and
    /// `enc` is allowed, and for `crit` (we know no extension) and `zip` (a small token must not become a
    /// large one).
    pub fn header(&self, allowed: &[Encryption]) -> Result<Header, JweError> {
        let json = URL_SAFE_NO_PAD.decode(self.header).map_err(|_| JweError::Malformed)?;
        let members: Map<String, Value> = serde_json::from_slice(&json).map_err(|_| JweError::Malformed)?;
        let text = |name| members.get(name).and_then(Value::as_str);
        if text("alg") != Some("dir") || members.contains_key("crit") || members.contains_key("zip") {
            return Err(JweError::Algorithm);
        }
        let encryption = allowed.iter().copied().find(|e| text("enc") == Some(e.name()));
        Ok(Header { encryption: encryption.ok_or(JweError::Algorithm)?, members })
    }
}

//! One revocation, and how Redis keeps it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::digest::{SHA256, digest};

/// The SHA-256 hash of a session token.
pub type TokenHash = [u8; 32];

/// What is longer is no subject and no `jti` that was ever issued, in bytes.
const MAX_BYTES: usize = 1024;

/// What was revoked.
#[derive(Clone, PartialEq, Eq)]
pub enum Entry {
    /// Every session of a subject that was issued before this moment, or at it.
    Subject { sub: String, before: SystemTime },
    /// The token with this `jti`.
    TokenId(String),
    /// The session with this token.
    Token(TokenHash),
}

impl Entry {
    /// All sessions that a subject has now.
    #[must_use]
    pub fn of_subject(sub: &str, now: SystemTime) -> Self {
        Self::Subject { sub: sub.to_owned(), before: now }
    }

    /// The session with a token: the value of its cookie, chunks joined and percent-decoded, or a bearer token.
    #[must_use]
    pub fn of_token(token: &str) -> Self {
        Self::Token(hash_of(token))
    }

    /// What the entry is about is neither empty nor longer than anything that is issued.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        match self {
            Self::Subject { sub: text, .. } | Self::TokenId(text) => (1..=MAX_BYTES).contains(&text.len()),
            Self::Token(hash) => *hash != hash_of(""),
        }
    }

    /// As a member of the set in Redis and as a message: `sub:<ms since 1970>:<sub>`, `jti:<jti>`, `token:<hash in hex>`.
    pub(super) fn to_member(&self) -> String {
        match self {
            Self::Subject { sub, before } => {
                let before = before.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
                format!("sub:{before}:{sub}")
            }
            Self::TokenId(jti) => format!("jti:{jti}"),
            Self::Token(hash) => {
                hash.iter().fold("token:".to_owned(), |text, byte| text + &format!("{byte:02x}"))
            }
        }
    }

    /// Reads what [`Self::to_member`] wrote; `None` for anything else.
    pub(super) fn of_member(member: &str) -> Option<Self> {
        let (kind, rest) = member.split_once(':')?;
        let entry = match kind {
            "sub" => {
                let (before, sub) = rest.split_once(':')?;
                let before = UNIX_EPOCH.checked_add(Duration::from_millis(before.parse().ok()?))?;
                Self::Subject { sub: sub.to_owned(), before }
            }
            "jti" => Self::TokenId(rest.to_owned()),
            "token" => Self::Token(hash_from_hex(rest)?),
            _ => return None,
        };
        entry.is_sound().then_some(entry)
    }
}

/// Whose sessions are ended is nobody's business.
impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Subject { .. } => "Subject",
            Self::TokenId(_) => "TokenId",
            Self::Token(_) => "Token",
        })
    }
}

pub(super) fn hash_of(token: &str) -> TokenHash {
    let mut hash = TokenHash::default();
    for (byte, hashed) in hash.iter_mut().zip(digest(&SHA256, token.as_bytes()).as_ref()) {
        *byte = *hashed;
    }
    hash
}

fn hash_from_hex(hex: &str) -> Option<TokenHash> {
    let mut hash = TokenHash::default();
    if hex.len() != 2 * hash.len() || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    for (at, byte) in hash.iter_mut().enumerate() {
        *byte = u8::from_str_radix(hex.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_read_as_it_was_written() {
        let before = UNIX_EPOCH + Duration::from_millis(1_767_225_600_123);
        for entry in [
            Entry::Subject { sub: "auth0|a:b".to_owned(), before },
            Entry::TokenId("9f:1".to_owned()),
            Entry::of_token("token"),
        ] {
            assert!(Entry::of_member(&entry.to_member()) == Some(entry.clone()), "{}", entry.to_member());
        }
    }

    #[test]
    fn what_is_no_entry_is_none() {
        let long = format!("jti:{}", "x".repeat(1025));
        for member in ["", "sub", "sub:", "sub:1", "sub:1:", "sub:x:ada", "jti:", "token:00", "iss:x", &long]
        {
            assert!(Entry::of_member(member).is_none(), "{member}");
        }
        assert!(Entry::of_member(&format!("token:{}", "zz".repeat(32))).is_none());
        assert!(Entry::of_member(&format!("token:{}", "+f".repeat(32))).is_none());
    }
}

//! Where in Redis a session is, and what its value looks like.

use std::str::FromStr;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use serde_json::Value;

use crate::session::Claims;

/// Whose keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// `@auth/upstash-redis-adapter`.
    Upstash,
    /// `@auth/unstorage-adapter`, with a driver for Redis.
    Unstorage,
    /// The secondary storage of Better Auth.
    BetterAuth,
}

/// The name is none of a layout; for whoever wrote it.
#[derive(Debug, thiserror::Error)]
#[error("is none of upstash, unstorage, better-auth")]
pub struct UnknownLayout;

impl Layout {
    pub(super) fn session_key(self, prefix: &str, token: &str) -> String {
        match self {
            Self::Upstash | Self::Unstorage => format!("{prefix}user:session:{token}"),
            Self::BetterAuth => format!("{prefix}{token}"),
        }
    }

    pub(super) const fn expires(self) -> &'static str {
        match self {
            Self::Upstash | Self::Unstorage => "expires",
            Self::BetterAuth => "expiresAt",
        }
    }

    /// The session, and the user where it stands beside it.
    pub(super) fn take_apart(self, mut stored: Claims) -> Option<(Claims, Option<Claims>)> {
        match self {
            Self::Upstash | Self::Unstorage => Some((stored, None)),
            Self::BetterAuth => match (stored.remove("session"), stored.remove("user")) {
                (Some(Value::Object(session)), Some(Value::Object(user))) => Some((session, Some(user))),
                _ => None,
            },
        }
    }

    /// Other values have keys that a token could be chosen to spell: only one that names its token is a session.
    pub(super) fn is_of_token(self, session: &Claims, token: &str) -> bool {
        let name = match self {
            Self::Upstash | Self::Unstorage => "sessionToken",
            Self::BetterAuth => "token",
        };
        let stored = session.get(name).and_then(Value::as_str).unwrap_or_default();
        verify_slices_are_equal(stored.as_bytes(), token.as_bytes()).is_ok()
    }

    /// Unstorage writes some keys in another way than they are asked for.
    pub(super) fn can_be_key(self, token: &str) -> bool {
        match self {
            Self::Unstorage => !token.contains(['?', '/', '\\', ':']),
            Self::Upstash | Self::BetterAuth => true,
        }
    }

    /// Better Auth renews its sessions itself.
    pub(super) const fn is_renewable(self) -> bool {
        matches!(self, Self::Upstash | Self::Unstorage)
    }
}

impl FromStr for Layout {
    type Err = UnknownLayout;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "upstash" => Ok(Self::Upstash),
            "unstorage" => Ok(Self::Unstorage),
            "better-auth" => Ok(Self::BetterAuth),
            _ => Err(UnknownLayout),
        }
    }
}

//! Why a request has no session.

use super::jwe::JweError;

/// Why a provider cannot say whether there is a session: nobody passes, and nobody is sent to the login.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Outage {
    /// The store's, or the network's.
    #[error("the session store did not answer in time")]
    Timeout,
    /// The store's, the network's, or the operator's who wrote its address.
    #[error("the session store cannot be reached")]
    Unreachable,
    /// The store's, or the operator's: it refuses the query, the login or the command, or answers garbage.
    #[error("the session store answered with an error")]
    Failed,
    /// This program's, which protects the store.
    #[error("too many lookups are under way")]
    Overloaded,
    /// The issuer's: its keys were never fetched, or too long ago.
    #[error("the keys of the issuer are not known")]
    NoKeys,
    /// Redis's: which sessions were revoked is not known.
    #[error("the list of revoked sessions is out of date")]
    StaleRevocations,
}

impl Outage {
    /// One word for metrics and logs.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Timeout => "store_timeout",
            Self::Unreachable => "store_unreachable",
            Self::Failed => "store_failed",
            Self::Overloaded => "store_overloaded",
            Self::NoKeys => "no_keys",
            Self::StaleRevocations => "revocations_stale",
        }
    }
}

/// Why a provider found no session. The label stands in metrics and logs; the text is for a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    /// Nobody's fault: a visitor who has not signed in.
    #[error("no session cookie or token was sent")]
    Absent,
    /// The client's, or that of somebody who set a cookie beside ours.
    #[error("two different sessions were sent")]
    Conflict,
    /// The client's, or the limit is too low for this application.
    #[error("the token is longer, or in more cookies, than is read")]
    TooLarge,
    /// The client's: a browser that dropped a cookie, or a chunk that was left over.
    #[error("chunks of the session cookie are missing")]
    Incomplete,
    /// The client's: this is no compact JWE.
    #[error("the token is malformed")]
    Malformed,
    /// The client's, or the application encrypts its tokens in a way that is not accepted here.
    #[error("the token's algorithm, compression or critical header is not accepted")]
    Algorithm,
    /// The operator's, usually: the application's secret is not configured here, or another cookie name is.
    #[error("the token was made with a secret, or for a cookie name, that is not configured")]
    UnknownKey,
    /// The client's when forged or damaged; the operator's when no token can be decrypted.
    #[error("the token cannot be decrypted with the configured secret and cookie name")]
    Decryption,
    /// Nobody's: the session is over.
    #[error("the session has expired")]
    Expired,
    /// Nobody's: the session began longer ago than `max_age` allows.
    #[error("the session is older than max_age")]
    TooOld,
    /// A clock's.
    #[error("the session is not valid yet")]
    NotYetValid,
    /// The application's: what it encrypted is no JSON object.
    #[error("the token's payload is not a JSON object")]
    Payload,
    /// The application's: a claim that is checked is missing or of the wrong type.
    #[error("the claim {0:?} is missing or of the wrong type")]
    Claim(&'static str),
    /// The client's: a token of the sign-in itself (state, PKCE, nonce), made with the same key
    /// (CVE-2023-48309).
    #[error("the token belongs to a sign-in under way and is no session")]
    NotASession,
    /// The client's when forged; the operator's when no signature can be verified.
    #[error("the signature does not fit")]
    Signature,
    /// Nobody's: signed out, or never issued.
    #[error("the session store knows no such session")]
    Unknown,
    /// Nobody's: the application makes the cookie cache anew when it is next asked. The operator's, where that is not
    /// configured there.
    #[error("no valid cookie cache was sent, and no session store is configured")]
    NotCached,
    /// Nobody's: somebody ended it.
    #[error("the session was revoked")]
    Revoked,
    /// Whether there is a session cannot be known.
    #[error(transparent)]
    Unavailable(#[from] Outage),
}

impl SessionError {
    /// One word for metrics and logs.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Conflict => "conflict",
            Self::TooLarge => "too_large",
            Self::Incomplete => "incomplete",
            Self::Malformed => "malformed",
            Self::Algorithm => "algorithm",
            Self::UnknownKey => "unknown_key",
            Self::Decryption => "decryption",
            Self::Expired => "expired",
            Self::TooOld => "too_old",
            Self::NotYetValid => "not_yet_valid",
            Self::Payload => "payload",
            Self::Claim(_) => "claims",
            Self::NotASession => "not_a_session",
            Self::Signature => "signature",
            Self::Unknown => "unknown",
            Self::NotCached => "not_cached",
            Self::Revoked => "revoked",
            Self::Unavailable(outage) => outage.label(),
        }
    }

    /// Whether another credential must not be tried in its place.
    #[must_use]
    pub const fn ends_search(self) -> bool {
        matches!(self, Self::Conflict | Self::Unavailable(_))
    }

    /// Whether nothing was sent, as opposed to something that is no session and had better be cleared.
    #[must_use]
    pub const fn is_absent(self) -> bool {
        matches!(self, Self::Absent)
    }
}

impl From<JweError> for SessionError {
    fn from(error: JweError) -> Self {
        match error {
            JweError::TooLarge => Self::TooLarge,
            JweError::Malformed => Self::Malformed,
            JweError::Algorithm => Self::Algorithm,
            JweError::Decryption | JweError::Key | JweError::Crypto => Self::Decryption,
        }
    }
}

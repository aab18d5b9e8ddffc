//! Sessions of Better Auth: a signed token in one cookie, and, in another or in a store, whose it is.

mod cache;
mod javascript;
mod keys;

use std::fmt;
use std::sync::Arc;

pub use self::cache::Strategy;
use self::keys::{Keys, KeysError};
use super::cache::{CacheOptions, Lookups};
use super::credential::{Credential, Precedence, part_of};
use super::moment::{moment, seconds};
use super::stored::{Found, Record, Sought, Store};
use super::{Failure, Mark, Session, SessionError};
use crate::request::HttpRequest;
use crate::secret::Secret;

/// What the configuration says about a provider.
#[derive(Debug)]
pub struct BetterAuthOptions {
    /// Newest first.
    pub secrets: Vec<Secret>,
    /// `advanced.cookiePrefix`.
    pub cookie_prefix: String,
    /// `session.cookieCache`, where it is read.
    pub cookie_cache: Option<Strategy>,
    /// `session.cookieCache.version`.
    pub version: String,
    /// The longest cookie that is read, in bytes.
    pub max_token_bytes: usize,
    /// Where sessions are that no cookie holds.
    pub store: Option<(Store, CacheOptions)>,
}

/// Why a provider cannot be made: for whoever wrote the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BetterAuthError {
    #[error(
        "needs `cookie_cache`, or a `url` where the sessions are: the session cookie alone proves no session"
    )]
    NoSource,
    #[error("is no prefix for a cookie's name")]
    CookiePrefix,
    #[error(transparent)]
    Keys(#[from] KeysError),
}

/// Verifies the sessions of one application.
pub struct BetterAuth {
    names: [Names; 2],
    keys: Keys,
    cookie_cache: Option<Strategy>,
    version: String,
    max_token_bytes: usize,
    lookups: Option<Arc<Lookups>>,
}

/// The two cookies of a session.
#[derive(Debug)]
struct Names {
    token: Arc<str>,
    data: Arc<str>,
}

impl BetterAuth {
    /// A provider of this name, for its metrics. Derives all keys, once.
    ///
    /// # Errors
    /// [`BetterAuthError`] says which part of the configuration does not work.
    pub fn new(provider: &str, options: BetterAuthOptions) -> Result<Self, BetterAuthError> {
        let BetterAuthOptions { secrets, cookie_prefix, cookie_cache, version, max_token_bytes, store } =
            options;
        if cookie_cache.is_none() && store.is_none() {
            return Err(BetterAuthError::NoSource);
        }
        if !super::authjs::is_cookie_name(&cookie_prefix) {
            return Err(BetterAuthError::CookiePrefix);
        }
        let names = ["__Secure-", ""].map(|secure| Names {
            token: format!("{secure}{cookie_prefix}.session_token").into(),
            data: format!("{secure}{cookie_prefix}.session_data").into(),
        });
        let lookups = store.map(|(store, cache)| Lookups::new(provider, store, cache));
        Ok(Self { names, keys: Keys::derive(&secrets)?, cookie_cache, version, max_token_bytes, lookups })
    }

    pub(in crate::session) fn lookups(&self) -> Option<&Arc<Lookups>> {
        self.lookups.as_ref()
    }

    /// Looks for a session in a request, in the cookies for https first.
    pub(in crate::session) async fn verify(
        &self,
        provider: &Arc<str>,
        request: &HttpRequest<'_>,
    ) -> Result<Session, Failure> {
        let mut first_failure = None;
        for names in &self.names {
            let Some(credential) = self.credential(&names.token, request) else { continue };
            match self.judge(&credential, names, request).await {
                Ok(found) => {
                    let Found { claims, expires, issued } = found;
                    let mark = Mark::of_token(credential.tokens().map_or("", |tokens| &tokens.token));
                    let finding = credential.finding().clone();
                    let session = Session::new(claims, expires, provider.clone(), finding, mark);
                    return Ok(session.issued_at(Some(issued)));
                }
                Err(error) if error.ends_search() => return Err(Failure::of(provider, &credential, error)),
                Err(error) => {
                    first_failure = first_failure.or(Some(Failure::of(provider, &credential, error)));
                }
            }
        }
        Err(first_failure.unwrap_or_else(|| Failure::absent(provider)))
    }

    pub(in crate::session) fn owns_cookie(&self, name: &str) -> bool {
        let is_part = |ours: &str| part_of(name, ours).is_some();
        self.names.iter().any(|names| is_part(&names.token) || is_part(&names.data))
    }

    fn credential<'r>(&self, name: &Arc<str>, request: &'r HttpRequest<'_>) -> Option<Credential<'r>> {
        Credential::from_cookies(request.cookies(), name, Precedence::First, self.max_token_bytes)
    }

    /// As get-session does: the signed token first, then the cookie cache that belongs to it, then the store.
    async fn judge(
        &self,
        credential: &Credential<'_>,
        names: &Names,
        request: &HttpRequest<'_>,
    ) -> Result<Found, SessionError> {
        let token = self.signed_token(credential)?;
        let cached = self.cached(token, names, request);
        match (cached, &self.lookups) {
            (Ok(found), _) => Ok(found),
            (Err(SessionError::Conflict), _) => Err(SessionError::Conflict),
            (Err(_), Some(lookups)) => {
                let sought = Sought { cookie: names.token.clone(), token: token.into() };
                lookups.find(sought, request.now).await
            }
            (Err(error), None) => Err(error),
        }
    }

    /// The token of a cookie `token.signature`, in quotes or not.
    fn signed_token<'c>(&self, credential: &'c Credential<'_>) -> Result<&'c str, SessionError> {
        let tokens = credential.tokens()?;
        if tokens.other.is_some() {
            return Err(SessionError::Conflict);
        }
        let value = &*tokens.token;
        let unquoted = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
        let (token, signature) = unquoted.rsplit_once('.').ok_or(SessionError::Malformed)?;
        if token.is_empty() || !self.keys.signed(token, signature) {
            return Err(SessionError::Signature);
        }
        Ok(token)
    }

    /// The session in the cookie cache, where it is read and belongs to the token.
    fn cached(&self, token: &str, names: &Names, request: &HttpRequest<'_>) -> Result<Found, SessionError> {
        let strategy = self.cookie_cache.ok_or(SessionError::NotCached)?;
        let credential = self.credential(&names.data, request).ok_or(SessionError::NotCached)?;
        let tokens = credential.tokens()?;
        if tokens.other.is_some() {
            return Err(SessionError::Conflict);
        }
        let now = seconds(request.now);
        let cached = cache::open(strategy, &tokens.token, &self.keys, self.max_token_bytes)?;
        if cached.expires <= now {
            return Err(SessionError::Expired);
        }
        if cached.version != self.version {
            return Err(SessionError::NotCached);
        }
        let (session, user) = (cached.session, cached.user);
        if session.get("token").and_then(serde_json::Value::as_str) != Some(token) {
            return Err(SessionError::Conflict);
        }
        let expires = session.get("expiresAt").and_then(moment).ok_or(SessionError::Claim("expiresAt"))?;
        if expires <= now {
            return Err(SessionError::Expired);
        }
        let record = Record { session, user, expires };
        // Without `createdAt` it is not known to be younger than any revocation.
        let issued = record.created().unwrap_or(0.0);
        Ok(Found { claims: record.into_claims(), expires, issued })
    }
}

/// Without keys.
impl fmt::Debug for BetterAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BetterAuth")
            .field("names", &self.names)
            .field("cookie_cache", &self.cookie_cache)
            .field("lookups", &self.lookups)
            .finish_non_exhaustive()
    }
}

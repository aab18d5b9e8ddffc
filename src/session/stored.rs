//! Sessions that a store keeps: an opaque token in a cookie, and the store that knows whose it is.

use std::sync::Arc;

pub use super::cache::{CacheOptions, Found, Lookups};
use super::credential::{Credential, Precedence, part_of};
pub use super::database::Database;
pub use super::endpoint::Endpoint;
pub use super::record::Record;
pub use super::redis::RedisStore;
use super::{Failure, Mark, Outage, Refresh, Renewal, Session, SessionError};
use crate::request::HttpRequest;

/// Where sessions are kept.
#[derive(Debug)]
pub enum Store {
    Database(Database),
    Redis(RedisStore),
    Endpoint(Endpoint),
}

/// A token as sent, and the cookie that it was in.
#[derive(Clone, PartialEq, Eq)]
pub struct Sought {
    pub cookie: Arc<str>,
    pub token: Arc<str>,
}

/// What the configuration says about a provider.
#[derive(Debug)]
pub struct StoredOptions {
    /// The session cookies, in order of preference.
    pub cookies: Vec<String>,
    /// Accept the same token as `Authorization: Bearer` where no session cookie has a value.
    pub bearer: bool,
    /// The longest token that is looked up, in bytes.
    pub max_token_bytes: usize,
    pub cache: CacheOptions,
    /// Give sessions a new expiry; never where absent.
    pub refresh: Option<Refresh>,
}

/// Verifies the sessions of one store.
#[derive(Debug)]
pub struct Stored {
    cookies: Vec<Arc<str>>,
    bearer: bool,
    max_token_bytes: usize,
    refresh: Option<Refresh>,
    lookups: Arc<Lookups>,
}

impl Store {
    /// Connections in use, and idle ones, where there is a pool of them.
    pub(in crate::session) fn connections(&self) -> Option<(u32, u32)> {
        match self {
            Self::Database(database) => database.connections(),
            Self::Redis(_) | Self::Endpoint(_) => None,
        }
    }

    pub(in crate::session) async fn fetch(&self, sought: &Sought) -> Result<Option<Record>, Outage> {
        let record = match self {
            Self::Database(database) => database.fetch(sought).await,
            Self::Redis(redis) => redis.fetch(sought).await,
            Self::Endpoint(endpoint) => endpoint.fetch(sought).await,
        }?;
        if record.as_ref().is_some_and(Record::is_mixed_up) {
            tracing::warn!("the store told the user of another session");
            return Err(Outage::Failed);
        }
        Ok(record)
    }

    /// Gives a session a new expiry where it still has the one it had; times are in seconds since 1970.
    pub(in crate::session) async fn renew(
        &self,
        token: &str,
        was: f64,
        expires: f64,
    ) -> Result<bool, Outage> {
        match self {
            Self::Database(database) => database.renew(token, was, expires).await,
            Self::Redis(redis) => redis.renew(token, was, expires).await,
            // The application renews its sessions by itself when it is asked.
            Self::Endpoint(_) => Ok(false),
        }
    }
}

impl Stored {
    /// A provider of this name, for its metrics.
    #[must_use]
    pub fn new(provider: &str, store: Store, options: StoredOptions) -> Self {
        let StoredOptions { cookies, bearer, max_token_bytes, cache, refresh } = options;
        let lookups = Lookups::new(provider, store, cache);
        let cookies = cookies.into_iter().map(Arc::from).collect();
        Self { cookies, bearer, max_token_bytes, refresh, lookups }
    }

    pub(in crate::session) fn lookups(&self) -> &Arc<Lookups> {
        &self.lookups
    }

    /// Looks for a session in a request: in each session cookie, then, if none has a value, in the bearer token.
    ///
    /// Where the first cookie has no valid session the next one is asked, but a conflict or an outage ends the search.
    pub(in crate::session) async fn verify(
        &self,
        provider: &Arc<str>,
        request: &HttpRequest<'_>,
    ) -> Result<Session, Failure> {
        let mut first_failure = None;
        for cookie in &self.cookies {
            let found =
                Credential::from_cookies(request.cookies(), cookie, Precedence::First, self.max_token_bytes);
            let Some(credential) = found else { continue };
            match self.judge(&credential, cookie, provider, request).await {
                Ok(session) => return Ok(session),
                Err(failure) if failure.error.ends_search() => return Err(failure),
                Err(failure) => first_failure = first_failure.or(Some(failure)),
            }
        }
        if let Some(failure) = first_failure {
            return Err(failure);
        }
        let bearer =
            if self.bearer { Credential::from_bearer(&request.headers, self.max_token_bytes) } else { None };
        match (bearer, self.cookies.last()) {
            (Some(credential), Some(cookie)) => self.judge(&credential, cookie, provider, request).await,
            _ => Err(Failure::absent(provider)),
        }
    }

    /// Whether a cookie of this name holds a session or a part of one.
    pub(in crate::session) fn owns_cookie(&self, name: &str) -> bool {
        self.cookies.iter().any(|ours| part_of(name, ours).is_some())
    }

    async fn judge(
        &self,
        credential: &Credential<'_>,
        cookie: &Arc<str>,
        provider: &Arc<str>,
        request: &HttpRequest<'_>,
    ) -> Result<Session, Failure> {
        let fail = |error| Failure::of(provider, credential, error);
        let tokens = credential.tokens().map_err(fail)?;
        if tokens.other.is_some() {
            return Err(fail(SessionError::Conflict));
        }
        let sought = Sought { cookie: cookie.clone(), token: Arc::from(&*tokens.token) };
        let found = self.lookups.find(sought.clone(), request.now).await.map_err(fail)?;
        let renewal = self.renewal(&sought, &found, credential, request).await;
        let Found { claims, expires, issued } = found;
        let (finding, mark) = (credential.finding().clone(), Mark::of_token(&sought.token));
        let session = Session::new(claims, expires, provider.clone(), finding, mark);
        Ok(session.issued_at(Some(issued)).renewed(renewal))
    }

    /// The cookie of a session that was given a new expiry.
    async fn renewal(
        &self,
        sought: &Sought,
        found: &Found,
        credential: &Credential<'_>,
        request: &HttpRequest<'_>,
    ) -> Option<Renewal> {
        let refresh = self.refresh.filter(|_| credential.is_whole_cookie() && request.is_safe())?;
        let expires = self.lookups.renew(sought, found, refresh, request.now).await?;
        let set = vec![(sought.cookie.to_string(), sought.token.to_string())];
        Some(Renewal { set, stale: Vec::new(), expires })
    }
}

/// Without the token.
impl std::fmt::Debug for Sought {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sought").field("cookie", &self.cookie).finish_non_exhaustive()
    }
}

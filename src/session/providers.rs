//! The providers of the configuration, in its order, and what they answer for one request.

use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::join_all;

use super::authjs::AuthJs;
use super::bearer::Jwt;
use super::better_auth::BetterAuth;
use super::credential::Credential;
use super::revocation::Revocations;
use super::stored::{Lookups, Stored};
use super::{Finding, Outage, Session, SessionError};
use crate::request::HttpRequest;

/// Where sessions come from.
#[derive(Debug)]
pub enum Provider {
    /// Encrypted tokens of Auth.js v5 or NextAuth.js v4.
    AuthJs(AuthJs),
    /// Signed tokens.
    Jwt(Jwt),
    /// Sessions in a database, in Redis, or behind the application's own endpoint.
    Stored(Stored),
    /// Better Auth's signed cookies.
    BetterAuth(BetterAuth),
}

/// The most cookies that are named for clearing: Envoy takes 100 header fields in a response.
const MAX_CLEARED: usize = 64;

/// All providers, each by its name in the configuration.
#[derive(Debug, Default)]
pub struct Providers {
    named: Vec<(Arc<str>, Arc<Provider>)>,
    revocations: Option<Arc<Revocations>>,
}

/// What a provider keeps.
#[derive(Clone, Copy, Debug, Default)]
pub struct Figures {
    /// Remembered lookups, where it looks sessions up.
    pub remembered: Option<u64>,
    /// Connections to its database: in use, and idle.
    pub connections: Option<(u32, u32)>,
}

/// Whose sessions a rule accepts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Accepted {
    /// Those of every provider, asked in the order of the configuration.
    #[default]
    All,
    /// Those of the providers at these places, asked in this order.
    Listed(Vec<usize>),
}

/// Why one provider found no session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Its name in the configuration.
    pub provider: Arc<str>,
    pub error: SessionError,
    /// What was sent, if anything was.
    pub finding: Option<Finding>,
}

/// Why no provider found a session, in the order in which they were asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Failures(Box<[Failure]>);

impl Failure {
    /// Nothing was sent.
    pub(in crate::session) fn absent(provider: &Arc<str>) -> Self {
        Self { provider: provider.clone(), error: SessionError::Absent, finding: None }
    }

    /// What was sent is no session.
    pub(in crate::session) fn of(
        provider: &Arc<str>,
        credential: &Credential<'_>,
        error: SessionError,
    ) -> Self {
        Self { provider: provider.clone(), error, finding: Some(credential.finding().clone()) }
    }
}

impl Provider {
    /// The session in a request.
    ///
    /// # Errors
    /// Why there is none.
    async fn verify(&self, name: &Arc<str>, request: &HttpRequest<'_>) -> Result<Session, Failure> {
        match self {
            Self::AuthJs(authjs) => authjs.verify(name, request),
            // Boxed, so that a check that asks nobody else does not carry along what these need for that.
            Self::Jwt(jwt) => Box::pin(jwt.verify(name, request)).await,
            Self::Stored(stored) => Box::pin(stored.verify(name, request)).await,
            Self::BetterAuth(better_auth) => Box::pin(better_auth.verify(name, request)).await,
        }
    }

    /// Whether it has what it needs to verify a session: keys, a store that answers.
    async fn probe(&self) -> Result<(), Outage> {
        match (self, self.lookups()) {
            (Self::Jwt(jwt), _) => jwt.probe(),
            (_, Some(lookups)) => lookups.probe().await,
            (_, None) => Ok(()),
        }
    }

    fn lookups(&self) -> Option<&Arc<Lookups>> {
        match self {
            Self::AuthJs(_) | Self::Jwt(_) => None,
            Self::Stored(stored) => Some(stored.lookups()),
            Self::BetterAuth(better_auth) => better_auth.lookups(),
        }
    }

    /// What it keeps, for metrics: remembered lookups, connections that are in use and idle.
    #[must_use]
    pub fn figures(&self) -> Figures {
        self.lookups().map(|lookups| lookups.figures()).unwrap_or_default()
    }

    fn owns_cookie(&self, name: &str) -> bool {
        match self {
            Self::AuthJs(authjs) => authjs.owns_cookie(name),
            Self::Jwt(jwt) => jwt.owns_cookie(name),
            Self::Stored(stored) => stored.owns_cookie(name),
            Self::BetterAuth(better_auth) => better_auth.owns_cookie(name),
        }
    }
}

impl Providers {
    /// Providers that are asked in this order.
    #[must_use]
    pub fn new(providers: Vec<(Arc<str>, Arc<Provider>)>) -> Self {
        Self { named: providers, revocations: None }
    }

    /// The same providers, whose sessions can be revoked.
    #[must_use]
    pub fn revocable(self, revocations: Arc<Revocations>) -> Self {
        Self { revocations: Some(revocations), ..self }
    }

    /// Which sessions were revoked, where that is configured.
    #[must_use]
    pub fn revocations(&self) -> Option<&Arc<Revocations>> {
        self.revocations.as_ref()
    }

    /// Begins what goes on in the background: keys that are fetched, revocations that are followed. Needs a runtime.
    pub fn start(&self) {
        for (_, provider) in &self.named {
            if let Provider::Jwt(jwt) = provider.as_ref() {
                jwt.start();
            }
        }
        if let Some(revocations) = &self.revocations {
            revocations.start();
        }
    }

    /// Waits until the keys are there that have to be fetched, and the list of revocations is known.
    pub async fn until_ready(&self) {
        for (_, provider) in &self.named {
            if let Provider::Jwt(jwt) = provider.as_ref() {
                jwt.until_ready().await;
            }
        }
        if let Some(revocations) = &self.revocations {
            revocations.until_in_step().await;
        }
    }

    /// Asks each provider whether it could answer now, by its name; and whether it is known what was revoked.
    pub async fn probe(&self) -> Vec<(&str, Result<(), Outage>)> {
        let asked = self.named.iter().map(|(name, provider)| provider.probe().map(|found| (&**name, found)));
        let mut found = join_all(asked).await;
        found.extend(self.revocations.iter().map(|revocations| ("revocation", revocations.probe())));
        found
    }

    /// Whether any session may have been revoked: then even what is public has to look.
    #[must_use]
    pub fn may_be_revoked(&self) -> bool {
        self.revocations.as_ref().is_some_and(|revocations| !revocations.is_empty())
    }

    /// Names and providers, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &Provider)> {
        self.named.iter().map(|(name, provider)| (name, provider.as_ref()))
    }

    /// The session in a request: that of the first provider that finds one.
    ///
    /// # Errors
    /// Why each of them found none.
    pub async fn verify(&self, accepted: &Accepted, request: &HttpRequest<'_>) -> Result<Session, Failures> {
        let mut failures = Vec::new();
        for (name, provider) in self.accepted(accepted) {
            match provider.verify(name, request).await {
                Ok(session) => match self.judge(&session, request) {
                    Ok(()) => return Ok(session),
                    Err(error) => {
                        let finding = Some(session.finding().clone());
                        failures.push(Failure { provider: name.clone(), error, finding });
                        // Whose session was ended does not come in by another one.
                        break;
                    }
                },
                Err(failure) => failures.push(failure),
            }
        }
        Err(Failures(failures.into()))
    }

    fn judge(&self, session: &Session, request: &HttpRequest<'_>) -> Result<(), SessionError> {
        self.revocations.as_ref().map_or(Ok(()), |revocations| revocations.judge(session, request))
    }

    /// Whether a cookie of this name holds a session or a part of one, of any provider.
    #[must_use]
    pub fn owns_cookie(&self, name: &str) -> bool {
        self.named.iter().any(|(_, provider)| provider.owns_cookie(name))
    }

    /// The names of the cookies in a request that hold a session or a part of one, for clearing; each name
    /// once, at most 64.
    #[must_use]
    pub fn cookies_present<'r>(&self, accepted: &Accepted, request: &'r HttpRequest<'_>) -> Vec<&'r str> {
        let mut names = Vec::new();
        for (name, _) in request.cookies().iter() {
            let is_owned = || self.accepted(accepted).any(|(_, provider)| provider.owns_cookie(name));
            if names.len() < MAX_CLEARED && !names.contains(&name) && is_owned() {
                names.push(name);
            }
        }
        names
    }

    fn accepted<'p>(&'p self, accepted: &'p Accepted) -> impl Iterator<Item = &'p (Arc<str>, Arc<Provider>)> {
        let count = match accepted {
            Accepted::All => self.named.len(),
            Accepted::Listed(places) => places.len(),
        };
        (0..count).filter_map(move |nth| match accepted {
            Accepted::All => self.named.get(nth),
            Accepted::Listed(places) => self.named.get(*places.get(nth)?),
        })
    }
}

impl Failures {
    pub fn iter(&self) -> impl Iterator<Item = &Failure> {
        self.0.iter()
    }

    /// Whether a session was sent that somebody ended.
    #[must_use]
    pub fn is_revoked(&self) -> bool {
        self.0.iter().any(|failure| failure.error == SessionError::Revoked)
    }

    /// The outage by which it cannot be known whether there is a session.
    #[must_use]
    pub fn outage(&self) -> Option<Outage> {
        self.0.iter().find_map(|failure| match failure.error {
            SessionError::Unavailable(outage) => Some(outage),
            _ => None,
        })
    }

    /// The first failure of a credential that was there; `None` when nothing was sent.
    #[must_use]
    pub fn invalid(&self) -> Option<&Failure> {
        self.0.iter().find(|failure| !failure.error.is_absent())
    }

    /// Whether nothing was sent to any provider.
    #[must_use]
    pub fn is_absent(&self) -> bool {
        self.invalid().is_none()
    }

    /// The reason to tell when there is room for one.
    #[must_use]
    pub fn reason(&self) -> SessionError {
        self.invalid().map_or(SessionError::Absent, |failure| failure.error)
    }
}

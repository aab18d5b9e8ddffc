//! Sessions that somebody ended: a list in Redis, which every replica holds in memory, so that a check costs no network.

mod entry;
mod list;
mod sync;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::{Duration, Instant, SystemTime};

use arc_swap::ArcSwap;
use smallvec::SmallVec;

pub use self::entry::{Entry, TokenHash};
use self::list::List;
pub use self::sync::RevokeError;
use super::credential::{Credential, Precedence};
use super::redis::connection::RedisServer;
use super::{Outage, Session, SessionError, Source};
use crate::request::HttpRequest;

/// What the configuration says about revocations.
#[derive(Debug)]
pub struct RevocationOptions {
    pub redis: RedisServer,
    /// What stands before the names of the keys and of the channel; in a Cluster it should hold no `{`.
    pub prefix: String,
    /// How often the whole list is read, so that a message that was missed is found.
    pub poll: Duration,
    /// How long an entry is kept: no session that was issued before it may last longer.
    pub keep: Duration,
    /// How long the list may be out of step before it counts as unknown.
    pub max_staleness: Duration,
    pub on_outage: OnOutage,
}

/// How soon a list that could not be read is asked for again by who waits for it.
const RETRY: Duration = Duration::from_millis(250);

/// What happens to sessions while it is not known which were revoked.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum OnOutage {
    /// 503 for every session.
    #[default]
    Deny,
    /// What is known stays enforced.
    Allow,
}

/// The list, and the way to it.
#[derive(Debug)]
pub struct Revocations {
    options: RevocationOptions,
    list: RwLock<List>,
    /// When the list was last known to be in step, as far as it ever was.
    in_step: ArcSwap<Option<Instant>>,
    is_started: AtomicBool,
}

impl Revocations {
    /// Nothing is connected yet.
    #[must_use]
    pub fn new(options: RevocationOptions) -> Arc<Self> {
        Arc::new(Self {
            options,
            list: RwLock::default(),
            in_step: ArcSwap::default(),
            is_started: AtomicBool::new(false),
        })
    }

    /// Whether any revocation is known: without one no public route has to look for a session.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list().is_empty()
    }

    /// Holds a verified session against the list.
    ///
    /// # Errors
    /// That it was revoked, or that this cannot be known.
    pub fn judge(&self, session: &Session, request: &HttpRequest<'_>) -> Result<(), SessionError> {
        let list = self.list();
        let hashes = if list.has_tokens() { presented(session, request) } else { SmallVec::new() };
        if list.holds(session, &hashes, request.now) {
            return Err(SessionError::Revoked);
        }
        match self.options.on_outage {
            OnOutage::Deny if self.is_stale() => Err(Outage::StaleRevocations.into()),
            OnOutage::Deny | OnOutage::Allow => Ok(()),
        }
    }

    /// Whether the list has been out of step for too long, or never was in step.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        self.in_step.load().is_none_or(|at| at.elapsed() > self.options.max_staleness)
    }

    /// Whether sessions can be judged: without the list they are refused where [`OnOutage::Deny`] holds.
    pub(in crate::session) fn probe(&self) -> Result<(), Outage> {
        let is_refusing = self.options.on_outage == OnOutage::Deny && self.is_stale();
        if is_refusing { Err(Outage::Unreachable) } else { Ok(()) }
    }

    /// Waits until the list is known.
    pub(in crate::session) async fn until_in_step(&self) {
        while self.is_stale() && self.read().await.is_err() {
            tokio::time::sleep(RETRY).await;
        }
    }

    /// Keeps the list in step from now on, until this value is dropped. Needs a runtime; a second call changes nothing.
    pub fn start(self: &Arc<Self>) {
        if !self.is_started.swap(true, Ordering::Relaxed) {
            tokio::spawn(sync::keep_in_step(Arc::downgrade(self)));
        }
    }

    /// Reads the list once.
    ///
    /// # Errors
    /// [`Outage`] where Redis does not give it.
    pub async fn read(&self) -> Result<(), Outage> {
        let started = Instant::now();
        let list = sync::read(&self.options).await?;
        *self.list.write().unwrap_or_else(PoisonError::into_inner) = list;
        self.in_step.store(Arc::new(Some(started)));
        Ok(())
    }

    /// Writes an entry, and enforces it here at once.
    ///
    /// # Errors
    /// [`RevokeError`]: nothing was written.
    pub async fn revoke(&self, entry: Entry) -> Result<(), RevokeError> {
        sync::write(&self.options, &entry).await?;
        self.add(entry, SystemTime::now() + self.options.keep);
        Ok(())
    }

    fn add(&self, entry: Entry, until: SystemTime) {
        self.list.write().unwrap_or_else(PoisonError::into_inner).add(entry, until);
    }

    /// A list is whole whatever happened to whoever changed it last.
    fn list(&self) -> RwLockReadGuard<'_, List> {
        self.list.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The hashes of the token that a session came from: as it was sent, and without a signature after its last dot.
fn presented(session: &Session, request: &HttpRequest<'_>) -> SmallVec<[TokenHash; 2]> {
    let credential = match &session.finding().source {
        Source::Cookie { name, .. } => {
            Credential::from_cookies(request.cookies(), name, Precedence::First, usize::MAX)
        }
        Source::Header { name, prefix } => {
            Credential::from_header(&request.headers, name, prefix, usize::MAX)
        }
    };
    let mut hashes = SmallVec::new();
    let Some(tokens) = credential.as_ref().and_then(|credential| credential.tokens().ok()) else {
        return hashes;
    };
    for token in [Some(&*tokens.token), tokens.other.as_deref()].into_iter().flatten() {
        hashes.push(entry::hash_of(token));
        // Better Auth's cookie holds the token and its signature; a JWT's first part is no token to anybody.
        if let Some((unsigned, _)) = token.rsplit_once('.') {
            hashes.push(entry::hash_of(unsigned));
        }
    }
    hashes
}

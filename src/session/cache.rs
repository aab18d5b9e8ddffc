//! What stores said of session tokens, remembered for a moment: one lookup a token at a time, and none while a store
//! is known to be away.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use aws_lc_rs::digest::{SHA256, digest};
use metrics::{Counter, counter};
use moka::Expiry;
use moka::future::Cache;
use tokio::sync::Semaphore;

use super::moment::seconds;
use super::record::Record;
use super::stored::{Sought, Store};
use super::{Claims, Figures, Outage, Refresh, SessionError};

/// Lookups of different tokens under way at once; what comes on top is refused at once.
const MAX_PENDING: usize = 512;
/// How long a store that cannot be reached is left alone.
const COOLING: Duration = Duration::from_millis(200);
/// How long several requests that come together share one renewal.
const RENEWAL_SHARED: Duration = Duration::from_secs(10);

/// How lookups are remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheOptions {
    /// How long a session is remembered, but never past its expiry.
    pub found: Duration,
    /// How long it is remembered that a token is unknown.
    pub unknown: Duration,
    /// How many tokens are remembered.
    pub entries: u64,
    /// How long a request waits for the store.
    pub timeout: Duration,
    /// How long a session lasts from its last renewal, as `session.maxAge` of Auth.js.
    pub max_age: Duration,
}

/// A verified session of a store.
#[derive(Clone, Debug)]
pub struct Found {
    pub claims: Arc<Claims>,
    /// Seconds since 1970.
    pub expires: f64,
    /// When it began, or else was renewed last; seconds since 1970.
    pub issued: f64,
}

/// The limits and defaults of [`CacheOptions`].
#[derive(Debug)]
pub struct CacheLimits {
    pub found: Duration,
    pub unknown: Duration,
    pub entries: u64,
}

impl CacheLimits {
    pub const DEFAULT: Self =
        Self { found: Duration::from_secs(10), unknown: Duration::from_secs(1), entries: 100_000 };
    pub const LONGEST: Duration = Duration::from_hours(1);
    pub const MOST_ENTRIES: u64 = 10_000_000;
}

type Key = [u8; 32];

/// A token of the form that stores have, for asking whether they answer.
const PROBE: &str = "00000000-0000-4000-8000-000000000000";

/// A store behind its memory.
pub struct Lookups {
    store: Store,
    options: CacheOptions,
    remembered: Cache<Key, Remembered>,
    renewals: Cache<Key, Option<f64>>,
    pending: Semaphore,
    /// Until when the store is left alone, in milliseconds since `started`; 0: not at all.
    cooling_until: AtomicU64,
    started: Instant,
    counters: Counters,
}

/// `sessiongate_session_lookups_total` by what became of a lookup.
struct Counters {
    hit: Counter,
    found: Counter,
    unknown: Counter,
    failed: Counter,
}

#[derive(Clone)]
struct Remembered {
    found: Option<Found>,
    lasts: Duration,
}

struct ByEntry;

impl Expiry<Key, Remembered> for ByEntry {
    fn expire_after_create(&self, _: &Key, entry: &Remembered, _: Instant) -> Option<Duration> {
        Some(entry.lasts)
    }

    fn expire_after_update(
        &self,
        _: &Key,
        entry: &Remembered,
        _: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        Some(entry.lasts)
    }
}

impl Lookups {
    pub(in crate::session) fn new(provider: &str, store: Store, options: CacheOptions) -> Arc<Self> {
        let counter = |result: &'static str| counter!("sessiongate_session_lookups_total", "provider" => provider.to_owned(), "result" => result);
        Arc::new(Self {
            store,
            options,
            remembered: Cache::builder().max_capacity(options.entries).expire_after(ByEntry).build(),
            renewals: Cache::builder().max_capacity(options.entries).time_to_live(RENEWAL_SHARED).build(),
            pending: Semaphore::new(MAX_PENDING),
            cooling_until: AtomicU64::new(0),
            started: Instant::now(),
            counters: Counters {
                hit: counter("hit"),
                found: counter("found"),
                unknown: counter("unknown"),
                failed: counter("failed"),
            },
        })
    }

    /// The session of a token.
    ///
    /// # Errors
    /// That it is unknown or over, or that this cannot be known.
    pub(in crate::session) async fn find(
        self: &Arc<Self>,
        sought: Sought,
        now: SystemTime,
    ) -> Result<Found, SessionError> {
        let key = key_of(&sought);
        let remembered = match self.remembered.get(&key).await {
            Some(remembered) => {
                self.counters.hit.increment(1);
                remembered
            }
            None => self.look_up(key, sought, now).await?,
        };
        let found = remembered.found.ok_or(SessionError::Unknown)?;
        if found.expires <= seconds(now) { Err(SessionError::Expired) } else { Ok(found) }
    }

    /// Asks the store in a task of its own, so that a request that gives up leaves an answer for the next one.
    async fn look_up(
        self: &Arc<Self>,
        key: Key,
        sought: Sought,
        now: SystemTime,
    ) -> Result<Remembered, Outage> {
        let this = Arc::clone(self);
        let task = tokio::spawn(async move {
            this.remembered.try_get_with(key, this.fetch(&sought, now)).await.map_err(|outage| *outage)
        });
        match tokio::time::timeout(self.options.timeout, task).await {
            Ok(Ok(looked_up)) => looked_up,
            // The task panicked, and the panic hook has logged where.
            Ok(Err(_)) => Err(Outage::Failed),
            Err(_) => Err(Outage::Timeout),
        }
    }

    async fn fetch(&self, sought: &Sought, now: SystemTime) -> Result<Remembered, Outage> {
        let _permit = self.pending.try_acquire().map_err(|_| Outage::Overloaded)?;
        if self.is_cooling() {
            return Err(Outage::Unreachable);
        }
        let fetched = tokio::time::timeout(self.options.timeout, self.store.fetch(sought)).await;
        match fetched.unwrap_or(Err(Outage::Timeout)) {
            Ok(record) => {
                self.cooling_until.store(0, Ordering::Relaxed);
                let count = if record.is_some() { &self.counters.found } else { &self.counters.unknown };
                count.increment(1);
                Ok(self.remember(record, now))
            }
            Err(outage) => {
                self.counters.failed.increment(1);
                if outage == Outage::Unreachable {
                    self.cool();
                }
                Err(outage)
            }
        }
    }

    fn remember(&self, record: Option<Record>, now: SystemTime) -> Remembered {
        let CacheOptions { found: lasts, unknown, max_age, .. } = self.options;
        let Some(record) = record else { return Remembered { found: None, lasts: unknown } };
        let expires = record.expires;
        let issued = record.created().unwrap_or(expires - max_age.as_secs_f64());
        let left = Duration::try_from_secs_f64((expires - seconds(now)).max(0.0)).unwrap_or(Duration::MAX);
        // A session that is over can be renewed by nobody but a new sign-in, which has a new token.
        let lasts = if left.is_zero() { unknown } else { lasts.min(left) };
        Remembered { found: Some(Found { claims: record.into_claims(), expires, issued }), lasts }
    }

    /// Gives a session that is due a new expiry in the store, once for all requests that come together. `None` where
    /// it is not due, somebody else was faster, or the store is away: the session lasts as long as it did.
    pub(in crate::session) async fn renew(
        self: &Arc<Self>,
        sought: &Sought,
        found: &Found,
        refresh: Refresh,
        now: SystemTime,
    ) -> Option<u64> {
        let renewed_last = found.expires - refresh.max_age.as_secs_f64();
        if !refresh.is_due(renewed_last, now) {
            return None;
        }
        let (this, sought, found) = (Arc::clone(self), sought.clone(), found.clone());
        let expires = refresh.expiry(now);
        let task = tokio::spawn(async move {
            let key = key_of(&sought);
            let renewal = this.write_expiry(key, &sought, &found, expires, now);
            this.renewals.try_get_with(key, renewal).await
        });
        let renewed = tokio::time::timeout(self.options.timeout, task).await.ok()?.ok()?.ok()??;
        // Whole seconds: it was made from them.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a time after 1970")]
        Some(renewed as u64)
    }

    async fn write_expiry(
        &self,
        key: Key,
        sought: &Sought,
        found: &Found,
        expires: u64,
        now: SystemTime,
    ) -> Result<Option<f64>, Outage> {
        #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 are far below 2^53")]
        let expires = expires as f64;
        let is_ours = self.store.renew(&sought.token, found.expires, expires).await?;
        if !is_ours {
            self.remembered.invalidate(&key).await;
            return Ok(None);
        }
        let left = Duration::try_from_secs_f64(expires - seconds(now)).unwrap_or_default();
        let renewed = Found { expires, ..found.clone() };
        let lasts = self.options.found.min(left);
        self.remembered.insert(key, Remembered { found: Some(renewed), lasts }).await;
        Ok(Some(expires))
    }

    /// Whether the store answers, asked for a token that nobody has.
    pub(in crate::session) async fn probe(&self) -> Result<(), Outage> {
        let sought = Sought { cookie: Arc::from("authjs.session-token"), token: Arc::from(PROBE) };
        let asked = tokio::time::timeout(self.options.timeout, self.store.fetch(&sought)).await;
        asked.unwrap_or(Err(Outage::Timeout)).map(|_| ())
    }

    pub(in crate::session) fn figures(&self) -> Figures {
        Figures { remembered: Some(self.remembered.entry_count()), connections: self.store.connections() }
    }

    fn is_cooling(&self) -> bool {
        self.elapsed_ms() < self.cooling_until.load(Ordering::Relaxed)
    }

    fn cool(&self) {
        let cooling = u64::try_from(COOLING.as_millis()).unwrap_or(u64::MAX);
        self.cooling_until.store(self.elapsed_ms().saturating_add(cooling), Ordering::Relaxed);
    }

    fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// What is remembered belongs to people, so it is not shown.
impl std::fmt::Debug for Lookups {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lookups")
            .field("store", &self.store)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

/// Tokens are credentials: their hash finds them as well. Stores that are asked with the cookie's name tell tokens of
/// different cookies apart, so the name is part of it.
fn key_of(sought: &Sought) -> Key {
    let mut text = Vec::with_capacity(sought.cookie.len() + 1 + sought.token.len());
    text.extend_from_slice(sought.cookie.as_bytes());
    text.push(b'=');
    text.extend_from_slice(sought.token.as_bytes());
    let mut key = Key::default();
    for (byte, hashed) in key.iter_mut().zip(digest(&SHA256, &text).as_ref()) {
        *byte = *hashed;
    }
    key
}

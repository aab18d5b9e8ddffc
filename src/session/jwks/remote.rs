//! The keys of an issuer: fetched in the background, kept while it is away, and asked for anew when a token names one that
//! is not known.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use jsonwebtoken::Algorithm;
use reqwest::StatusCode;
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::Url;

use super::set::KeySet;
use crate::session::Outage;
use crate::session::http::{self, HttpClient, HttpError};

/// How often the keys are fetched.
const REFRESH: Duration = Duration::from_mins(5);
/// The shortest time between two fetches, whatever tokens come.
const BACK_OFF: Duration = Duration::from_secs(10);
/// The pauses between attempts while the issuer is away.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// Where the keys are published.
#[derive(Clone, Debug)]
pub enum Source {
    /// A JSON Web Key Set.
    KeySet(String),
    /// Where the issuer's own metadata says (`OpenID` Connect Discovery 1.0, section 4).
    Discovery { issuer: String },
}

/// What the configuration says about an issuer.
#[derive(Debug)]
pub struct RemoteOptions {
    pub source: Source,
    pub algorithms: Vec<Algorithm>,
    /// The longest that a fetch may take, and that a request waits for one.
    pub timeout: Duration,
    /// How long keys are used after they were fetched last.
    pub keep: Duration,
    /// Allow plain http to other machines.
    pub allow_http: bool,
}

/// The keys of one issuer.
#[derive(Debug)]
pub struct RemoteKeys {
    options: RemoteOptions,
    /// Of the key set, or of the metadata.
    url: Url,
    client: HttpClient,
    known: ArcSwapOption<Known>,
    /// When a fetch began last; held while one is under way.
    last_attempt: Mutex<Option<Instant>>,
    is_started: AtomicBool,
}

#[derive(Debug)]
struct Known {
    keys: Arc<KeySet>,
    fetched: Instant,
}

/// What of the issuer's metadata is read.
#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    jwks_uri: String,
}

impl RemoteKeys {
    /// Nothing is fetched yet.
    ///
    /// # Errors
    /// [`HttpError`] says what is wrong with the address.
    pub fn new(options: RemoteOptions) -> Result<Arc<Self>, HttpError> {
        let address = match &options.source {
            Source::KeySet(url) => url.clone(),
            Source::Discovery { issuer } => {
                format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'))
            }
        };
        Ok(Arc::new(Self {
            url: http::address(&address, options.allow_http)?,
            client: HttpClient::new(options.timeout)?,
            options,
            known: ArcSwapOption::empty(),
            last_attempt: Mutex::new(None),
            is_started: AtomicBool::new(false),
        }))
    }

    /// Fetches the keys now and again, until this value is dropped.
    pub(super) fn start(self: &Arc<Self>) {
        if !self.is_started.swap(true, Ordering::Relaxed) {
            tokio::spawn(keep_fresh(Arc::downgrade(self)));
        }
    }

    pub(super) async fn for_token(
        self: &Arc<Self>,
        algorithm: Algorithm,
        kid: Option<&str>,
    ) -> Result<Arc<KeySet>, Outage> {
        self.start();
        let known = self.usable();
        if let Some(keys) = &known
            && keys.fitting(algorithm, kid).next().is_some()
        {
            return Ok(Arc::clone(keys));
        }
        // In a task of its own, so that a request that gives up does not end the fetch for the others.
        let this = Arc::clone(self);
        let fetching = tokio::spawn(async move { this.fetch_unless_tried().await });
        let waited = tokio::time::timeout(self.options.timeout, fetching).await;
        if waited.is_err() && known.is_none() {
            return Err(Outage::Timeout);
        }
        self.usable().or(known).ok_or(Outage::NoKeys)
    }

    pub(super) fn are_known(&self) -> bool {
        self.usable().is_some()
    }

    pub(super) async fn until_known(self: &Arc<Self>) {
        while !self.are_known() {
            let this = Arc::clone(self);
            // The fetch goes on where nobody waits for it any longer.
            let _ = tokio::spawn(async move { this.fetch_unless_tried().await }).await;
            if !self.are_known() {
                tokio::time::sleep(FIRST_PAUSE).await;
            }
        }
    }

    /// The keys, unless the issuer has been away for too long.
    fn usable(&self) -> Option<Arc<KeySet>> {
        let known = self.known.load_full()?;
        (known.fetched.elapsed() <= self.options.keep).then(|| Arc::clone(&known.keys))
    }

    /// One fetch at a time; who waited for it does not begin another, nor does anybody until the back-off is over.
    async fn fetch_unless_tried(&self) {
        let mut last_attempt = self.last_attempt.lock().await;
        let back_off = if self.known.load().is_some() { BACK_OFF } else { FIRST_PAUSE };
        if last_attempt.is_some_and(|at| at.elapsed() < back_off) {
            return;
        }
        *last_attempt = Some(Instant::now());
        // Why there are no keys was logged.
        let _ = self.fetch().await;
    }

    async fn fetch(&self) -> Result<(), Outage> {
        let fetched = tokio::time::timeout(self.options.timeout, self.read_keys()).await;
        let keys = fetched.unwrap_or(Err(Outage::Timeout)).inspect_err(|outage| {
            tracing::warn!(%outage, host = self.url.host_str(), "the keys of the issuer were not fetched");
        })?;
        self.known.store(Some(Arc::new(Known { keys: Arc::new(keys), fetched: Instant::now() })));
        Ok(())
    }

    async fn read_keys(&self) -> Result<KeySet, Outage> {
        let body = self.read(&self.url).await?;
        let body = match &self.options.source {
            Source::KeySet(_) => body,
            Source::Discovery { issuer } => {
                let metadata: Metadata = serde_json::from_slice(&body).map_err(|_| Outage::Failed)?;
                if metadata.issuer != *issuer {
                    tracing::warn!("the metadata is that of another issuer");
                    return Err(Outage::Failed);
                }
                let url = http::address(&metadata.jwks_uri, self.options.allow_http).map_err(|error| {
                    tracing::warn!("the `jwks_uri` of the issuer {error}");
                    Outage::Failed
                })?;
                self.read(&url).await?
            }
        };
        KeySet::of_json(&body, &self.options.algorithms).map_err(|error| {
            tracing::warn!("what the issuer publishes {error}");
            Outage::Failed
        })
    }

    async fn read(&self, url: &Url) -> Result<Vec<u8>, Outage> {
        let answer = self.client.get(url, None).await?;
        if answer.status == StatusCode::OK { Ok(answer.body) } else { Err(Outage::Failed) }
    }
}

async fn keep_fresh(keys: Weak<RemoteKeys>) {
    let mut pause = FIRST_PAUSE;
    while let Some(remote) = keys.upgrade() {
        let fetched = {
            let mut last_attempt = remote.last_attempt.lock().await;
            *last_attempt = Some(Instant::now());
            remote.fetch().await
        };
        drop(remote);
        if fetched.is_ok() {
            pause = FIRST_PAUSE;
            tokio::time::sleep(REFRESH).await;
        } else {
            tokio::time::sleep(pause).await;
            pause = LONGEST_PAUSE.min(pause * 2);
        }
    }
}

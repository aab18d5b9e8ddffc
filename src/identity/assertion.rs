//! The assertion: a short-lived signed JWT by which an upstream knows for itself who is calling.

mod keys;

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwap;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Header;
use quick_cache::sync::Cache;
use serde_json::{Map, Value, json};
use smallvec::SmallVec;

pub use self::keys::{KeyFiles, SigningKeyError, SigningKeys};
use crate::request::HttpRequest;
use crate::rule::host::HostPattern;
use crate::session::{ClaimPath, Session};

/// The most assertions that are kept for the next request of the same session.
const MAX_KEPT: usize = 10_000;

/// The claims that are ours to set (RFC 7519, section 4.1, and two more).
pub const OWN_CLAIMS: [&str; 9] = ["iss", "sub", "aud", "iat", "nbf", "exp", "jti", "sid", "rule"];

/// What an assertion says.
#[derive(Debug)]
pub struct AssertionOptions {
    /// `iss`.
    pub issuer: String,
    /// `aud`, unless a rule or the host says otherwise.
    pub audience: Arc<str>,
    /// `aud` by host; the first that covers the request's.
    pub hosts: Vec<(HostPattern, Arc<str>)>,
    /// How long it lasts at most; it never outlasts the session.
    pub ttl: Duration,
    /// Further claims, each by its name.
    pub claims: Vec<(String, ClaimPath)>,
}

/// Makes assertions, each once for a session, an audience and a rule in half its time.
pub struct Issuer {
    keys: Arc<ArcSwap<SigningKeys>>,
    files: Option<KeyFiles>,
    options: AssertionOptions,
    kept: Cache<Vec<u8>, Arc<Signed>>,
    is_started: AtomicBool,
}

struct Signed {
    token: String,
    /// From when until when it is given out, in seconds since 1970: the clock may have been moved back meanwhile.
    fresh: Range<f64>,
    /// Which keys it was signed with.
    generation: u64,
}

/// An assertion that was made, or kept.
#[derive(Clone)]
pub struct Assertion(Arc<Signed>);

/// The cryptography refused to sign; a defect, or a machine without randomness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an assertion cannot be signed")]
pub struct Unsigned;

impl Assertion {
    /// The JWT.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.0.token
    }

    /// What it says, for an explanation.
    #[must_use]
    pub fn claims(&self) -> Map<String, Value> {
        let payload = self.0.token.split('.').nth(1).and_then(|part| URL_SAFE_NO_PAD.decode(part).ok());
        payload.and_then(|payload| serde_json::from_slice(&payload).ok()).unwrap_or_default()
    }
}

impl Issuer {
    #[must_use]
    pub fn new(keys: SigningKeys, files: Option<KeyFiles>, options: AssertionOptions) -> Self {
        let keys = Arc::new(ArcSwap::from_pointee(keys));
        Self { keys, files, options, kept: Cache::new(MAX_KEPT), is_started: AtomicBool::new(false) }
    }

    /// Whether its key is of this process alone.
    #[must_use]
    pub fn is_generated(&self) -> bool {
        self.files.is_none()
    }

    /// Follows the key files from now on, until this value is dropped. Needs a runtime; a second call changes nothing.
    pub fn start(&self) {
        if let Some(files) = &self.files
            && !self.is_started.swap(true, Ordering::Relaxed)
        {
            tokio::spawn(files.clone().follow(Arc::downgrade(&self.keys)));
        }
    }

    /// The keys, for publishing.
    #[must_use]
    pub fn keys(&self) -> &Arc<ArcSwap<SigningKeys>> {
        &self.keys
    }

    /// The assertion for a session that a rule let in; `None` for one that names nobody.
    ///
    /// # Errors
    /// [`Unsigned`] where it cannot be made.
    pub fn assert(
        &self,
        session: &Session,
        rule: &str,
        audience: Option<&str>,
        request: &HttpRequest<'_>,
    ) -> Result<Option<Assertion>, Unsigned> {
        let Some(subject) = session.subject() else { return Ok(None) };
        let audience = audience.unwrap_or_else(|| self.audience_of(request.host));
        let now = seconds(request.now);
        let keys = self.keys.load();
        let key = key_of(session, audience, rule);
        if let Some(kept) = self.kept.get(&key[..])
            && kept.generation == keys.generation()
            && kept.fresh.contains(&now)
        {
            return Ok(Some(Assertion(kept)));
        }
        let claims = self.claims(session, &subject, rule, audience, now)?;
        let signing = keys.signing();
        let mut header = Header::new(signing.algorithm());
        header.kid = Some(signing.kid().to_owned());
        let token = jsonwebtoken::encode(&header, &claims, signing.encoding()).map_err(|_| Unsigned)?;
        let fresh = now..now + self.options.ttl.as_secs_f64() / 2.0;
        let signed = Arc::new(Signed { token, fresh, generation: keys.generation() });
        self.kept.insert(key.into_vec(), Arc::clone(&signed));
        Ok(Some(Assertion(signed)))
    }

    fn audience_of(&self, host: &str) -> &str {
        let covering = self.options.hosts.iter().find(|(pattern, _)| pattern.covers(host));
        covering.map_or(&self.options.audience, |(_, audience)| audience)
    }

    fn claims(
        &self,
        session: &Session,
        subject: &str,
        rule: &str,
        audience: &str,
        now: f64,
    ) -> Result<Map<String, Value>, Unsigned> {
        let mut id = [0_u8; 16];
        aws_lc_rs::rand::fill(&mut id).map_err(|_| Unsigned)?;
        let expires = (now + self.options.ttl.as_secs_f64()).min(session.expires());
        let mut claims = Map::new();
        for (name, path) in &self.options.claims {
            if let Some(value) = session.lookup(path) {
                claims.insert(name.clone(), value.into_owned());
            }
        }
        let own: [Value; 9] = [
            json!(self.options.issuer),
            json!(subject),
            json!(audience),
            json!(now.floor()),
            json!(now.floor()),
            json!(expires.floor()),
            json!(URL_SAFE_NO_PAD.encode(id)),
            json!(session.mark().public_hash(session.provider())),
            json!(rule),
        ];
        claims.extend(OWN_CLAIMS.map(str::to_owned).into_iter().zip(own.map(whole)));
        Ok(claims)
    }
}

/// Numbers of seconds as integers, which some libraries insist on.
fn whole(value: Value) -> Value {
    #[expect(clippy::cast_possible_truncation, reason = "a rounded time that is far below 2^63")]
    match value.as_f64() {
        Some(number) => Value::from(number as i64),
        None => value,
    }
}

/// Nothing that a client chooses stands in it but a verified token.
fn key_of(session: &Session, audience: &str, rule: &str) -> SmallVec<[u8; 160]> {
    let mut key = SmallVec::new();
    key.extend_from_slice(session.mark().as_bytes());
    for text in [session.provider(), audience, rule] {
        key.extend_from_slice(&text.len().to_le_bytes());
        key.extend_from_slice(text.as_bytes());
    }
    key
}

fn seconds(time: SystemTime) -> f64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

/// What it says is about people, so it is not shown.
impl std::fmt::Debug for Issuer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Issuer").field("options", &self.options).finish_non_exhaustive()
    }
}

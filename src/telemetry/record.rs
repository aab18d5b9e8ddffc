//! One decision, as it is told everywhere: the fields are a contract, and none of them is a token, a cookie, or a claim
//! other than the subject.

use std::borrow::Cow;
use std::time::{Duration, Instant, SystemTime};

use serde::Serialize;
use tracing::Level;

use super::Redact;
use crate::policy::decision::Decision;
use crate::session::{Failures, Session};

/// The longest text of a client's that is told, in bytes.
const MAX_TOLD_BYTES: usize = 1024;

/// What a door knows of a request before anybody has read it.
#[derive(Clone, Copy, Debug)]
pub struct Arrival<'r> {
    pub method: &'r str,
    pub host: &'r str,
    /// With or without its query, which is not told.
    pub path: &'r str,
    pub request_id: &'r str,
    /// The trace that the request belongs to (W3C Trace Context, `traceparent` and `tracestate`).
    pub trace: Option<(&'r str, &'r str)>,
    /// When it came: by the clock on the wall, and by the one that only goes forward.
    pub at: SystemTime,
    pub started: Instant,
}

impl<'r> Arrival<'r> {
    /// A request that came now.
    #[must_use]
    pub fn now(method: &'r str, host: &'r str, path: &'r str, request_id: &'r str) -> Self {
        let (at, started) = (SystemTime::now(), Instant::now());
        Self { method, host, path, request_id, trace: None, at, started }
    }
}

/// A decision with what is told of its request.
#[derive(Debug, Serialize)]
pub struct Record<'d> {
    pub rule: &'d str,
    pub decision: &'static str,
    pub reason: &'static str,
    pub provider: &'d str,
    pub sub: Cow<'d, str>,
    pub method: &'d str,
    pub host: &'d str,
    /// Without the query.
    pub path: Cow<'d, str>,
    pub request_id: &'d str,
    pub duration_us: u64,
}

impl<'d> Record<'d> {
    #[must_use]
    pub fn new(
        decision: &'d Decision<'_>,
        arrival: &Arrival<'d>,
        duration: Duration,
        redact: &Redact,
    ) -> Self {
        let sub = decision.verified_session().and_then(Session::subject).unwrap_or_default();
        let path = arrival.path.split('?').next().unwrap_or_default();
        Self {
            rule: decision.rule(),
            decision: decision.label(),
            reason: decision.reason(),
            provider: decision.provider(),
            sub: redact.sub(sub),
            method: shortened(arrival.method),
            host: shortened(arrival.host),
            path: redact.path(shortened(path)),
            request_id: shortened(arrival.request_id),
            duration_us: u64::try_from(duration.as_micros()).unwrap_or(u64::MAX),
        }
    }

    /// One line in the log: at `info` where a request does not pass, else at `debug`.
    pub(crate) fn log(&self, decision: &Decision<'_>) {
        macro_rules! line {
            ($level:expr) => {
                tracing::event!(
                    $level,
                    rule = self.rule,
                    decision = self.decision,
                    reason = self.reason,
                    provider = self.provider,
                    sub = &*self.sub,
                    method = self.method,
                    host = self.host,
                    path = &*self.path,
                    request_id = self.request_id,
                    duration_us = self.duration_us,
                    "check"
                )
            };
        }
        match decision {
            Decision::Allow(_) => line!(Level::DEBUG),
            Decision::Deny(_) | Decision::Redirect(_) => line!(Level::INFO),
            Decision::Unavailable(_) => line!(Level::ERROR),
        }
    }

    /// What stands behind the reason, for whoever looks for the cause.
    pub(crate) fn log_causes(&self, decision: &Decision<'_>) {
        let request_id = self.request_id;
        for failure in decision.failures().into_iter().flat_map(Failures::iter) {
            let (provider, reason) = (&*failure.provider, failure.error.label());
            tracing::debug!(request_id, provider, reason, "{}", failure.error);
        }
        if let Some(error) = decision.condition_error() {
            tracing::warn!(request_id, rule = self.rule, "the condition has no answer: {error}");
        }
    }
}

/// What a client sends can be as long as the proxy allows; enough of it is told.
fn shortened(text: &str) -> &str {
    text.get(..text.floor_char_boundary(MAX_TOLD_BYTES)).unwrap_or(text)
}

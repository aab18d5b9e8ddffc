//! Logs: one place that sets them up, one that writes a decision.

use std::io;
use std::panic;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use tracing::Level;
use tracing_subscriber::EnvFilter;

use crate::policy::decision::Decision;
use crate::session::{Failures, Session};

/// The longest host and path that a log line holds, in bytes.
const MAX_LOGGED_BYTES: usize = 1024;

/// How much is logged, and how it is written.
#[derive(Clone, Debug)]
pub struct Telemetry {
    filter: String,
    format: Format,
}

/// The form of a log line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// One JSON object a line.
    #[default]
    Json,
    /// Text for people.
    Text,
}

/// The configured level cannot be read; for whoever wrote it.
#[derive(Debug, thiserror::Error)]
#[error(
    "`{0}` is not a level (`error`, `warn`, `info`, `debug`, `trace`) or a filter such as `info,sessiongate=debug`"
)]
pub struct FilterError(String);

impl Telemetry {
    /// # Errors
    /// [`FilterError`] where the filter is none.
    pub fn new(filter: &str, format: Format) -> Result<Self, FilterError> {
        let is_level = filter.parse::<Level>().is_ok();
        let is_filter = filter.contains('=') && EnvFilter::try_new(filter).is_ok();
        if is_level || is_filter {
            Ok(Self { filter: filter.to_owned(), format })
        } else {
            Err(FilterError(filter.to_owned()))
        }
    }

    /// Sends the logs of this process to standard error, a panic's place among them.
    pub fn install(&self) {
        let filter = EnvFilter::new(&self.filter);
        let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
        match self.format {
            Format::Json => builder.json().flatten_event(true).with_current_span(false).init(),
            Format::Text => builder.init(),
        }
        // A panic's message can quote what was being read, a cookie too: its place is enough.
        panic::set_hook(Box::new(|info| {
            let place = info.location().map(ToString::to_string).unwrap_or_default();
            tracing::error!(place, "panic");
        }));
    }
}

/// One line for a decision: at `info` where a request does not pass, else at `debug`. `path` is without its query.
pub(crate) fn log_decision(
    decision: &Decision<'_>,
    method: &str,
    host: &str,
    path: &str,
    request_id: &str,
    duration: Duration,
) {
    let sub = decision.verified_session().and_then(Session::subject).unwrap_or_default();
    let (host, path) = (shortened(host), shortened(path));
    let duration_us = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
    macro_rules! line {
        ($level:expr) => {
            tracing::event!(
                $level,
                rule = decision.rule(),
                decision = decision.label(),
                reason = decision.reason(),
                provider = decision.provider(),
                sub = &*sub,
                method,
                host,
                path,
                request_id,
                duration_us,
                "check"
            )
        };
    }
    for failure in decision.failures().into_iter().flat_map(Failures::iter) {
        let (provider, reason) = (&*failure.provider, failure.error.label());
        tracing::debug!(request_id, provider, reason, "{}", failure.error);
    }
    if let Some(error) = decision.condition_error() {
        tracing::warn!(request_id, rule = decision.rule(), "the condition has no answer: {error}");
    }
    match decision {
        Decision::Allow(_) => line!(Level::DEBUG),
        Decision::Deny(_) | Decision::Redirect(_) => line!(Level::INFO),
        Decision::Unavailable(_) => line!(Level::ERROR),
    }
}

/// What a client sends can be as long as the proxy allows; the log says enough of it.
fn shortened(text: &str) -> &str {
    text.get(..text.floor_char_boundary(MAX_LOGGED_BYTES)).unwrap_or(text)
}

//! Metrics: where they are kept, what they are called, and what each decision counts.
//!
//! Labels are names of the configuration and words of this program: no client chooses one.

mod checks;
mod process;

use std::sync::{Mutex, PoisonError};

use ::metrics::{Gauge, Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge};
use metrics_prometheus::Recorder;
use prometheus::{Histogram, HistogramOpts, Registry, TextEncoder};

pub use self::checks::CheckMetrics;
pub use self::process::ProcessMetrics;

const DURATION: &str = "sessiongate_check_duration_seconds";
const DURATION_HELP: &str = "How long a check took, from the message to the answer.";
/// Upper bounds in seconds: a session takes some microseconds, a lookup a fraction of a millisecond, a slow store
/// seconds.
const DURATION_BUCKETS: [f64; 17] = [
    0.000_01, 0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1,
    0.25, 0.5, 1.0, 5.0,
];

/// What was counted, for whoever asks.
#[derive(Clone, Debug)]
pub struct Metrics(Registry);

/// Metrics cannot be kept, or not told.
#[derive(Debug, thiserror::Error)]
pub enum MetricsError {
    #[error("another recorder keeps them already")]
    Taken,
    #[error(transparent)]
    Registry(#[from] prometheus::Error),
}

impl Metrics {
    /// Keeps the metrics of this process from now on; what was counted before is lost.
    ///
    /// # Errors
    /// Where another recorder keeps them already.
    pub fn install() -> Result<Self, MetricsError> {
        let (recorder, metrics) = Self::new()?;
        ::metrics::set_global_recorder(recorder).map_err(|_| MetricsError::Taken)?;
        describe();
        tell_build();
        counter!("sessiongate_panics_total").increment(0);
        Ok(metrics)
    }

    /// A recorder, and what it records.
    ///
    /// # Errors
    /// None with the buckets above; the library's interface has them.
    pub fn new() -> Result<(Recorder, Self), MetricsError> {
        let durations = HistogramOpts::new(DURATION, DURATION_HELP).buckets(DURATION_BUCKETS.to_vec());
        let registry = Registry::new();
        let recorder = Recorder::builder()
            .with_registry(registry.clone())
            .try_with_metric(Histogram::with_opts(durations)?)?
            .build();
        Ok((recorder, Self(registry)))
    }

    /// The text format of Prometheus, version 0.0.4.
    ///
    /// # Errors
    /// Where a family of metrics contradicts itself, which would be a defect.
    pub fn text(&self) -> Result<String, MetricsError> {
        Ok(TextEncoder::new().encode_to_string(&self.0.gather())?)
    }
}

/// Tells of which program and which configuration the figures are.
pub fn tell_config(hash: &str) {
    static TOLD: Mutex<Option<Gauge>> = Mutex::new(None);
    let info = gauge!("sessiongate_config_info", "hash" => hash.to_owned());
    let before = TOLD.lock().unwrap_or_else(PoisonError::into_inner).replace(info.clone());
    if let Some(before) = before {
        before.set(0.0);
    }
    info.set(1.0);
}

fn tell_build() {
    gauge!(
        "sessiongate_build_info",
        "version" => env!("CARGO_PKG_VERSION"),
        "commit" => env!("SESSIONGATE_COMMIT"),
        "rustc" => env!("SESSIONGATE_RUSTC")
    )
    .set(1.0);
}

fn describe() {
    for (name, what) in [
        ("sessiongate_checks_total", "Checks by decision and rule; no rule where none was reached."),
        (
            "sessiongate_unavailable_total",
            "Checks that could not be decided, by reason: outages, overload, time.",
        ),
        (
            "sessiongate_session_failures_total",
            "Sessions that were not found or not valid, by provider and reason.",
        ),
        ("sessiongate_sessions_total", "Checks that found a valid session, by provider."),
        (
            "sessiongate_tokens_total",
            "Auth.js tokens that were opened, by provider and place of the secret: 0 is the newest.",
        ),
        (
            "sessiongate_session_lookups_total",
            "Lookups of session tokens by provider: answered from memory (hit), found, unknown, or failed.",
        ),
        ("sessiongate_config_reloads_total", "Attempts to load the configuration anew, by result."),
        ("sessiongate_connections_total", "Connections by listener and what became of them."),
        ("sessiongate_panics_total", "Panics: defects of this program."),
        ("sessiongate_log_lines_dropped_total", "Lines that nobody took in time, by log."),
    ] {
        describe_counter!(name, Unit::Count, what);
    }
    describe_histogram!(DURATION, Unit::Seconds, DURATION_HELP);
    for (name, unit, what) in [
        ("sessiongate_build_info", Unit::Count, "1, with version, commit and Rust's version."),
        ("sessiongate_config_info", Unit::Count, "1, with a hash of the configuration without its secrets."),
        (
            "sessiongate_config_last_reload_successful",
            Unit::Count,
            "1 if the last attempt to load succeeded.",
        ),
        (
            "sessiongate_config_last_reload_success_timestamp_seconds",
            Unit::Seconds,
            "When a configuration was loaded last.",
        ),
        (
            "sessiongate_tls_certificate_expiry_timestamp_seconds",
            Unit::Seconds,
            "When the certificate of a listener expires.",
        ),
        ("sessiongate_connections", Unit::Count, "Open connections by listener."),
        ("sessiongate_checks_in_flight", Unit::Count, "Checks under way."),
        ("sessiongate_buffered_bytes", Unit::Bytes, "Bytes that were read and not yet answered."),
        ("sessiongate_session_cache_entries", Unit::Count, "Remembered lookups by provider."),
        ("sessiongate_pool_connections", Unit::Count, "Connections to a database by provider and state."),
        ("sessiongate_ready", Unit::Count, "1 while new requests are welcome."),
    ] {
        describe_gauge!(name, unit, what);
    }
}

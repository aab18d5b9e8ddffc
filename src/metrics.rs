//! Metrics: where they are kept, what they are called, and what each decision counts.
//!
//! Labels are names of the configuration and words of this program: no client chooses one.

mod checks;
mod process;

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use ::metrics::{Gauge, Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

pub use self::checks::CheckMetrics;
pub use self::process::ProcessMetrics;

const DURATION: &str = "sessiongate_check_duration_seconds";
/// Upper bounds in seconds: a session takes some microseconds, a lookup a fraction of a millisecond, a slow store
/// seconds.
const DURATION_BUCKETS: [f64; 17] = [
    0.000_01, 0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1,
    0.25, 0.5, 1.0, 5.0,
];
/// How often durations are sorted into their buckets, whether or not somebody asks for the metrics.
pub const UPKEEP: Duration = Duration::from_secs(2);

/// Keeps the metrics of this process from now on; what was counted before is lost.
///
/// # Errors
/// Where another recorder keeps them already.
pub fn install() -> Result<PrometheusHandle, BuildError> {
    let recorder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Full(DURATION.to_owned()), &DURATION_BUCKETS)?
        .build_recorder();
    let handle = recorder.handle();
    ::metrics::set_global_recorder(recorder).map_err(BuildError::FailedToSetGlobalRecorder)?;
    describe();
    tell_build();
    counter!("sessiongate_panics_total").absolute(0);
    Ok(handle)
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
        ("sessiongate_tls_reloads_total", "Attempts to load certificates anew, by listener and result."),
        ("sessiongate_connections_total", "Connections by listener and what became of them."),
        ("sessiongate_panics_total", "Panics: defects of this program."),
        ("sessiongate_log_lines_dropped_total", "Lines that nobody took in time, by log."),
    ] {
        describe_counter!(name, Unit::Count, what);
    }
    describe_histogram!(DURATION, Unit::Seconds, "How long a check took, from the message to the answer.");
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

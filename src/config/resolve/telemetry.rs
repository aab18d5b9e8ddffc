//! `telemetry`: the logs, the traces, and what they tell of people.

use std::path::PathBuf;
use std::time::Duration;

use url::Url;
use zeroize::Zeroizing;

use super::sessions::Secrets;
use crate::config::error::Problems;
use crate::config::raw::{RawDecisions, RawOtlp, RawRedact, RawTelemetry};
use crate::telemetry::{
    DecisionOptions, LogOptions, Place, Protocol, Redact, Redaction, Telemetry, TraceOptions,
};

const TIMEOUT: Duration = Duration::from_secs(10);
const SERVICE_NAME: &str = "sessiongate";
const TRACES: &str = "/v1/traces";

/// `None` where a mistake was noted.
pub(super) fn resolve(raw: RawTelemetry, problems: &mut Problems) -> Option<Telemetry> {
    let filter = raw.log.as_deref().unwrap_or("info");
    let log = problems.ok("telemetry.log", LogOptions::new(filter, raw.format.unwrap_or_default()));
    let decisions = raw.decisions.map(|raw| decisions(&raw, problems));
    let trace = raw.otlp.map(|raw| trace(raw, problems));
    let redact = match raw.redact {
        Some(raw) => redact(&raw, problems),
        None => Some(Redact::default()),
    };
    let decisions = match decisions {
        Some(decisions) => Some(decisions?),
        None => None,
    };
    let trace = match trace {
        Some(trace) => Some(trace?),
        None => None,
    };
    Some(Telemetry { log: log?, decisions, trace, redact: redact? })
}

fn decisions(raw: &RawDecisions, problems: &mut Problems) -> Option<DecisionOptions> {
    let sample = share("telemetry.decisions.sample", raw.sample, problems);
    let to = match raw.to.as_deref() {
        Some("stdout") => Some(Place::Stdout),
        Some("stderr") => Some(Place::Stderr),
        Some(file) if !file.is_empty() => Some(Place::File(PathBuf::from(file))),
        Some(_) | None => {
            problems.error("telemetry.decisions.to", "is missing: write `stdout`, `stderr` or a file");
            None
        }
    };
    Some(DecisionOptions { to: to?, which: raw.which.unwrap_or_default(), sample: sample? })
}

fn trace(raw: RawOtlp, problems: &mut Problems) -> Option<TraceOptions> {
    let sample = share("telemetry.otlp.sample", raw.sample, problems);
    let protocol = raw.protocol.unwrap_or_default();
    let endpoint = raw.endpoint.as_deref().and_then(|text| endpoint(text, protocol));
    if endpoint.is_none() {
        let message = "must be the collector's address, as in `http://collector:4317`";
        problems.error("telemetry.otlp", message);
    }
    for (name, value) in &raw.headers {
        let is_name = axum::http::HeaderName::try_from(name.as_str()).is_ok() && !name.ends_with("-bin");
        let is_value = value.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        if !is_name || !is_value {
            problems.error(format!("telemetry.otlp.headers.{name}"), "is no header in ASCII");
        }
    }
    Some(TraceOptions {
        endpoint: endpoint?,
        protocol,
        sample: sample?,
        headers: raw.headers.into_iter().map(|(name, value)| (name, Zeroizing::new(value))).collect(),
        service_name: raw.service_name.unwrap_or_else(|| SERVICE_NAME.to_owned()),
        timeout: raw.timeout.unwrap_or(TIMEOUT),
    })
}

/// OTLP over HTTP has a path of its own where none is written (OTLP specification, `OTLP/HTTP Request`).
fn endpoint(text: &str, protocol: Protocol) -> Option<String> {
    let url =
        Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())?;
    match (protocol, url.path()) {
        (Protocol::Http, "" | "/") => Some(format!("{}{TRACES}", text.trim_end_matches('/'))),
        (Protocol::Http | Protocol::Grpc, _) => Some(text.to_owned()),
    }
}

fn redact(raw: &RawRedact, problems: &mut Problems) -> Option<Redact> {
    let secrets = Secrets {
        path: "telemetry.redact",
        secret: raw.secret.as_ref(),
        secret_file: raw.secret_file.as_deref(),
        allow_weak: false,
    };
    let secret = secrets.one(problems).ok()?;
    let hashes = [raw.path, raw.sub].contains(&Some(Redaction::Hash));
    match (hashes, &secret) {
        (true, None) => {
            let message =
                "is missing: a hash without a key tells what it hides; write `secret` or `secret_file`";
            problems.error("telemetry.redact.secret", message);
            None
        }
        (false, Some(_)) => {
            problems.error("telemetry.redact.secret", "means nothing: neither `path` nor `sub` is `hash`");
            None
        }
        (true, Some(_)) | (false, None) => Some(Redact::new(raw.path, raw.sub, secret.as_ref())),
    }
}

fn share(path: &str, written: Option<f64>, problems: &mut Problems) -> Option<f64> {
    let share = written.unwrap_or(1.0);
    let is_share = (0.0..=1.0).contains(&share);
    problems.ok(path, is_share.then_some(share).ok_or("must be 0 to 1"))
}

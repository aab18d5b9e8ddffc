//! `telemetry` as written.

use std::time::Duration;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

use super::text_or_map::{FromText, TextOr, text_or_map};
use super::{OneOrMany, by_name};
use crate::telemetry::{Format, Protocol, Redaction, Which};

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "a map of keys")]
pub struct RawTelemetry {
    /// `error`, `warn`, `info`, `debug`, `trace`, or a filter of `tracing`. Default: `info`.
    pub log: Option<String>,
    /// The form of the log. Default: `json`.
    #[serde(deserialize_with = "by_name")]
    pub format: Option<Format>,
    /// The OpenTelemetry collector that gets a span for each check, as in `http://collector:4317`. Default: none.
    #[serde(deserialize_with = "text_or_map")]
    #[schemars(with = "Option<TextOr<RawOtlp>>")]
    pub otlp: Option<RawOtlp>,
    /// A log of decisions of its own: `stdout`, `stderr` or a file. Default: they stand in the log.
    #[serde(deserialize_with = "text_or_map")]
    #[schemars(with = "Option<TextOr<RawDecisions>>")]
    pub decisions: Option<RawDecisions>,
    /// What is not told of people, wherever decisions are told. Default: all is told.
    pub redact: Option<RawRedact>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "a URL or a map of keys")]
pub struct RawOtlp {
    /// `http://` or `https://`, host and port; over HTTP with the path, unless it is `/v1/traces`. Required.
    pub endpoint: Option<String>,
    /// How the collector is spoken to. Default: `grpc`.
    #[serde(deserialize_with = "by_name")]
    pub protocol: Option<Protocol>,
    /// The share of checks that are traced where the request does not say, 0 to 1. Default: 1.
    pub sample: Option<f64>,
    /// Headers for the collector. Default: none.
    pub headers: IndexMap<String, String>,
    /// `service.name`. Default: `sessiongate`.
    pub service_name: Option<String>,
    /// The longest that the collector may take. Default: 10 s.
    #[serde(with = "humantime_serde::option")]
    #[schemars(with = "Option<super::TimeSpan>")]
    pub timeout: Option<Duration>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "a place or a map of keys")]
pub struct RawDecisions {
    /// `stdout`, `stderr` or a file, which is opened anew on SIGHUP. Required.
    pub to: Option<String>,
    /// Which decisions are told. Default: `denied`.
    #[serde(deserialize_with = "by_name")]
    pub which: Option<Which>,
    /// The share of allowed requests that are told with `all`, 0 to 1. Default: 1.
    pub sample: Option<f64>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "a map of keys")]
pub struct RawRedact {
    /// The path of a request. Default: it is told.
    #[serde(deserialize_with = "by_name")]
    pub path: Option<Redaction>,
    /// The subject of a session. Default: it is told.
    #[serde(deserialize_with = "by_name")]
    pub sub: Option<Redaction>,
    /// The key of the hashes. Required for `hash`.
    pub secret: Option<OneOrMany>,
    /// A file with that key, in place of `secret`.
    pub secret_file: Option<String>,
}

impl FromText for RawOtlp {
    const EXPECTED: &'static str = "a URL as in `http://collector:4317`, or a map of keys";

    fn from_text(text: String) -> Option<Self> {
        Some(Self { endpoint: Some(text), ..Self::default() })
    }
}

impl FromText for RawDecisions {
    const EXPECTED: &'static str = "`stdout`, `stderr` or a file, or a map of keys";

    fn from_text(text: String) -> Option<Self> {
        Some(Self { to: Some(text), ..Self::default() })
    }
}

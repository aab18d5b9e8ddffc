//! `listen` and `forward_auth` as written.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::OneOrMany;
use super::text_or_map::{FromText, TextOr, text_or_map};

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "a map of keys")]
pub struct RawListen {
    /// Envoy's `ext_authz`: `host:port`, or `unix:` and a path. Default: `0.0.0.0:9191`.
    #[serde(deserialize_with = "text_or_map")]
    #[schemars(with = "Option<TextOr<RawListener>>")]
    pub grpc: Option<RawListener>,
    /// Forward-auth, and the public keys of assertions: `host:port`. Default: off.
    #[serde(deserialize_with = "text_or_map")]
    #[schemars(with = "Option<TextOr<RawListener>>")]
    pub http: Option<RawListener>,
    /// Health, metrics, explanations and revocations: `host:port`. Default: off.
    #[serde(deserialize_with = "text_or_map")]
    #[schemars(with = "Option<TextOr<RawListener>>")]
    pub admin: Option<RawListener>,
    /// TLS of the gRPC listener, where it is no Unix socket, and of the HTTP listener; `off` for none. Default: none.
    #[serde(deserialize_with = "text_or_map")]
    #[schemars(with = "Option<TextOr<RawTls>>")]
    pub tls: Option<RawTls>,
    /// What clients may use at most.
    pub limits: RawLimits,
    /// After SIGTERM: how long readiness fails before health does, and health before connections are asked to end.
    /// Default: 1 s.
    #[serde(with = "humantime_serde::option")]
    #[schemars(with = "Option<super::TimeSpan>")]
    pub drain_delay: Option<Duration>,
    /// How long calls in flight may take to finish after that, as in `10s`. Default: 10 s.
    #[serde(with = "humantime_serde::option")]
    #[schemars(with = "Option<super::TimeSpan>")]
    pub drain_timeout: Option<Duration>,
}

/// A listener: its address, or a map of keys.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "an address or a map of keys")]
pub struct RawListener {
    /// `host:port`; for gRPC also `unix:` and a path. Required.
    pub address: Option<String>,
    /// Who may connect to a Unix socket, in octal. Default: `"0660"`.
    pub mode: Option<String>,
    /// TLS of this listener; `off` for none. Default: `listen.tls`, and none for admin.
    #[serde(deserialize_with = "text_or_map")]
    #[schemars(with = "Option<TextOr<RawTls>>")]
    pub tls: Option<RawTls>,
    /// What `/explain` and `/config` of the admin listener ask for. Default: nothing.
    pub secret: Option<OneOrMany>,
    /// A file with that secret, in place of `secret`.
    pub secret_file: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "`off` or a map of keys")]
pub struct RawTls {
    /// A file with the certificate and those that lead to its authority, in PEM. Required.
    pub cert: Option<String>,
    /// A file with its private key, in PEM. Required.
    pub key: Option<String>,
    /// A file with the authorities of client certificates, in PEM: clients have to show one. Default: they need none.
    pub client_ca: Option<String>,
    /// Names that a client certificate has to have one of: DNS names or URIs, as in
    /// `spiffe://cluster.local/ns/istio-system/sa/ingress`; a `*` at the end stands for any rest. Default: any.
    pub allowed_client_names: Vec<String>,
    /// The oldest version of TLS that is spoken, `"1.2"` or `"1.3"`. Default: `"1.2"`.
    pub min_version: Option<String>,
    #[serde(skip)]
    pub is_off: bool,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "a map of keys")]
pub struct RawLimits {
    /// Connections of each listener at once; further ones are closed. Default: 1024.
    pub connections: Option<usize>,
    /// Checks under way at once; further ones are answered 503. Default: 1024.
    pub checks: Option<usize>,
    /// The longest message of a check, in bytes. Default: 1048576.
    pub message_bytes: Option<usize>,
    /// What is read and not yet answered, of all clients together, in bytes. Default: 67108864.
    pub buffered_bytes: Option<usize>,
    /// A connection without a request is closed after this time. Default: 5 min.
    #[serde(with = "humantime_serde::option")]
    #[schemars(with = "Option<super::TimeSpan>")]
    pub idle_timeout: Option<Duration>,
    /// A connection on which a request is neither sent nor its answer taken for this time is closed. Default: 30 s.
    #[serde(with = "humantime_serde::option")]
    #[schemars(with = "Option<super::TimeSpan>")]
    pub stall_timeout: Option<Duration>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "a map of keys")]
pub struct RawForwardAuth {
    /// The addresses and networks from which `/auth` is asked, as in `10.0.0.0/8`. Default: loopback.
    pub trusted_proxies: Option<Vec<String>>,
}

impl RawTls {
    /// What a listener uses: its own, else the one that is shared; `None` where that is off.
    pub fn at_work<'r>(own: Option<&'r Self>, shared: Option<&'r Self>) -> Option<&'r Self> {
        own.or(shared).filter(|tls| !tls.is_off)
    }
}

impl FromText for RawListener {
    const EXPECTED: &'static str = "an address as in `127.0.0.1:9191`, or a map of keys";

    fn from_text(text: String) -> Option<Self> {
        Some(Self { address: Some(text), ..Self::default() })
    }
}

impl FromText for RawTls {
    const EXPECTED: &'static str = "`off`, or a map of `cert`, `key` and more";

    fn from_text(text: String) -> Option<Self> {
        (text == "off").then(|| Self { is_off: true, ..Self::default() })
    }
}

//! `listen`: where, for whom, and how much of it.

use std::time::{Duration, SystemTime};

use super::sessions::Secrets;
use crate::config::error::{Noted, Problems};
use crate::config::raw::{RawLimits, RawListen, RawListener, RawTls};
use crate::secret::Secret;
use crate::server::listen::{GrpcAddress, Limits, Listen, Listener, TcpAddress};
use crate::server::tls::{ClientName, Tls, TlsFiles, TlsOptions};

pub(in crate::config) const DEFAULT_GRPC: &str = "0.0.0.0:9191";
const DEFAULT_DELAY: Duration = Duration::from_secs(1);
const DEFAULT_DRAIN: Duration = Duration::from_secs(10);
const H2: &[&[u8]] = &[b"h2"];
const H2_AND_HTTP1: &[&[u8]] = &[b"h2", b"http/1.1"];

/// The listeners, and the secret of the admin listener where there is one.
pub(super) struct Resolved {
    pub(super) listen: Listen,
    pub(super) secret: Option<Secret>,
}

/// `None` where a mistake was noted.
pub(super) fn resolve(raw: &RawListen, problems: &mut Problems) -> Option<Resolved> {
    let grpc = grpc(raw, problems);
    let http = tcp("http", raw.http.as_ref(), raw.tls.as_ref(), problems);
    let admin = tcp("admin", raw.admin.as_ref(), None, problems);
    let secret = secret(raw.admin.as_ref(), problems);
    for (key, listener) in [("grpc", &raw.grpc), ("http", &raw.http)] {
        if listener.as_ref().is_some_and(|raw| raw.secret.is_some() || raw.secret_file.is_some()) {
            problems.error(format!("listen.{key}.secret"), "means nothing here: it is for `listen.admin`");
        }
    }
    let limits = limits(&raw.limits, problems);
    let listen = Listen {
        grpc: grpc?,
        http: http.ok()?,
        admin: admin.ok()?,
        limits: limits?,
        drain_delay: raw.drain_delay.unwrap_or(DEFAULT_DELAY),
        drain_timeout: raw.drain_timeout.unwrap_or(DEFAULT_DRAIN),
    };
    Some(Resolved { listen, secret: secret.ok()? })
}

fn grpc(raw: &RawListen, problems: &mut Problems) -> Option<Listener<GrpcAddress>> {
    let written = raw.grpc.as_ref();
    let text = written.and_then(|raw| raw.address.as_deref()).unwrap_or(DEFAULT_GRPC);
    let address = problems.ok(&path_of("grpc", written), GrpcAddress::parse(text));
    let own_tls = written.and_then(|raw| raw.tls.as_ref());
    let mode = written.and_then(|raw| raw.mode.as_deref()).map(|text| mode(text, problems));
    let (address, tls) = match address? {
        GrpcAddress::Unix { path, mode: default } => {
            if own_tls.is_some_and(|tls| !tls.is_off) {
                problems
                    .error("listen.grpc.tls", "means nothing to a Unix socket: `mode` says who may connect");
            }
            let mode = mode.unwrap_or(Some(default));
            (GrpcAddress::Unix { path, mode: mode? }, Ok(None))
        }
        address @ GrpcAddress::Tcp(_) => {
            if mode.is_some() {
                problems.error("listen.grpc.mode", "is for a Unix socket, and this is none");
            }
            (address, tls("grpc", H2, own_tls, raw.tls.as_ref(), problems))
        }
    };
    Some(Listener { address, tls: tls.ok()? })
}

fn tcp(
    name: &'static str,
    raw: Option<&RawListener>,
    shared: Option<&RawTls>,
    problems: &mut Problems,
) -> Result<Option<Listener<TcpAddress>>, Noted> {
    let Some(raw) = raw else { return Ok(None) };
    if raw.mode.is_some() {
        problems.error(format!("listen.{name}.mode"), "is for a Unix socket, and this is none");
    }
    let path = path_of(name, Some(raw));
    let text = raw.address.as_deref().ok_or("is missing: write `host:port`");
    let address = problems.ok(&format!("listen.{name}.address"), text);
    let address = address.and_then(|text| problems.ok(&path, TcpAddress::parse(text)));
    let tls = tls(name, H2_AND_HTTP1, raw.tls.as_ref(), shared, problems)?;
    Ok(Some(Listener { address: address.ok_or(Noted)?, tls }))
}

/// The path of an address, as it was written: alone, or as one of several keys.
fn path_of(name: &str, raw: Option<&RawListener>) -> String {
    let is_alone = raw.is_none_or(|raw| {
        raw.mode.is_none() && raw.tls.is_none() && raw.secret.is_none() && raw.secret_file.is_none()
    });
    if is_alone { format!("listen.{name}") } else { format!("listen.{name}.address") }
}

/// Who may connect to a socket: nobody may execute it, so that a decimal number is found out.
fn mode(text: &str, problems: &mut Problems) -> Option<u32> {
    let parsed = u32::from_str_radix(text, 8).ok().filter(|mode| mode & !0o666 == 0 && *mode != 0);
    let message = "must be the rights to read and write in octal, in quotes, as in `\"0660\"`";
    problems.ok("listen.grpc.mode", parsed.ok_or(message))
}

fn tls(
    listener: &'static str,
    protocols: &'static [&'static [u8]],
    own: Option<&RawTls>,
    shared: Option<&RawTls>,
    problems: &mut Problems,
) -> Result<Option<std::sync::Arc<Tls>>, Noted> {
    let Some(raw) = RawTls::at_work(own, shared) else { return Ok(None) };
    let path = if own.is_some() { format!("listen.{listener}.tls") } else { "listen.tls".to_owned() };
    let mut read = |key: &str, file: Option<&String>| {
        let path = format!("{path}.{key}");
        let file = problems.ok(&path, file.ok_or("is missing: write the name of a file in PEM"))?;
        problems.read(&path, file)
    };
    let (cert, key) = (read("cert", raw.cert.as_ref()), read("key", raw.key.as_ref()));
    let client_ca = raw.client_ca.as_ref().map(|file| read("client_ca", Some(file)));
    let names = raw.allowed_client_names.iter().enumerate().map(|(at, name)| {
        problems.ok(&format!("{path}.allowed_client_names[{at}]"), ClientName::parse(name))
    });
    let names: Vec<Option<ClientName>> = names.collect();
    if !names.is_empty() && raw.client_ca.is_none() {
        problems.error(format!("{path}.allowed_client_names"), "means nothing without `client_ca`");
    }
    let only_1_3 = match raw.min_version.as_deref() {
        None | Some("1.2") => false,
        Some("1.3") => true,
        Some(_) => {
            problems.error(format!("{path}.min_version"), "must be `1.2` or `1.3`, in quotes");
            return Err(Noted);
        }
    };
    let files = TlsFiles {
        cert: cert.ok_or(Noted)?,
        key: key.ok_or(Noted)?,
        client_ca: client_ca.map(|read| read.ok_or(Noted)).transpose()?,
    };
    let options = TlsOptions {
        listener,
        protocols,
        only_1_3,
        files: [&raw.cert, &raw.key, &raw.client_ca].into_iter().flatten().cloned().collect(),
        allowed_client_names: names.into_iter().collect::<Option<_>>().ok_or(Noted)?,
    };
    let tls = Tls::new(options, &files, SystemTime::now());
    problems.ok(&path, tls).map(|tls| Some(std::sync::Arc::new(tls))).ok_or(Noted)
}

fn secret(raw: Option<&RawListener>, problems: &mut Problems) -> Result<Option<Secret>, Noted> {
    let Some(raw) = raw else { return Ok(None) };
    let secrets = Secrets {
        path: "listen.admin",
        secret: raw.secret.as_ref(),
        secret_file: raw.secret_file.as_deref(),
        allow_weak: false,
    };
    secrets.one(problems)
}

fn limits(raw: &RawLimits, problems: &mut Problems) -> Option<Limits> {
    let default = Limits::DEFAULT;
    let mut number = |key: &str, written: Option<usize>, default: usize, most: usize| {
        let number = written.unwrap_or(default);
        if (1..=most).contains(&number) {
            Some(number)
        } else {
            problems.error(format!("listen.limits.{key}"), format!("must be 1 to {most}"));
            None
        }
    };
    let connections = number("connections", raw.connections, default.connections, 1_000_000);
    let checks = number("checks", raw.checks, default.checks, 1_000_000);
    let message_bytes = number("message_bytes", raw.message_bytes, default.message_bytes, 64 << 20);
    let buffered_bytes = number("buffered_bytes", raw.buffered_bytes, default.buffered_bytes, 16 << 30);
    let mut time = |key: &str, written: Option<Duration>, default: Duration| {
        let time = written.unwrap_or(default);
        if time.is_zero() {
            problems.error(format!("listen.limits.{key}"), "must be more than nothing");
        }
        time
    };
    let idle_timeout = time("idle_timeout", raw.idle_timeout, default.idle_timeout);
    let stall_timeout = time("stall_timeout", raw.stall_timeout, default.stall_timeout);
    let (message_bytes, buffered_bytes) = (message_bytes?, buffered_bytes?);
    if message_bytes > buffered_bytes {
        problems.error("listen.limits.buffered_bytes", "must be at least `message_bytes`");
    }
    Some(Limits {
        connections: connections?,
        checks: checks?,
        message_bytes,
        buffered_bytes,
        idle_timeout,
        stall_timeout,
    })
}

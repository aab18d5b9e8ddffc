//! The same gate over HTTP: `/auth` for nginx, Caddy, Traefik and `HAProxy`, and below it for Envoy's HTTP `ext_authz`.

mod original;
mod response;

use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, SystemTime};

use axum::http::request::Parts;
use axum::http::{HeaderMap, Version, header};
use axum::response::Response;
use ipnet::IpNet;

use self::original::{Misled, Original};
use crate::program::{Doors, Program, Unread};
use crate::request::origin::Peer;
use crate::request::path::RequestPath;
use crate::request::{Headers, HttpRequest, Repeats, RequestParts};
use crate::telemetry::Arrival;

/// Where a proxy asks; Envoy puts the path that it asks about behind it.
pub const PATH: &str = "/auth";
/// The longest that a check takes: a proxy does not say how long it waits.
const LONGEST_CHECK: Duration = Duration::from_secs(10);

/// Answers proxies that ask over HTTP.
#[derive(Clone, Debug)]
pub struct ForwardAuth {
    doors: Doors,
}

impl ForwardAuth {
    #[must_use]
    pub fn new(doors: Doors) -> Self {
        Self { doors }
    }

    /// Whether a path is one at which proxies ask.
    #[must_use]
    pub fn is_asked_at(path: &str) -> bool {
        path.strip_prefix(PATH).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// Decides on the request that a proxy asks about. What it says of it is believed where its address is one of
    /// `trusted_proxies`.
    pub async fn answer(&self, parts: &Parts, peer: Option<SocketAddr>) -> Response {
        let original = Original::of(parts);
        let now = SystemTime::now();
        let arrival = arrival(original.as_ref().ok(), &parts.headers, now);
        let style = original.as_ref().map(Original::style).unwrap_or_default();
        let read = |program: &Program| {
            if !is_trusted(peer, &program.trusted_proxies) {
                tracing::warn!(
                    ?peer,
                    "forward-auth was asked from an address that is none of `trusted_proxies`"
                );
                return Err(Unread::Refused("untrusted_proxy"));
            }
            match original {
                Ok(original) => request(&original, parts, &program.trusted_proxies, now),
                Err(misled) => {
                    tracing::warn!("forward-auth was asked and {misled}");
                    Err(Unread::Malformed(misled.label()))
                }
            }
        };
        self.doors.answer(&arrival, LONGEST_CHECK, read, |decision| response::write(decision, style)).await
    }
}

fn arrival<'r>(original: Option<&Original<'r>>, headers: &'r HeaderMap, now: SystemTime) -> Arrival<'r> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let trace = text("traceparent").map(|parent| (parent, text("tracestate").unwrap_or_default()));
    let (method, host, target) =
        original.map_or(("", "", ""), |original| (original.method, original.host, original.target));
    Arrival { trace, at: now, ..Arrival::now(method, host, target, text("x-request-id").unwrap_or_default()) }
}

fn request<'r>(
    original: &Original<'r>,
    parts: &'r Parts,
    trusted: &[IpNet],
    now: SystemTime,
) -> Result<HttpRequest<'r>, Unread> {
    let (path, query) = original.target.split_once('?').unwrap_or((original.target, ""));
    let request = HttpRequest::new(RequestParts {
        method: original.method,
        scheme: original.scheme,
        host: original.host,
        path: RequestPath::parse(path).map_err(|error| Unread::Malformed(error.label()))?,
        query,
        headers: headers(parts),
        now,
    });
    let address = client_address(&parts.headers, trusted).map(|address| address.to_string());
    Ok(request.from_peer(Peer { address: address.unwrap_or_default().into(), principal: "".into() }))
}

/// The fields as they came. HTTP/2 cuts a Cookie header into pieces, which are put together again (RFC 9113, section
/// 8.2.3).
fn headers(parts: &Parts) -> Headers<'_> {
    let text = |value: &'_ [u8]| -> Cow<'_, str> { Cow::Owned(String::from_utf8_lossy(value).into_owned()) };
    let mut fields: Vec<(Cow<'_, str>, Cow<'_, str>)> = Vec::with_capacity(parts.headers.len());
    let mut crumbs: Vec<Cow<'_, str>> = Vec::new();
    for (name, value) in &parts.headers {
        let value = value.to_str().map_or_else(|_| text(value.as_bytes()), Cow::Borrowed);
        if name == header::COOKIE && parts.version == Version::HTTP_2 {
            crumbs.push(value);
        } else {
            fields.push((name.as_str().into(), value));
        }
    }
    if !crumbs.is_empty() {
        fields.push(("cookie".into(), crumbs.join("; ").into()));
    }
    Headers::new(fields, Repeats::Separate)
}

fn is_trusted(peer: Option<SocketAddr>, trusted: &[IpNet]) -> bool {
    peer.is_some_and(|peer| is_in(peer.ip(), trusted))
}

fn is_in(address: IpAddr, networks: &[IpNet]) -> bool {
    let address = address.to_canonical();
    networks.iter().any(|network| network.contains(&address))
}

/// The last address in `X-Forwarded-For` that is none of a trusted proxy: what stands before it can be anybody's.
fn client_address(headers: &HeaderMap, trusted: &[IpNet]) -> Option<IpAddr> {
    let lines: Vec<&str> =
        headers.get_all("x-forwarded-for").iter().map(|value| value.to_str().ok()).collect::<Option<_>>()?;
    let hops = lines.iter().rev().flat_map(|line| line.rsplit(','));
    for hop in hops {
        let address = address_of(hop.trim())?;
        if !is_in(address, trusted) {
            return Some(address);
        }
    }
    None
}

/// An address, with a port or without.
fn address_of(hop: &str) -> Option<IpAddr> {
    let bare = hop.trim_start_matches('[').trim_end_matches(']');
    bare.parse().ok().or_else(|| hop.parse::<SocketAddr>().map(|socket| socket.ip()).ok())
}

impl Misled {
    /// The reason that logs and metrics give.
    fn label(self) -> &'static str {
        match self {
            Self::NoUri => "no_path",
            Self::NoMethod(_) => "no_method",
            Self::NoHost => "no_host",
            Self::Repeated(_) | Self::Conflict => "conflicting_headers",
            Self::Unreadable(_) => "unreadable_headers",
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderMap;

    use super::{ForwardAuth, client_address};

    #[test]
    fn the_client_is_the_last_one_that_is_no_trusted_proxy() {
        let trusted = ["10.0.0.0/8".parse().expect("a network"), "fd00::/8".parse().expect("a network")];
        for (lines, expected) in [
            (&["203.0.113.9"][..], Some("203.0.113.9")),
            (&["1.1.1.1, 203.0.113.9, 10.1.2.3"], Some("203.0.113.9")),
            (&["1.1.1.1", "203.0.113.9:4711, 10.1.2.3"], Some("203.0.113.9")),
            (&["[2001:db8::1]:80,fd00::1"], Some("2001:db8::1")),
            (&["::ffff:10.0.0.1"], None),
            (&["1.1.1.1, unknown, 10.1.2.3"], None),
            (&[""], None),
            (&[], None),
        ] {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append("x-forwarded-for", line.parse().expect("a value"));
            }
            let expected = expected.map(|address| address.parse().expect("an address"));
            assert_eq!(client_address(&headers, &trusted), expected, "{lines:?}");
        }
    }

    #[test]
    fn proxies_ask_at_auth_and_below_it() {
        for (path, expected) in
            [("/auth", true), ("/auth/", true), ("/auth/a", true), ("/authors", false), ("/", false)]
        {
            assert_eq!(ForwardAuth::is_asked_at(path), expected, "{path}");
        }
    }
}

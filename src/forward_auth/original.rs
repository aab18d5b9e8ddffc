//! The request that a proxy asks about, from the headers that this kind of proxy sets itself. A client can send the
//! headers of another kind along; where they would tell of another request, nobody is believed.

use axum::http::HeaderMap;
use axum::http::request::Parts;
use axum::http::uri::Authority;

use super::PATH;
use super::response::Style;

const ORIGINAL_URL: &str = "x-original-url";
const ORIGINAL_METHOD: &str = "x-original-method";
const FORWARDED_URI: &str = "x-forwarded-uri";
const FORWARDED_METHOD: &str = "x-forwarded-method";
const FORWARDED_HOST: &str = "x-forwarded-host";
const FORWARDED_PROTO: &str = "x-forwarded-proto";

/// The request that the client sent to the proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Original<'r> {
    pub(super) method: &'r str,
    /// `http` or `https`; empty where the proxy does not say.
    pub(super) scheme: &'r str,
    pub(super) host: &'r str,
    /// The path and the query, as sent.
    pub(super) target: &'r str,
    style: Style,
}

/// Why it is not known what the proxy asks about; for whoever configured the proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Misled {
    #[error(
        "neither `X-Original-URL` nor `X-Forwarded-Uri` tells which path: is the proxy told to send one?"
    )]
    NoUri,
    #[error("`{0}` does not tell which method: is the proxy told to send it?")]
    NoMethod(&'static str),
    #[error("no host is told: write the whole URL into `X-Original-URL`, or send `X-Forwarded-Host`")]
    NoHost,
    #[error("`{0}` came more than once")]
    Repeated(&'static str),
    #[error("`X-Original-URL` and `X-Forwarded-Uri` tell of different requests: one of them is the client's")]
    Conflict,
    #[error("`{0}` cannot be read")]
    Unreadable(&'static str),
}

impl<'r> Original<'r> {
    /// At `/auth` the headers tell; below it the path itself does, as Envoy sends it, and no header is asked but for
    /// the scheme.
    pub(super) fn of(parts: &'r Parts) -> Result<Self, Misled> {
        let asked = parts.uri.path_and_query().map_or("", |asked| asked.as_str());
        match asked.strip_prefix(PATH) {
            Some(target) if target.starts_with('/') => Self::of_envoy(target, parts),
            Some(query) => Self::of_headers(&parts.headers, query == "?answer=full"),
            None => Err(Misled::NoUri),
        }
    }

    fn of_envoy(target: &'r str, parts: &'r Parts) -> Result<Self, Misled> {
        let of_header = single(&parts.headers, "host")?;
        let host = parts.uri.authority().map(Authority::as_str).or(of_header);
        Ok(Self {
            method: parts.method.as_str(),
            scheme: single(&parts.headers, FORWARDED_PROTO)?.unwrap_or_default(),
            host: host.ok_or(Misled::NoHost)?,
            target,
            style: Style::Full,
        })
    }

    fn of_headers(headers: &'r HeaderMap, wants_full: bool) -> Result<Self, Misled> {
        match (single(headers, ORIGINAL_URL)?, single(headers, FORWARDED_URI)?) {
            (None, None) => Err(Misled::NoUri),
            (Some(url), None) => Self::of_url(url, headers, wants_full),
            (None, Some(target)) => Self::of_forwarded(target, headers),
            (Some(url), Some(target)) => {
                let told = Self::of_url(url, headers, wants_full)?;
                if told.target == target { Ok(told) } else { Err(Misled::Conflict) }
            }
        }
    }

    /// As nginx is configured to: `X-Original-URL: https://host/path` and `X-Original-Method`.
    fn of_url(url: &'r str, headers: &'r HeaderMap, wants_full: bool) -> Result<Self, Misled> {
        let (scheme, rest) = url.split_once("://").ok_or(Misled::NoHost)?;
        let (host, target) = match rest.find('/') {
            Some(at) => rest.split_at(at),
            None => return Err(Misled::Unreadable(ORIGINAL_URL)),
        };
        if host.is_empty() || !matches!(scheme, "http" | "https") {
            return Err(Misled::NoHost);
        }
        let method = single(headers, ORIGINAL_METHOD)?.ok_or(Misled::NoMethod("X-Original-Method"))?;
        let style = if wants_full { Style::Full } else { Style::Status };
        Ok(Self { method, scheme, host, target, style })
    }

    /// As Traefik and Caddy send it: `X-Forwarded-Uri`, `-Method`, `-Host` and `-Proto`.
    fn of_forwarded(target: &'r str, headers: &'r HeaderMap) -> Result<Self, Misled> {
        Ok(Self {
            method: single(headers, FORWARDED_METHOD)?.ok_or(Misled::NoMethod("X-Forwarded-Method"))?,
            scheme: single(headers, FORWARDED_PROTO)?.unwrap_or_default(),
            host: forwarded_host(headers)?,
            target,
            style: Style::Full,
        })
    }

    pub(super) fn style(&self) -> Style {
        self.style
    }
}

/// One host: of two that were joined nobody knows which one counts.
fn forwarded_host(headers: &HeaderMap) -> Result<&str, Misled> {
    let host = single(headers, FORWARDED_HOST)?.ok_or(Misled::NoHost)?;
    if host.contains(',') { Err(Misled::Repeated(FORWARDED_HOST)) } else { Ok(host) }
}

/// The value of a header that a proxy sets: once, and not empty.
fn single<'r>(headers: &'r HeaderMap, name: &'static str) -> Result<Option<&'r str>, Misled> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Misled::Repeated(name));
    }
    match value.to_str() {
        Ok("") => Ok(None),
        Ok(text) => Ok(Some(text)),
        Err(_) => Err(Misled::Unreadable(name)),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Request;
    use axum::http::request::Parts;

    use super::{Misled, Original, Style};

    fn asked(uri: &str, headers: &[(&str, &str)]) -> Parts {
        let mut request = Request::builder().uri(uri).method("PUT");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).expect("a request").into_parts().0
    }

    const NGINX: [(&str, &str); 2] =
        [("x-original-url", "https://app.test:8443/a?b=/c"), ("x-original-method", "POST")];
    const TRAEFIK: [(&str, &str); 4] = [
        ("x-forwarded-uri", "/a?b"),
        ("x-forwarded-method", "DELETE"),
        ("x-forwarded-host", "app.test"),
        ("x-forwarded-proto", "https"),
    ];

    #[test]
    fn each_kind_of_proxy_tells_of_the_request_in_its_own_way() {
        let nginx = Original {
            method: "POST",
            scheme: "https",
            host: "app.test:8443",
            target: "/a?b=/c",
            style: Style::Status,
        };
        assert_eq!(Original::of(&asked("/auth", &NGINX)), Ok(nginx));
        let full = Original { style: Style::Full, ..nginx };
        assert_eq!(Original::of(&asked("/auth?answer=full", &NGINX)), Ok(full));
        let traefik = Original {
            method: "DELETE",
            scheme: "https",
            host: "app.test",
            target: "/a?b",
            style: Style::Full,
        };
        assert_eq!(Original::of(&asked("/auth", &TRAEFIK)), Ok(traefik));
        let envoy = Original {
            method: "PUT",
            scheme: "",
            host: "app.test",
            target: "/auth?answer=full",
            style: Style::Full,
        };
        let parts = asked("/auth/auth?answer=full", &[("host", "app.test")]);
        assert_eq!(Original::of(&parts), Ok(envoy));
        let parts = asked("/auth//x", &[("host", "app.test"), TRAEFIK[0], NGINX[0]]);
        assert_eq!(
            Original::of(&parts).map(|original| original.target),
            Ok("//x"),
            "no header tells Envoy's path"
        );
    }

    #[test]
    fn a_client_that_sends_the_headers_of_another_proxy_is_refused() {
        let with = |set: &[(&'static str, &'static str)], more: &[(&'static str, &'static str)]| {
            asked("/auth", &[set, more].concat())
        };
        for (parts, expected) in [
            (with(&NGINX, &[("x-forwarded-uri", "/public")]), Misled::Conflict),
            (with(&TRAEFIK, &[("x-original-url", "https://app.test/public"), NGINX[1]]), Misled::Conflict),
            (
                with(&TRAEFIK, &[("x-original-url", "https://app.test/a?b")]),
                Misled::NoMethod("X-Original-Method"),
            ),
            (
                with(&NGINX, &[("x-original-url", "https://app.test/public")]),
                Misled::Repeated("x-original-url"),
            ),
            (with(&TRAEFIK, &[("x-forwarded-method", "OPTIONS")]), Misled::Repeated("x-forwarded-method")),
            (
                with(&[TRAEFIK[0], TRAEFIK[1], ("x-forwarded-host", "app.test, open.test")], &[]),
                Misled::Repeated("x-forwarded-host"),
            ),
            (with(&TRAEFIK[..1], &[]), Misled::NoMethod("X-Forwarded-Method")),
            (with(&TRAEFIK[..2], &[]), Misled::NoHost),
            (with(&[("x-original-url", "/a"), NGINX[1]], &[]), Misled::NoHost),
            (
                with(&[("x-original-url", "https://app.test"), NGINX[1]], &[]),
                Misled::Unreadable("x-original-url"),
            ),
            (with(&NGINX[..1], &[("x-forwarded-method", "GET")]), Misled::NoMethod("X-Original-Method")),
            (with(&[], &[]), Misled::NoUri),
        ] {
            assert_eq!(Original::of(&parts), Err(expected), "{:?}", parts.headers);
        }
    }
}

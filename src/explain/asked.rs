//! A request as it is written on a command line or in a file, and the one that the gate is asked about.

use std::borrow::Cow;
use std::collections::HashMap;
use std::time::SystemTime;

use serde_json::Map;

use crate::request::origin::{Peer, RouteContext};
use crate::request::path::RequestPath;
use crate::request::{Headers, HttpRequest, Repeats, RequestParts};

/// What a person says of a request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked {
    pub(crate) method: String,
    /// A URL, or a path with its query.
    pub(crate) url: String,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    /// Each `name=value`.
    pub(crate) cookies: Vec<String>,
    /// Envoy's context extensions.
    pub(crate) context: HashMap<String, String>,
    /// The IP address of the other end.
    pub(crate) source: String,
    /// The identity of its client certificate.
    pub(crate) principal: String,
}

/// A URL taken apart without changing it: what a client sends is judged, not what a parser makes of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target<'u> {
    pub(crate) scheme: &'u str,
    pub(crate) host: &'u str,
    pub(crate) path: &'u str,
    pub(crate) query: &'u str,
}

/// The text is no place to ask for.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is neither an http(s) URL nor a path that starts with `/`")]
pub(crate) struct UrlError(String);

impl Asked {
    /// Where the request goes: to the URL's host, or else to that of a `host` header.
    pub(crate) fn target(&self) -> Result<Target<'_>, UrlError> {
        let target = Target::parse(&self.url)?;
        let of_header = || self.headers.iter().find(|(name, _)| name == "host");
        let host =
            if target.host.is_empty() { of_header().map_or("", |(_, value)| value) } else { target.host };
        Ok(Target { host, ..target })
    }

    /// The request, with the readings of its path.
    pub(crate) fn request<'s>(
        &'s self,
        target: &Target<'s>,
        path: RequestPath<'s>,
        now: SystemTime,
    ) -> HttpRequest<'s> {
        let request = HttpRequest::new(RequestParts {
            method: &self.method,
            scheme: target.scheme,
            host: target.host,
            path,
            query: target.query,
            headers: self.request_headers(),
            now,
        });
        let extensions = self.context.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let context = RouteContext { extensions, metadata: Map::new() };
        let peer = Peer { address: self.source.as_str().into(), principal: self.principal.as_str().into() };
        request.from_peer(peer).on_route(context)
    }

    fn request_headers(&self) -> Headers<'_> {
        let mut fields: Vec<(Cow<'_, str>, Cow<'_, str>)> =
            self.headers.iter().map(|(name, value)| (name.into(), value.into())).collect();
        if !self.cookies.is_empty() {
            fields.push(("cookie".into(), self.cookies.join("; ").into()));
        }
        Headers::new(fields, Repeats::Separate)
    }
}

impl<'u> Target<'u> {
    fn parse(url: &'u str) -> Result<Self, UrlError> {
        let (scheme, host, rest) = match url.split_once("://") {
            Some((scheme @ ("http" | "https"), rest)) => {
                let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
                let (host, rest) = rest.split_at(end);
                (scheme, host, rest)
            }
            _ if url.starts_with('/') => ("https", "", url),
            _ => return Err(UrlError(url.to_owned())),
        };
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        Ok(Self { scheme, host, path: if path.is_empty() { "/" } else { path }, query })
    }
}

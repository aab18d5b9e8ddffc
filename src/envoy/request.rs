//! `CheckRequest` to [`HttpRequest`]: taken apart once, each missing part its own error.

use std::borrow::Cow;
use std::time::SystemTime;

use prost_types::value::Kind;
use prost_types::{Struct, Value as ProtoValue};
use serde_json::{Map, Value};

use super::attribute_context::HttpRequest as EnvoyRequest;
use super::{AttributeContext, CheckRequest, HeaderValue, SocketAddressOf};
use crate::request::origin::{Peer, RouteContext};
use crate::request::path::{PathError, RequestPath};
use crate::request::{Headers, HttpRequest, Repeats, RequestParts};

/// Why a `CheckRequest` cannot be judged. All but [`Malformed::Path`] are the proxy's doing.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    #[error("the CheckRequest has no `attributes.request.http`: is the filter an HTTP filter?")]
    NoHttp,
    #[error("the CheckRequest names no method")]
    NoMethod,
    #[error("the CheckRequest has no path")]
    NoPath,
    #[error(transparent)]
    Path(#[from] PathError),
}

impl Malformed {
    /// The reason that logs and metadata give.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::NoHttp => "no_http_attributes",
            Self::NoMethod => "no_method",
            Self::NoPath => "no_path",
            Self::Path(error) => error.label(),
        }
    }
}

/// Reads Envoy's message. Method, host and path are Envoy's own, never those of a header that the client sent.
///
/// # Errors
/// [`Malformed`] names the part that is missing or wrong.
pub fn read(message: &CheckRequest, now: SystemTime) -> Result<HttpRequest<'_>, Malformed> {
    let attributes = message.attributes.as_ref().ok_or(Malformed::NoHttp)?;
    let http = http(message).ok_or(Malformed::NoHttp)?;
    if http.method.is_empty() {
        return Err(Malformed::NoMethod);
    }
    if http.path.is_empty() {
        return Err(Malformed::NoPath);
    }
    let (path, query) = http.path.split_once('?').unwrap_or((&http.path, ""));
    let request = HttpRequest::new(RequestParts {
        method: &http.method,
        scheme: &http.scheme,
        host: &http.host,
        path: RequestPath::parse(path)?,
        query,
        headers: headers(http),
        now,
    });
    Ok(request.from_peer(peer(attributes)).on_route(context(attributes)))
}

/// The HTTP part of the message, for the log of one that cannot be judged.
#[must_use]
pub fn http(message: &CheckRequest) -> Option<&EnvoyRequest> {
    message.attributes.as_ref()?.request.as_ref()?.http.as_ref()
}

fn peer(attributes: &AttributeContext) -> Peer<'_> {
    let Some(source) = &attributes.source else { return Peer::default() };
    let address = match source.address.as_ref().and_then(|address| address.address.as_ref()) {
        Some(SocketAddressOf::SocketAddress(socket)) => socket.address.as_str(),
        None => "",
    };
    Peer { address: address.into(), principal: source.principal.as_str().into() }
}

fn context(attributes: &AttributeContext) -> RouteContext<'_> {
    let extensions = Some(&attributes.context_extensions).filter(|extensions| !extensions.is_empty());
    let metadata = attributes.route_metadata_context.iter().flat_map(|metadata| &metadata.filter_metadata);
    RouteContext {
        extensions: extensions.map(Cow::Borrowed),
        metadata: metadata.map(|(namespace, fields)| (namespace.clone(), object(fields))).collect(),
    }
}

/// What the message holds is nested no deeper than its decoder allows.
fn object(fields: &Struct) -> Value {
    Value::Object(
        fields.fields.iter().map(|(name, value)| (name.clone(), json(value))).collect::<Map<_, _>>(),
    )
}

fn json(value: &ProtoValue) -> Value {
    match &value.kind {
        None | Some(Kind::NullValue(_)) => Value::Null,
        Some(Kind::BoolValue(value)) => Value::Bool(*value),
        Some(Kind::NumberValue(value)) => Value::from(*value),
        Some(Kind::StringValue(value)) => Value::from(value.as_str()),
        Some(Kind::ListValue(list)) => Value::Array(list.values.iter().map(json).collect()),
        Some(Kind::StructValue(fields)) => object(fields),
    }
}

/// With `encode_raw_headers` the headers are in `header_map`, one by one, and `headers` is empty.
fn headers(http: &EnvoyRequest) -> Headers<'_> {
    match &http.header_map {
        Some(map) if !map.headers.is_empty() => {
            let fields = map.headers.iter().map(|header| (Cow::from(header.key.as_str()), value(header)));
            Headers::new(fields.collect(), Repeats::Separate)
        }
        _ => {
            let fields = http.headers.iter().map(|(name, value)| (Cow::from(name), Cow::from(value)));
            Headers::new(fields.collect(), Repeats::Joined)
        }
    }
}

fn value(header: &HeaderValue) -> Cow<'_, str> {
    if header.raw_value.is_empty() {
        Cow::from(&header.value)
    } else {
        String::from_utf8_lossy(&header.raw_value)
    }
}

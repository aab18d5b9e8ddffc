//! `CheckRequest` to [`HttpRequest`]: taken apart once, nothing copied, each missing part its own error.

use std::borrow::Cow;
use std::time::SystemTime;

use buffa_types::google::protobuf::value::KindView;
use buffa_types::google::protobuf::{StructView, ValueView};
use serde_json::{Map, Value};

use super::CheckRequestView;
use super::views::envoy::config::core::v3::HeaderValueView;
use super::views::envoy::config::core::v3::address::AddressView;
use super::views::envoy::service::auth::v3::AttributeContextView;
use super::views::envoy::service::auth::v3::attribute_context::HttpRequestView;
use crate::request::origin::{Peer, RouteContext};
use crate::request::path::{PathError, RequestPath};
use crate::request::{Headers, HttpRequest, Repeats, RequestParts};

/// Why a `CheckRequest` cannot be judged. What is missing is the proxy's doing.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    #[error("the CheckRequest has no `attributes.request.http`: is the filter an HTTP filter?")]
    NoHttp,
    #[error("the CheckRequest names no method")]
    NoMethod,
    #[error("the CheckRequest has no path")]
    NoPath,
    /// The client's doing, which a proxy should refuse (RFC 9112, section 3.2): Envoy joins the two with a comma, and
    /// which one a service goes by is its own affair.
    #[error("the request names several hosts")]
    SeveralHosts,
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
            Self::SeveralHosts => "several_hosts",
            Self::Path(error) => error.label(),
        }
    }
}

/// Reads Envoy's message. Method, host and path are Envoy's own, never those of a header that the client sent.
///
/// # Errors
/// [`Malformed`] names the part that is missing or wrong.
pub fn read<'a>(message: &CheckRequestView<'a>, now: SystemTime) -> Result<HttpRequest<'a>, Malformed> {
    let attributes = message.attributes.as_option().ok_or(Malformed::NoHttp)?;
    let http = http(message).ok_or(Malformed::NoHttp)?;
    if http.method.is_empty() {
        return Err(Malformed::NoMethod);
    }
    if http.path.is_empty() {
        return Err(Malformed::NoPath);
    }
    if http.host.contains(',') {
        return Err(Malformed::SeveralHosts);
    }
    let (path, query) = http.path.split_once('?').unwrap_or((http.path, ""));
    let request = HttpRequest::new(RequestParts {
        method: http.method,
        scheme: http.scheme,
        host: http.host,
        path: RequestPath::parse(path)?,
        query,
        headers: headers(http),
        now,
    });
    Ok(request.from_peer(peer(attributes)).on_route(context(attributes)))
}

/// The HTTP part of the message, for the log of one that cannot be judged.
#[must_use]
pub fn http<'v, 'a>(message: &'v CheckRequestView<'a>) -> Option<&'v HttpRequestView<'a>> {
    message.attributes.as_option()?.request.as_option()?.http.as_option()
}

fn peer<'a>(attributes: &AttributeContextView<'a>) -> Peer<'a> {
    let Some(source) = attributes.source.as_option() else { return Peer::default() };
    let address = match source.address.as_option().and_then(|address| address.address.as_ref()) {
        Some(AddressView::SocketAddress(socket)) => socket.address,
        None => "",
    };
    Peer { address: address.into(), principal: source.principal.into() }
}

fn context<'a>(attributes: &AttributeContextView<'a>) -> RouteContext<'a> {
    let metadata = attributes.route_metadata_context.as_option();
    let metadata = metadata.into_iter().flat_map(|metadata| metadata.filter_metadata.iter());
    RouteContext {
        extensions: attributes.context_extensions.iter().copied().collect(),
        metadata: metadata.map(|(namespace, fields)| ((*namespace).to_owned(), object(fields))).collect(),
    }
}

/// What the message holds is nested no deeper than its decoder allows.
fn object(fields: &StructView<'_>) -> Value {
    let members = fields.fields.iter().map(|(name, value)| ((*name).to_owned(), json(value)));
    Value::Object(members.collect::<Map<_, _>>())
}

fn json(value: &ValueView<'_>) -> Value {
    match &value.kind {
        None | Some(KindView::NullValue(_)) => Value::Null,
        Some(KindView::BoolValue(value)) => Value::Bool(*value),
        Some(KindView::NumberValue(value)) => Value::from(*value),
        Some(KindView::StringValue(value)) => Value::from(*value),
        Some(KindView::ListValue(list)) => Value::Array(list.values.iter().map(json).collect()),
        Some(KindView::StructValue(fields)) => object(fields),
    }
}

/// With `encode_raw_headers` the headers are in `header_map`, one by one, and `headers` is empty.
fn headers<'a>(http: &HttpRequestView<'a>) -> Headers<'a> {
    match http.header_map.as_option() {
        Some(map) if !map.headers.is_empty() => {
            let fields = map.headers.iter().map(|header| (Cow::from(header.key), value(header)));
            Headers::new(fields.collect(), Repeats::Separate)
        }
        _ => {
            let fields = http.headers.iter().map(|(name, value)| (Cow::from(*name), Cow::from(*value)));
            Headers::new(fields.collect(), Repeats::Joined)
        }
    }
}

fn value<'a>(header: &HeaderValueView<'a>) -> Cow<'a, str> {
    if header.raw_value.is_empty() {
        Cow::from(header.value)
    } else {
        String::from_utf8_lossy(header.raw_value)
    }
}

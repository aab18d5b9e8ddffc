//! [`Decision`] to an HTTP answer: what proxies copy to the upstream, or send to the client.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};

use crate::policy::decision::{Decision, Permit};

/// By which Envoy is told what to take away from the request (its HTTP `ext_authz`).
const TO_REMOVE: &str = "x-envoy-auth-headers-to-remove";

/// How much of an answer a proxy understands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Style {
    /// It hands it to the client as it is.
    #[default]
    Full,
    /// nginx's `auth_request` knows 401 and 403 alone: a redirect is a 401 with its `location`.
    Status,
}

pub(super) fn write(decision: &Decision<'_>, style: Style) -> Response {
    match decision {
        Decision::Allow(permit) => allowed(permit),
        Decision::Deny(_) | Decision::Redirect(_) | Decision::Unavailable(_) => denied(decision, style),
    }
}

/// 200 with each header that the upstream gets. What it must not get from the client is there too, without a value:
/// who copies the headers of this answer by name overwrites what the client sent.
fn allowed(permit: &Permit<'_>) -> Response {
    let upstream = &permit.upstream;
    let set = upstream.set.iter().map(|(name, value)| (*name, value.as_str()));
    let emptied = upstream.remove.iter().map(AsRef::as_ref).filter(|name| !name.contains('_'));
    let removed = upstream.remove.iter().map(AsRef::as_ref).collect::<Vec<&str>>().join(",");
    let cookies = permit.set_cookies.iter().map(|cookie| ("set-cookie", cookie.as_str()));
    let own = [("cache-control", "no-store"), (TO_REMOVE, &*removed)];
    with_headers(
        StatusCode::OK,
        set.chain(emptied.map(|name| (name, ""))).chain(cookies).chain(own),
        Body::empty(),
    )
}

fn denied(decision: &Decision<'_>, style: Style) -> Response {
    let Some(answer) = decision.answer() else { return StatusCode::FORBIDDEN.into_response() };
    let status = match (style, decision) {
        (Style::Full, _) | (Style::Status, Decision::Unavailable(_)) => answer.status,
        (Style::Status, Decision::Redirect(_)) => 401,
        (Style::Status, _) if answer.status == 401 => 401,
        (Style::Status, _) => 403,
    };
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::FORBIDDEN);
    let headers = answer.headers.iter().map(|(name, value)| (&**name, &**value));
    with_headers(status, headers, Body::from(answer.body.into_owned()))
}

/// A header that is none makes a denial of an answer: the upstream would not know who is calling.
fn with_headers<'h>(
    status: StatusCode,
    headers: impl Iterator<Item = (&'h str, &'h str)>,
    body: Body,
) -> Response {
    let mut response = (status, body).into_response();
    for (name, value) in headers {
        let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) else {
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        };
        response.headers_mut().append(name, value);
    }
    response
}

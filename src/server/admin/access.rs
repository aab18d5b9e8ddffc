//! Who may see explanations and the configuration, and who may add revocations.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Admin;
use crate::request::host::host_name;
use crate::secret::Secret;

/// Lets through who knows the secret, where there is one, and no page of another site.
pub(super) async fn guard(State(admin): State<Admin>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    if is_of_another_site(headers) || admin.is_local && !names_this_machine(headers, request.uri()) {
        return refusal(StatusCode::FORBIDDEN, "ask for it by the address of this listener");
    }
    let program = admin.current.load_full();
    match &program.secrets.explain {
        Some(secret) if !knows(headers, secret) => {
            // A browser asks its user for a password, which is the secret.
            let challenge = [(header::WWW_AUTHENTICATE, "Bearer, Basic realm=\"sessiongate\"")];
            (challenge, refusal(StatusCode::UNAUTHORIZED, "the secret is missing or wrong")).into_response()
        }
        _ => next.run(request).await,
    }
}

/// RFC 6750, section 2.1.
pub(super) fn is_bearer(headers: &HeaderMap, secret: &Secret) -> bool {
    credentials(headers)
        .and_then(|value| value.strip_prefix("Bearer "))
        .is_some_and(|sent| secret.is(sent.as_bytes()))
}

/// A message for a program.
pub(super) fn refusal(status: StatusCode, message: &str) -> Response {
    (status, Json(serde_json::json!({ "message": message }))).into_response()
}

/// The secret as a bearer token, or as the password of any name (RFC 7617).
fn knows(headers: &HeaderMap, secret: &Secret) -> bool {
    let basic = || {
        let pair = STANDARD.decode(credentials(headers)?.strip_prefix("Basic ")?).ok()?;
        let at = pair.iter().position(|byte| *byte == b':')?;
        Some(secret.is(pair.get(at + 1..)?))
    };
    is_bearer(headers, secret) || basic().unwrap_or(false)
}

fn credentials(headers: &HeaderMap) -> Option<&str> {
    let mut sent = headers.get_all(header::AUTHORIZATION).iter();
    match (sent.next(), sent.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    }
}

/// What a browser says of the page that made it ask.
fn is_of_another_site(headers: &HeaderMap) -> bool {
    let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    !matches!(site, None | Some(b"same-origin" | b"none"))
}

/// A site can have its own name point to this machine, and would read what it finds there.
fn names_this_machine(headers: &HeaderMap, uri: &Uri) -> bool {
    let of_header = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let Some(host) = uri.authority().map(Authority::as_str).or(of_header) else { return true };
    let name = host_name(host).trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost") || name.parse::<std::net::IpAddr>().is_ok()
}

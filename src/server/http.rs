//! The HTTP listener: forward-auth, and the public keys by which upstreams verify assertions.

use aws_lc_rs::digest::{SHA256, digest};
use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::connection::Peer;
use crate::forward_auth::ForwardAuth;
use crate::program::{Current, Doors};

/// How long an upstream may keep the keys: a new key is published at least this long before it signs.
const CACHE_CONTROL: &str = "public, max-age=300";

/// What the HTTP listener answers from.
#[derive(Clone)]
struct Http {
    current: Current,
    forward_auth: ForwardAuth,
}

pub(super) fn router(doors: Doors) -> Router {
    let http = Http { current: doors.current.clone(), forward_auth: ForwardAuth::new(doors) };
    Router::new().route("/.well-known/jwks.json", get(jwks)).fallback(check).with_state(http)
}

/// The path is the proxy's own, or the client's behind it: nothing here takes it apart.
async fn check(State(http): State<Http>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    if !ForwardAuth::is_asked_at(parts.uri.path()) {
        return StatusCode::NOT_FOUND.into_response();
    }
    let peer = parts.extensions.get::<Peer>().and_then(|Peer(address)| *address);
    http.forward_auth.answer(&parts, peer).await
}

/// RFC 7517, section 8.5.1.
async fn jwks(State(http): State<Http>, headers: HeaderMap) -> Response {
    let program = http.current.load_full();
    let Some(issuer) = program.gate.identity.issuer() else { return StatusCode::NOT_FOUND.into_response() };
    let Ok(body) = serde_json::to_vec(issuer.keys().load().jwks()) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let tag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(digest(&SHA256, &body)));
    let cached = [(header::CACHE_CONTROL, CACHE_CONTROL.to_owned()), (header::ETAG, tag.clone())];
    let is_known = headers.get_all(header::IF_NONE_MATCH).iter().any(|known| known == tag.as_str());
    if is_known {
        return (StatusCode::NOT_MODIFIED, cached).into_response();
    }
    (cached, [(header::CONTENT_TYPE, "application/jwk-set+json")], body).into_response()
}

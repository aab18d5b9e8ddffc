//! The HTTP listener: the public keys by which upstreams verify assertions.

use std::sync::Arc;

use arc_swap::ArcSwap;
use aws_lc_rs::digest::{SHA256, digest};
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tokio::net::TcpListener;

use crate::identity::assertion::SigningKeys;

/// How long an upstream may keep the keys: a new key is published at least this long before it signs.
const CACHE_CONTROL: &str = "public, max-age=300";

/// What the HTTP listener answers from.
#[derive(Clone)]
pub struct Http {
    /// The keys of assertions, where any are made.
    pub keys: Option<Arc<ArcSwap<SigningKeys>>>,
}

impl Http {
    /// Serves until it is aborted.
    pub(super) async fn serve(self, listener: TcpListener) {
        if let Err(error) = axum::serve(listener, self.router()).await {
            tracing::error!(%error, "the HTTP listener failed");
        }
    }

    fn router(self) -> Router {
        Router::new().route("/.well-known/jwks.json", get(jwks)).with_state(self)
    }
}

/// RFC 7517, section 8.5.1.
async fn jwks(State(http): State<Http>, headers: HeaderMap) -> Response {
    let Some(keys) = &http.keys else { return StatusCode::NOT_FOUND.into_response() };
    let Ok(body) = serde_json::to_vec(keys.load().jwks()) else {
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

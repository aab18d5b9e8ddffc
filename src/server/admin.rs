//! The admin listener: health, metrics, and revocations, which take a secret of their own.

use std::sync::Arc;
use std::time::SystemTime;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use metrics_exporter_prometheus::PrometheusHandle;
use serde::Deserialize;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::secret::Secret;
use crate::session::revocation::{Entry, Revocations};

/// The longest request body, in bytes: one token and its JSON.
const MAX_BODY_BYTES: usize = 64 * 1024;

/// What the admin listener answers from.
#[derive(Clone)]
pub struct Admin {
    pub metrics: PrometheusHandle,
    /// Where revocations go, and the secret that takes.
    pub revocations: Option<(Arc<Revocations>, Secret)>,
    /// Whether new requests are welcome.
    pub ready: watch::Receiver<bool>,
}

/// One of the three, as the application's `events.signOut` knows it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Revocation {
    sub: Option<String>,
    jti: Option<String>,
    token: Option<String>,
}

impl Admin {
    /// Serves until it is aborted.
    pub(super) async fn serve(self, listener: TcpListener) {
        if let Err(error) = axum::serve(listener, self.router()).await {
            tracing::error!(%error, "the admin listener failed");
        }
    }

    fn router(self) -> Router {
        Router::new()
            .route("/healthz", get(|| async { "ok\n" }))
            .route("/readyz", get(ready))
            .route("/metrics", get(metrics))
            .route("/revocations", post(revoke))
            .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
            .with_state(self)
    }
}

async fn ready(State(admin): State<Admin>) -> Response {
    if *admin.ready.borrow() {
        "ready\n".into_response()
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "draining\n").into_response()
    }
}

async fn metrics(State(admin): State<Admin>) -> Response {
    admin.metrics.run_upkeep();
    let content_type = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    (content_type, admin.metrics.render()).into_response()
}

/// 204 once the entry is written; every replica learns of it within a second.
async fn revoke(State(admin): State<Admin>, headers: HeaderMap, body: axum::body::Bytes) -> Response {
    let Some((revocations, secret)) = &admin.revocations else {
        return answer(StatusCode::NOT_FOUND, "revocations are not configured");
    };
    if !is_authorized(&headers, secret) {
        let challenge = [(header::WWW_AUTHENTICATE, "Bearer")];
        return (challenge, answer(StatusCode::UNAUTHORIZED, "the bearer secret is missing or wrong"))
            .into_response();
    }
    let parsed = serde_json::from_slice::<Revocation>(&body).ok();
    let Some(entry) = parsed.and_then(Revocation::entry) else {
        return answer(StatusCode::BAD_REQUEST, "send one of {\"sub\": …}, {\"jti\": …}, {\"token\": …}");
    };
    match revocations.revoke(entry).await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => {
            tracing::error!(%error, "a revocation was not written");
            answer(StatusCode::SERVICE_UNAVAILABLE, "the revocation was not written")
        }
    }
}

impl Revocation {
    /// The entry, where exactly one thing is named and is not empty.
    fn entry(self) -> Option<Entry> {
        match (self.sub, self.jti, self.token) {
            (Some(sub), None, None) if !sub.is_empty() => Some(Entry::of_subject(&sub, SystemTime::now())),
            (None, Some(jti), None) if !jti.is_empty() => Some(Entry::TokenId(jti)),
            (None, None, Some(token)) if !token.is_empty() => Some(Entry::of_token(&token)),
            _ => None,
        }
    }
}

/// RFC 6750, section 2.1; in constant time for secrets of equal length.
fn is_authorized(headers: &HeaderMap, secret: &Secret) -> bool {
    let mut sent = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (sent.next(), sent.next()) else { return false };
    value
        .as_bytes()
        .strip_prefix(b"Bearer ")
        .is_some_and(|token| verify_slices_are_equal(token, secret.expose().as_bytes()).is_ok())
}

fn answer(status: StatusCode, message: &str) -> Response {
    (status, Json(serde_json::json!({ "message": message }))).into_response()
}

//! The admin listener: health, metrics, what is configured, what would be decided, and revocations.

mod access;
mod explain;
mod figures;
mod page;
mod ready;
mod revocations;

use std::net::SocketAddr;

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tokio::sync::watch;

pub(super) use self::figures::Figures;
use self::ready::Readiness;
use crate::program::Current;

/// The longest request body, in bytes: the headers of a request, and what a form makes of them.
const MAX_BODY_BYTES: usize = 256 * 1024;

/// What the admin listener answers from.
#[derive(Clone)]
pub(super) struct Admin {
    current: Current,
    figures: Figures,
    readiness: Readiness,
    /// Whether only this machine reaches it.
    is_local: bool,
}

impl Admin {
    pub(super) fn new(
        current: Current,
        figures: Figures,
        ready: watch::Receiver<bool>,
        address: Option<SocketAddr>,
    ) -> Self {
        let is_local = address.is_some_and(|address| address.ip().is_loopback());
        if !is_local && current.load().secrets.explain.is_none() {
            tracing::warn!(
                "`/explain` and `/config` are open to everybody who reaches the admin listener: \
                 listen on a loopback address, or set `listen.admin.secret`"
            );
        }
        Self { current, figures, readiness: Readiness::new(ready), is_local }
    }

    pub(super) fn router(self) -> Router {
        let guarded = Router::new()
            .route("/explain", get(explain::form).post(explain::answer))
            .route("/config", get(config))
            .layer(from_fn_with_state(self.clone(), access::guard));
        Router::new()
            .route("/healthz", get(|| async { "ok\n" }))
            .route("/readyz", get(ready::answer))
            .route("/metrics", get(figures::answer))
            .route("/revocations", post(revocations::answer))
            .merge(guarded)
            .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
            .with_state(self)
    }
}

/// The configuration at work, without its secrets.
async fn config(State(admin): State<Admin>) -> Response {
    let program = admin.current.load_full();
    let headers = [
        (header::CONTENT_TYPE, "application/yaml; charset=utf-8".to_owned()),
        (header::CACHE_CONTROL, "no-store".to_owned()),
        (header::ETAG, format!("\"{}\"", program.shown.hash)),
    ];
    (headers, program.shown.text.clone()).into_response()
}

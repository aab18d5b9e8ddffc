//! `/readyz`: whether new requests are welcome, and every provider could answer them.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use tokio::sync::{Mutex, watch};
use tokio::time::Instant;

use super::Admin;
use crate::program::Program;

/// How long an answer holds: whoever asks often does not make stores work.
const KEPT: Duration = Duration::from_secs(1);

/// What was found, and when.
#[derive(Clone)]
pub(super) struct Readiness {
    is_welcome: watch::Receiver<bool>,
    found: Arc<Mutex<Option<(Instant, StatusCode, String)>>>,
}

impl Readiness {
    pub(super) fn new(is_welcome: watch::Receiver<bool>) -> Self {
        Self { is_welcome, found: Arc::default() }
    }

    /// Whether new requests are welcome.
    pub(super) fn is_welcome(&self) -> bool {
        *self.is_welcome.borrow()
    }
}

/// 200 with a line for each provider, or 503.
pub(super) async fn answer(State(admin): State<Admin>) -> (StatusCode, String) {
    if !admin.readiness.is_welcome() {
        return (StatusCode::SERVICE_UNAVAILABLE, "draining\n".to_owned());
    }
    let mut found = admin.readiness.found.lock().await;
    if let Some((at, status, text)) = found.as_ref()
        && at.elapsed() < KEPT
    {
        return (*status, text.clone());
    }
    let program = admin.current.load_full();
    let (status, text) = probe(&program).await;
    *found = Some((Instant::now(), status, text.clone()));
    (status, text)
}

async fn probe(program: &Program) -> (StatusCode, String) {
    let found = program.gate.sessions.probe().await;
    let is_ready = found.iter().all(|(_, found)| found.is_ok());
    let lines = found.iter().map(|(name, found)| match found {
        Ok(()) => format!("{name}: ok\n"),
        Err(outage) => format!("{name}: {outage}\n"),
    });
    let first = if is_ready { "ready\n" } else { "not ready\n" };
    let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, std::iter::once(first.to_owned()).chain(lines).collect())
}

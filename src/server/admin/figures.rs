//! `/metrics`: what was counted, and what there is of everything just now.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use metrics::gauge;

use super::Admin;
use crate::metrics::{Metrics, ProcessMetrics};
use crate::program::{Doors, Program};
use crate::server::request::Budget;
use crate::telemetry::Log;

/// Where figures come from.
#[derive(Clone)]
pub(in crate::server) struct Figures {
    pub(in crate::server) metrics: Metrics,
    pub(in crate::server) log: Option<Arc<Log>>,
    pub(in crate::server) process: ProcessMetrics,
    pub(in crate::server) doors: Doors,
    pub(in crate::server) budget: Budget,
}

/// The text format of Prometheus, version 0.0.4.
pub(super) async fn answer(State(admin): State<Admin>) -> Response {
    let figures = &admin.figures;
    figures.process.collect();
    gauge!("sessiongate_checks_in_flight").set(number(figures.doors.in_flight()));
    gauge!("sessiongate_buffered_bytes").set(number(figures.budget.used()));
    gauge!("sessiongate_ready").set(f64::from(u8::from(admin.readiness.is_welcome())));
    if let Some(log) = &figures.log {
        log.count_dropped();
    }
    let program = admin.current.load_full();
    program.count_dropped();
    tell_providers(&program);
    match figures.metrics.text() {
        Ok(text) => {
            ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "metrics cannot be told");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

fn tell_providers(program: &Program) {
    for (name, provider) in program.gate.sessions.iter() {
        let figures = provider.figures();
        if let Some(remembered) = figures.remembered {
            let remembered = usize::try_from(remembered).unwrap_or(usize::MAX);
            gauge!("sessiongate_session_cache_entries", "provider" => name.to_string())
                .set(number(remembered));
        }
        if let Some((used, idle)) = figures.connections {
            for (state, count) in [("used", used), ("idle", idle)] {
                gauge!("sessiongate_pool_connections", "provider" => name.to_string(), "state" => state)
                    .set(f64::from(count));
            }
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
fn number(count: usize) -> f64 {
    count as f64
}

//! The `Authorization` service: one check, one log line, and a denial whatever goes wrong.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use futures_util::FutureExt as _;
use tonic::metadata::MetadataMap;
use tonic::{Request, Response, Status};

use super::{Authorization, CheckRequest, CheckResponse, request, response};
use crate::gate::Gate;
use crate::metrics;
use crate::policy::decision::{Decision, Unavailable};
use crate::telemetry::log_decision;

/// The longest that a check takes where the caller does not say how long it waits.
const LONGEST_CHECK: Duration = Duration::from_secs(10);

/// Envoy's door to the gate.
#[derive(Debug)]
pub struct AuthorizationService {
    gate: Arc<Gate>,
}

impl AuthorizationService {
    #[must_use]
    pub fn new(gate: Arc<Gate>) -> Self {
        Self { gate }
    }

    /// Decides on one message, within the time that the proxy waits for it.
    pub async fn answer(&self, message: &CheckRequest, now: SystemTime, deadline: Duration) -> CheckResponse {
        let started = Instant::now();
        let decide = async {
            match request::read(message, now) {
                Ok(request) => self.gate.check(&request).await,
                Err(malformed) => Decision::malformed(malformed.label()),
            }
        };
        let decision = or_deny(tokio::time::timeout(deadline, decide).map(|decided| {
            // The timer is asked only after the decision was.
            decided.unwrap_or(Decision::Unavailable(Unavailable::Deadline))
        }))
        .await;
        log(&decision, message, started.elapsed());
        metrics::count(&decision);
        response::write(&decision)
    }
}

#[tonic::async_trait]
impl Authorization for AuthorizationService {
    async fn check(&self, request: Request<CheckRequest>) -> Result<Response<CheckResponse>, Status> {
        let deadline = deadline(request.metadata());
        Ok(Response::new(self.answer(request.get_ref(), SystemTime::now(), deadline).await))
    }
}

/// A panic is a denial. The panic hook has logged where it happened.
async fn or_deny<'g>(decide: impl Future<Output = Decision<'g>>) -> Decision<'g> {
    // The gate is not changed by a check, so a check that ended half-way leaves nothing broken behind.
    AssertUnwindSafe(decide).catch_unwind().await.unwrap_or(Decision::Unavailable(Unavailable::Panic))
}

/// How long an answer is of use: nine tenths of what the caller waits (`grpc-timeout`, as Envoy sends it), so that
/// the client gets our 503 and not the proxy's 403.
fn deadline(metadata: &MetadataMap) -> Duration {
    let asked = metadata.get("grpc-timeout").and_then(|value| value.to_str().ok()).and_then(grpc_timeout);
    asked.map_or(LONGEST_CHECK, |asked| LONGEST_CHECK.min(asked / 10 * 9))
}

/// At most eight digits and a unit (the gRPC protocol over HTTP/2).
fn grpc_timeout(text: &str) -> Option<Duration> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let number: u64 = number.parse().ok().filter(|_| number.len() <= 8)?;
    Some(match unit {
        "H" => Duration::from_secs(number * 3600),
        "M" => Duration::from_secs(number * 60),
        "S" => Duration::from_secs(number),
        "m" => Duration::from_millis(number),
        "u" => Duration::from_micros(number),
        "n" => Duration::from_nanos(number),
        _ => return None,
    })
}

fn log(decision: &Decision<'_>, message: &CheckRequest, duration: Duration) {
    let http = request::http(message);
    let path = http.map_or("", |http| http.path.split('?').next().unwrap_or_default());
    log_decision(
        decision,
        http.map_or("", |http| &http.method),
        http.map_or("", |http| &http.host),
        path,
        http.map_or("", |http| &http.id),
        duration,
    );
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::FutureExt as _;

    use super::{Decision, grpc_timeout, or_deny, response};
    use crate::envoy::HttpResponse;

    #[test]
    fn a_panic_in_a_check_is_a_denial() {
        let decision = or_deny(async { panic!("a defect") }).now_or_never().expect("nothing to wait for");
        let response = response::write(&decision);
        assert_eq!(response.status.expect("a status").code, tonic::Code::Unavailable as i32);
        let Some(HttpResponse::ErrorResponse(answer)) = response.http_response else {
            panic!("an error response, not {:?}", response.http_response);
        };
        assert_eq!(answer.status.expect("a status").code, 503);
        assert!(
            answer
                .headers
                .iter()
                .any(|option| { option.header.as_ref().is_some_and(|header| header.key == "retry-after") })
        );
    }

    #[test]
    fn the_callers_patience_is_read_as_grpc_writes_it() {
        for (text, expected) in [
            ("200m", Some(Duration::from_millis(200))),
            ("3S", Some(Duration::from_secs(3))),
            ("99999999H", Some(Duration::from_hours(99_999_999))),
            ("100000000m", None),
            ("5", None),
            ("m", None),
            ("", None),
            ("-1m", None),
            ("1ü", None),
        ] {
            assert_eq!(grpc_timeout(text), expected, "{text}");
        }
    }

    #[test]
    fn a_decision_without_a_permit_never_has_code_zero() {
        let response = response::write(&Decision::malformed("no_path"));
        assert_ne!(response.status.expect("a status").code, 0);
    }
}

//! The `Authorization` service: one check, one log line, and a denial whatever goes wrong.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use tonic::{Request, Response, Status};

use super::{Authorization, CheckRequest, CheckResponse, request, response};
use crate::gate::Gate;
use crate::policy::decision::{Decision, Outage};
use crate::telemetry::log_decision;

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

    /// Decides on one message.
    #[must_use]
    pub fn answer(&self, message: &CheckRequest, now: SystemTime) -> CheckResponse {
        let started = Instant::now();
        let decision = or_deny(|| match request::read(message, now) {
            Ok(request) => self.gate.check(&request),
            Err(malformed) => Decision::malformed(malformed.label()),
        });
        log(&decision, message, started.elapsed());
        response::write(&decision)
    }
}

#[tonic::async_trait]
impl Authorization for AuthorizationService {
    async fn check(&self, request: Request<CheckRequest>) -> Result<Response<CheckResponse>, Status> {
        Ok(Response::new(self.answer(request.get_ref(), SystemTime::now())))
    }
}

/// A panic is a denial. The panic hook has logged where it happened.
fn or_deny<'g>(decide: impl FnOnce() -> Decision<'g>) -> Decision<'g> {
    // The gate is not changed by a check, so a check that ended half-way leaves nothing broken behind.
    catch_unwind(AssertUnwindSafe(decide)).unwrap_or(Decision::Unavailable(Outage::Panic))
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
    use super::{Decision, or_deny, response};
    use crate::envoy::HttpResponse;

    #[test]
    fn a_panic_in_a_check_is_a_denial() {
        let response = response::write(&or_deny(|| panic!("a defect")));
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
    fn a_decision_without_a_permit_never_has_code_zero() {
        let response = response::write(&Decision::malformed("no_path"));
        assert_ne!(response.status.expect("a status").code, 0);
    }
}

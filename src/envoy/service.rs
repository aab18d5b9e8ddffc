//! The `Authorization` service: Envoy's door to the gate.

use std::time::{Duration, SystemTime};

use tonic::metadata::MetadataMap;
use tonic::{Request, Response, Status};

use super::codec::{Answered, Asked};
use super::views::envoy::service::auth::v3::attribute_context::HttpRequestView;
use super::{Authorization, CheckRequestView, request, response};
use crate::program::{Doors, Unread};
use crate::telemetry::Arrival;

/// The longest that a check takes where the caller does not say how long it waits.
const LONGEST_CHECK: Duration = Duration::from_secs(10);

/// Answers Envoy.
#[derive(Clone, Debug)]
pub struct AuthorizationService {
    doors: Doors,
}

impl AuthorizationService {
    #[must_use]
    pub fn new(doors: Doors) -> Self {
        Self { doors }
    }

    /// Decides on one message, within the time that the proxy waits for it. `trace` is the proxy's own.
    pub async fn answer(
        &self,
        message: &CheckRequestView<'_>,
        now: SystemTime,
        deadline: Duration,
        trace: Option<(&str, &str)>,
    ) -> Answered {
        let http = request::http(message);
        let arrival = Arrival {
            trace: trace.or_else(|| http.and_then(trace_of_client)),
            at: now,
            ..Arrival::now(
                http.map_or("", |http| http.method),
                http.map_or("", |http| http.host),
                http.map_or("", |http| http.path),
                http.map_or("", |http| http.id),
            )
        };
        let read =
            |_: &_| request::read(message, now).map_err(|malformed| Unread::Malformed(malformed.label()));
        self.doors.answer(&arrival, deadline, read, response::write).await
    }
}

#[tonic::async_trait]
impl Authorization for AuthorizationService {
    async fn check(&self, request: Request<Asked>) -> Result<Response<Answered>, Status> {
        let metadata = request.metadata();
        let (deadline, trace) = (deadline(metadata), trace_of_proxy(metadata));
        let message =
            request.get_ref().read().map_err(|error| Status::invalid_argument(error.to_string()))?;
        Ok(Response::new(self.answer(&message, SystemTime::now(), deadline, trace).await))
    }
}

/// Envoy's own span of the check, where it traces.
fn trace_of_proxy(metadata: &MetadataMap) -> Option<(&str, &str)> {
    let text = |name| metadata.get(name).and_then(|value| value.to_str().ok());
    text("traceparent").map(|parent| (parent, text("tracestate").unwrap_or_default()))
}

/// The span of whoever sent the request.
fn trace_of_client<'a>(http: &HttpRequestView<'a>) -> Option<(&'a str, &'a str)> {
    let raw = |name: &str| {
        let header = http.header_map.as_option()?.headers.iter().find(|header| header.key == name)?;
        str::from_utf8(header.raw_value).ok().filter(|raw| !raw.is_empty()).or(Some(header.value))
    };
    let text = |name: &str| http.headers.get(name).copied().or_else(|| raw(name));
    text("traceparent").map(|parent| (parent, text("tracestate").unwrap_or_default()))
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use prost::Message as _;

    use super::{grpc_timeout, response};
    use crate::envoy::{CheckResponse, HttpResponse};
    use crate::policy::decision::{Decision, Unavailable};

    fn written(decision: &Decision<'_>) -> CheckResponse {
        CheckResponse::decode(response::write(decision).bytes()).expect("a CheckResponse")
    }

    #[test]
    fn what_cannot_be_decided_is_a_denial_in_every_way() {
        for (unavailable, code) in [
            (Unavailable::Panic, tonic::Code::Unavailable),
            (Unavailable::Deadline, tonic::Code::Unavailable),
            (Unavailable::Overloaded, tonic::Code::ResourceExhausted),
        ] {
            let response = written(&Decision::Unavailable(unavailable));
            assert_eq!(response.status.expect("a status").code, code as i32);
            let Some(HttpResponse::ErrorResponse(answer)) = response.http_response else {
                panic!("an error response, not {:?}", response.http_response);
            };
            assert_eq!(answer.status.expect("a status").code, 503);
            let mut headers = answer.headers.iter().filter_map(|option| option.header.as_ref());
            assert!(headers.any(|header| header.key == "retry-after"));
        }
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
        let response = written(&Decision::malformed("no_path"));
        assert_ne!(response.status.expect("a status").code, 0);
    }
}

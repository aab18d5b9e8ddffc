//! [`Decision`] to `CheckResponse`: the one place that writes what Envoy acts on.
//!
//! For Envoy `status.code == 0` allows, whatever else the message holds, and a message without a status is such a
//! one. So every response is made here, the code comes from the decision alone, and code 0 takes a [`Permit`].

use std::collections::BTreeMap;

use prost_types::value::Kind;
use prost_types::{ListValue, Struct, Value};
use tonic::Code;

use super::{
    CheckResponse, DeniedHttpResponse, HeaderAppendAction, HeaderValue, HeaderValueOption, HttpResponse,
    HttpStatus, OkHttpResponse, RpcStatus,
};
use crate::policy::answer::Answer;
use crate::policy::decision::{Decision, Permit, Unavailable};
use crate::policy::denial::DenialKind;

/// What Envoy is told.
#[must_use]
pub fn write(decision: &Decision<'_>) -> CheckResponse {
    let dynamic_metadata = Some(metadata(decision));
    let (code, http_response) = match decision {
        Decision::Allow(permit) => (Code::Ok, ok(permit)),
        Decision::Redirect(_) => (Code::Unauthenticated, HttpResponse::DeniedResponse(denied(decision))),
        Decision::Deny(denial) => (denial_code(&denial.kind), HttpResponse::DeniedResponse(denied(decision))),
        Decision::Unavailable(outage) => {
            (unavailable_code(outage), HttpResponse::ErrorResponse(denied(decision)))
        }
    };
    let status = Some(RpcStatus { code: code as i32, message: decision.reason().to_owned() });
    CheckResponse { status, http_response: Some(http_response), dynamic_metadata }
}

fn unavailable_code(outage: &Unavailable<'_>) -> Code {
    match outage {
        Unavailable::Overloaded => Code::ResourceExhausted,
        Unavailable::Panic | Unavailable::Deadline | Unavailable::Session { .. } => Code::Unavailable,
    }
}

fn denial_code(kind: &DenialKind) -> Code {
    match kind {
        DenialKind::Unauthenticated(_) | DenialKind::UnauthenticatedCustom(..) => Code::Unauthenticated,
        DenialKind::Forbidden(..) => Code::PermissionDenied,
        DenialKind::Malformed(_) => Code::InvalidArgument,
    }
}

fn ok(permit: &Permit<'_>) -> HttpResponse {
    let upstream = &permit.upstream;
    HttpResponse::OkResponse(OkHttpResponse {
        headers: upstream.set.iter().map(|(name, value)| overwrite(name, value)).collect(),
        headers_to_remove: upstream.remove.iter().map(ToString::to_string).collect(),
        response_headers_to_add: to_browser(&permit.set_cookies),
    })
}

/// Cookies stand beside those of the upstream; what sets one must not be kept by a cache, whatever the upstream says.
fn to_browser(set_cookies: &[String]) -> Vec<HeaderValueOption> {
    let no_store = (!set_cookies.is_empty()).then(|| overwrite("cache-control", "no-store"));
    set_cookies.iter().map(|cookie| append("set-cookie", cookie)).chain(no_store).collect()
}

fn denied(decision: &Decision<'_>) -> DeniedHttpResponse {
    let Some(Answer { status, headers, body }) = decision.answer() else {
        return DeniedHttpResponse {
            status: Some(HttpStatus { code: 403 }),
            headers: vec![],
            body: String::new(),
        };
    };
    DeniedHttpResponse {
        status: Some(HttpStatus { code: i32::from(status) }),
        // In a denial Envoy keeps several `set-cookie` that overwrite, and drops every header that appends.
        headers: headers.iter().map(|(name, value)| overwrite(name, value)).collect(),
        body: body.into_owned(),
    }
}

/// Versions of Envoy differ in which of `append` and `append_action` they follow: both say the same.
fn overwrite(name: &str, value: &str) -> HeaderValueOption {
    option(name, value, false, HeaderAppendAction::OverwriteIfExistsOrAdd)
}

fn append(name: &str, value: &str) -> HeaderValueOption {
    option(name, value, true, HeaderAppendAction::AppendIfExistsOrAdd)
}

fn option(name: &str, value: &str, append: bool, action: HeaderAppendAction) -> HeaderValueOption {
    HeaderValueOption {
        header: Some(HeaderValue { key: name.to_owned(), value: value.to_owned(), raw_value: Vec::new() }),
        append: Some(append),
        append_action: action as i32,
    }
}

fn metadata(decision: &Decision<'_>) -> Struct {
    let text = |text: &str| Value { kind: Some(Kind::StringValue(text.to_owned())) };
    let mut fields: BTreeMap<String, Value> =
        decision.metadata().iter().map(|(name, value)| ((*name).to_owned(), proto(value))).collect();
    fields.extend([
        ("decision".to_owned(), text(decision.label())),
        ("provider".to_owned(), text(decision.provider())),
        ("reason".to_owned(), text(decision.reason())),
        ("rule".to_owned(), text(decision.rule())),
    ]);
    Struct { fields }
}

fn proto(value: &serde_json::Value) -> Value {
    use serde_json::Value as Json;
    let kind = match value {
        Json::Null => Kind::NullValue(0),
        Json::Bool(value) => Kind::BoolValue(*value),
        Json::Number(number) => Kind::NumberValue(number.as_f64().unwrap_or_default()),
        Json::String(text) => Kind::StringValue(text.clone()),
        Json::Array(items) => Kind::ListValue(ListValue { values: items.iter().map(proto).collect() }),
        Json::Object(members) => {
            let fields = members.iter().map(|(name, value)| (name.clone(), proto(value))).collect();
            Kind::StructValue(Struct { fields })
        }
    };
    Value { kind: Some(kind) }
}

//! [`Decision`] to `CheckResponse`: the one place that writes what Envoy acts on.
//!
//! For Envoy `status.code == 0` allows, whatever else the message holds, and a message without a status is such a
//! one. So every response is made here, the code comes from the decision alone, and code 0 takes a [`Permit`].

use buffa::{MapView, MessageFieldView, RepeatedView, ViewEncode as _};
use buffa_types::google::protobuf::value::KindView;
use buffa_types::google::protobuf::{BoolValueView, ListValueView, NullValue, StructView, ValueView};
use tonic::Code;

use super::views::envoy::config::core::v3::header_value_option::HeaderAppendAction;
use super::views::envoy::config::core::v3::{HeaderValueOptionView, HeaderValueView};
use super::views::envoy::service::auth::v3::check_response::HttpResponseView;
use super::views::envoy::service::auth::v3::{CheckResponseView, DeniedHttpResponseView, OkHttpResponseView};
use super::views::envoy::r#type::v3::HttpStatusView;
use super::views::google::rpc::StatusView;
use crate::policy::answer::Answer;
use crate::policy::decision::{Decision, Permit, Unavailable};
use crate::policy::denial::DenialKind;

/// A `CheckResponse` as it goes to Envoy. Nobody else makes one.
#[derive(Clone)]
pub struct Written(Vec<u8>);

impl Written {
    /// The encoded message.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Without what it says: it names the caller.
impl std::fmt::Debug for Written {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Written({} bytes)", self.0.len())
    }
}

/// What Envoy is told.
#[must_use]
pub fn write(decision: &Decision<'_>) -> Written {
    let answer = decision.answer();
    let denied = || Box::new(denied(answer.as_ref()));
    let (code, http_response) = match decision {
        Decision::Allow(permit) => (Code::Ok, HttpResponseView::OkResponse(Box::new(ok(permit)))),
        Decision::Redirect(_) => (Code::Unauthenticated, HttpResponseView::DeniedResponse(denied())),
        Decision::Deny(denial) => (denial_code(&denial.kind), HttpResponseView::DeniedResponse(denied())),
        Decision::Unavailable(outage) => {
            (unavailable_code(outage), HttpResponseView::ErrorResponse(denied()))
        }
    };
    let response = CheckResponseView {
        status: MessageFieldView::set(StatusView { code: code as i32, message: decision.reason() }),
        http_response: Some(http_response),
        dynamic_metadata: MessageFieldView::set(metadata(decision)),
    };
    Written(response.encode_to_vec())
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

fn ok<'d>(permit: &'d Permit<'_>) -> OkHttpResponseView<'d> {
    let upstream = &permit.upstream;
    OkHttpResponseView {
        headers: upstream.set.iter().map(|(name, value)| overwrite(name, value)).collect(),
        headers_to_remove: upstream.remove.iter().map(AsRef::as_ref).collect(),
        response_headers_to_add: to_browser(&permit.set_cookies),
    }
}

/// Cookies stand beside those of the upstream; what sets one must not be kept by a cache, whatever the upstream says.
fn to_browser(set_cookies: &[String]) -> RepeatedView<'_, HeaderValueOptionView<'_>> {
    let no_store = (!set_cookies.is_empty()).then(|| overwrite("cache-control", "no-store"));
    set_cookies.iter().map(|cookie| append("set-cookie", cookie)).chain(no_store).collect()
}

fn denied<'d>(answer: Option<&'d Answer<'_>>) -> DeniedHttpResponseView<'d> {
    let status = |status: u16| {
        let code = i32::from(status).into();
        MessageFieldView::set(HttpStatusView { code, ..HttpStatusView::default() })
    };
    let Some(Answer { status: code, headers, body }) = answer else {
        return DeniedHttpResponseView { status: status(403), headers: RepeatedView::default(), body: "" };
    };
    DeniedHttpResponseView {
        status: status(*code),
        // In a denial Envoy keeps several `set-cookie` that overwrite, and drops every header that appends.
        headers: headers.iter().map(|(name, value)| overwrite(name, value)).collect(),
        body,
    }
}

/// Versions of Envoy differ in which of `append` and `append_action` they follow: both say the same.
fn overwrite<'d>(name: &'d str, value: &'d str) -> HeaderValueOptionView<'d> {
    option(name, value, false, HeaderAppendAction::OVERWRITE_IF_EXISTS_OR_ADD)
}

fn append<'d>(name: &'d str, value: &'d str) -> HeaderValueOptionView<'d> {
    option(name, value, true, HeaderAppendAction::APPEND_IF_EXISTS_OR_ADD)
}

fn option<'d>(
    key: &'d str,
    value: &'d str,
    append: bool,
    action: HeaderAppendAction,
) -> HeaderValueOptionView<'d> {
    HeaderValueOptionView {
        header: MessageFieldView::set(HeaderValueView { key, value, raw_value: &[] }),
        append: MessageFieldView::set(BoolValueView { value: append, ..BoolValueView::default() }),
        append_action: action.into(),
    }
}

fn metadata<'d>(decision: &'d Decision<'_>) -> StructView<'d> {
    let text = |text| valued(KindView::StringValue(text));
    let own = [
        ("decision", text(decision.label())),
        ("provider", text(decision.provider())),
        ("reason", text(decision.reason())),
        ("rule", text(decision.rule())),
    ];
    // Of two entries with one name the last one counts: nothing that is configured takes the place of these.
    let configured = decision.metadata().iter().map(|(name, value)| (*name, proto(value)));
    StructView { fields: configured.chain(own).collect(), ..StructView::default() }
}

fn proto(value: &serde_json::Value) -> ValueView<'_> {
    use serde_json::Value as Json;
    valued(match value {
        Json::Null => KindView::NullValue(NullValue::NULL_VALUE.into()),
        Json::Bool(value) => KindView::BoolValue(*value),
        Json::Number(number) => KindView::NumberValue(number.as_f64().unwrap_or_default()),
        Json::String(text) => KindView::StringValue(text),
        Json::Array(items) => {
            let values = items.iter().map(proto).collect();
            KindView::ListValue(Box::new(ListValueView { values, ..ListValueView::default() }))
        }
        Json::Object(members) => {
            let fields: MapView<'_, _, _> =
                members.iter().map(|(name, value)| (name.as_str(), proto(value))).collect();
            KindView::StructValue(Box::new(StructView { fields, ..StructView::default() }))
        }
    })
}

fn valued(kind: KindView<'_>) -> ValueView<'_> {
    ValueView { kind: Some(kind), ..ValueView::default() }
}

//! `on_deny`: how a client that may not pass is told.

use std::sync::Arc;

use crate::config::error::Problems;
use crate::config::raw::{NamedOnDeny, RawAnswer, RawOnDeny};
use crate::envoy::StatusCode;
use crate::policy::denial::CustomAnswer;
use crate::policy::on_deny::OnDeny;

pub(super) fn resolve(raw: RawOnDeny, path: &str, problems: &mut Problems) -> Option<OnDeny> {
    match raw {
        RawOnDeny::Named(NamedOnDeny::Auto) => Some(OnDeny::Auto),
        RawOnDeny::Named(NamedOnDeny::Redirect) => Some(OnDeny::Redirect),
        RawOnDeny::Named(NamedOnDeny::Unauthorized) => Some(OnDeny::Unauthorized),
        RawOnDeny::Custom(answer) => custom(answer, path, problems),
    }
}

fn custom(raw: RawAnswer, path: &str, problems: &mut Problems) -> Option<OnDeny> {
    let is_known = StatusCode::try_from(i32::from(raw.status)).is_ok();
    if !is_known || !(300..600).contains(&raw.status) {
        let message = format!("{} is not a status from 300 to 599 that Envoy knows", raw.status);
        problems.error(format!("{path}.status"), message);
        return None;
    }
    let mut headers = Vec::new();
    for (name, value) in raw.headers {
        if !is_header_name(&name) || !is_header_value(&value) {
            let message =
                "is no legal header: the name has letters, digits and `-`, the value no control characters";
            problems.error(format!("{path}.headers.{name}"), message);
            return None;
        }
        headers.push((name.to_ascii_lowercase(), value));
    }
    Some(OnDeny::Custom(Arc::new(CustomAnswer { status: raw.status, headers, body: raw.body })))
}

/// RFC 9110, section 5.6.2, without the characters that nobody uses in a name.
fn is_header_name(name: &str) -> bool {
    let owned_by_http = ["connection", "content-length", "transfer-encoding"];
    !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        && !owned_by_http.contains(&name.to_ascii_lowercase().as_str())
}

fn is_header_value(value: &str) -> bool {
    value.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

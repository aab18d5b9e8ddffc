//! Session cookies on their way to the browser: issued again with a new expiry, or cleared.

use std::time::{Duration, UNIX_EPOCH};

use crate::request::HttpRequest;
use crate::session::Renewal;

/// The `Set-Cookie` values that give a session's cookies their new value and expiry, with the attributes and in the
/// order of Auth.js; parts of the token before are cleared.
pub(super) fn renewing(renewal: &Renewal, request: &HttpRequest<'_>) -> Vec<String> {
    let expires = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(renewal.expires));
    let set = renewal.set.iter().map(|(name, value)| {
        format!("{name}={value}; Path=/; Expires={expires}; HttpOnly;{} SameSite=Lax", secure(name, request))
    });
    let stale: Vec<&str> = renewal.stale.iter().map(String::as_str).collect();
    clearing(&stale, request).into_iter().chain(set).collect()
}

/// The `Set-Cookie` values that end these cookies in the browser, with the attributes that Auth.js gave them.
pub(crate) fn clearing(names: &[&str], request: &HttpRequest<'_>) -> Vec<String> {
    let clear =
        |name: &&str| format!("{name}=; Max-Age=0; Path=/; HttpOnly;{} SameSite=Lax", secure(name, request));
    names.iter().map(clear).collect()
}

fn secure(name: &str, request: &HttpRequest<'_>) -> &'static str {
    let is_secure = name.starts_with("__Secure-") || name.starts_with("__Host-");
    if is_secure || request.scheme == "https" { " Secure;" } else { "" }
}

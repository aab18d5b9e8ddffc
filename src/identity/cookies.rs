//! Session cookies on their way: kept from the upstream, or cleared in the browser.

use crate::request::HttpRequest;
use crate::session::Providers;

/// The request's cookies without those of any provider, byte for byte; `None` where nothing is taken away.
pub(super) fn without_session_cookies(providers: &Providers, request: &HttpRequest<'_>) -> Option<String> {
    if !request.cookies().iter().any(|(name, _)| providers.owns_cookie(name)) {
        return None;
    }
    let mut kept: Vec<&str> = Vec::new();
    for header in request.headers.get_all("cookie") {
        let others = header.split(';').map(|pair| pair.trim_start_matches([' ', '\t'])).filter(|pair| {
            let name = pair.split('=').next().unwrap_or_default().trim_end_matches([' ', '\t']);
            !pair.is_empty() && !providers.owns_cookie(name)
        });
        kept.extend(others);
    }
    Some(kept.join("; "))
}

/// The `Set-Cookie` values that end these cookies in the browser, with the attributes that Auth.js gave them.
pub(crate) fn clearing(names: &[&str], request: &HttpRequest<'_>) -> Vec<String> {
    let clear = |name: &&str| {
        let is_secure = name.starts_with("__Secure-") || name.starts_with("__Host-");
        let secure = if is_secure || request.scheme == "https" { " Secure;" } else { "" };
        format!("{name}=; Max-Age=0; Path=/; HttpOnly;{secure} SameSite=Lax")
    };
    names.iter().map(clear).collect()
}

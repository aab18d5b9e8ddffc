//! Session cookies that are kept from the upstream.

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

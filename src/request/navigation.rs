//! Whether a request is a browser going to a page, which can follow a redirect to a login.

use super::HttpRequest;

/// Headers with which Next.js's client asks for data in place of a page; it cannot follow a login's redirect.
const CLIENT_NAVIGATION: [&str; 3] = ["rsc", "next-router-state-tree", "next-action"];

/// True for a browser's page navigation: GET or HEAD whose `Sec-Fetch-Mode` is `navigate` or, without that
/// header, whose `Accept` asks for `text/html`.
#[must_use]
pub fn is_page_navigation(request: &HttpRequest<'_>) -> bool {
    matches!(request.method, "GET" | "HEAD")
        && can_follow_redirect(request)
        && match request.headers.get("sec-fetch-mode") {
            Some(mode) => mode == "navigate",
            None => request.headers.get_all("accept").any(|accept| asks_for_html(accept)),
        }
}

/// False for gRPC and for Next.js's own client navigation: a redirect would reach code that expects data.
#[must_use]
pub fn can_follow_redirect(request: &HttpRequest<'_>) -> bool {
    let is_grpc = request
        .headers
        .get("content-type")
        .is_some_and(|kind| kind.trim_start().to_ascii_lowercase().starts_with("application/grpc"));
    !is_grpc && CLIENT_NAVIGATION.iter().all(|name| request.headers.get(name).is_none())
}

fn asks_for_html(accept: &str) -> bool {
    accept.split(',').any(|range| {
        let mut parts = range.split(';').map(str::trim);
        let is_html = parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case("text/html"));
        is_html && !parts.any(is_zero_weight)
    })
}

/// `q=0` says "not acceptable" (RFC 9110, section 12.4.2).
fn is_zero_weight(parameter: &str) -> bool {
    parameter
        .split_once('=')
        .is_some_and(|(name, weight)| name.eq_ignore_ascii_case("q") && weight.parse() == Ok(0.0_f32))
}

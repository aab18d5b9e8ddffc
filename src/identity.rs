//! What the upstream is told of the caller, and what the client must not tell it in our place.

mod header_value;
pub mod renewal;
mod spelling;
mod strip;

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use self::header_value::header_value;
use self::renewal::renewing;
pub use self::spelling::{HeaderName, HeaderNameError};
use self::strip::without_session_cookies;
use crate::policy::decision::{Permit, Upstream};
use crate::request::HttpRequest;
use crate::session::{ClaimPath, Providers, Session};

/// The longest value that a header gets, in bytes; a longer one would make Envoy refuse the request.
const MAX_VALUE_BYTES: usize = 8 * 1024;

/// Headers by which a client could speak for sessiongate or around it, whatever is configured. The last one made
/// Next.js skip its own middleware (CVE-2025-29927).
const ALWAYS_REMOVED: [&str; 1] = ["x-middleware-subrequest"];

/// The headers that tell the upstream who is calling.
#[derive(Debug)]
pub struct Identity {
    claims: Vec<(HeaderName, ClaimPath)>,
    session_header: Option<HeaderName>,
    removed: Vec<HeaderName>,
    strip_cookie: bool,
}

impl Identity {
    #[must_use]
    pub fn new(
        claims: Vec<(HeaderName, ClaimPath)>,
        session_header: Option<HeaderName>,
        strip_cookie: bool,
    ) -> Self {
        let removed = ALWAYS_REMOVED.iter().map(|name| HeaderName::known(name)).collect();
        Self { claims, session_header, removed, strip_cookie }
    }

    /// Writes into a permit what the browser gets, and what the upstream gets: each of our headers is set from the verified session, or taken
    /// away in every spelling that an upstream may fold into ours.
    pub fn tell<'g>(&'g self, permit: &mut Permit<'g>, providers: &Providers, request: &HttpRequest<'_>) {
        let mut upstream = Upstream::default();
        let session = permit.verified_session();
        for (name, path) in &self.claims {
            let value =
                session.and_then(|session| session.lookup(path)).and_then(|claim| header_value(&claim));
            tell_header(&mut upstream, name, value, request);
        }
        if let Some(name) = &self.session_header {
            tell_header(&mut upstream, name, session.map(envelope), request);
        }
        for name in &self.removed {
            tell_header(&mut upstream, name, None, request);
        }
        if permit.withhold_session || self.strip_cookie && session.is_some() {
            strip_cookie(&mut upstream, providers, request);
        }
        let renewal = session.and_then(Session::renewal);
        let set_cookies = renewal.map(|renewal| renewing(renewal, request)).unwrap_or_default();
        permit.upstream = upstream;
        permit.set_cookies = set_cookies;
    }
}

fn tell_header<'g>(
    upstream: &mut Upstream<'g>,
    name: &'g HeaderName,
    value: Option<String>,
    request: &HttpRequest<'_>,
) {
    let value = value.filter(|value| {
        let fits = value.len() <= MAX_VALUE_BYTES;
        if !fits {
            tracing::warn!(
                header = name.as_str(),
                bytes = value.len(),
                "header left out: its value is too long"
            );
        }
        fits
    });
    let keeps_own_name = value.is_some();
    upstream.remove.extend(name.spellings().skip(usize::from(keeps_own_name)).map(Cow::Borrowed));
    for (sent, _) in request.headers.iter() {
        // Envoy compares names without regard to case: what is set must not be removed in another case.
        let is_own = keeps_own_name && sent.eq_ignore_ascii_case(name.as_str());
        let is_listed = || upstream.remove.iter().any(|listed| listed.eq_ignore_ascii_case(sent));
        if name.folds_with(sent) && !is_own && !is_listed() {
            upstream.remove.push(Cow::Owned(sent.to_ascii_lowercase()));
        }
    }
    if let Some(value) = value {
        upstream.set.push((name.as_str(), value));
    }
}

fn envelope(session: &Session) -> String {
    URL_SAFE_NO_PAD.encode(session.envelope())
}

fn strip_cookie(upstream: &mut Upstream<'_>, providers: &Providers, request: &HttpRequest<'_>) {
    match without_session_cookies(providers, request) {
        Some(rest) if rest.is_empty() => upstream.remove.push(Cow::Borrowed("cookie")),
        Some(rest) => upstream.set.push(("cookie", rest)),
        None => {}
    }
}

//! What the upstream is told of the caller, and what the client must not tell it in our place.

pub mod assertion;
mod header;
mod header_value;
pub mod renewal;
mod spelling;
mod strip;

use std::borrow::Cow;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use self::assertion::{Assertion, Issuer};
use self::header::fitting;
pub use self::header::{IdentityHeader, Source, TooLarge};
use self::renewal::renewing;
pub use self::spelling::{HeaderName, HeaderNameError};
use self::strip::without_session_cookies;
use crate::policy::decision::{Permit, Upstream};
use crate::request::HttpRequest;
use crate::session::{ClaimPath, Providers, Session};

/// Headers by which a client could speak for sessiongate or around it, whatever is configured. The last one made
/// Next.js skip its own middleware (CVE-2025-29927).
const ALWAYS_REMOVED: [&str; 1] = ["x-middleware-subrequest"];

/// What the configuration says about telling upstreams.
#[derive(Debug)]
pub struct IdentityOptions {
    pub headers: Vec<IdentityHeader>,
    /// The whole session, where an upstream wants it.
    pub session_header: Option<HeaderName>,
    /// The most bytes of names and values together.
    pub max_header_bytes: usize,
    pub assertion: Option<AssertionHeaders>,
    pub strip_cookie: bool,
    /// What the proxy is told beside the decision, each by its name.
    pub metadata: Vec<(String, ClaimPath)>,
}

/// The assertion, and the headers that carry it.
#[derive(Debug)]
pub struct AssertionHeaders {
    pub issuer: Arc<Issuer>,
    pub header: HeaderName,
    /// `Authorization: Bearer` as well.
    pub forward: Option<HeaderName>,
}

/// The headers that tell the upstream who is calling.
#[derive(Debug)]
pub struct Identity {
    options: IdentityOptions,
    removed: Vec<HeaderName>,
}

/// Why an upstream cannot be told who is calling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
    #[error(transparent)]
    Unsigned(#[from] assertion::Unsigned),
}

impl IdentityError {
    /// The reason that logs and metadata give.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::TooLarge(_) => "identity_too_large",
            Self::Unsigned(_) => "unsigned_assertion",
        }
    }
}

/// A header that is to be set, before anybody has looked at how large it is.
struct Told<'g> {
    name: &'g HeaderName,
    value: Option<String>,
    is_optional: bool,
}

impl Identity {
    #[must_use]
    pub fn new(options: IdentityOptions) -> Self {
        let removed = ALWAYS_REMOVED.iter().map(|name| HeaderName::known(name)).collect();
        Self { options, removed }
    }

    /// Who signs assertions, where anybody does.
    #[must_use]
    pub fn issuer(&self) -> Option<&Arc<Issuer>> {
        self.options.assertion.as_ref().map(|assertion| &assertion.issuer)
    }

    /// Writes into a permit what the browser gets, and what the upstream gets: each of our headers is set from the
    /// verified session, or taken away in every spelling that an upstream may fold into ours.
    ///
    /// # Errors
    /// [`IdentityError`] where the upstream could not know who is calling.
    pub fn tell<'g>(
        &'g self,
        permit: &mut Permit<'g>,
        providers: &Providers,
        request: &HttpRequest<'_>,
    ) -> Result<(), IdentityError> {
        let mut upstream = Upstream::default();
        let session = permit.verified_session();
        let mut told = self.headers(session, request);
        told.extend(self.assertion(permit, request)?);
        for Told { name, value, .. } in fitting(told, self.options.max_header_bytes)? {
            tell_header(&mut upstream, name, value, request);
        }
        for name in &self.removed {
            tell_header(&mut upstream, name, None, request);
        }
        if permit.withhold_session || self.options.strip_cookie && session.is_some() {
            strip_cookie(&mut upstream, providers, request);
        }
        let renewal = session.and_then(Session::renewal);
        let set_cookies = renewal.map(|renewal| renewing(renewal, request)).unwrap_or_default();
        permit.upstream = upstream;
        permit.set_cookies = set_cookies;
        Ok(())
    }

    /// What the proxy is told of a session, beside the decision.
    pub fn metadata(&self, session: &Session) -> Vec<(&str, Value)> {
        let paths = self.options.metadata.iter();
        paths.filter_map(|(name, path)| Some((name.as_str(), session.lookup(path)?.into_owned()))).collect()
    }

    /// What the assertion for a permit says, for an explanation.
    #[must_use]
    pub fn explain_assertion(&self, permit: &Permit<'_>, request: &HttpRequest<'_>) -> Option<Assertion> {
        self.assert(permit, request).ok().flatten()
    }

    fn headers<'g>(&'g self, session: Option<&Session>, request: &HttpRequest<'_>) -> Vec<Told<'g>> {
        let options = &self.options;
        let mut told = Vec::with_capacity(options.headers.len() + 3);
        told.extend(options.headers.iter().map(|header| Told {
            name: &header.name,
            value: session.and_then(|session| header.value(session, request)),
            is_optional: header.is_optional,
        }));
        told.extend(options.session_header.iter().map(|name| Told {
            name,
            value: session.map(envelope),
            is_optional: true,
        }));
        told
    }

    fn assertion<'g>(
        &'g self,
        permit: &Permit<'g>,
        request: &HttpRequest<'_>,
    ) -> Result<impl Iterator<Item = Told<'g>>, assertion::Unsigned> {
        let assertion = self.assert(permit, request)?;
        let headers = self.options.assertion.iter().flat_map(|headers| {
            [(&headers.header, "")].into_iter().chain(headers.forward.iter().map(|name| (name, "Bearer ")))
        });
        Ok(headers.map(move |(name, prefix)| {
            let value = assertion.as_ref().map(|assertion| [prefix, assertion.token()].concat());
            Told { name, value, is_optional: false }
        }))
    }

    fn assert(
        &self,
        permit: &Permit<'_>,
        request: &HttpRequest<'_>,
    ) -> Result<Option<Assertion>, assertion::Unsigned> {
        match (self.issuer(), permit.verified_session()) {
            (Some(issuer), Some(session)) => {
                issuer.assert(session, permit.rule(), permit.audience(), request)
            }
            _ => Ok(None),
        }
    }
}

fn tell_header<'g>(
    upstream: &mut Upstream<'g>,
    name: &'g HeaderName,
    value: Option<String>,
    request: &HttpRequest<'_>,
) {
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

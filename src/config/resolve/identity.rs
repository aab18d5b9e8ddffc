//! `identity`: the headers that tell the upstream who is calling.

mod assertion;

use indexmap::IndexMap;

use crate::config::carried::Carrying;
use crate::config::error::Problems;
use crate::config::raw::{RawHeader, RawHeaderDetails, RawIdentity, RawPaths};
use crate::expression::Expression;
use crate::identity::{AssertionHeaders, HeaderName, Identity, IdentityHeader, IdentityOptions, Source};
use crate::session::ClaimPath;

const DEFAULT_HEADERS: [(&str, &str); 2] =
    [("x-auth-user-id", "sub"), ("x-auth-user-email", "auth.user.email")];
const MAX_HEADER_BYTES: usize = 8192;
/// The paths of headers that are never left out.
const SUBJECT: [&str; 3] = ["sub", "token.sub", "auth.user.id"];
/// The fields of the metadata that a decision has anyway.
const OWN_METADATA: [&str; 4] = ["rule", "decision", "reason", "provider"];

pub(super) fn resolve(
    raw: RawIdentity,
    carrying: &mut Carrying,
    problems: &mut Problems,
) -> Option<Identity> {
    let written = raw.headers.unwrap_or_else(|| {
        let path = |(name, claim): &(&str, &str)| {
            let details =
                RawHeaderDetails { claim: Some((*claim).to_owned()), ..RawHeaderDetails::default() };
            ((*name).to_owned(), RawHeader(details))
        };
        DEFAULT_HEADERS.iter().map(path).collect()
    });
    let mut taken = Vec::new();
    let headers = headers(written, &mut taken, problems);
    let session_header = match raw.session_header {
        Some(text) => name(&text, "identity.session_header", &mut taken, problems).map(Some),
        None => Some(None),
    };
    let metadata = paths(raw.dynamic_metadata, "identity.dynamic_metadata", &OWN_METADATA, problems);
    let assertion = match (raw.assertion, raw.forward_token) {
        (Some(raw), forward) => {
            assertion::resolve(raw, forward.as_deref(), &mut taken, carrying, problems).map(Some)
        }
        (None, Some(_)) => {
            problems.error("identity.forward_token", "there is no `assertion` to forward");
            None
        }
        (None, None) => Some(None),
    };
    let max_header_bytes = raw.max_header_bytes.unwrap_or(MAX_HEADER_BYTES);
    if !(256..=61_440).contains(&max_header_bytes) {
        problems.error("identity.max_header_bytes", "must be 256 to 61440: Envoy takes 60 KiB of headers");
    }
    let strip_cookie = raw.strip_cookie;
    Some(Identity::new(IdentityOptions {
        headers,
        session_header: session_header?,
        max_header_bytes,
        assertion: assertion?,
        strip_cookie,
        metadata: metadata?,
    }))
}

fn headers(
    written: IndexMap<String, RawHeader>,
    taken: &mut Vec<HeaderName>,
    problems: &mut Problems,
) -> Vec<IdentityHeader> {
    let mut headers = Vec::new();
    for (text, raw) in written {
        let path = format!("identity.headers.{text}");
        let before = taken.len();
        let name = name(&text, &path, taken, problems);
        match name.and_then(|name| header(name, raw, &path, problems)) {
            Some(header) => headers.push(header),
            // A name that is not set is taken by nobody.
            None => taken.truncate(before),
        }
    }
    headers
}

fn header(name: HeaderName, raw: RawHeader, path: &str, problems: &mut Problems) -> Option<IdentityHeader> {
    let RawHeader(raw) = raw;
    let is_subject = raw.claim.as_deref().is_some_and(|claim| SUBJECT.contains(&claim));
    let source = match (raw.claim, raw.cel) {
        (Some(claim), None) => Source::Claim(problems.ok(path, ClaimPath::parse(&claim))?),
        (None, Some(cel)) => {
            let expression = problems.ok(&format!("{path}.cel"), Expression::value(&cel))?;
            Source::Expression(Box::new(expression))
        }
        (Some(_), Some(_)) | (None, None) => {
            problems.error(path, "write one of `claim` and `cel`");
            return None;
        }
    };
    let separator = raw.separator.unwrap_or_else(|| ",".to_owned());
    if !separator.bytes().all(|byte| (b' '..=b'~').contains(&byte) && byte != b'%') {
        problems.error(format!("{path}.separator"), "must be printable ASCII without `%`");
    }
    Some(IdentityHeader { name, source, separator, is_optional: raw.optional.unwrap_or(!is_subject) })
}

/// A name that no other header has, in any spelling that an upstream may fold into it.
fn name(text: &str, path: &str, taken: &mut Vec<HeaderName>, problems: &mut Problems) -> Option<HeaderName> {
    let name = problems.ok(path, HeaderName::parse(text))?;
    if let Some(other) = taken.iter().find(|other| other.folds_with(name.as_str())) {
        let message = format!("an upstream may take it for `{}`, which is set as well", other.as_str());
        problems.error(path, message);
        return None;
    }
    taken.push(name.clone());
    Some(name)
}

/// Paths, each by its own name, which is none of those that are taken.
fn paths(
    raw: Option<RawPaths>,
    path: &str,
    own: &[&str],
    problems: &mut Problems,
) -> Option<Vec<(String, ClaimPath)>> {
    let written: Vec<(String, String, String)> = match raw {
        None => Vec::new(),
        Some(RawPaths::Listed(listed)) => {
            let named = |(path, text): (String, String)| (path, last_step(&text).to_owned(), text);
            listed.with_paths(path).into_iter().map(named).collect()
        }
        Some(RawPaths::Named(named)) => {
            named.into_iter().map(|(name, text)| (format!("{path}.{name}"), name, text)).collect()
        }
    };
    let mut found: Vec<(String, ClaimPath)> = Vec::new();
    let mut is_sound = true;
    for (path, name, text) in written {
        let claim = problems.ok(&path, ClaimPath::parse(&text));
        let is_taken = own.contains(&name.as_str()) || found.iter().any(|(other, _)| *other == name);
        if is_taken {
            problems.error(path, format!("the name `{name}` is taken: write a map of names to paths"));
        }
        is_sound &= !is_taken && claim.is_some();
        found.extend(claim.map(|claim| (name, claim)));
    }
    is_sound.then_some(found)
}

/// What a path is called where nobody says otherwise: a URL is a name as a whole.
fn last_step(path: &str) -> &str {
    if path.contains("://") { path } else { path.rsplit('.').next().unwrap_or(path) }
}

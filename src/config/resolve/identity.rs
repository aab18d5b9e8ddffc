//! `identity`: the headers that tell the upstream who is calling.

use indexmap::IndexMap;

use crate::config::error::Problems;
use crate::config::raw::RawIdentity;
use crate::identity::{HeaderName, Identity};
use crate::session::ClaimPath;

const DEFAULT_HEADERS: [(&str, &str); 2] =
    [("x-auth-user-id", "sub"), ("x-auth-user-email", "auth.user.email")];

pub(super) fn resolve(raw: RawIdentity, problems: &mut Problems) -> Option<Identity> {
    let written = raw.headers.unwrap_or_else(|| {
        DEFAULT_HEADERS.iter().map(|(name, claim)| ((*name).to_owned(), (*claim).to_owned())).collect()
    });
    let claims = claims(&written, problems);
    let session_header = match raw.session_header {
        Some(text) => Some(problems.ok("identity.session_header", HeaderName::parse(&text))?),
        None => None,
    };
    if let Some(name) = &session_header
        && claims.iter().any(|(other, _)| other.folds_with(name.as_str()))
    {
        problems.error("identity.session_header", format!("`{}` is in `headers` as well", name.as_str()));
    }
    Some(Identity::new(claims, session_header, raw.strip_cookie))
}

fn claims(written: &IndexMap<String, String>, problems: &mut Problems) -> Vec<(HeaderName, ClaimPath)> {
    let mut claims: Vec<(HeaderName, ClaimPath)> = Vec::new();
    for (text, claim) in written {
        let path = format!("identity.headers.{text}");
        let name = problems.ok(&path, HeaderName::parse(text));
        let claim = problems.ok(&path, ClaimPath::parse(claim));
        let (Some(name), Some(claim)) = (name, claim) else { continue };
        match claims.iter().find(|(other, _)| other.folds_with(name.as_str())) {
            Some((other, _)) => {
                problems.error(
                    path,
                    format!("an upstream may take it for `{}`, which is set as well", other.as_str()),
                );
            }
            None => claims.push((name, claim)),
        }
    }
    claims
}

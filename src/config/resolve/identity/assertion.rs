//! `identity.assertion`: who signs, for whom, and with which keys.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::{AssertionHeaders, HeaderName, name, paths};
use crate::config::carried::{Carrying, Fingerprint};
use crate::config::error::Problems;
use crate::config::files::NamedFiles;
use crate::config::raw::{OneOrMany, RawAssertion};
use crate::identity::assertion::{AssertionOptions, Issuer, KeyFiles, OWN_CLAIMS, SigningKeys};
use crate::rule::host::HostPattern;

const PATH: &str = "identity.assertion";
const HEADER: &str = "x-auth-assertion";
const ISSUER: &str = "sessiongate";
const AUDIENCE: &str = "upstream";
const TTL: Duration = Duration::from_mins(1);

pub(super) fn resolve(
    raw: RawAssertion,
    forward: Option<&str>,
    taken: &mut Vec<HeaderName>,
    carrying: &mut Carrying,
    problems: &mut Problems,
) -> Option<AssertionHeaders> {
    // What the key files hold stands beside: whoever follows them knows when a new key may sign.
    let fingerprint = Fingerprint::of("assertion", &raw, &NamedFiles::default(), 0);
    let header = raw.header.as_deref().unwrap_or(HEADER);
    let header = name(header, &format!("{PATH}.header"), taken, problems);
    let forward = match forward {
        None => Some(None),
        Some("authorization") => name("authorization", "identity.forward_token", taken, problems).map(Some),
        Some(_) => {
            problems.error("identity.forward_token", "write `authorization`, or leave it out");
            None
        }
    };
    let claims = paths(raw.claims, &format!("{PATH}.claims"), &OWN_CLAIMS, problems);
    let hosts: Vec<_> = raw
        .audiences
        .into_iter()
        .map(|(host, audience)| {
            let path = format!("{PATH}.audiences.{host}");
            let audience = text(audience, &path, problems);
            Some((problems.ok(&path, HostPattern::parse(&host))?, Arc::from(audience?)))
        })
        .collect();
    let issuer = text(raw.issuer.unwrap_or_else(|| ISSUER.to_owned()), &format!("{PATH}.issuer"), problems);
    let audience = raw.audience.unwrap_or_else(|| AUDIENCE.to_owned());
    let audience = text(audience, &format!("{PATH}.audience"), problems);
    let ttl = raw.ttl.unwrap_or(TTL);
    if !(Duration::from_secs(1)..=Duration::from_hours(1)).contains(&ttl) {
        problems.error(format!("{PATH}.ttl"), "must be 1s to 1h");
    }
    let (keys, files) = keys(raw.key_file, problems)?;
    let options = AssertionOptions {
        issuer: issuer?,
        audience: audience?.into(),
        hosts: hosts.into_iter().collect::<Option<_>>()?,
        ttl,
        claims: claims?,
    };
    let issuer = carrying.issuer(fingerprint, Issuer::new(keys, files, options));
    Some(AssertionHeaders { issuer, header: header?, forward: forward? })
}

fn keys(raw: Option<OneOrMany>, problems: &mut Problems) -> Option<(SigningKeys, Option<KeyFiles>)> {
    let path = format!("{PATH}.key_file");
    let Some(raw) = raw else {
        problems.warning(
            path.clone(),
            "a key is generated at each start: replicas sign with different keys, and restarts change them; \
             name a file for more than a trial",
        );
        return Some((problems.ok(&path, SigningKeys::generate())?, None));
    };
    let files = raw.with_paths(&path).into_iter().map(|(_, file)| PathBuf::from(file)).collect();
    let files = KeyFiles(files);
    for file in &files.0 {
        // A file that cannot be read is told below.
        let _ = problems.files.read(file);
    }
    Some((problems.ok(&path, files.load())?, Some(files)))
}

fn text(text: String, path: &str, problems: &mut Problems) -> Option<String> {
    if text.is_empty() {
        problems.error(path, "is empty");
    }
    (!text.is_empty()).then_some(text)
}

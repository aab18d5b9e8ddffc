//! `kind: jwt`.

use std::sync::Arc;
use std::time::Duration;

use jsonwebtoken::{Algorithm, AlgorithmFamily};

use super::Written;
use crate::config::error::Problems;
use crate::config::raw::RawFrom;
use crate::session::Provider;
use crate::session::authjs::is_cookie_name;
use crate::session::bearer::{Jwt, JwtOptions, LEEWAY, Place, Required};
use crate::session::jwks::{KeySet, Keys, RemoteKeys, RemoteOptions, Source};

const KEEP_KEYS: Duration = Duration::from_hours(24);
const NAMES: &str = "HS256, HS384, HS512, RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, EdDSA";

pub(super) fn resolve(written: &Written<'_>, problems: &mut Problems) -> Option<Provider> {
    let raw = &written.raw;
    let max_token_bytes = written.max_token_bytes(problems);
    let places = places(written, problems);
    let algorithms = algorithms(written, problems)?;
    let keys = keys(written, &algorithms, problems);
    let audience = raw.audience.clone().map_or_else(Vec::new, |audience| audience.with_paths(""));
    if audience.is_empty() {
        problems.warning(
            written.key("audience"),
            "is missing: tokens for other services of the issuer are accepted",
        );
    }
    let required = Required {
        issuer: raw.issuer.clone(),
        audience: audience.into_iter().map(|(_, name)| name).collect(),
        subject: raw.subject.clone(),
        leeway: raw.leeway.unwrap_or(LEEWAY),
        max_age: raw.max_age,
    };
    let options = JwtOptions { places: places?, algorithms, keys: keys?, required, max_token_bytes };
    Some(Provider::Jwt(Jwt::new(options)))
}

fn places(written: &Written<'_>, problems: &mut Problems) -> Option<Vec<Place>> {
    if written.raw.from.is_empty() {
        return Some(vec![Place::bearer()]);
    }
    let places: Vec<Option<Place>> = written
        .raw
        .from
        .iter()
        .enumerate()
        .map(|(at, from)| {
            let place = place(from);
            if place.is_none() {
                let message = "must name one header, with its `prefix`, or one cookie";
                problems.error(format!("{}[{at}]", written.key("from")), message);
            }
            place
        })
        .collect();
    places.into_iter().collect()
}

fn place(from: &RawFrom) -> Option<Place> {
    // A header's name is a token too (RFC 9110, section 5.1).
    let sound = |name: &String| is_cookie_name(name).then(|| name.to_ascii_lowercase());
    match (&from.header, &from.prefix, &from.cookie) {
        (Some(header), prefix, None) => {
            let prefix = prefix.as_deref().unwrap_or_default();
            Some(Place::Header { name: sound(header)?.into(), prefix: prefix.into() })
        }
        (None, None, Some(cookie)) if is_cookie_name(cookie) => Some(Place::Cookie(cookie.as_str().into())),
        _ => None,
    }
}

fn algorithms(written: &Written<'_>, problems: &mut Problems) -> Option<Vec<Algorithm>> {
    let names = &written.raw.algorithms;
    let has_secret = written.raw.secret.is_some() || written.raw.secret_file.is_some();
    if names.is_empty() && has_secret {
        return Some(vec![Algorithm::HS256]);
    }
    if names.is_empty() {
        problems.error(
            written.key("algorithms"),
            format!("is missing: list those that the issuer signs with, of {NAMES}"),
        );
        return None;
    }
    let parsed: Vec<Option<Algorithm>> = names
        .iter()
        .enumerate()
        .map(|(at, name)| {
            let path = format!("{}[{at}]", written.key("algorithms"));
            problems.ok(&path, name.parse().map_err(|_| format!("is none of {NAMES}")))
        })
        .collect();
    let algorithms: Vec<Algorithm> = parsed.into_iter().collect::<Option<_>>()?;
    let is_hmac = |algorithm: &Algorithm| algorithm.family() == AlgorithmFamily::Hmac;
    if has_secret != algorithms.iter().any(is_hmac) || has_secret != algorithms.iter().all(is_hmac) {
        let message =
            "HS256, HS384 and HS512 go with `secret`, all others with public keys; they cannot be mixed";
        problems.error(written.key("algorithms"), message);
        return None;
    }
    Some(algorithms)
}

fn keys(written: &Written<'_>, algorithms: &[Algorithm], problems: &mut Problems) -> Option<Keys> {
    let raw = &written.raw;
    let given = [
        raw.secret.is_some() || raw.secret_file.is_some(),
        raw.public_key.is_some(),
        raw.public_key_file.is_some(),
        raw.jwks.is_some(),
    ];
    if given.into_iter().filter(|given| *given).count() > 1 {
        problems.error(
            &written.path,
            "has several of `secret`, `public_key`, `public_key_file` and `jwks`: keep one",
        );
        return None;
    }
    let fixed = |set| Keys::Fixed(Arc::new(set));
    if given.first() == Some(&true) {
        let secrets = written.written_secrets(problems)?;
        let keys = secrets.iter().map(|secret| KeySet::of_secret(secret.expose().as_bytes(), algorithms));
        return Some(fixed(KeySet::of(keys.collect())));
    }
    if let Some(pem) = &raw.public_key {
        return problems
            .ok(&written.key("public_key"), KeySet::of_pem(pem.as_bytes(), algorithms))
            .map(fixed);
    }
    if let Some(file) = &raw.public_key_file {
        let path = written.key("public_key_file");
        let pem = problems.read(&path, file)?;
        return problems.ok(&path, KeySet::of_pem(&pem, algorithms)).map(fixed);
    }
    match (&raw.jwks, &raw.issuer) {
        (Some(url), _) if url.contains("://") => {
            remote(written, "jwks", Source::KeySet(url.clone()), algorithms, problems)
        }
        (Some(file), _) => {
            let path = written.key("jwks");
            let json = problems.read(&path, file)?;
            problems.ok(&path, KeySet::of_json(&json, algorithms)).map(fixed)
        }
        (None, Some(issuer)) => {
            let source = Source::Discovery { issuer: issuer.clone() };
            remote(written, "issuer", source, algorithms, problems)
        }
        (None, None) => {
            let message = "has no keys: write `issuer`, `jwks`, `public_key`, `public_key_file` or `secret`";
            problems.error(&written.path, message);
            None
        }
    }
}

fn remote(
    written: &Written<'_>,
    key: &str,
    source: Source,
    algorithms: &[Algorithm],
    problems: &mut Problems,
) -> Option<Keys> {
    let options = RemoteOptions {
        source,
        algorithms: algorithms.to_vec(),
        timeout: written.timeout(problems)?,
        keep: written.raw.keep_keys.unwrap_or(KEEP_KEYS),
        allow_http: written.raw.allow_http,
    };
    problems.ok(&written.key(key), RemoteKeys::new(options)).map(Keys::Remote)
}

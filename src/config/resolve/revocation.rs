//! `revocation`: the list of ended sessions, and the secret that adds to it.

use std::sync::Arc;
use std::time::Duration;

use super::sessions::Secrets;
use crate::config::carried::{Carrying, Fingerprint};
use crate::config::error::{Noted, Problems};
use crate::config::raw::RawRevocation;
use crate::secret::Secret;
use crate::session::redis::connection::RedisServer;
use crate::session::revocation::{RevocationOptions, Revocations};

const PREFIX: &str = "sessiongate:";
const TIMEOUT: Duration = Duration::from_secs(1);
const POLL: Duration = Duration::from_secs(10);
const KEEP: Duration = Duration::from_hours(31 * 24);
const MAX_STALENESS: Duration = Duration::from_mins(1);

/// The list, and the secret of the admin listener where there is one.
pub(super) struct Revocation {
    pub(super) list: Option<Arc<Revocations>>,
    pub(super) secret: Option<Secret>,
}

/// `None` where a mistake was noted.
pub(super) fn resolve(
    raw: Option<RawRevocation>,
    carrying: &mut Carrying,
    problems: &mut Problems,
) -> Option<Revocation> {
    let Some(raw) = raw else { return Some(Revocation { list: None, secret: None }) };
    let secret = secret(&raw, problems);
    let timeout = raw.timeout.unwrap_or(TIMEOUT);
    let poll = raw.poll.unwrap_or(POLL);
    let max_staleness = raw.max_staleness.unwrap_or(MAX_STALENESS);
    let keep = raw.keep.unwrap_or(KEEP);
    for (key, duration) in [("timeout", timeout), ("poll", poll), ("keep", keep)] {
        if duration.is_zero() {
            problems.error(format!("revocation.{key}"), "must be more than nothing");
        }
    }
    if max_staleness <= poll {
        problems.error(
            "revocation.max_staleness",
            "must be longer than `poll`, after which the list is read again",
        );
    }
    let known = problems.files.len();
    let redis = redis(&raw, timeout, problems);
    let fingerprint = Fingerprint::of("revocation", &raw, &problems.files, known);
    let options = RevocationOptions {
        redis: redis?,
        prefix: raw.prefix.unwrap_or_else(|| PREFIX.to_owned()),
        poll,
        keep,
        max_staleness,
        on_outage: raw.on_outage.unwrap_or_default(),
    };
    let list = carrying.revocations(fingerprint, Revocations::new(options));
    Some(Revocation { list: Some(list), secret: secret.ok()? })
}

fn redis(raw: &RawRevocation, timeout: Duration, problems: &mut Problems) -> Option<RedisServer> {
    let Some(url) = &raw.redis else {
        problems
            .error("revocation.redis", "is missing: write the address of Redis, as in `redis://cache:6379`");
        return None;
    };
    let ca = match &raw.ca_file {
        Some(file) => Some(problems.read("revocation.ca_file", file)?.to_vec()),
        None => None,
    };
    problems.ok("revocation.redis", RedisServer::new(url, ca, timeout))
}

fn secret(raw: &RawRevocation, problems: &mut Problems) -> Result<Option<Secret>, Noted> {
    let secrets = Secrets {
        path: "revocation",
        secret: raw.secret.as_ref(),
        secret_file: raw.secret_file.as_deref(),
        allow_weak: false,
    };
    secrets.one(problems)
}

//! `login`: where a client without a session is sent.

use std::sync::Arc;
use std::time::SystemTime;

use super::defaults::AuthEnvironment;
use crate::config::error::Problems;
use crate::config::raw::RawLogin;
use crate::gate::Gate;
use crate::policy::Access;
use crate::policy::login::Login;
use crate::request::path::RequestPath;
use crate::request::{Headers, HttpRequest, RequestParts};
use crate::rule::host::{HostPattern, HostPatternError};
use crate::rule::next::NextConfig;

const CALLBACK_PARAM: &str = "callbackUrl";

pub(super) fn resolve(
    raw: RawLogin,
    section: &str,
    auth: &AuthEnvironment,
    next: &NextConfig,
    problems: &mut Problems,
) -> Option<Arc<Login>> {
    let default_url = || format!("{}{}/signin", next.base_path(), auth.routes(next));
    let url = raw.url.unwrap_or_else(default_url);
    let callback_param = raw.callback_param.unwrap_or_else(|| CALLBACK_PARAM.to_owned());
    let origin = raw.origin.or_else(|| auth.origin.clone());
    let hosts = raw.trusted_hosts.into_iter().enumerate().filter_map(|(at, host)| {
        let path = format!("{section}.trusted_hosts[{at}]");
        match HostPattern::parse(&host) {
            Ok(HostPattern::Exact(name)) => Some(name),
            Ok(HostPattern::Below(_)) => {
                problems.error(path, HostPatternError::Wildcard(host));
                None
            }
            Err(error) => {
                problems.error(path, error);
                None
            }
        }
    });
    let trusted_hosts = hosts.collect();
    // Each setting by itself, so that none hides the mistake of another.
    let by_itself = [
        ("url", Login::new(&url, CALLBACK_PARAM, None, Vec::new())),
        ("callback_param", Login::new("/", &callback_param, None, Vec::new())),
        ("origin", Login::new("/", CALLBACK_PARAM, origin.as_deref(), Vec::new())),
    ];
    for (key, login) in by_itself {
        problems.ok(&format!("{section}.{key}"), login);
    }
    Login::new(&url, &callback_param, origin.as_deref(), trusted_hosts).ok().map(Arc::new)
}

impl RawLogin {
    /// The login of one application: what it does not say is as in the other one.
    pub(super) fn or(self, other: Self) -> Self {
        let trusted_hosts =
            if self.trusted_hosts.is_empty() { other.trusted_hosts } else { self.trusted_hosts };
        Self {
            url: self.url.or(other.url),
            callback_param: self.callback_param.or(other.callback_param),
            origin: self.origin.or(other.origin),
            trusted_hosts,
        }
    }
}

/// A login that itself needs a session can never be reached. It is a warning, for another service may serve it.
pub(super) fn warn_if_guarded(gate: &Gate, login: &Login, problems: &mut Problems) {
    let Some(path) = login.path() else { return };
    let Ok(readings) = RequestPath::parse(path) else { return };
    let request = HttpRequest::new(RequestParts {
        method: "GET",
        scheme: "https",
        host: "",
        path: readings,
        query: "",
        headers: Headers::default(),
        now: SystemTime::UNIX_EPOCH,
    });
    let is_guarded =
        gate.rules.governing(&request).iter().any(|governed| governed.rule.terms.access > Access::Optional);
    if is_guarded {
        problems.warning(
            "login.url",
            format!(
                "nobody can sign in at {path} through this gate: add a rule for it with `access: public`"
            ),
        );
    }
}

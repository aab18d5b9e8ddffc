//! From what was written to what is meant; every mistake is noted with the path of its key.

mod defaults;
mod identity;
mod listen;
mod login;
mod next;
mod on_deny;
mod revocation;
mod rules;
mod sessions;
mod telemetry;

use std::net::IpAddr;

use ipnet::IpNet;

use self::defaults::AuthEnvironment;
pub(super) use self::listen::DEFAULT_GRPC;
use self::rules::Rules;
use super::Settings;
use super::carried::Carrying;
use super::environment::Environment;
use super::error::Problems;
use super::raw::{RawConfig, RawForwardAuth};
use crate::gate::Gate;
use crate::policy::sign_in::SignInRoutes;
use crate::program::{AdminSecrets, ProgramOptions, Shown};

const LOOPBACK: [&str; 2] = ["127.0.0.0/8", "::1/128"];

/// The settings, or `None` where a mistake leaves a part of them unknown.
pub(super) fn resolve(
    raw: RawConfig,
    environment: &Environment,
    carrying: &mut Carrying,
    problems: &mut Problems,
) -> Option<Settings> {
    let auth = AuthEnvironment::read(environment, problems);
    let listen = listen::resolve(&raw.listen, problems);
    let telemetry = telemetry::resolve(raw.telemetry, problems);
    let trusted_proxies = trusted_proxies(raw.forward_auth, problems);
    let identity = identity::resolve(raw.identity, carrying, problems);
    let providers = sessions::names(raw.sessions.as_ref());
    let sessions = sessions::resolve(raw.sessions, &auth, carrying, problems);
    let next = next::resolve(raw.next, problems).unwrap_or_default();
    let login = login::resolve(raw.login.clone(), "login", &auth, &next, problems);
    let sign_in = SignInRoutes::new(&format!("{}{}", next.base_path(), auth.routes(&next)));
    let revocation = revocation::resolve(raw.revocation, carrying, problems);
    let asserts = identity.as_ref().is_none_or(|identity| identity.issuer().is_some());
    let rules = Rules {
        next,
        providers: &providers,
        auth: &auth,
        login: login.as_ref(),
        raw_login: raw.login,
        asserts,
        problems,
    };
    let rules = rules.resolve(raw.rules, raw.default);
    let revocation = revocation?;
    let sessions = match revocation.list {
        Some(list) => sessions?.revocable(list),
        None => sessions?,
    };
    let gate = Gate { rules: rules?, sessions, sign_in, identity: identity? };
    login::warn_if_guarded(&gate, &*login?, problems);
    let listen::Resolved { listen, secret } = listen?;
    let program = ProgramOptions {
        gate,
        trusted_proxies: trusted_proxies?,
        secrets: AdminSecrets { explain: secret, revocations: revocation.secret },
        shown: Shown::default(),
        telemetry: telemetry?,
    };
    Some(Settings { listen, program, warnings: Vec::new() })
}

/// The networks from which forward-auth is asked; loopback where nothing is written.
fn trusted_proxies(raw: RawForwardAuth, problems: &mut Problems) -> Option<Vec<IpNet>> {
    let written = raw.trusted_proxies.unwrap_or_else(|| LOOPBACK.map(str::to_owned).to_vec());
    let networks = written.iter().enumerate().map(|(at, text)| {
        let network = text.parse::<IpNet>().ok().or_else(|| Some(text.parse::<IpAddr>().ok()?.into()));
        let message = "must be an address or a network, as in `10.0.0.0/8`";
        problems.ok(&format!("forward_auth.trusted_proxies[{at}]"), network.ok_or(message))
    });
    let networks: Vec<Option<IpNet>> = networks.collect();
    networks.into_iter().collect()
}

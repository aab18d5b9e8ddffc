//! From what was written to what is meant; every mistake is noted with the path of its key.

mod defaults;
mod identity;
mod login;
mod next;
mod on_deny;
mod revocation;
mod rules;
mod sessions;

use std::time::Duration;

use self::defaults::AuthEnvironment;
use self::rules::Rules;
use super::Settings;
use super::environment::Environment;
use super::error::Problems;
use super::raw::{RawConfig, RawListen, RawTelemetry};
use crate::gate::Gate;
use crate::policy::sign_in::SignInRoutes;
use crate::server::listen::{GrpcAddress, Listen, TcpAddress};
use crate::telemetry::Telemetry;

const DEFAULT_GRPC: &str = "0.0.0.0:9191";
const DEFAULT_DRAIN: Duration = Duration::from_secs(10);

/// The settings, or `None` where a mistake leaves a part of them unknown.
pub(super) fn resolve(
    raw: RawConfig,
    environment: &Environment,
    problems: &mut Problems,
) -> Option<Settings> {
    let auth = AuthEnvironment::read(environment, problems);
    let listen = listen(&raw.listen, problems);
    let telemetry = telemetry(&raw.telemetry, problems);
    let identity = identity::resolve(raw.identity, problems);
    let providers = sessions::names(raw.sessions.as_ref());
    let sessions = sessions::resolve(raw.sessions, &auth, problems);
    let next = next::resolve(raw.next, problems).unwrap_or_default();
    let login = login::resolve(raw.login.clone(), "login", &auth, &next, problems);
    let sign_in = SignInRoutes::new(&format!("{}{}", next.base_path(), auth.routes(&next)));
    let revocation = revocation::resolve(raw.revocation, problems);
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
    let (listen, telemetry, admin_secret) = (listen?, telemetry?, revocation.secret);
    Some(Settings { listen, telemetry, gate, admin_secret, warnings: Vec::new() })
}

fn listen(raw: &RawListen, problems: &mut Problems) -> Option<Listen> {
    let grpc = raw.grpc.as_deref().unwrap_or(DEFAULT_GRPC);
    let grpc = problems.ok("listen.grpc", GrpcAddress::parse(grpc));
    let mut tcp = |address: &Option<String>, key| match address.as_deref().map(TcpAddress::parse) {
        Some(parsed) => problems.ok(key, parsed).map(Some),
        None => Some(None),
    };
    let (http, admin) = (tcp(&raw.http, "listen.http"), tcp(&raw.admin, "listen.admin"));
    let (grpc, http, admin) = (grpc?, http?, admin?);
    Some(Listen { grpc, http, admin, drain_timeout: raw.drain_timeout.unwrap_or(DEFAULT_DRAIN) })
}

fn telemetry(raw: &RawTelemetry, problems: &mut Problems) -> Option<Telemetry> {
    let filter = raw.log.as_deref().unwrap_or("info");
    problems.ok("telemetry.log", Telemetry::new(filter, raw.format.unwrap_or_default()))
}

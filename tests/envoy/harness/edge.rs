//! The edge that most tests share: one Envoy, two gates, the services behind. It starts with the first test
//! that asks for it and ends with the run.

use std::net::SocketAddr;
use std::panic::catch_unwind;
use std::sync::OnceLock;

use super::envoy::{Envoy, Listener};
use super::gate::Gate;
use super::http1::{Answer, Call};
use super::session::{SECRET, V4_SECRET};
use super::upstream::{start_echo, start_grpc};

/// Rules by path for most, by host where a test needs a world of its own.
const CONFIGURATION: &str = r#"
listen: { grpc: "127.0.0.1:0" }
sessions:
  web: { kind: authjs, secret: "${AUTH_SECRET}", bearer: true }
  old: { kind: nextauth, secret: "${OLD_SECRET}" }
login: { origin: "https://app.example.com" }
rules:
  - { name: paths-admin, hosts: paths.test, matcher: "/admin/:path*", access: session }
  - { name: paths-rest, hosts: paths.test, access: public }
  - { name: looping, hosts: looping.test, access: session, on_deny: redirect }
  - { name: sign-in, matcher: "/api/auth/:path*", access: public }
  - { name: home, matcher: /, access: optional }
  - { name: public, matcher: "/public/:path*", access: public }
  - { name: old, matcher: "/old/:path*", session: old }
  - { name: web, matcher: "/web/:path*", session: web }
  - { name: redirecting, matcher: "/redirecting/:path*", on_deny: redirect }
  - { name: unauthorized, matcher: "/unauthorized/:path*", on_deny: unauthorized }
  - name: gone
    matcher: "/gone/:path*"
    on_deny: { status: 410, body: "it was here", headers: { content-type: text/plain, x-where: away } }
  - { name: closed, matcher: ["/closed/:path*", "/grpc.health.v1.Health/Watch"], access: deny }
  - name: closed-custom
    matcher: "/closed-custom/:path*"
    access: deny
    on_deny: { status: 404, body: "no such page" }
  - { name: preflight, matcher: [{ source: "/cors/:path*", methods: [OPTIONS] }], access: public }
identity:
  headers: { x-auth-user-id: sub, x-auth-user-email: auth.user.email, x-auth-roles: roles, x-auth-name: auth.user.name }
  session_header: x-auth-session
telemetry: { log: debug }
"#;

/// A gate that keeps the session cookie to itself, and knows the login's origin only from hosts that it
/// trusts.
const STRIPPING: &str = r#"
listen: { grpc: "127.0.0.1:0" }
sessions:
  web: { kind: authjs, secret: "${AUTH_SECRET}" }
  old: { kind: nextauth, secret: "${OLD_SECRET}" }
login: { trusted_hosts: [trusted.test] }
rules:
  - { name: public, matcher: "/public/:path*", access: public }
  - { name: optional, matcher: "/optional/:path*", access: optional }
identity: { headers: { x-auth-user-id: sub }, strip_cookie: true }
telemetry: { log: debug }
"#;

/// Listeners of the shared Envoy.
pub const PLAIN: &str = "plain";
pub const RAW: &str = "raw";
pub const CORS: &str = "cors";
pub const STRIP: &str = "strip";
pub const STRIP_RAW: &str = "strip-raw";

/// The two forms in which Envoy can tell the gate the headers of a request.
pub const HEADER_FORMS: [&str; 2] = [PLAIN, RAW];

pub struct Edge {
    pub envoy: Envoy,
    pub gate: Gate,
    _stripping: Gate,
}

/// Starts it once. Where that fails, every test that asks for it says why.
pub fn edge() -> &'static Edge {
    static EDGE: OnceLock<Result<Edge, String>> = OnceLock::new();
    let edge = EDGE.get_or_init(|| {
        catch_unwind(start).map_err(|reason| match reason.downcast::<String>() {
            Ok(reason) => *reason,
            Err(_) => "see the first failure".to_owned(),
        })
    });
    edge.as_ref().unwrap_or_else(|reason| panic!("there is no edge to test: {reason}"))
}

fn start() -> Edge {
    let secrets = [("AUTH_SECRET", SECRET), ("OLD_SECRET", V4_SECRET)];
    let gate = Gate::start("gate", CONFIGURATION, &secrets);
    let stripping = Gate::start("gate-stripping", STRIPPING, &secrets);
    let listeners = [
        Listener::new(PLAIN, &gate.address),
        Listener { encode_raw_headers: true, ..Listener::new(RAW, &gate.address) },
        Listener { cors_first: true, ..Listener::new(CORS, &gate.address) },
        Listener::new(STRIP, &stripping.address),
        Listener { encode_raw_headers: true, ..Listener::new(STRIP_RAW, &stripping.address) },
    ];
    let envoy = Envoy::start("envoy", &listeners, start_echo(), start_grpc());
    Edge { envoy, gate, _stripping: stripping }
}

/// The address of a listener of the shared Envoy.
pub fn at(listener: &str) -> SocketAddr {
    edge().envoy.address(listener)
}

/// Sends a request to the shared Envoy.
pub fn send(call: &Call) -> Answer {
    call.send(at(PLAIN))
}

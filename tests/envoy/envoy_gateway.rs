//! The gate behind Envoy Gateway: a real Envoy with what Envoy Gateway's own translator makes of `deploy/envoy-gateway`.

use std::net::SocketAddr;

use crate::harness::envoy::Envoy;
use crate::harness::gate::Gate;
use crate::harness::http1::Call;
use crate::harness::session::{EMAIL, SECRET, USER_ID, signed_in};
use crate::harness::upstream::start_echo;

const ENVOY: &str = include_str!("envoy_gateway/envoy.yaml");

const GATE: &str = r#"
listen: { grpc: "127.0.0.1:0", http: "127.0.0.1:0" }
sessions: { web: { kind: authjs, secret: "${AUTH_SECRET}" } }
login: { trusted_hosts: [app.example.com] }
rules:
  - { name: public, matcher: "/public/:path*", access: public }
  - { name: open, matcher: "/reports/:path*", access: public }
  - { name: reports, matcher: "/nowhere", condition: '"editor" in auth.user.roles', on_deny: unauthorized }
telemetry: { log: debug }
"#;

const LISTENERS: [&str; 2] = ["grpc", "http"];

/// The time for an answer is longer than what is deployed: this machine does much else meanwhile.
fn start(name: &str) -> (Gate, Envoy) {
    let mut gate = Gate::start(name, GATE, &[("AUTH_SECRET", SECRET)]);
    let port = |address: SocketAddr| format!("port_value: {}", address.port());
    let configuration = ENVOY
        .replace("port_value: 9191", &port(gate.address.parse().expect("an address")))
        .replace("port_value: 9192", &port(gate.http()))
        .replace("port_value: 3000", &port(start_echo()))
        .replace("timeout: 0.250s", "timeout: 5s");
    let envoy = Envoy::start_configured(&format!("{name}-envoy"), &configuration);
    (gate, envoy)
}

fn forged(call: Call) -> Call {
    let call = call.header("x-auth-user-id", "eve").header("X-Auth-User-Email", "eve@example.com");
    call.header("x_auth_user_id", "eve").header("x-middleware-subrequest", "middleware")
}

#[test]
fn a_policy_of_the_gateway_asks_about_every_request() {
    let (_gate, envoy) = start("eg");
    for listener in LISTENERS {
        let to = envoy.address(listener);
        let page = Call::page("/dashboard").send(to);
        let location = page.header("location").unwrap_or_default();
        assert!(
            page.status == 307 && location.starts_with("http://app.example.com/api/auth/signin"),
            "{page:?}"
        );
        let api = Call::get("/orders").send(to);
        assert_eq!(
            (api.status, api.body.as_str()),
            (401, r#"{"message":"Not authenticated"}"#),
            "{listener}"
        );
        let cleared = Call::get("/orders").cookie("authjs.session-token=garbage").send(to);
        assert!(cleared.values("set-cookie")[0].starts_with("authjs.session-token=;"), "{cleared:?}");

        let seen =
            forged(Call::get(&format!("/dashboard?{listener}"))).cookie(&signed_in()).send(to).upstream();
        assert_eq!(seen.values("x-auth-user-id"), [USER_ID], "{listener}");
        assert_eq!(seen.values("x-auth-user-email"), [EMAIL], "{listener}");
        let public = forged(Call::get("/public/x")).send(to).upstream();
        for name in ["x-auth-user-id", "x-auth-user-email", "x_auth_user_id", "x-middleware-subrequest"] {
            assert!(public.values(name).is_empty(), "{listener}: {name}: {:?}", public.values(name));
        }
        let path = Call::get("/public/..%2fdashboard").send(to);
        assert!(!path.reached_upstream(), "{listener}: {path:?}");
    }
    let told = envoy.access_line("/dashboard?grpc");
    assert_eq!(
        told["rule"], "default",
        "the metadata stands where it always does, whatever the filter's name: {told}"
    );
}

#[test]
fn a_policy_of_a_route_names_its_rule_and_nobody_can_unname_it() {
    let (_gate, envoy) = start("eg-route");
    let to = envoy.address("grpc");
    for call in [
        Call::page("/reports"),
        Call::get("/reports/2026").header("sessiongate.rule", "open").header("sessiongate.access", "public"),
        Call::get("/public/../reports"),
    ] {
        let answer = call.send(to);
        assert_eq!((answer.status, answer.reached_upstream()), (401, false), "{answer:?}");
    }
    let seen = forged(Call::get("/reports/2026")).cookie(&signed_in()).send(to).upstream();
    assert_eq!(seen.values("x-auth-user-id"), [USER_ID]);
    let told = envoy.access_line("/reports/2026");
    assert_eq!(told["rule"], "reports", "{told}");
    assert!(Call::get("/reportsX").send(to).status == 401, "another route");
}

#[test]
fn while_the_gate_is_away_nobody_passes() {
    let (gate, envoy) = start("eg-killed");
    gate.process.kill();
    for listener in LISTENERS {
        for path in ["/public/x", "/reports", "/dashboard"] {
            let answer = Call::get(path).cookie(&signed_in()).send(envoy.address(listener));
            assert_eq!(
                (answer.status, answer.reached_upstream()),
                (503, false),
                "{listener} {path}: {answer:?}"
            );
        }
    }
}

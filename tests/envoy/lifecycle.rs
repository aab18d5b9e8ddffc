//! A gate that comes and goes: nobody passes in its absence, and what has begun is finished.

use crate::harness::edge::edge;
use crate::harness::envoy::{Envoy, Listener};
use crate::harness::gate::Gate;
use crate::harness::http1::{Answer, Call};
use crate::harness::polling::{wait_for, wait_until};
use crate::harness::session::{SECRET, USER_ID, signed_in};
use crate::harness::upstream::{start_echo, start_grpc};

const RULES: &str = r#"
sessions: { web: { kind: authjs, secret: "${AUTH_SECRET}" } }
rules:
  - { matcher: "/public/:path*", access: public }
  - { matcher: "/optional/:path*", access: optional }
"#;

fn start(address: &str) -> Gate {
    let configuration = format!("listen: {{ grpc: \"{address}\", drain_timeout: 10s }}\n{RULES}");
    Gate::start("gate-restarted", &configuration, &[("AUTH_SECRET", SECRET)])
}

/// A request of each kind, the last one with a session.
fn calls() -> [Call; 4] {
    [
        Call::get("/public/x"),
        Call::get("/optional/x"),
        Call::page("/x"),
        Call::page("/x").cookie(&signed_in()),
    ]
}

/// The answers to a request of each kind.
fn ask(envoy: &Envoy) -> [Answer; 4] {
    calls().map(|call| call.send(envoy.address("edge")))
}

#[track_caller]
fn assert_nobody_passes(envoy: &Envoy) {
    for answer in ask(envoy) {
        // 502 is what this Envoy says when it has no answer from the gate.
        assert_eq!((answer.reached_upstream(), answer.status), (false, 502), "{answer:?}");
    }
}

#[track_caller]
fn assert_all_is_well(envoy: &Envoy) {
    let [public, optional, page, session] = ask(envoy);
    assert!(public.reached_upstream() && optional.reached_upstream(), "{public:?} {optional:?}");
    assert_eq!((page.reached_upstream(), page.status), (false, 307), "{page:?}");
    assert_eq!(session.upstream().values("x-auth-user-id"), [USER_ID]);
}

#[test]
fn nobody_passes_while_the_gate_is_away_and_all_is_well_when_it_is_back() {
    let place = tempfile::tempdir().expect("a folder");
    let address = format!("unix:{}", place.path().join("gate.sock").display());
    let gate = start(&address);
    assert_eq!(gate.address, address);
    let envoy =
        Envoy::start("envoy-restarts", &[Listener::new("edge", &address)], start_echo(), start_grpc());
    wait_until("Envoy to find the gate healthy", || envoy.sees_healthy(&address));
    assert_all_is_well(&envoy);

    // Killed, it leaves its socket behind; the next one takes its place all the same.
    gate.process.kill();
    assert_nobody_passes(&envoy);
    wait_until("Envoy to miss the gate", || !envoy.sees_healthy(&address));
    assert_nobody_passes(&envoy);

    let mut gate = start(&address);
    wait_until("Envoy to find the gate again", || {
        let page = Call::page("/x").send(envoy.address("edge"));
        assert!(!page.reached_upstream(), "{page:?}");
        envoy.sees_healthy(&address)
    });
    assert_all_is_well(&envoy);

    assert_eq!(gate.terminate().code(), Some(0), "{}", gate.process.output());
    assert_nobody_passes(&envoy);
    assert!(!place.path().join("gate.sock").exists(), "a gate that ends takes its socket with it");
}

#[test]
fn nobody_passes_while_the_gate_does_not_answer() {
    let gate = start("127.0.0.1:0");
    let listener = Listener { gate_timeout: "0.2s", ..Listener::new("edge", &gate.address) };
    let envoy = Envoy::start("envoy-frozen", &[listener], start_echo(), start_grpc());
    wait_for("the gate to be asked", || ask(&envoy)[3].reached_upstream().then_some(()));

    gate.process.freeze();
    assert_nobody_passes(&envoy);
    gate.process.thaw();
    wait_until("Envoy to find the gate again", || envoy.sees_healthy(&gate.address));
    wait_until("the gate to answer in time", || ask(&envoy)[3].reached_upstream());
    assert_all_is_well(&envoy);
}

#[test]
fn envoys_own_health_check_finds_the_gate_healthy() {
    assert!(edge().envoy.sees_healthy(&edge().gate.address));
}

#[test]
fn with_a_secret_and_no_file_an_auth_js_application_is_protected() {
    let place = tempfile::tempdir().expect("a folder");
    let address = format!("unix:{}", place.path().join("gate.sock").display());
    let variables = [
        ("AUTH_SECRET", SECRET),
        ("AUTH_URL", "https://shop.example.com"),
        ("SESSIONGATE__LISTEN__GRPC", &address),
    ];
    let _gate = Gate::start_without_file("gate-without-file", &variables);
    let envoy =
        Envoy::start("envoy-without-file", &[Listener::new("edge", &address)], start_echo(), start_grpc());
    let send = |call: Call| call.send(envoy.address("edge"));
    for open in
        ["/api/auth/signin", "/api/auth/callback/github?code=1", "/_next/static/chunk.js", "/favicon.ico"]
    {
        assert!(send(Call::page(open)).reached_upstream(), "{open}");
    }
    for guarded in ["/", "/dashboard", "/api/orders", "/api/authors", "/_next/data/b/dashboard.json"] {
        assert!(!send(Call::page(guarded)).reached_upstream(), "{guarded}");
        let seen = send(Call::page(guarded).cookie(&signed_in())).upstream();
        assert_eq!(seen.values("x-auth-user-id"), [USER_ID], "{guarded}");
    }
    let login =
        "https://shop.example.com/api/auth/signin?callbackUrl=https%3A%2F%2Fshop.example.com%2Fdashboard";
    assert_eq!(send(Call::page("/dashboard")).header("location"), Some(login));
}

//! The gate behind other proxies: nginx, Caddy, `HAProxy`, and Envoy's HTTP `ext_authz`, each with the configuration that
//! is in `deploy/`, and clients that send the headers of a proxy themselves.

use std::net::SocketAddr;
use std::sync::OnceLock;

use serde_json::{Value, json};

use crate::harness::envoy::{Envoy, Listener, gate_cluster};
use crate::harness::gate::Gate;
use crate::harness::http1::Call;
use crate::harness::proxies::Proxy;
use crate::harness::session::{EMAIL, SECRET, USER_ID, signed_in};
use crate::harness::upstream::{start_echo, start_grpc};

const CONFIGURATION: &str = r#"
listen: { grpc: "127.0.0.1:0", http: "127.0.0.1:0" }
sessions: { web: { kind: authjs, secret: "${AUTH_SECRET}" } }
login: { trusted_hosts: [app.example.com] }
rules:
  - { name: public, matcher: "/public/:path*", access: public }
  - { name: writes, matcher: [{ source: "/things/:path*", methods: [POST, DELETE] }], access: deny }
  - { name: things, matcher: "/things/:path*", access: public }
  - { name: office, matcher: "/office/:path*", condition: 'request.source.address == "127.0.0.1"' }
  - { name: gone, matcher: "/gone", access: deny, on_deny: { status: 410, body: "it was here" } }
  - { name: ops, matcher: "/ops/:path*", hosts: ops.example.com, access: public }
telemetry: { log: debug }
"#;

struct World {
    gate: Gate,
    /// Each with its address.
    names: Vec<(&'static str, SocketAddr)>,
    _proxies: [Proxy; 3],
    _envoy: Envoy,
}

/// One gate, and a proxy of each kind before one service.
fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let mut gate = Gate::start("gate-http", CONFIGURATION, &[("AUTH_SECRET", SECRET)]);
        let (http, service) = (gate.http(), start_echo());
        let listener = Listener {
            http_service: Some(http_service(&http.to_string())),
            ext_authz: json!({"allowed_headers": exact(&TOLD)}),
            ..Listener::new("edge", &http.to_string())
        };
        let envoy = Envoy::start("envoy-http", &[listener], service, start_grpc());
        let proxies =
            [Proxy::nginx(http, service), Proxy::caddy(http, service), Proxy::haproxy(http, service)];
        let [nginx, caddy, haproxy] = proxies.each_ref().map(|proxy| proxy.address);
        let envoys = envoy.address("edge");
        let names = vec![("nginx", nginx), ("caddy", caddy), ("haproxy", haproxy), ("envoy", envoys)];
        World { gate, names, _proxies: proxies, _envoy: envoy }
    })
}

/// What Envoy is told to tell the gate beside method, path and host, as the documentation says.
const TOLD: [&str; 12] = [
    "cookie",
    "accept",
    "sec-fetch-mode",
    "content-type",
    "rsc",
    "next-router-state-tree",
    "next-action",
    "x-forwarded-proto",
    "x-forwarded-for",
    "x-request-id",
    "traceparent",
    "tracestate",
];

fn exact(names: &[&str]) -> Value {
    json!({"patterns": names.iter().map(|name| json!({"exact": name})).collect::<Vec<_>>()})
}

fn http_service(gate: &str) -> Value {
    json!({
        "server_uri": {"uri": format!("http://{gate}"), "cluster": gate_cluster(gate), "timeout": "5s"},
        "path_prefix": "/auth",
        "authorization_request": {},
        "authorization_response": {
            "allowed_upstream_headers": exact(&["x-auth-user-id", "x-auth-user-email", "cookie"]),
            "allowed_client_headers": exact(&["location", "set-cookie", "content-type", "cache-control", "retry-after"]),
            "allowed_client_headers_on_success": exact(&["set-cookie"]),
        },
    })
}

fn each(mut check: impl FnMut(&str, SocketAddr)) {
    let world = world();
    for (name, address) in &world.names {
        check(name, *address);
    }
}

#[test]
fn every_proxy_lets_sessions_in_and_tells_the_service_who_is_calling() {
    each(|proxy, address| {
        for (method, path) in
            [("GET", "/dashboard?a=1&b=%2F"), ("POST", "/api/orders"), ("GET", "/a/../b//c")]
        {
            let call = Call::new(method, path).cookie(&signed_in()).header("x-auth-user-id", "eve");
            let call = call
                .header("X-Auth-User-Email", "eve@example.com")
                .header("x-middleware-subrequest", "middleware");
            let seen = call.send(address).upstream();
            assert_eq!(seen.values("x-auth-user-id"), [USER_ID], "{proxy} {path}");
            assert_eq!(seen.values("x-auth-user-email"), [EMAIL], "{proxy} {path}");
            assert!(seen.values("x-middleware-subrequest").iter().all(|value| value.is_empty()), "{proxy}");
            assert!(seen.values("x_auth_user_id").is_empty(), "{proxy}");
        }
    });
}

#[test]
fn a_public_route_takes_the_clients_own_identity_away() {
    each(|proxy, address| {
        let call =
            Call::get("/public/x").header("x-auth-user-id", "eve").header("x-auth-user-email", "eve@x.y");
        let seen = call.header("x_auth_user_id", "eve").send(address).upstream();
        for name in ["x-auth-user-id", "x-auth-user-email", "x_auth_user_id"] {
            assert!(
                seen.values(name).iter().all(|value| value.is_empty()),
                "{proxy}: {name} {:?}",
                seen.values(name)
            );
        }
    });
}

#[test]
fn denials_are_the_gates_own_behind_every_proxy() {
    let login = "http://app.example.com/api/auth/signin?callbackUrl=http%3A%2F%2Fapp.example.com%2Fdashboard%3Ftab%3D1";
    each(|proxy, address| {
        let page = Call::page("/dashboard?tab=1").send(address);
        assert_eq!((page.status, page.reached_upstream()), (307, false), "{proxy}: {page:?}");
        assert_eq!(page.header("location"), Some(login), "{proxy}");
        let api = Call::get("/api/orders").send(address);
        assert_eq!((api.status, api.body.as_str()), (401, r#"{"message":"Not authenticated"}"#), "{proxy}");
        assert_eq!(api.header("content-type"), Some("application/json"), "{proxy}");
        assert_eq!(api.header("cache-control"), Some("no-store"), "{proxy}");
        let cleared = Call::get("/api/orders").cookie("authjs.session-token=garbage").send(address);
        let cookies = cleared.values("set-cookie");
        assert!(
            cookies.len() == 1 && cookies[0].starts_with("authjs.session-token=;"),
            "{proxy}: {cleared:?}"
        );
        let gone = Call::get("/gone").send(address);
        assert_eq!((gone.status, gone.body.as_str()), (410, "it was here"), "{proxy}");
        let write = Call::new("DELETE", "/things/7").send(address);
        assert_eq!((write.status, write.reached_upstream()), (403, false), "{proxy}: {write:?}");
        assert!(Call::get("/things/7").send(address).reached_upstream(), "{proxy}");
    });
}

#[test]
fn a_client_that_sends_a_proxys_headers_itself_gains_nothing() {
    let said: &[&[(&str, &str)]] = &[
        &[("x-forwarded-uri", "/public/x")],
        &[("x-forwarded-uri", "/public/x"), ("x-forwarded-uri", "/public/y")],
        &[("x-original-url", "http://app.example.com/public/x"), ("x-original-method", "GET")],
        &[("x-original-uri", "/public/x")],
        &[("x-rewrite-url", "/public/x")],
        &[("x-forwarded-method", "GET"), ("x-forwarded-uri", "/things/7")],
        &[("x-http-method-override", "GET"), ("x-original-method", "GET")],
        &[("x-forwarded-host", "ops.example.com"), ("x-forwarded-prefix", "/public")],
        &[("x-forwarded-proto", "https, http"), ("forwarded", "host=ops.example.com;proto=https")],
        &[("connection", "x-forwarded-uri, x-forwarded-method")],
        &[("x-envoy-original-path", "/public/x")],
        &[("x-envoy-auth-headers-to-remove", "x-auth-user-id")],
        &[("x_forwarded_uri", "/public/x"), ("X-Forwarded_Uri", "/public/x")],
        &[("X-FORWARDED-URI", "/public/x"), ("X-Original-URL", "http://app.example.com/public/x")],
    ];
    each(|proxy, address| {
        for headers in said {
            for (method, path) in [("GET", "/dashboard"), ("DELETE", "/things/7"), ("GET", "/ops/x")] {
                let call = headers
                    .iter()
                    .fold(Call::new(method, path), |call, (name, value)| call.header(name, value));
                let answer = call.send(address);
                assert!(!answer.reached_upstream(), "{proxy}: {method} {path} with {headers:?}: {answer:?}");
            }
        }
    });
}

#[test]
fn a_client_cannot_choose_its_address() {
    each(|proxy, address| {
        let call = Call::get("/office/x").cookie(&signed_in());
        let spoofed = call
            .clone()
            .header("x-forwarded-for", "127.0.0.1")
            .header("x-real-ip", "127.0.0.1")
            .send(address);
        // The proxy adds the address from which the test comes, which is trusted: what is left is the client's own word,
        // or nothing; neither is an address that a trusted proxy has seen.
        assert!(!spoofed.reached_upstream(), "{proxy}: {spoofed:?}");
    });
}

#[test]
fn odd_paths_are_judged_as_every_server_may_read_them() {
    each(|proxy, address| {
        for path in [
            "/public/../dashboard",
            "/public/%2e%2e/dashboard",
            "/public/..%2fdashboard",
            "//dashboard",
            "/public/..;/dashboard",
        ] {
            let answer = Call::get(path).send(address);
            assert!(!answer.reached_upstream(), "{proxy}: {path}: {answer:?}");
        }
    });
}

#[test]
fn nobody_but_a_trusted_proxy_is_answered() {
    let configuration =
        format!("{CONFIGURATION}\nforward_auth: {{ trusted_proxies: [10.0.0.0/8, '2001:db8::1'] }}\n");
    let mut gate = Gate::start("gate-untrusting", &configuration, &[("AUTH_SECRET", SECRET)]);
    let asked = Call::get("/auth").header("x-forwarded-uri", "/public/x").header("x-forwarded-method", "GET");
    let asked = asked.header("x-forwarded-host", "app.example.com").cookie(&signed_in());
    let answer = asked.send(gate.http());
    assert_eq!((answer.status, answer.body.as_str()), (403, r#"{"message":"Forbidden"}"#));
    assert!(answer.header("x-auth-user-id").is_none(), "{answer:?}");
    let envoys = Call::get("/auth/public/x").send(gate.http());
    assert_eq!(envoys.status, 403, "{envoys:?}");
}

#[test]
fn a_proxy_that_does_not_say_what_it_asks_about_is_told_what_is_missing() {
    let world = world();
    let mut lines = 0;
    for headers in [&[][..], &[("x-forwarded-uri", "/public/x")], &[("x-original-url", "/public/x")]] {
        let call = headers.iter().fold(Call::get("/auth"), |call, (name, value)| call.header(name, value));
        let http = crate::harness::gate::address_of(&world.gate, "serving HTTP");
        assert_eq!(call.send(http).status, 400, "{headers:?}");
        lines += 1;
    }
    let log = world.gate.process.output();
    assert!(log.matches("forward-auth was asked and").count() >= lines, "{log}");
    assert_eq!(
        Call::get("/other").send(crate::harness::gate::address_of(&world.gate, "serving HTTP")).status,
        404
    );
}

#[test]
fn while_the_gate_is_away_no_proxy_lets_anybody_in() {
    let mut gate = Gate::start("gate-http-killed", CONFIGURATION, &[("AUTH_SECRET", SECRET)]);
    let (http, service) = (gate.http(), start_echo());
    let proxies = [Proxy::nginx(http, service), Proxy::caddy(http, service), Proxy::haproxy(http, service)];
    for proxy in &proxies {
        assert!(Call::get("/public/x").send(proxy.address).reached_upstream(), "{}", proxy.log());
    }
    gate.process.kill();
    for proxy in &proxies {
        let answer = Call::get("/public/x").cookie(&signed_in()).send(proxy.address);
        assert!(!answer.reached_upstream() && answer.status >= 500, "{answer:?}\n{}", proxy.log());
    }
}

//! The gate in a mesh: a real Envoy with the filters that Istio makes of `deploy/istio`. Istio's own istiod wrote them
//! once, run over these files; here they are held against what the files promise.

mod told;

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::certificates::{Authority, Certificate, Mounted};
use crate::harness::envoy::Envoy;
use crate::harness::gate::Gate;
use crate::harness::http1::Call;
use crate::harness::polling::wait_until;
use crate::harness::session::{EMAIL, SECRET, USER_ID, signed_in};
use crate::harness::upstream::start_echo;

const ENVOY: &str = include_str!("istio/envoy.yaml");

const GATE: &str = r#"
listen: { grpc: "127.0.0.1:0", http: "127.0.0.1:0" }
sessions: { web: { kind: authjs, secret: "${AUTH_SECRET}", bearer: true, refresh: true, update_age: 0s } }
login: { trusted_hosts: [app.example.com] }
rules:
  - { name: public, matcher: "/public/:path*", access: public }
  - { name: office, matcher: "/office", condition: 'request.source.address == "203.0.113.9"' }
  - { name: pages, matcher: "/pages/:path*", on_deny: redirect }
identity:
  headers: { x-auth-user-id: sub, x-auth-user-email: auth.user.email, x-auth-team: auth.user.team }
  strip_cookie: true
telemetry: { log: debug }
"#;

/// The listeners at which every request is asked about.
const GATEWAYS: [&str; 2] = ["ingress", "ingress-http"];
const FORGED: [(&str, &str); 5] = [
    ("x-auth-user-id", "eve"),
    ("X-Auth-Team", "root"),
    ("x_auth_user_id", "eve"),
    ("x-auth_user-email", "eve@example.com"),
    ("x-middleware-subrequest", "middleware"),
];

/// Istio's Envoy between this gate and the service. The time for an answer is longer than what is deployed: this
/// machine does much else meanwhile.
fn envoy(name: &str, grpc: &str, http: SocketAddr, service: SocketAddr, tls: &Value) -> Envoy {
    let port = |address: SocketAddr| format!("port_value: {}", address.port());
    let grpc: SocketAddr = grpc.parse().expect("an address");
    let configuration = ENVOY
        .replace("port_value: 9191", &port(grpc))
        .replace("port_value: 9192", &port(http))
        .replace("port_value: 3000", &port(service))
        .replace("transport_socket: null", &format!("transport_socket: {tls}"))
        .replace("timeout: 0.250s", "timeout: 5s");
    Envoy::start_configured(name, &configuration)
}

fn start(name: &str) -> (Gate, Envoy) {
    let mut gate = Gate::start(name, GATE, &[("AUTH_SECRET", SECRET)]);
    let http = gate.http();
    let envoy = envoy(&format!("{name}-envoy"), &gate.address, http, start_echo(), &Value::Null);
    (gate, envoy)
}

fn forged(call: Call) -> Call {
    FORGED.iter().fold(call, |call, (name, value)| call.header(name, value))
}

#[test]
fn a_gateway_asks_about_every_request_and_tells_the_service_who_is_calling() {
    let (_gate, envoy) = start("istio");
    for listener in GATEWAYS {
        let to = envoy.address(listener);
        let page = Call::page("/dashboard?tab=1").send(to);
        let login = "http://app.example.com/api/auth/signin?callbackUrl=";
        let back = "http%3A%2F%2Fapp.example.com%2Fdashboard%3Ftab%3D1";
        let location = Some(format!("{login}{back}"));
        assert_eq!(
            (page.status, page.header("location")),
            (307, location.as_deref()),
            "{listener}: {page:?}"
        );
        let api = forged(Call::new("POST", "/orders")).send(to);
        assert_eq!(
            (api.status, api.body.as_str()),
            (401, r#"{"message":"Not authenticated"}"#),
            "{listener}"
        );
        assert_eq!(api.values("cache-control"), ["no-store"], "{listener}");
        let cleared = Call::get("/orders").cookie("authjs.session-token=garbage").send(to);
        assert!(cleared.values("set-cookie")[0].starts_with("authjs.session-token=;"), "{cleared:?}");
        let forbidden = Call::page("/office").cookie(&signed_in()).send(to);
        assert_eq!(forbidden.status, 403, "{listener}");
        assert!(forbidden.header("content-security-policy").is_some(), "{listener}: {forbidden:?}");

        let seen = forged(Call::page("/dashboard").cookie(&format!("theme=dark; {}", signed_in()))).send(to);
        assert!(seen.values("set-cookie")[0].starts_with("authjs.session-token=ey"), "renewed: {seen:?}");
        let seen = seen.upstream();
        assert_eq!(seen.values("x-auth-user-id"), [USER_ID], "{listener}");
        assert_eq!(seen.values("x-auth-user-email"), [EMAIL], "{listener}");
        assert_eq!(seen.values("cookie"), ["theme=dark"], "{listener}");
        for name in ["x-auth-team", "x_auth_user_id", "x-auth_user-email", "x-middleware-subrequest"] {
            assert!(seen.values(name).is_empty(), "{listener}: {name}: {:?}", seen.values(name));
        }
        let public = forged(Call::get("/public/x")).send(to).upstream();
        for (name, _) in FORGED {
            let name = name.to_ascii_lowercase();
            assert!(public.values(&name).is_empty(), "{listener}: {name}: {:?}", public.values(&name));
        }
    }
    let told = envoy.access_line("/dashboard?tab=1");
    assert_eq!(told["rule"], "default", "the metadata stands in Istio's usual place: {told}");
}

#[test]
fn a_workload_is_asked_about_but_for_the_one_path_that_its_policy_leaves_out() {
    let (_gate, envoy) = start("istio-sidecar");
    let to = envoy.address("sidecar");
    for path in ["/metrics", "/metrics?name=up", "//metrics", "/x/../metrics", "/%2fmetrics"] {
        let seen = Call::get(path).header("x-auth-user-id", "eve").send(to).upstream();
        assert_eq!(
            seen.values("x-auth-user-id"),
            ["eve"],
            "{path}: nobody was asked, and nobody took it away"
        );
    }
    for path in [
        "/orders",
        "/Metrics",
        "/metrics/",
        "/metrics/../orders",
        "/metrics%2f..%2forders",
        "/metrics/..%5corders",
        "/metrics;/../orders",
        "/metrics%3f/../orders",
        "/metrics%00",
        "/%6detrics/x",
    ] {
        let answer = Call::get(path).send(to);
        assert!(!answer.reached_upstream() && matches!(answer.status, 400 | 401), "{path}: {answer:?}");
    }
    assert_eq!(
        Call::get("/orders").cookie(&signed_in()).send(to).upstream().values("x-auth-user-id"),
        [USER_ID]
    );
}

#[test]
fn a_connection_that_is_no_http_is_refused() {
    let (gate, envoy) = start("istio-tcp");
    let mut connection = TcpStream::connect(envoy.address("tcp")).expect("a connection");
    connection.set_read_timeout(Some(Duration::from_secs(30))).expect("a limit");
    // Envoy asks about the connection before it passes on what comes through it.
    connection.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").expect("an open connection");
    let mut answer = Vec::new();
    let _ = connection.read_to_end(&mut answer);
    assert!(answer.is_empty(), "{}", String::from_utf8_lossy(&answer));
    wait_until("the refusal in the log", || gate.process.output().contains("no_http_attributes"));
}

#[test]
fn while_the_gate_is_away_nobody_passes_and_everybody_hears_not_now() {
    let (gate, envoy) = start("istio-killed");
    for listener in GATEWAYS {
        assert!(Call::get("/public/x").send(envoy.address(listener)).reached_upstream(), "{listener}");
    }
    gate.process.kill();
    for listener in GATEWAYS {
        let answer = Call::get("/public/x").cookie(&signed_in()).send(envoy.address(listener));
        assert_eq!((answer.status, answer.reached_upstream()), (503, false), "{listener}: {answer:?}");
    }
}

#[test]
fn a_provider_that_istio_does_not_know_closes_what_the_policy_selects() {
    let (_gate, envoy) = start("istio-misspelt");
    for path in ["/public/x", "/orders"] {
        let answer = Call::get(path).cookie(&signed_in()).send(envoy.address("misspelt"));
        assert_eq!((answer.status, answer.reached_upstream()), (403, false), "{path}: {answer:?}");
    }
}

/// The name of the cluster is Envoy's `:authority` where nobody sets one, and it is none: HTTP/2 forbids such a
/// request.
#[test]
fn a_filter_that_names_no_authority_is_never_answered() {
    let (_gate, envoy) = start("istio-by-hand");
    let answer = Call::get("/public/x").cookie(&signed_in()).send(envoy.address("by-hand"));
    assert_eq!((answer.status, answer.reached_upstream()), (403, false), "{answer:?}");
}

const INGRESS: &str = "spiffe://cluster.local/ns/istio-ingress/sa/istio-ingress";

/// As the rule in own-tls.yaml makes it, and as `ISTIO_MUTUAL` does: other protocols are offered beside h2, and the
/// name of the server that is asked for is no host name.
fn istio_tls(authority: &Authority, client: &Certificate, protocols: &[&str], sni: &str) -> Value {
    json!({
        "name": "envoy.transport_sockets.tls",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
            "sni": sni,
            "common_tls_context": {
                "alpn_protocols": protocols,
                "tls_params": {"tls_minimum_protocol_version": "TLSv1_2", "tls_maximum_protocol_version": "TLSv1_3"},
                "tls_certificates": [
                    {"certificate_chain": {"inline_string": client.cert}, "private_key": {"inline_string": client.key}}
                ],
                "validation_context": {"trusted_ca": {"inline_string": authority.pem}},
            },
        },
    })
}

#[test]
fn the_gate_speaks_tls_with_istio_and_knows_the_gateway_by_its_identity() {
    let authority = Authority::new("mesh");
    let server = authority.server();
    let files =
        Mounted::new(&[("tls.crt", &server.cert), ("tls.key", &server.key), ("ca.crt", &authority.pem)]);
    let at = |file: &str| files.file(file).display().to_string();
    let tls = format!(
        "tls: {{ cert: {}, key: {}, client_ca: {}, allowed_client_names: [\"{INGRESS}\"] }}",
        at("tls.crt"),
        at("tls.key"),
        at("ca.crt")
    );
    let plain = r#"http: "127.0.0.1:0" }"#;
    let configuration = GATE.replace(plain, &format!("http: '127.0.0.1:0', {tls} }}"));
    let mut gate = Gate::start("istio-tls", &configuration, &[("AUTH_SECRET", SECRET)]);
    let http = gate.http();
    let (ingress, shop) =
        (authority.workload(INGRESS), authority.workload("spiffe://cluster.local/ns/shop/sa/app"));
    let host = "sessiongate.sessiongate.svc.cluster.local";
    let in_mesh = ["istio-peer-exchange", "istio", "h2"];
    for (name, client, protocols, sni, is_let_in) in [
        (
            "istio-mutual",
            &ingress,
            &in_mesh[..],
            "outbound_.9191_._.sessiongate.sessiongate.svc.cluster.local",
            true,
        ),
        ("own-tls", &ingress, &["h2"], host, true),
        ("stranger", &shop, &["h2"], host, false),
    ] {
        let tls = istio_tls(&authority, client, protocols, sni);
        let envoy = envoy(name, &gate.address, http, start_echo(), &tls);
        let answer = Call::get("/orders").cookie(&signed_in()).send(envoy.address("ingress"));
        assert_eq!(answer.reached_upstream(), is_let_in, "{name}: {answer:?}");
        assert!(is_let_in || answer.status == 503, "{name}: {answer:?}");
    }
}

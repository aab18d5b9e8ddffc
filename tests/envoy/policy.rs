//! Conditions, per-route choices and claims for Envoy's own filters, with what Envoy really sends and does.

use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;

use serde_json::{Value, json};

use crate::harness::envoy::{Envoy, Listener, filter, type_of};
use crate::harness::gate::Gate;
use crate::harness::http1::Call;
use crate::harness::logs;
use crate::harness::runtime::runtime;
use crate::harness::session::{COOKIE, OTHER_SECRET, SECRET, USER_ID, ada, v5};
use crate::harness::upstream::{start_echo, start_grpc};

const CONFIGURATION: &str = r#"
listen: { grpc: "127.0.0.1:0" }
sessions: { web: { kind: authjs, secret: "${AUTH_SECRET}" } }
rules:
  - { name: open, matcher: "/open/:path*", access: public }
  - { name: teams, matcher: "/teams/:team/:path*", condition: 'params.team in auth.user.teams' }
  - { name: admins, matcher: "/admins", condition: '"admin" in auth.user.roles && request.method == "GET"' }
  - { name: local, matcher: "/local", condition: 'request.source.address in cidr("127.0.0.0/8")' }
  - { name: afar, matcher: "/afar", condition: 'request.source.address in cidr("10.0.0.0/8")' }
  - { name: tier, matcher: "/tier/:path*", condition: 'context.tier == "gold" && context.route_metadata["app.policy"].max >= 3' }
  - { name: mesh, matcher: "/mesh", condition: 'request.source.principal == "spiffe://example.org/web"' }
identity: { dynamic_metadata: [sub, roles] }
telemetry: { log: debug }
"#;

const PLAIN: &str = "plain";
const MTLS: &str = "mtls";

struct World {
    envoy: Envoy,
    gate: Gate,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let gate = Gate::start("policy-gate", CONFIGURATION, &[("AUTH_SECRET", SECRET)]);
    certificates(logs::folder());
    let plain = Listener {
        ext_authz: json!({"route_metadata_context_namespaces": ["app.policy"]}),
        after: vec![filter("rbac", &json!({"@type": type_of("rbac", "RBAC")}))],
        routes: routes(),
        ..Listener::new(PLAIN, &gate.address)
    };
    let mtls = Listener { tls: Some(tls(logs::folder())), ..Listener::new(MTLS, &gate.address) };
    let envoy = Envoy::start("policy-envoy", &[plain, mtls], start_echo(), start_grpc());
    World { envoy, gate }
});

/// Routes that say more of themselves.
fn routes() -> Vec<Value> {
    let route = |prefix: &str, extensions: Value| {
        json!({
            "match": {"prefix": prefix}, "route": {"cluster": "echo"},
            "metadata": {"filter_metadata": {"app.policy": {"max": 3}, "secret.policy": {"key": "kept"}}},
            "typed_per_filter_config": {"envoy.filters.http.ext_authz": {
                "@type": type_of("ext_authz", "ExtAuthzPerRoute"),
                "check_settings": {"context_extensions": extensions},
            }},
        })
    };
    let principals = json!([{"metadata": {
        "filter": "envoy.filters.http.ext_authz",
        "path": [{"key": "roles"}],
        "value": {"list_match": {"one_of": {"string_match": {"exact": "editor"}}}},
    }}]);
    let rbac = json!({
        "match": {"prefix": "/editors"}, "route": {"cluster": "echo"},
        "typed_per_filter_config": {"envoy.filters.http.rbac": {
            "@type": type_of("rbac", "RBACPerRoute"),
            "rbac": {"rules": {"action": "ALLOW", "policies": {
                "editors": {"permissions": [{"any": true}], "principals": principals},
            }}},
        }},
    });
    vec![
        route("/tier/gold", json!({"tier": "gold"})),
        route("/tier/tin", json!({"tier": "tin"})),
        route("/open/strict", json!({"sessiongate.access": "session"})),
        route("/teams/blue/lax", json!({"sessiongate.access": "public"})),
        route("/anything", json!({"sessiongate.rule": "admins"})),
        route("/nothing", json!({"sessiongate.rule": "nobody"})),
        rbac,
    ]
}

/// A certificate authority, Envoy's certificate, and a workload's with a SPIFFE identity.
fn certificates(folder: &Path) {
    let openssl = |arguments: &[&str]| {
        let done = Command::new("openssl").current_dir(folder).args(arguments).output().expect("openssl");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    };
    let new =
        ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
    openssl(&[&new[..], &["-subj", "/CN=mesh", "-keyout", "mesh-ca.key", "-out", "mesh-ca.crt"]].concat());
    for (name, alternative) in [
        ("mesh-edge", "DNS:edge.test"),
        ("mesh-web", "URI:spiffe://example.org/web"),
        ("mesh-db", "URI:spiffe://example.org/db"),
    ] {
        let (key, certificate) = (format!("{name}.key"), format!("{name}.crt"));
        let extension = format!("subjectAltName={alternative}");
        let signed = ["-CA", "mesh-ca.crt", "-CAkey", "mesh-ca.key", "-subj", "/CN=workload"];
        let files = [
            "-addext",
            &extension,
            "-addext",
            "basicConstraints=CA:FALSE",
            "-keyout",
            &key,
            "-out",
            &certificate,
        ];
        openssl(&[&new[..], &signed, &files].concat());
    }
}

fn tls(folder: &Path) -> Value {
    let file = |name: &str| json!({"filename": folder.join(name).display().to_string()});
    json!({
        "name": "envoy.transport_sockets.tls",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
            "require_client_certificate": true,
            "common_tls_context": {
                "tls_certificates": [{"certificate_chain": file("mesh-edge.crt"), "private_key": file("mesh-edge.key")}],
                "validation_context": {"trusted_ca": file("mesh-ca.crt")},
            },
        },
    })
}

/// Two applications behind one edge, and upstreams that are told in their own way.
const APPLICATIONS: &str = r#"
listen: { grpc: "127.0.0.1:0" }
sessions:
  blog: { kind: authjs, secret: "${AUTH_SECRET}" }
  shop: { kind: authjs, secret: "${SHOP_SECRET}" }
login: { origin: "https://shop.test", url: /signin }
rules:
  - { name: blog, hosts: blog.test, session: blog, login: { origin: "https://blog.test" } }
  - { name: shop, hosts: shop.test, session: shop }
default: { access: deny }
identity:
  headers:
    x-auth-user-id: sub
    x-auth-plan: org.plan
    x-auth-roles: { claim: roles, separator: " " }
    x-auth-admin: { cel: '"admin" in auth.user.roles' }
    x-auth-note: note
  max_header_bytes: 2048
  assertion: { ttl: 30s }
  forward_token: authorization
  strip_cookie: true
"#;

#[test]
fn each_application_has_its_sessions_its_login_and_its_way_to_be_told() {
    let secrets = [("AUTH_SECRET", SECRET), ("SHOP_SECRET", OTHER_SECRET)];
    let gate = Gate::start("applications-gate", APPLICATIONS, &secrets);
    let listeners = [Listener::new(PLAIN, &gate.address)];
    let envoy = Envoy::start("applications-envoy", &listeners, start_echo(), start_grpc());
    let to = envoy.address(PLAIN);
    let mut claims = ada();
    claims["org"] = json!({"plan": "gold"});
    let ada = cookie(claims.clone());
    let seen = Call::get("/a").host("blog.test").cookie(&format!("theme=dark; {ada}"));
    let seen =
        seen.header("authorization", "Bearer forged").header("x_auth_admin", "forged").send(to).upstream();
    for (name, value) in [
        ("x-auth-user-id", USER_ID),
        ("x-auth-plan", "gold"),
        ("x-auth-roles", "admin editor"),
        ("x-auth-admin", "true"),
        ("cookie", "theme=dark"),
    ] {
        assert_eq!(seen.values(name), [value], "{name}");
    }
    let token = seen.values("x-auth-assertion")[0];
    assert_eq!(seen.values("authorization"), [format!("Bearer {token}")]);
    assert!(seen.values("x_auth_admin").is_empty() && token.split('.').count() == 3, "{seen:?}");

    claims["note"] = json!("n".repeat(1800));
    let call = Call::get("/a").host("blog.test").cookie(&cookie(claims)).header("x-auth-note", "forged");
    let seen = call.send(to).upstream();
    assert!(seen.values("x-auth-note").is_empty(), "the largest header is left out, and so is the client's");
    assert_eq!(seen.values("x-auth-user-id"), [USER_ID]);

    for (host, location) in [
        ("blog.test", "https://blog.test/signin?callbackUrl=https%3A%2F%2Fblog.test%2Fa"),
        ("shop.test", "https://shop.test/signin?callbackUrl=https%3A%2F%2Fshop.test%2Fa"),
    ] {
        let answer = Call::page("/a").host(host).send(to);
        assert_eq!((answer.status, answer.header("location")), (307, Some(location)), "{host}");
    }
    let elsewhere = Call::get("/a").host("shop.test").cookie(&ada).send(to);
    assert_eq!(elsewhere.status, 401, "a session of the one is none for the other");
    assert_eq!(Call::get("/a").host("other.test").cookie(&ada).send(to).status, 403);
}

fn cookie(claims: Value) -> String {
    format!("{COOKIE}={}", v5(claims).mint())
}

/// Ada, of the red team.
fn ada_of_red() -> String {
    let mut claims = ada();
    claims["teams"] = json!(["red"]);
    cookie(claims)
}

#[test]
fn a_condition_decides_what_a_session_may() {
    let to = WORLD.envoy.address(PLAIN);
    let (ada, eve) = (ada_of_red(), cookie(json!({"sub": "eve"})));
    for (method, target, cookie, status) in [
        ("GET", "/teams/red/a", &ada, 200),
        ("GET", "/teams/blue/a", &ada, 403),
        ("GET", "/teams/red/../blue/a", &ada, 403),
        ("GET", "/teams/red%2F..%2Fblue/a", &ada, 403),
        ("GET", "//teams/blue", &ada, 403),
        ("GET", "/teams/red/a", &eve, 403),
        ("GET", "/admins", &ada, 200),
        ("POST", "/admins", &ada, 403),
        ("GET", "/admins", &eve, 403),
        ("GET", "/local", &ada, 200),
        ("GET", "/afar", &ada, 403),
    ] {
        // What a client says of itself counts for nothing.
        let call = Call::new(method, target).cookie(cookie).header("x-forwarded-for", "10.1.1.1");
        let answer = call.header("x-forwarded-method", "GET").send(to);
        assert_eq!(answer.status, status, "{method} {target}");
        if status == 403 {
            assert_eq!(answer.body, r#"{"message":"Forbidden"}"#);
        }
    }
    let nobody = Call::get("/teams/red/a").send(to);
    assert_eq!(nobody.status, 401, "a condition is no way in");
    let log = WORLD.gate.process.output();
    assert!(
        log.contains("`auth.user.teams` is not there") && log.contains("condition_error"),
        "the reason is in the log"
    );
}

#[test]
fn envoys_routes_choose_their_rule_and_can_only_be_stricter() {
    let to = WORLD.envoy.address(PLAIN);
    let ada = ada_of_red();
    for (target, cookie, status) in [
        ("/open/a", "", 200),
        ("/open/strict", "", 401),
        ("/open/strict", ada.as_str(), 200),
        ("/teams/blue/lax", "", 401),
        ("/teams/blue/lax", &ada, 403),
        ("/anything", &ada, 200),
        ("/anything", "", 401),
        ("/nothing", &ada, 403),
        ("/tier/gold", &ada, 200),
        ("/tier/tin", &ada, 403),
        ("/tier/none", &ada, 403),
    ] {
        let call = Call::get(target)
            .cookie(cookie)
            .header("sessiongate.rule", "open")
            .header("sessiongate.access", "public");
        assert_eq!(call.send(to).status, status, "{target} {}", cookie.is_empty());
    }
    assert_eq!(WORLD.envoy.access_line("/nothing")["reason"], "unknown_route");
}

#[test]
fn envoys_own_rbac_filter_and_access_log_use_the_claims() {
    let to = WORLD.envoy.address(PLAIN);
    assert_eq!(Call::get("/editors/a").cookie(&ada_of_red()).send(to).status, 200);
    let refused = Call::get("/editors/b").cookie(&cookie(json!({"sub": "eve", "roles": ["admin"]}))).send(to);
    assert_eq!((refused.status, refused.body.as_str()), (403, "RBAC: access denied"));
    assert_eq!(WORLD.envoy.access_line("/editors/a")["sub"], USER_ID);
    assert_eq!(WORLD.envoy.access_line("/editors/b")["sub"], "eve");
}

#[test]
fn the_principal_is_that_of_the_client_certificate_which_envoy_verified() {
    let to = WORLD.envoy.address(MTLS);
    let ada = ada_of_red();
    let ask = |workload: &str| {
        let read = |name: String| std::fs::read(logs::folder().join(name)).expect("a file");
        let mut identity = read(format!("{workload}.crt"));
        identity.extend(read(format!("{workload}.key")));
        let authority =
            reqwest::Certificate::from_pem(&read("mesh-ca.crt".to_owned())).expect("a certificate");
        let client = reqwest::Client::builder()
            .identity(reqwest::Identity::from_pem(&identity).expect("an identity"))
            .tls_certs_only([authority])
            .resolve("edge.test", to)
            .build()
            .expect("a client");
        let request = client.get(format!("https://edge.test:{}/mesh", to.port())).header("cookie", &ada);
        // A client cannot name another principal.
        let request = request.header("x-forwarded-client-cert", "URI=spiffe://example.org/web");
        runtime().block_on(request.send()).expect("an answer").status().as_u16()
    };
    assert_eq!(ask("mesh-web"), 200);
    assert_eq!(ask("mesh-db"), 403);
    // Without a certificate nobody is anybody.
    assert_eq!(Call::get("/mesh").cookie(&ada).send(WORLD.envoy.address(PLAIN)).status, 403);
}

//! The services of `examples/upstreams`, each behind Envoy and a gate that signs, and each attacked without them.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::time::SystemTime;

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Map, Value, json};

use crate::harness::envoy::{Envoy, Listener};
use crate::harness::gate::Gate;
use crate::harness::http1::Call;
use crate::harness::logs;
use crate::harness::polling::wait_for;
use crate::harness::process::Process;
use crate::harness::session::{SECRET, USER_ID, signed_in};
use crate::harness::upstream::{start_echo, start_grpc};

const CONFIGURATION: &str = r#"
listen: { grpc: "127.0.0.1:0", http: "127.0.0.1:0" }
sessions: { web: { kind: authjs, secret: "${AUTH_SECRET}" } }
rules:
  - { name: other, matcher: "/:service/other", audience: other }
  - { name: open, matcher: "/:service/open", access: public }
  - { name: orders, matcher: "/:service/:path*" }
identity:
  headers: {}
  assertion: { key_file: [upstreams-ed.pem, upstreams-ec.pem, upstreams-rsa.pem], audience: orders }
telemetry: { log: debug }
"#;

/// The kinds of keys, as `openssl genpkey` names them. Another of each is nobody's.
const KEYS: [(&str, Algorithm, &[&str]); 3] = [
    ("ed", Algorithm::EdDSA, &["-algorithm", "ed25519"]),
    ("ec", Algorithm::ES256, &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]),
    ("rsa", Algorithm::RS256, &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]),
];

struct World {
    envoy: Envoy,
    _gate: Gate,
    jwks: Value,
    services: BTreeMap<&'static str, (Process, SocketAddr)>,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    for (name, _, kind) in KEYS {
        for owner in ["upstreams", "strangers"] {
            generate_key(&format!("{owner}-{name}.pem"), kind);
        }
    }
    let mut gate = Gate::start("upstreams-gate", CONFIGURATION, &[("AUTH_SECRET", SECRET)]);
    let http = gate.http();
    let url = format!("http://{http}/.well-known/jwks.json");
    let jwks = Call::get("/.well-known/jwks.json").send(http);
    assert_eq!(jwks.header("content-type"), Some("application/jwk-set+json"));
    assert_eq!(jwks.header("cache-control"), Some("public, max-age=300"));
    let again =
        Call::get("/.well-known/jwks.json").header("if-none-match", jwks.header("etag").expect("a tag"));
    assert_eq!(again.send(http).status, 304);
    assert_eq!(Call::get("/").send(http).status, 404, "there is nothing else");

    let started: Vec<(&'static str, Process)> =
        commands().into_iter().map(|(name, command)| (name, start(name, command, &url))).collect();
    let services: BTreeMap<_, _> = started
        .into_iter()
        .map(|(name, mut process)| {
            let address = process.wait_for_output("its address", |log| {
                log.lines().find_map(|line| line.strip_prefix("listening on ")?.trim().parse().ok())
            });
            (name, (process, address))
        })
        .collect();
    let route = |name: &str| json!({"match": {"prefix": format!("/{name}/")}, "route": {"cluster": name}});
    let listener = Listener {
        routes: services.keys().map(|name| route(name)).collect(),
        clusters: services.iter().map(|(name, (_, address))| (*name, *address)).collect(),
        ..Listener::new("edge", &gate.address)
    };
    let envoy = Envoy::start("upstreams-envoy", &[listener], start_echo(), start_grpc());
    let jwks = serde_json::from_str(&jwks.body).expect("JSON");
    World { envoy, _gate: gate, jwks, services }
});

fn generate_key(file: &str, kind: &[&str]) {
    let mut openssl = Command::new("openssl");
    let made = openssl.current_dir(logs::folder()).arg("genpkey").args(kind).args(["-out", file]).output();
    let made = made.expect("openssl");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/upstreams")
}

/// How each service is started; that in Java where the machine has Java.
fn commands() -> Vec<(&'static str, Command)> {
    let in_folder = |program: &str, arguments: &[&str], folder: &str| {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(examples().join(folder));
        command
    };
    let mut python = in_folder("python3", &["server.py"], "python");
    python.env("PYTHONPATH", Path::new(env!("CARGO_MANIFEST_DIR")).join(".tools/upstreams"));
    let rust = Path::new(env!("CARGO_BIN_EXE_sessiongate")).with_file_name("examples").join("upstream");
    assert!(rust.exists(), "run `make test`, or `cargo build --example upstream` first");
    let go = build_go();
    let mut commands = vec![
        ("node", in_folder("node", &["server.mjs"], "node")),
        ("python", python),
        ("go", Command::new(go)),
        ("rust", Command::new(rust)),
    ];
    if Command::new("java").arg("-version").output().is_ok_and(|version| version.status.success()) {
        commands.push(("java", in_folder("java", &["Upstream.java"], "java")));
    }
    commands
}

fn build_go() -> PathBuf {
    let binary = logs::folder().join("upstream-go");
    let mut go = Command::new("go");
    go.args(["build", "-o"]).arg(&binary).arg(".").current_dir(examples().join("go"));
    let built = go.env("GOTOOLCHAIN", "local").output().expect("go is there: run `make tools`");
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    binary
}

fn start(name: &str, mut command: Command, jwks: &str) -> Process {
    let port = free_port();
    command.envs([("JWKS_URL", jwks), ("AUDIENCE", "orders"), ("PORT", &port.to_string())]);
    Process::start(&format!("upstream-{name}"), &mut command)
}

/// A port that was free a moment ago: the services are told theirs.
fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port()
}

#[test]
fn each_service_learns_who_is_calling_and_refuses_whoever_comes_without_an_assertion() {
    let world = &*WORLD;
    let edge = world.envoy.address("edge");
    for (name, (_, direct)) in &world.services {
        let ask = |path: &str| Call::get(&format!("/{name}/{path}")).cookie(&signed_in());
        let answer = ask("mine").send(edge);
        let told: Value = serde_json::from_str(&answer.body).unwrap_or_else(|_| panic!("{name}: {answer:?}"));
        assert_eq!(
            (answer.status, &told["sub"], &told["rule"]),
            (200, &json!(USER_ID), &json!("orders")),
            "{name}"
        );
        assert!(told["sid"].as_str().is_some_and(|sid| sid.len() == 43), "{name}: {told}");
        // A client's own assertion does not reach the service.
        let forged = ask("mine").header("x-auth-assertion", "forged").header("X_Auth_Assertion", "forged");
        assert_eq!(forged.send(edge).status, 200, "{name}");
        assert_eq!(ask("other").send(edge).status, 401, "{name}: made for another audience");
        assert_eq!(
            Call::get(&format!("/{name}/open")).send(edge).status,
            401,
            "{name}: nobody is vouched for"
        );
        assert_eq!(Call::get("/mine").send(*direct).status, 401, "{name}: around the edge");
    }
}

fn now() -> i64 {
    i64::try_from(SystemTime::UNIX_EPOCH.elapsed().expect("after 1970").as_secs()).expect("seconds")
}

/// What an assertion says, with some claims otherwise, and without those that are null.
fn claims(changed: &Value) -> Map<String, Value> {
    let mut claims = json!({
        "iss": "sessiongate", "sub": "u-1", "aud": "orders", "iat": now(), "nbf": now(), "exp": now() + 60,
        "jti": "j", "sid": "s", "rule": "orders",
    });
    let claims = claims.as_object_mut().expect("an object");
    claims.extend(changed.as_object().expect("an object").clone());
    claims
        .iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

fn key(owner: &str, name: &str) -> EncodingKey {
    let pem = std::fs::read(logs::folder().join(format!("{owner}-{name}.pem"))).expect("a key");
    let read = [EncodingKey::from_ed_pem, EncodingKey::from_ec_pem, EncodingKey::from_rsa_pem];
    read.into_iter().find_map(|read| read(&pem).ok()).expect("a key")
}

/// The name of our key of this algorithm, as it is published.
fn kid(algorithm: Algorithm) -> String {
    let keys = WORLD.jwks["keys"].as_array().expect("keys");
    let name = format!("{algorithm:?}");
    let key = keys.iter().find(|key| key["alg"] == *name).expect("a key of this algorithm");
    key["kid"].as_str().expect("a name").to_owned()
}

fn signed(owner: &str, name: &str, algorithm: Algorithm, kid: Option<String>, changed: &Value) -> String {
    let header = Header { kid, ..Header::new(algorithm) };
    jsonwebtoken::encode(&header, &claims(changed), &key(owner, name)).expect("a token")
}

/// A token whose algorithm is another than that of the key it names.
fn confused(kid: &str, algorithm: &str, secret: &[u8]) -> String {
    use base64::Engine as _;
    let encode = |bytes: &[u8]| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes);
    let header = json!({"alg": algorithm, "typ": "JWT", "kid": kid}).to_string();
    let message = format!(
        "{}.{}",
        encode(header.as_bytes()),
        encode(Value::from(claims(&json!({}))).to_string().as_bytes())
    );
    let signature = if algorithm == "none" {
        String::new()
    } else {
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret);
        encode(aws_lc_rs::hmac::sign(&key, message.as_bytes()).as_ref())
    };
    format!("{message}.{signature}")
}

fn public_pem(name: &str) -> Vec<u8> {
    let mut openssl = Command::new("openssl");
    openssl.current_dir(logs::folder()).args(["pkey", "-pubout", "-in", &format!("upstreams-{name}.pem")]);
    openssl.output().expect("openssl").stdout
}

#[test]
fn each_service_accepts_our_assertions_and_no_others() {
    let world = &*WORLD;
    let ours =
        |changed: Value| signed("upstreams", "ed", Algorithm::EdDSA, Some(kid(Algorithm::EdDSA)), &changed);
    let mut refused = vec![
        ("garbage", "a.b.c".to_owned()),
        ("no token", "x".repeat(100)),
        ("too long", format!("{}{}", ours(json!({})), "x".repeat(9000))),
        ("expired", ours(json!({"iat": now() - 100, "nbf": now() - 100, "exp": now() - 40}))),
        ("not yet valid", ours(json!({"nbf": now() + 60, "exp": now() + 120}))),
        ("another audience", ours(json!({"aud": "other"}))),
        ("no audience", ours(json!({"aud": null}))),
        ("another issuer", ours(json!({"iss": "eve"}))),
        ("no issuer", ours(json!({"iss": null}))),
        ("no expiry", ours(json!({"exp": null}))),
        ("an expiry in text", ours(json!({"exp": (now() + 60).to_string()}))),
        ("no beginning", ours(json!({"nbf": null}))),
        ("no subject", ours(json!({"sub": null}))),
        ("a number for a subject", ours(json!({"sub": 7}))),
        ("two assertions in one", format!("{},{}", ours(json!({})), ours(json!({})))),
        (
            "an unknown key",
            signed("strangers", "ed", Algorithm::EdDSA, Some("unknown".to_owned()), &json!({})),
        ),
        ("no key named", signed("strangers", "ed", Algorithm::EdDSA, None, &json!({}))),
    ];
    for (name, algorithm, _) in KEYS {
        refused.push((
            "a stranger's key",
            signed("strangers", name, algorithm, Some(kid(algorithm)), &json!({})),
        ));
        refused.push(("no signature", confused(&kid(algorithm), "none", b"")));
        refused.push(("the public key as a secret", confused(&kid(algorithm), "HS256", &public_pem(name))));
    }
    // Ours, but under the name of another key of ours.
    refused.push((
        "another key's name",
        signed("upstreams", "rsa", Algorithm::RS256, Some(kid(Algorithm::ES256)), &json!({})),
    ));
    for (service, (_, direct)) in &world.services {
        let answer = |token: &str| Call::get("/mine").header("x-auth-assertion", token).send(*direct);
        for (name, algorithm, _) in KEYS {
            let token = signed("upstreams", name, algorithm, Some(kid(algorithm)), &json!({}));
            let accepted = answer(&token);
            assert_eq!(accepted.status, 200, "{service} {name}: {}", accepted.body);
        }
        let list = answer(&ours(json!({"aud": ["x", "orders"]})));
        assert_eq!(list.status, 200, "{service}: one of several audiences");
        for (what, token) in &refused {
            let answer = answer(token);
            assert_eq!(answer.status, 401, "{service}: {what}: {}", answer.body);
        }
        let token = ours(json!({}));
        let twice = Call::get("/mine").header("x-auth-assertion", &token).header("x-auth-assertion", &token);
        assert_eq!(twice.send(*direct).status, 401, "{service}: the header twice");
    }
}

#[test]
fn a_key_that_is_changed_is_published_and_signs_without_a_restart() {
    let configuration = r#"
listen: { grpc: "127.0.0.1:0", http: "127.0.0.1:0" }
sessions: { web: { kind: authjs, secret: "${AUTH_SECRET}" } }
identity: { headers: {}, assertion: { key_file: rotated.pem } }
"#;
    let (_, _, kind) = KEYS[0];
    generate_key("rotated.pem", kind);
    let mut gate = Gate::start("rotation-gate", configuration, &[("AUTH_SECRET", SECRET)]);
    let http = gate.http();
    let envoy =
        Envoy::start("rotation-envoy", &[Listener::new("edge", &gate.address)], start_echo(), start_grpc());
    let published = || Call::get("/.well-known/jwks.json").send(http).body;
    let signed_with = || {
        let seen = Call::get("/a").cookie(&signed_in()).send(envoy.address("edge")).upstream();
        jsonwebtoken::decode_header(seen.values("x-auth-assertion")[0])
            .expect("a JWT")
            .kid
            .expect("a key's name")
    };
    let (before, first) = (published(), signed_with());
    assert!(before.contains(&first));
    // A file that is half written, or wrong, changes nothing.
    std::fs::write(logs::folder().join("rotated.pem"), "-----BEGIN PRIVATE KEY-----").expect("a file");
    gate.process.wait_for_output("that the keys stay", |log| log.contains("stay as they are").then_some(()));
    assert_eq!((published(), signed_with()), (before.clone(), first.clone()));
    // As Kubernetes does it: the name points to another file from one moment to the next.
    generate_key("rotated-next.pem", kind);
    std::fs::rename(logs::folder().join("rotated-next.pem"), logs::folder().join("rotated.pem"))
        .expect("renamed");
    let after = wait_for("the new key", || Some(published()).filter(|now| *now != before));
    let second = signed_with();
    assert!(after.contains(&second) && second != first);
}

//! The assertion: what it says, who can verify it, and that nobody gets another's.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Map, Value, json};
use sessiongate::gate::Gate;
use sessiongate::policy::decision::Decision;
use sessiongate::request::{HttpRequest, RequestParts};
use sessiongate::session::Provider;

use super::{ada, decide, gate, request, session_cookie};

/// A key of this kind, as `openssl genpkey` makes it.
pub fn key(folder: &Path, name: &str, kind: &[&str]) -> String {
    let file = folder.join(name);
    let made = Command::new("openssl").arg("genpkey").args(kind).arg("-out").arg(&file).output().unwrap();
    assert!(made.status.success(), "openssl: {}", String::from_utf8_lossy(&made.stderr));
    file.display().to_string()
}

const ED25519: [&str; 2] = ["-algorithm", "ed25519"];
const P256: [&str; 4] = ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"];
const RSA: [&str; 4] = ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"];

fn told(gate: &Gate, request: &HttpRequest<'_>, header: &str) -> Option<String> {
    let Decision::Allow(permit) = decide(gate, request) else { panic!("not allowed") };
    permit.upstream.set.iter().find(|(name, _)| *name == header).map(|(_, value)| value.clone())
}

fn assertion(gate: &Gate, request: &HttpRequest<'_>) -> String {
    told(gate, request, "x-auth-assertion").expect("an assertion")
}

/// Verifies as an upstream does, with the published keys alone.
fn verified(gate: &Gate, token: &str, audience: &str) -> Map<String, Value> {
    let header = jsonwebtoken::decode_header(token).unwrap();
    let keys = gate.identity.issuer().unwrap().keys().load();
    let jwk = keys.jwks().find(header.kid.as_deref().unwrap()).expect("a published key");
    let mut validation = Validation::new(header.alg);
    validation.set_audience(&[audience]);
    validation.set_issuer(&["sessiongate"]);
    validation.set_required_spec_claims(&["exp", "nbf", "iss", "aud", "sub"]);
    validation.validate_nbf = true;
    let key = DecodingKey::from_jwk(jwk).unwrap();
    jsonwebtoken::decode::<Map<String, Value>>(token, &key, &validation).unwrap().claims
}

#[test]
fn an_assertion_says_who_is_calling_in_each_algorithm() {
    let folder = tempfile::tempdir().unwrap();
    for (kind, algorithm) in
        [(&ED25519[..], Algorithm::EdDSA), (&P256[..], Algorithm::ES256), (&RSA[..], Algorithm::RS256)]
    {
        let file = key(folder.path(), "key.pem", kind);
        let gate = gate(&format!(
            "rules: [{{ name: api }}]\nidentity: {{ assertion: {{ key_file: {file}, claims: [auth.user.email, roles, absent] }}, forward_token: authorization }}"
        ));
        let cookie =
            session_cookie(&gate, json!({"sub": "42", "email": "ada@example.com", "roles": ["a", "b"]}));
        let headers = [("cookie", cookie.as_str()), ("authorization", "Bearer forged")];
        let request = request("GET", "/a", &headers);
        let token = assertion(&gate, &request);
        assert_eq!(told(&gate, &request, "authorization"), Some(format!("Bearer {token}")));
        let header = jsonwebtoken::decode_header(&token).unwrap();
        assert_eq!((header.alg, header.typ.as_deref()), (algorithm, Some("JWT")));
        let claims = verified(&gate, &token, "upstream");
        let mut names: Vec<&str> = claims.keys().map(String::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["aud", "email", "exp", "iat", "iss", "jti", "nbf", "roles", "rule", "sid", "sub"]);
        assert_eq!(
            json!([claims["sub"], claims["iss"], claims["rule"], claims["email"], claims["roles"]]),
            json!(["42", "sessiongate", "api", "ada@example.com", ["a", "b"]])
        );
        let time = |name: &str| claims[name].as_u64().expect("whole seconds");
        assert!(time("nbf") == time("iat") && time("exp") == time("iat") + 60, "{claims:?}");
        assert!(!cookie.contains(claims["sid"].as_str().unwrap()));
    }
}

fn at<'a>(headers: &'a [(&'a str, &'a str)], now: SystemTime) -> HttpRequest<'a> {
    let plain = request("GET", "/a", headers);
    let host = plain.host;
    HttpRequest::new(RequestParts {
        method: "GET",
        scheme: "https",
        host,
        path: sessiongate::request::path::RequestPath::parse("/a").unwrap(),
        query: "",
        headers: plain.headers.clone(),
        now,
    })
}

#[test]
fn an_assertion_is_signed_once_in_half_its_time_and_never_outlasts_the_session() {
    let gate = gate("identity: { assertion: { ttl: 60s } }");
    let Provider::AuthJs(provider) = gate.sessions.iter().next().unwrap().1 else { panic!("not Auth.js") };
    let start = SystemTime::now();
    let claims = json!({"sub": "42"}).as_object().unwrap().clone();
    let token = provider.mint("authjs.session-token", claims, Duration::from_secs(70), start).unwrap();
    let cookie = format!("authjs.session-token={token}");
    let headers = [("cookie", cookie.as_str())];
    let after = |seconds| assertion(&gate, &at(&headers, start + Duration::from_secs(seconds)));
    let first = after(0);
    assert_eq!(first, after(29));
    let second = after(31);
    assert_ne!(first, second);
    assert_eq!(second, after(60));
    let expiry = |token: &str| {
        let payload = token.split('.').nth(1).unwrap();
        let bytes =
            base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, payload).unwrap();
        serde_json::from_slice::<Value>(&bytes).unwrap()["exp"].as_u64().unwrap()
    };
    let start = start.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    assert_eq!(expiry(&first), start + 60);
    assert!(expiry(&second) <= start + 70, "longer than the session");
}

#[test]
fn no_two_sessions_audiences_or_rules_share_an_assertion() {
    let gate = gate(
        "
rules:
  - { name: orders, matcher: /orders, audience: orders }
  - { name: bills, matcher: /bills, audience: orders }
identity:
  assertion: { audience: rest, audiences: { shop.example.com: shop, '*.example.com': example } }
",
    );
    let (ada, eve) = (ada(&gate), session_cookie(&gate, json!({"sub": "666"})));
    let mut seen = std::collections::HashSet::new();
    for (cookie, sub) in [(&ada, "42"), (&eve, "666")] {
        for (path, host, rule, audience) in [
            ("/orders", "shop.example.com", "orders", "orders"),
            ("/bills", "shop.example.com", "bills", "orders"),
            ("/x", "shop.example.com", "default", "shop"),
            ("/x", "a.example.com", "default", "example"),
            ("/x", "other.test", "default", "rest"),
        ] {
            let headers = [("cookie", cookie.as_str()), ("host", host)];
            let request = request("GET", path, &headers);
            let token = assertion(&gate, &request);
            assert_eq!(token, assertion(&gate, &request), "made once");
            let claims = verified(&gate, &token, audience);
            assert_eq!(json!([claims["sub"], claims["rule"]]), json!([sub, rule]));
            assert!(seen.insert(token), "{sub} {path} {host}");
        }
    }
}

#[test]
fn whoever_has_no_session_has_no_assertion_and_cannot_bring_one() {
    let gate = gate(
        "rules: [{ matcher: /open, access: public }, { matcher: /maybe, access: optional }]
identity: { assertion: {}, forward_token: authorization }",
    );
    let headers =
        [("x-auth-assertion", "forged"), ("X_Auth_Assertion", "forged"), ("authorization", "Bearer forged")];
    for path in ["/open", "/maybe"] {
        let Decision::Allow(permit) = decide(&gate, &request("GET", path, &headers)) else {
            panic!("{path}")
        };
        assert!(permit.upstream.set.is_empty(), "{path}");
        for (name, _) in headers {
            assert!(
                permit.upstream.remove.iter().any(|removed| removed.eq_ignore_ascii_case(name)),
                "{path} {name}"
            );
        }
    }
    // A session that names nobody is no caller to vouch for.
    let nobody = session_cookie(&gate, json!({"name": "Nobody"}));
    assert_eq!(told(&gate, &request("GET", "/a", &[("cookie", &nobody)]), "x-auth-assertion"), None);
}

#[test]
fn keys_are_of_files_that_are_sound_and_all_are_published() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let (ed, ec) = (key(path, "ed.pem", &ED25519), key(path, "ec.pem", &P256));
    let gate = gate(&format!("identity: {{ assertion: {{ key_file: [{ec}, {ed}] }} }}"));
    let published = serde_json::to_value(gate.identity.issuer().unwrap().keys().load().jwks()).unwrap();
    let algorithms: Vec<&Value> =
        published["keys"].as_array().unwrap().iter().map(|key| &key["alg"]).collect();
    assert_eq!(json!(algorithms), json!(["ES256", "EdDSA"]));
    assert!(
        published["keys"].as_array().unwrap().iter().all(|key| key["use"] == "sig" && key.get("d").is_none())
    );
    let token = assertion(&gate, &request("GET", "/a", &[("cookie", &ada(&gate))]));
    assert_eq!(jsonwebtoken::decode_header(&token).unwrap().alg, Algorithm::ES256, "the first signs");

    let public = path.join("public.pem");
    Command::new("openssl").args(["pkey", "-in", &ed, "-pubout", "-out"]).arg(&public).output().unwrap();
    let garbage = path.join("garbage.pem");
    fs::write(&garbage, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n").unwrap();
    let (public, garbage) = (public.display().to_string(), garbage.display().to_string());
    let p384 = key(path, "p384.pem", &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"]);
    let short = key(path, "short.pem", &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"]);
    for (files, words) in [
        ("[]".to_owned(), "names no file"),
        (path.join("absent.pem").display().to_string(), "No such file"),
        (public, "is no private key"),
        (garbage, "is no private key"),
        (p384, "is no private key"),
        (short, "RSA"),
        (format!("[{ed}, {ed}]"), "has the same key as another file"),
    ] {
        let file = path.join("sessiongate.yaml");
        let yaml = format!(
            "sessions: {{ web: {{ kind: authjs, secret: {} }} }}\nidentity: {{ assertion: {{ key_file: {files} }} }}",
            super::SECRET
        );
        fs::write(&file, yaml).unwrap();
        let loaded = sessiongate::config::load(Some(&file), &sessiongate::config::Environment::default());
        let error = loaded.map(|_| ()).expect_err(&files).to_string();
        assert!(error.contains(words) && error.contains("identity.assertion.key_file"), "{files}: {error}");
    }
}

#[test]
fn a_generated_key_is_warned_of() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sessiongate.yaml");
    let yaml = format!(
        "sessions: {{ web: {{ kind: authjs, secret: {} }} }}\nidentity: {{ assertion: {{}} }}",
        super::SECRET
    );
    fs::write(&file, yaml).unwrap();
    let settings =
        sessiongate::config::load(Some(&file), &sessiongate::config::Environment::default()).unwrap();
    let warning = settings.warnings.iter().find(|warning| warning.path == "identity.assertion.key_file");
    assert!(warning.is_some_and(|warning| warning.message.contains("replicas")), "{:?}", settings.warnings);
}

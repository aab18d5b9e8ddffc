//! Signed tokens: every algorithm with its own keys, and none with another's.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header, jwk::Jwk};
use serde_json::{Value, json};

use super::{decide, gate_of, request};

const SECRET: &str = "signed-gate-secret-signed-gate-secret";

/// A key pair in PEM, made by OpenSSL: the private key's file, and the public one's.
fn key_pair(folder: &Path, name: &str, arguments: &[&str]) -> (Vec<u8>, String) {
    let [private, public] = [".key", ".pub"].map(|end| folder.join(format!("{name}{end}")));
    let openssl = |arguments: &[&str]| {
        let output = Command::new("openssl").args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    let private_text = private.to_str().unwrap();
    openssl(&[&["genpkey", "-out", private_text], arguments].concat());
    openssl(&["pkey", "-in", private_text, "-pubout", "-out", public.to_str().unwrap()]);
    (fs::read(&private).unwrap(), public.to_str().unwrap().to_owned())
}

fn claims() -> Value {
    let exp = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + Duration::from_hours(1);
    json!({"sub": "machine", "exp": exp.as_secs()})
}

fn sign(algorithm: Algorithm, kid: Option<&str>, key: &EncodingKey) -> String {
    let header = Header { kid: kid.map(str::to_owned), ..Header::new(algorithm) };
    jsonwebtoken::encode(&header, &claims(), key).unwrap()
}

fn outcome(session: &str, token: &str) -> String {
    let gate = gate_of(&format!("sessions: {{ machine: {{ kind: jwt, {session} }} }}"));
    let header = format!("Bearer {token}");
    let decision = decide(&gate, &request("GET", "/x", &[("authorization", &header)]));
    decision.reason().to_owned()
}

#[test]
fn every_algorithm_verifies_with_its_own_keys_and_no_others() {
    let folder = tempfile::tempdir().unwrap();
    let make = |name: &str, arguments: &[&str]| key_pair(folder.path(), name, arguments);
    let rsa = make("rsa", &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]);
    let p256 = make("p256", &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]);
    let p384 = make("p384", &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"]);
    let ed = make("ed", &["-algorithm", "ed25519"]);
    let rsa_key = || EncodingKey::from_rsa_pem(&rsa.0).unwrap();
    let asymmetric = [
        ("RS256", Algorithm::RS256, rsa_key(), &rsa.1),
        ("RS384", Algorithm::RS384, rsa_key(), &rsa.1),
        ("RS512", Algorithm::RS512, rsa_key(), &rsa.1),
        ("PS256", Algorithm::PS256, rsa_key(), &rsa.1),
        ("PS384", Algorithm::PS384, rsa_key(), &rsa.1),
        ("PS512", Algorithm::PS512, rsa_key(), &rsa.1),
        ("ES256", Algorithm::ES256, EncodingKey::from_ec_pem(&p256.0).unwrap(), &p256.1),
        ("ES384", Algorithm::ES384, EncodingKey::from_ec_pem(&p384.0).unwrap(), &p384.1),
        ("EdDSA", Algorithm::EdDSA, EncodingKey::from_ed_pem(&ed.0).unwrap(), &ed.1),
    ];
    let secret = EncodingKey::from_secret(SECRET.as_bytes());
    for (name, algorithm, key, public) in &asymmetric {
        let session = format!("public_key_file: '{public}', algorithms: [{name}]");
        let token = sign(*algorithm, None, key);
        assert_eq!(outcome(&session, &token), "session", "{name}");
        // The public key as the secret of an HMAC, the oldest trick of all.
        let pem = EncodingKey::from_secret(&fs::read(public).unwrap());
        assert_eq!(outcome(&session, &sign(Algorithm::HS256, None, &pem)), "algorithm", "{name}");
        let mut jwk = serde_json::to_value(Jwk::from_encoding_key(key, *algorithm).unwrap()).unwrap();
        jwk["kid"] = json!("k1");
        jwk["alg"] = json!(name);
        let set = folder.path().join(format!("{name}.json"));
        for (change, kid, expected) in [
            (json!({}), Some("k1"), "session"),
            (json!({}), None, "session"),
            (json!({}), Some("k2"), "unknown_key"),
            (json!({"use": "sig"}), Some("k1"), "session"),
        ] {
            let mut jwk = jwk.clone();
            jwk.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
            fs::write(&set, json!({"keys": [{"kty": "new"}, jwk]}).to_string()).unwrap();
            let session = format!("jwks: '{}', algorithms: [{name}]", set.display());
            assert_eq!(outcome(&session, &sign(*algorithm, kid, key)), expected, "{name} {kid:?}");
        }
    }
    for (name, algorithm) in
        [("HS256", Algorithm::HS256), ("HS384", Algorithm::HS384), ("HS512", Algorithm::HS512)]
    {
        let session = format!("secret: {SECRET}, algorithms: [{name}]");
        assert_eq!(outcome(&session, &sign(algorithm, None, &secret)), "session", "{name}");
        let other = EncodingKey::from_secret(b"another-secret-another-secret");
        assert_eq!(outcome(&session, &sign(algorithm, None, &other)), "signature", "{name}");
        assert_eq!(outcome(&session, &sign(Algorithm::RS256, None, &rsa_key())), "algorithm", "{name}");
    }
}

#[test]
fn a_header_chooses_nothing_and_what_is_no_token_is_refused() {
    let session = format!("secret: {SECRET}, max_token_bytes: 4096");
    let encode = |json: &str| URL_SAFE_NO_PAD.encode(json);
    let genuine = sign(Algorithm::HS256, None, &EncodingKey::from_secret(SECRET.as_bytes()));
    let (signed, signature) = genuine.rsplit_once('.').unwrap();
    let payload = signed.split_once('.').unwrap().1;
    let signed_with = |header: &str| {
        let text = format!("{}.{payload}", encode(header));
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, SECRET.as_bytes());
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(aws_lc_rs::hmac::sign(&key, text.as_bytes())))
    };
    for (token, reason) in [
        (signed_with(r#"{"alg":"HS256"}"#), "session"),
        (signed_with(r#"{"alg":"HS256","jku":"https://evil.test","x5u":"https://evil.test"}"#), "session"),
        (signed_with(r#"{"alg":"HS256","crit":["exp"],"exp":1}"#), "algorithm"),
        (signed_with(r#"{"alg":"none"}"#), "algorithm"),
        (signed_with(r#"{"alg":"hs256"}"#), "algorithm"),
        (signed_with(r#"{"alg":"HS384"}"#), "algorithm"),
        (signed_with("{}"), "algorithm"),
        (format!("{}.{payload}.", encode(r#"{"alg":"none"}"#)), "algorithm"),
        (format!("{signed}."), "signature"),
        (format!("{signed}.{signature}."), "malformed"),
        (signed.to_owned(), "malformed"),
        ("x".to_owned(), "malformed"),
        ("x".repeat(5000), "too_large"),
    ] {
        assert_eq!(outcome(&session, &token), reason, "{token}");
    }
}

#[test]
fn a_token_is_found_in_a_header_or_in_a_cookie_in_chunks() {
    let gate = gate_of(&format!(
        "sessions: {{ machine: {{ kind: jwt, secret: {SECRET}, from: [{{ header: X-Token }}, {{ cookie: token }}] }} }}"
    ));
    let token = sign(Algorithm::HS256, None, &EncodingKey::from_secret(SECRET.as_bytes()));
    let (first, second) = token.split_at(40);
    let bearer = format!("Bearer {token}");
    for (name, value, reason) in [
        ("x-token", token.clone(), "session"),
        ("cookie", format!("a=1; token={token}"), "session"),
        ("cookie", format!("token.1={second}; token.0={first}"), "session"),
        ("cookie", format!("token.0={first}"), "malformed"),
        ("cookie", format!("token.1={second}"), "incomplete"),
        ("cookie", format!("token={token}; token=x"), "conflict"),
        ("authorization", bearer, "absent"),
    ] {
        let decision = decide(&gate, &request("GET", "/x", &[(name, &value)]));
        assert_eq!(decision.reason(), reason, "{name}: {value}");
    }
}

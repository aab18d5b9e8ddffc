//! The client cannot speak for the gate.

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::json;
use sessiongate::policy::decision::Decision;

use super::{Gate, ada, decide, gate, request, session_cookie};

const YAML: &str = "
rules:
  - { matcher: '/public', access: public }
  - { matcher: '/optional', access: optional }
identity:
  headers: { x-auth-user-id: sub, x-auth-user-email: auth.user.email, x-auth-roles: token.roles }
  session_header: x-auth-session
";

const OURS: [&str; 5] =
    ["x-auth-user-id", "x-auth-user-email", "x-auth-roles", "x-auth-session", "x-middleware-subrequest"];

/// The request's headers after Envoy has made the changes that a permit asks for: first those that are set, then
/// those that are removed, names compared exactly as Envoy compares them, which is in lower case.
fn upstream_headers(gate: &Gate, path: &str, sent: &[(&str, &str)]) -> Vec<(String, String)> {
    let decision = decide(gate, &request("GET", path, sent));
    let Decision::Allow(permit) = decision else { panic!("{path}: {}", decision.label()) };
    let mut headers: Vec<(String, String)> =
        sent.iter().map(|(name, value)| (name.to_lowercase(), (*value).to_owned())).collect();
    for (name, value) in &permit.upstream.set {
        headers.retain(|(sent, _)| sent != &**name);
        headers.push((name.to_string(), value.clone()));
    }
    headers.retain(|(sent, _)| !permit.upstream.remove.iter().any(|name| name.eq_ignore_ascii_case(sent)));
    headers
}

/// One of our names with its case changed and some of its `-` written as `_`.
fn spelling() -> impl Strategy<Value = String> {
    (select(OURS.to_vec()), any::<u64>()).prop_map(|(name, bits)| {
        let respell = |(at, c): (usize, char)| match (c, bits >> at & 1) {
            ('-', 1) => '_',
            (c, 1) => c.to_ascii_uppercase(),
            (c, _) => c,
        };
        name.chars().enumerate().map(respell).collect()
    })
}

proptest! {
    #[test]
    fn no_spelling_of_our_headers_reaches_the_upstream_with_the_clients_value(
        names in proptest::collection::vec(spelling(), 1..6),
        path in select(vec!["/public", "/optional", "/private"]),
    ) {
        let gate = gate(YAML);
        let cookie = ada(&gate);
        let mut sent: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "forged")).collect();
        if path != "/public" {
            sent.push(("cookie", &cookie));
        }
        let received = upstream_headers(&gate, path, &sent);
        prop_assert!(received.iter().all(|(_, value)| value != "forged"), "{received:?}");
        let is_told = received.iter().any(|(name, value)| name == "x-auth-user-id" && value == "42");
        prop_assert_eq!(is_told, path != "/public");
    }
}

#[test]
fn a_claim_that_is_missing_leaves_no_header_of_the_client_in_its_place() {
    let gate = gate(YAML);
    let cookie = session_cookie(&gate, json!({"sub": "42"}));
    let received = upstream_headers(&gate, "/private", &[("cookie", &cookie), ("x-auth-roles", "admin")]);
    assert!(received.iter().all(|(name, _)| name != "x-auth-roles"), "{received:?}");
}

#[test]
fn strip_cookie_keeps_the_other_cookies_byte_for_byte() {
    let gate = gate(&format!("{YAML}  strip_cookie: true\n"));
    let session = ada(&gate);
    let cases = [
        (format!("a=1; {session}; b=\"2 ; c=%3D"), Some("a=1; b=\"2 ; c=%3D")),
        (format!("{session};a=1;b = 2"), Some("a=1; b = 2")),
        (
            format!("{session}; authjs.session-token-old=x; __Secure-authjs.session-token.3=y"),
            Some("authjs.session-token-old=x"),
        ),
        (session.clone(), None),
    ];
    for (sent, left) in cases {
        let received = upstream_headers(&gate, "/private", &[("cookie", &sent)]);
        let cookie = received.iter().find(|(name, _)| name == "cookie").map(|(_, value)| value.as_str());
        assert_eq!(cookie, left);
    }
    let kept = upstream_headers(&gate, "/public", &[("cookie", &session)]);
    assert!(kept.iter().any(|(_, value)| *value == session), "the application reads its own cookie");
}

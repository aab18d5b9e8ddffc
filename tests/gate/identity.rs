//! The client cannot speak for the gate.

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};
use sessiongate::policy::decision::Decision;

use super::{Gate, ada, decide, gate, json_value, request, session_cookie};

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
fn a_name_with_too_many_spellings_to_list_is_recognised_in_each_that_is_sent() {
    let gate = gate("identity: { headers: { x-our-own-user-id-of-today: sub } }");
    let cookie = ada(&gate);
    let forged = ["X-Our_Own-User_Id-Of_Today", "x_our-own_user-id_of-today", "x_our_own_user_id_of_today"];
    for name in forged {
        let received = upstream_headers(&gate, "/", &[("cookie", &cookie), (name, "forged")]);
        let told: Vec<_> =
            received.iter().filter(|(name, _)| name.replace('_', "-").starts_with("x-our")).collect();
        assert_eq!(told, [&("x-our-own-user-id-of-today".to_owned(), "42".to_owned())], "{name}");
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
        (format!("{session};a=1;b = 2"), Some("a=1;b = 2")),
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

#[test]
fn a_header_tells_a_nested_claim_a_joined_list_or_what_an_expression_says() {
    let gate = gate(
        "identity:
  headers:
    x-user: user.id
    x-plan: org.plan.name
    x-role: https://example.com/claims/role
    x-roles: { claim: roles, separator: ' ' }
    x-first: { cel: 'auth.user.roles[0]' }
    x-admin: { cel: '\"admin\" in auth.user.roles' }
    x-upper: { cel: 'auth.user.roles.map(r, r.upperAscii())', separator: '|' }
    x-where: { cel: 'request.method + \" \" + request.host' }
    x-none: { cel: token.absent }
",
    );
    let cookie = session_cookie(
        &gate,
        json!({
            "sub": "42", "user": {"id": "u1"}, "org": {"plan": {"name": "gold"}}, "roles": ["admin", "é"],
            "https://example.com/claims/role": "owner",
        }),
    );
    let received = upstream_headers(&gate, "/a", &[("cookie", &cookie), ("x-none", "forged")]);
    let told: Vec<(&str, &str)> =
        received.iter().skip(1).map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(
        told,
        [
            ("x-user", "u1"),
            ("x-plan", "gold"),
            ("x-role", "owner"),
            ("x-roles", "admin %C3%A9"),
            ("x-first", "admin"),
            ("x-admin", "true"),
            ("x-upper", "ADMIN|%C3%A9"),
            ("x-where", "GET app.example.com"),
        ]
    );
}

#[test]
fn where_there_is_too_much_to_tell_the_largest_optional_headers_are_left_out() {
    let yaml = "identity:
  max_header_bytes: 1024
  session_header: x-session
  headers: { x-id: sub, x-small: small, x-large: large, x-larger: { claim: larger, optional: false } }
  assertion: {}
";
    let gate = gate(yaml);
    let names = |small: usize, large: usize, larger: usize| {
        let claim = |bytes: usize| "x".repeat(bytes);
        let cookie = session_cookie(
            &gate,
            json!({"sub": "42", "small": claim(small), "large": claim(large), "larger": claim(larger)}),
        );
        let decision = decide(&gate, &request("GET", "/a", &[("cookie", &cookie)]));
        match decision {
            Decision::Allow(permit) => {
                permit.upstream.set.iter().map(|(name, _)| (*name).to_owned()).collect::<Vec<_>>()
            }
            refused => vec![refused.reason().to_owned()],
        }
    };
    assert_eq!(names(1, 1, 1), ["x-id", "x-small", "x-large", "x-larger", "x-session", "x-auth-assertion"]);
    assert_eq!(names(10, 200, 10), ["x-id", "x-small", "x-large", "x-larger", "x-auth-assertion"]);
    assert_eq!(names(10, 900, 10), ["x-id", "x-small", "x-larger", "x-auth-assertion"]);
    assert_eq!(names(400, 900, 200), ["x-id", "x-larger", "x-auth-assertion"]);
    assert_eq!(names(1, 1, 900), ["identity_too_large"], "nobody is let in whom the upstream cannot know");
}

#[test]
fn the_proxy_is_told_the_claims_that_it_asks_for_with_their_types() {
    let gate = gate(
        "rules: [{ matcher: /none, condition: 'false' }]
identity: { dynamic_metadata: { user: sub, roles: token.roles, level: level, absent: absent } }",
    );
    let cookie = session_cookie(&gate, json!({"sub": "42", "roles": ["a"], "level": 7}));
    for path in ["/a", "/none"] {
        let decision = decide(&gate, &request("GET", path, &[("cookie", &cookie)]));
        let told: Vec<(&str, Value)> = decision.metadata().to_vec();
        assert_eq!(told, [("user", json!("42")), ("roles", json!(["a"])), ("level", json!(7))], "{path}");
    }
    assert!(decide(&gate, &request("GET", "/a", &[])).metadata().is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// What Envoy takes for a header's value is what RFC 9110, section 5.5 calls one.
    #[test]
    fn no_claim_becomes_a_header_that_envoy_refuses_or_a_second_header(claim in json_value(), text in any::<String>()) {
        let gate = gate("identity:
  headers: { x-id: sub, x-claim: token.claim, x-list: { claim: list, separator: ' / ' }, x-cel: { cel: token.claim } }
  session_header: x-session
");
        let cookie = session_cookie(&gate, json!({"sub": text, "claim": claim, "list": [claim, text]}));
        let Decision::Allow(permit) = decide(&gate, &request("GET", "/a", &[("cookie", &cookie)])) else {
            panic!("not allowed");
        };
        let known = ["x-id", "x-claim", "x-list", "x-cel", "x-session"];
        for (at, (name, value)) in permit.upstream.set.iter().enumerate() {
            prop_assert!(known.contains(name));
            prop_assert!(permit.upstream.set.iter().skip(at + 1).all(|(other, _)| other != name));
            prop_assert!(value.bytes().all(|byte| (b' '..=b'~').contains(&byte)) && value.len() <= 8192, "{name}: {value:?}");
            prop_assert!(!value.is_empty());
        }
    }
}

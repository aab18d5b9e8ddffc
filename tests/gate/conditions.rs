//! Conditions: what they see, what they can say, and that whatever goes wrong in one is a denial.

use std::collections::HashMap;

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use sessiongate::config::{self, Environment};
use sessiongate::policy::decision::Decision;
use sessiongate::request::HttpRequest;
use sessiongate::request::origin::{Peer, RouteContext};
use sessiongate::session::Session;

use super::{Gate, decide, gate, json_value, request, session_cookie};

const MATCHER: &str = "[/teams/:team/:path*, {source: /x}]";

fn gate_on(condition: &str) -> Gate {
    let quoted = condition.replace('\'', "''");
    gate(&format!("rules: [{{ name: r, matcher: {MATCHER}, condition: '{quoted}' }}]"))
}

fn claims() -> Value {
    json!({
        "sub": "42", "name": "Ada", "email": "ada@example.com", "level": 7, "huge": i64::MAX, "score": 1.5, "nothing": null,
        "roles": ["admin", "editor"], "teams": ["red", "blue"], "verified": true,
        "org": {"id": "o1", "plan": {"name": "gold"}},
        "https://example.com/claims/role": "owner",
        "iat_text": "2026-01-01T00:00:00Z",
        "members": [{"id": "m1", "admin": true}, {"id": "m2", "admin": false}],
    })
}

/// A request of Ada's, as Envoy tells of it.
fn asked<'a>(
    path: &'a str,
    headers: &'a [(&'a str, &'a str)],
    extensions: &'a HashMap<String, String>,
) -> HttpRequest<'a> {
    let mut metadata = Map::new();
    metadata.insert("app.policy".to_owned(), json!({"tier": "gold", "max": 3}));
    let peer = Peer { address: "10.1.2.3".into(), principal: "spiffe://example.org/web".into() };
    let context = RouteContext {
        extensions: extensions.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect(),
        metadata,
    };
    request("GET", path, headers).from_peer(peer).on_route(context)
}

fn reason_at(condition: &str, path: &str) -> String {
    let gate = gate_on(condition);
    let cookie = session_cookie(&gate, claims());
    let headers =
        [("cookie", cookie.as_str()), ("x-env", "prod"), ("host", "App.Example.com:8443"), ("x-n", "17")];
    let extensions = HashMap::from([("tier".to_owned(), "gold".to_owned())]);
    let decision = decide(&gate, &asked(path, &headers, &extensions));
    assert_eq!(decision.rule(), "r", "{condition} {path}");
    decision.reason().to_owned()
}

fn reason(condition: &str) -> String {
    reason_at(condition, "/teams/red/a/b?q=1&r=a%20b")
}

#[test]
fn a_condition_sees_the_session_the_request_the_parameters_and_the_route() {
    for condition in [
        // The two faces of a session.
        r#""admin" in auth.user.roles"#,
        r#"auth.user.id == "42" && auth.user.email == "ada@example.com" && token.sub == "42""#,
        r#"auth.provider == "web""#,
        "timestamp(auth.expires) > request.time",
        r#"token["https://example.com/claims/role"] == "owner""#,
        r#"auth.user.org.plan.name == "gold" && token.org["id"] == "o1""#,
        "token.level >= 7 && token.level < 7.5 && token.score == 1.5 && token.nothing == null",
        r#"auth.user.roles[0] == "admin" && size(auth.user.roles) == 2 && auth.user.roles.size() == 2"#,
        r#"auth["user"]["id"] == "42" && size(token) > 5 && size(auth.user) > 2"#,
        "has(auth.user.org) && has(auth.user.org.id) && !has(auth.user.org.name) && !has(token.absent)",
        "token.verified",
        // The request.
        r#"request.method == "GET" && request.scheme == "https" && request.query == "q=1&r=a%20b""#,
        r#"request.host == "app.example.com" && request.path == "/teams/red/a/b""#,
        r#"request.headers["x-env"] == "prod" && request.headers["X-ENV"] == "prod""#,
        r#"has(request.headers.cookie) && !("x-no" in request.headers) && "x-env" in request.headers"#,
        r#"request.source.address in cidr("10.0.0.0/8") && !(request.source.address in cidr("192.168.0.0/16"))"#,
        r#"ip("::ffff:10.1.2.3") in cidr("10.0.0.0/8") && ip(request.source.address) == ip("10.1.2.3")"#,
        r#"request.source.principal == "spiffe://example.org/web""#,
        r#"request.time > timestamp("2026-01-01T00:00:00Z") && request.time.getFullYear() >= 2026"#,
        r#"timestamp(token.iat) + duration("10m") > request.time && request.time - timestamp(token.iat) < duration("1h")"#,
        // The parameters of the matcher.
        "params.team in auth.user.teams",
        r#"params.path == ["a", "b"] && params.path[1] == "b" && params["team"] == "red""#,
        // What Envoy says of the route.
        r#"context.tier == "gold" && context["tier"].startsWith("g")"#,
        r#"context.route_metadata["app.policy"].tier == "gold" && context.route_metadata["app.policy"].max == 3"#,
        // Functions.
        r#"auth.user.email.endsWith("@example.com") && auth.user.name.contains("d") && "ADA".lowerAscii() == "ada""#,
        r#"auth.user.email.matches("^[a-z]+@example[.]com$") && !auth.user.name.matches("^x")"#,
        r#"auth.user.email.split("@")[1] == "example.com" && auth.user.roles.join("+") == "admin+editor""#,
        r#""  a ".trim() + "b" == "ab" && "abc".substring(1, 2) == "b" && "abc".indexOf("c") == 2 && "aXa".replace("X", "-") == "a-a""#,
        r#"int(request.headers["x-n"]) > 16 && string(token.level) == "7" && double("1.5") == token.score"#,
        r#"auth.user.roles.exists(r, r == "editor") && auth.user.roles.all(r, r.size() > 3)"#,
        r#"token.members.filter(m, m.admin).map(m, m.id) == ["m1"] && token.members.exists_one(m, m.admin)"#,
        "token.level > 5 ? token.verified : false",
        r#"request.headers.exists(name, name == "x-env") && token.org.exists(key, key == "id")"#,
        r#"{"red": ["admin"]}[params.team].exists(role, role in auth.user.roles)"#,
        "[1, 2].exists(n, n == 2) || token.absent",
    ] {
        assert_eq!(reason(condition), "session", "{condition}");
    }
}

#[test]
fn a_condition_that_is_false_or_has_no_answer_is_a_denial() {
    for (condition, expected) in [
        (r#""owner" in auth.user.roles"#, "condition_not_met"),
        ("false", "condition_not_met"),
        (r#"request.headers["x-env"] == "prod " "#, "condition_not_met"),
        (r#"auth.user.email == "ADA@example.com""#, "condition_not_met"),
        // Cyrillic а in place of a.
        ("auth.user.email == \"\u{430}da@example.com\"", "condition_not_met"),
        (r#"token.absent == "x""#, "condition_error"),
        (r#"!(token.absent == "x")"#, "condition_error"),
        ("!has(token.absent.deeper)", "condition_error"),
        (r#"request.headers["x-no"] != "x""#, "condition_error"),
        (r#"context.absent != "x""#, "condition_error"),
        ("token.name", "condition_error"),
        ("token.level", "condition_error"),
        (r#"token.level > "7""#, "condition_error"),
        (r#"!(token.level > "7")"#, "condition_error"),
        ("auth.user.roles[9] == \"x\"", "condition_error"),
        ("9223372036854775807 + token.level > 0", "condition_error"),
        ("token.level / (token.level - 7) == 0", "condition_error"),
        (r#"!(auth.user.name in cidr("10.0.0.0/8"))"#, "condition_error"),
        ("timestamp(token.huge) > request.time", "condition_error"),
        ("timestamp(-token.huge) < request.time", "condition_error"),
        (r#"request.time + duration("2562047h") + duration("2562047h") > request.time"#, "session"),
        (r#"timestamp("9999-12-31T23:59:59Z") + duration("1h") > request.time"#, "condition_error"),
        ("token.huge * token.huge > 0", "condition_error"),
        ("auth.user.name.substring(token.huge) == \"\"", "condition_error"),
        ("int(auth.user.name) != 3", "condition_error"),
        ("timestamp(auth.user.name) < request.time", "condition_error"),
    ] {
        assert_eq!(reason(condition), expected, "{condition}");
    }
}

#[test]
fn a_parameter_that_is_not_in_the_path_has_no_value() {
    let condition = r#"params.team != "secret""#;
    assert_eq!(reason_at(condition, "/teams/red"), "session");
    assert_eq!(reason_at(condition, "/teams/secret/x"), "condition_not_met");
    // The other matcher of the rule has no such parameter.
    assert_eq!(reason_at(condition, "/x"), "condition_error");
}

#[test]
fn a_condition_has_to_hold_for_every_reading_of_the_path() {
    let condition = "params.team in auth.user.teams";
    for (path, expected) in [
        ("/teams/red/a", "session"),
        ("/teams/r%65d/a", "session"),
        ("/teams/green/a", "condition_not_met"),
        ("/teams/red/../green/a", "condition_not_met"),
        ("/teams/red/%2e%2e/green/a", "condition_not_met"),
        ("/teams/red%2f..%2fgreen/a", "condition_not_met"),
        ("/teams/red;x/a", "condition_not_met"),
        ("/_next/data/b1/teams/green.json", "condition_not_met"),
        ("/teams/green.rsc", "condition_not_met"),
    ] {
        assert_eq!(reason_at(condition, path), expected, "{path}");
    }
}

#[test]
fn whatever_a_client_sends_a_condition_does_bounded_work() {
    let gate = gate_on(
        "request.headers[\"x-list\"].split(\",\").all(a, request.headers[\"x-list\"].split(\",\").all(b, a != b || a == b))",
    );
    let cookie = session_cookie(&gate, claims());
    let long = vec!["a"; 15_000].join(",");
    for (list, expected) in [("a,b,c", "session"), (long.as_str(), "condition_error")] {
        let headers = [("cookie", cookie.as_str()), ("x-list", list)];
        let decision = decide(&gate, &request("GET", "/x", &headers));
        assert_eq!(decision.reason(), expected);
    }
    let Decision::Deny(_) = decide(&gate, &request("GET", "/x", &[("cookie", &cookie), ("x-list", &long)]))
    else {
        panic!("no denial");
    };
}

#[test]
fn the_answer_to_a_condition_that_does_not_hold_is_a_403() {
    let gate = gate_on("token.level > 99");
    let cookie = session_cookie(&gate, claims());
    let page = [("cookie", cookie.as_str()), ("sec-fetch-mode", "navigate")];
    for (headers, content_type) in [(&page[..1], "application/json"), (&page[..], "text/html; charset=utf-8")]
    {
        let decision = decide(&gate, &request("GET", "/x", headers));
        let answer = decision.answer().expect("an answer");
        assert_eq!(answer.status, 403);
        assert!(answer.headers.iter().any(|(name, value)| name == "content-type" && value == content_type));
        assert_eq!(decision.verified_session().and_then(Session::subject).as_deref(), Some("42"));
    }
    let decision = decide(&gate, &request("GET", "/x", &[]));
    assert_eq!(decision.answer().map(|answer| answer.status), Some(401), "nobody's condition is looked at");
}

fn mistake(condition: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sessiongate.yaml");
    let quoted = condition.replace('\'', "''");
    let yaml = format!(
        "sessions: {{ web: {{ kind: authjs, secret: {} }} }}\nrules: [{{ matcher: {MATCHER}, condition: '{quoted}' }}]",
        super::SECRET
    );
    std::fs::write(&file, yaml).unwrap();
    match config::load(Some(&file), &Environment::default()) {
        Ok(_) => "accepted".to_owned(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_mistake_in_a_condition_is_told_at_start_up() {
    for (condition, words) in [
        ("", "is not CEL"),
        ("auth.user.id ==", "is not CEL: line 1"),
        ("authn.user.id == \"1\"", "there is no `authn`; there is auth, token, request, params, context"),
        ("auth.users.id == \"1\"", "there is no `auth.users.id`; there is auth.user"),
        ("request.methods == \"GET\"", "there is no `request.methods`; there is method, scheme"),
        ("request == \"GET\"", "`request` by itself"),
        ("params.tem == \"red\"", "there is no `params.tem`; there is team, path"),
        ("request.method", "is a string, where true or false is needed"),
        ("request.method == 1", "`==` does not take a string and an integer"),
        ("request.time > 17", "`>` does not take a timestamp and an integer"),
        ("request.method && true", "`&&` does not take"),
        ("size(request.method) == \"3\"", "does not take an integer and a string"),
        ("request.host.startWith(\"a\")", "there is no function `startWith`"),
        ("request.host.startsWith(1)", "`startsWith` does not take a string and an integer"),
        ("\"a\" in request.host", "does not take a string and a string"),
        ("request.host.matches(\"(\")", "matches(\"(\"): error: unclosed group"),
        ("request.host.matches(request.path)", "`matches` takes a text in quotes"),
        ("request.host.indexOf(request.path) == 1", "`indexOf` takes a text in quotes"),
        ("request.source.address in cidr(\"10.0.0.1/8\")", "cidr(\"10.0.0.1/8\"): not a network"),
        ("request.time < timestamp(\"tomorrow\")", "timestamp(\"tomorrow\")"),
        ("auth.user.roles.exists(token, token == \"a\")", "`token` is taken"),
        ("request.method.exists(c, c == \"a\")", "a string cannot be gone through"),
        ("google.protobuf.Duration{seconds: 1} == token.x", "messages such as `Type{…}` are not known"),
    ] {
        let told = mistake(condition);
        assert!(told.contains(words), "{condition}: {told}");
        assert!(told.contains("rules[0].condition"), "{condition}: {told}");
    }
    let long = format!("true{}", " && true".repeat(1000));
    assert!(mistake(&long).contains("at most 4096 are allowed"));
    let deep = format!("{}true{}", "(!".repeat(200), ")".repeat(200));
    assert!(!mistake(&deep).contains("accepted"));
}

#[test]
fn a_condition_stands_only_where_a_session_is_asked_for() {
    for access in ["public", "optional", "deny"] {
        let yaml = format!(
            "sessions: {{ web: {{ kind: authjs, secret: {} }} }}\nrules: [{{ access: {access}, condition: 'true' }}]",
            super::SECRET
        );
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("sessiongate.yaml");
        std::fs::write(&file, yaml).unwrap();
        let told = config::load(Some(&file), &Environment::default()).map(|_| ()).unwrap_err().to_string();
        assert!(told.contains("rules[0].condition: is looked at only where `access` is `session`"), "{told}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Whatever the claims are, a condition is true, false or an error, and only true lets in.
    #[test]
    fn no_claim_makes_a_condition_panic_or_pass(value in json_value()) {
        let gate = gate_on("auth.user.role == \"admin\" && token.role.startsWith(\"adm\") && size(token.role) == 5");
        let cookie = session_cookie(&gate, json!({"sub": "1", "role": value}));
        let decision = decide(&gate, &request("GET", "/x", &[("cookie", &cookie)]));
        prop_assert_eq!(decision.reason() == "session", value == json!("admin"));
    }
}

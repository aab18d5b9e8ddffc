//! Conditions and assertions on the command line: `check` explains them, `test` holds a file of cases against them,
//! `jwks` prints the keys.

use std::process::Command;

use serde_json::{Value, json};

use crate::{Desk, SECRET, ada};

const RULES: &str = "
login: { origin: 'https://app.example.com' }
rules:
  - name: teams
    matcher: '/teams/:team/:path*'
    condition: 'params.team in auth.user.teams && (request.method == \"GET\" || token.level > 5)'
    audience: teams
  - { name: open, matcher: /open, access: public }
identity:
  headers: { x-auth-user-id: sub, x-roles: { claim: teams, separator: ' ' } }
  dynamic_metadata: [sub]
  assertion: { key_file: key.pem, claims: [email] }
";

fn desk() -> Desk {
    let desk = Desk::with_config(&format!(
        "sessions: {{ web: {{ kind: authjs, secret: {SECRET} }}, stored: {{ kind: database, url: 'postgres://127.0.0.1:1/none', schema: pg-adapter }} }}\n{RULES}"
    ));
    let made = Command::new("openssl")
        .args(["genpkey", "-algorithm", "ed25519", "-out"])
        .arg(desk.path("key.pem"))
        .status();
    assert!(made.expect("openssl").success());
    desk
}

fn cookie(desk: &Desk) -> String {
    let mut claims = ada();
    claims.insert("teams".to_owned(), json!(["red", "blue"]));
    claims.insert("level".to_owned(), json!(3));
    let token = desk.run(&[], &["token", "encode", &Value::from(claims).to_string()]).expect_success();
    format!("authjs.session-token={}", token.trim())
}

#[test]
fn check_explains_parameters_parts_of_the_condition_and_the_assertion() {
    let desk = desk();
    let cookie = cookie(&desk);
    let report = |arguments: &[&str]| {
        let mut all = vec!["check", "--json", "--cookie", &cookie];
        all.extend(arguments);
        desk.run(&[], &all)
    };
    let allowed = report(&["GET", "/teams/red/a/b"]);
    assert_eq!(allowed.code, 0, "{allowed:?}");
    let told = allowed.json();
    let condition = &told["rules"][0]["conditions"][0];
    assert_eq!(condition["result"], "true");
    assert_eq!(condition["parameters"], json!({"team": "red", "path": ["a", "b"]}));
    let parts: Vec<(&str, &Value)> = condition["parts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|part| (part["source"].as_str().unwrap(), &part["value"]))
        .collect();
    assert_eq!(
        parts,
        [
            ("params.team in auth.user.teams", &json!(true)),
            ("request.method == \"GET\"", &json!(true)),
            ("token.level > 5", &json!(false)),
            ("params.team", &json!("red")),
            ("auth.user.teams", &json!(["red", "blue"])),
            ("request.method", &json!("GET")),
            ("token.level", &json!(3)),
        ]
    );
    let assertion = &told["assertion"];
    assert_eq!(
        json!([assertion["sub"], assertion["aud"], assertion["rule"], assertion["email"]]),
        json!(["42", "teams", "teams", "ada@example.com"])
    );
    assert_eq!(told["metadata"], json!({"sub": "42"}));
    assert_eq!(told["upstream"]["set"]["x-roles"], "red blue");

    let refused = report(&["POST", "/teams/green"]);
    assert_eq!(refused.code, 3, "{refused:?}");
    assert_eq!(refused.json()["reason"], "condition_not_met");
    let routed = report(&["GET", "/x", "--context", "sessiongate.rule=teams"]);
    let told = routed.json();
    assert_eq!((&told["rule"], &told["reason"]), (&json!("teams"), &json!("condition_error")));
    assert_eq!(told["rules"][0]["conditions"][0]["result"], "`params.team` is not there");

    let text = desk.run(&[], &["check", "--cookie", &cookie, "GET", "/teams/green"]).stdout;
    for line in [
        "parameter team = \"green\"",
        "part      params.team in auth.user.teams = false",
        "->  false  (/teams/green)",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
}

const CASES: &str = "
sessions:
  ada: { claims: { sub: '42', teams: [red], level: 3 } }
  bob: { provider: stored, claims: { id: 7, teams: [blue], level: 9 } }
cases:
  - name: a visitor is sent to the login
    request: GET https://app.example.com/teams/red
    headers: { Sec-Fetch-Mode: navigate }
    expect: { decision: redirect, status: 307, location: 'https://app.example.com/api/auth/signin?callbackUrl=https%3A%2F%2Fapp.example.com%2Fteams%2Fred' }
  - request: GET /teams/red/a
    session: ada
    expect: { decision: allow, rule: teams, upstream: { x-auth-user-id: '42', x-roles: red, x-none: null }, assertion: { aud: teams } }
  - name: another team's pages are not Ada's
    request: GET /teams/blue
    session: ada
    expect: { decision: deny, status: 403, reason: condition_not_met, headers: { content-type: application/json } }
  - { name: bob writes, request: POST /teams/blue, session: bob, expect: { decision: allow, status: 200 } }
  - { name: a route of its own, request: GET /open, context: { sessiongate.access: session }, expect: { status: 401 } }
  - { name: a path that is none, request: \"GET /a\\u0001b\", expect: { status: 400 } }
";

#[test]
fn a_file_of_cases_is_held_against_the_configuration() {
    let desk = desk();
    desk.write("cases.yaml", CASES);
    let passed = desk.run(&[], &["test", "cases.yaml"]).expect_success();
    assert!(
        passed.ends_with("6 cases, 0 failed\n") && passed.contains("ok    another team's pages"),
        "{passed}"
    );

    let wrong = CASES.replace("status: 403", "status: 404").replace("x-roles: red,", "x-roles: green,");
    desk.write("wrong.yaml", &wrong);
    let failed = desk.run(&[], &["test", "--junit", "results.xml", "cases.yaml", "wrong.yaml"]);
    assert_eq!(failed.code, 1, "{failed:?}");
    for line in [
        "FAIL  another team's pages are not Ada's\n          status: expected `404`, found `403`\n",
        "FAIL  GET /teams/red/a\n          upstream.x-roles: expected `green`, found `red`\n",
        "12 cases, 2 failed\n",
    ] {
        assert!(failed.stdout.contains(line), "{line}{}", failed.stdout);
    }
    let xml = std::fs::read_to_string(desk.path("results.xml")).unwrap();
    for part in ["tests=\"6\"", "failures=\"2\"", "another team&apos;s pages", "expected `404`, found `403`"]
    {
        assert!(xml.contains(part), "{part}: {xml}");
    }
}

#[test]
fn a_file_that_is_none_is_told_with_its_place() {
    let desk = desk();
    for (yaml, words) in [
        ("cases: [{ request: GET /, expect: { decison: allow } }]", "cases[0].expect"),
        ("cases: [{ request: /, expect: {} }]", "is no request: write `GET /path`"),
        ("cases: [{ request: GET /, session: eve, expect: {} }]", "there is no session `eve`"),
        (
            "sessions: { a: { provider: x, claims: {} } }\ncases: [{ request: GET /, session: a, expect: {} }]",
            "no provider `x`",
        ),
        ("cases: {", "cases.yaml"),
    ] {
        desk.write("cases.yaml", yaml);
        let run = desk.run(&[], &["test", "cases.yaml"]);
        assert!(run.code == 1 && run.stderr.contains(words), "{yaml}: {run:?}");
    }
}

#[test]
fn the_public_keys_are_printed_and_the_private_ones_are_not() {
    let desk = desk();
    let keys: Value = serde_json::from_str(&desk.run(&[], &["jwks"]).expect_success()).unwrap();
    let key = &keys["keys"][0];
    assert_eq!((&key["kty"], &key["alg"], &key["use"]), (&json!("OKP"), &json!("EdDSA"), &json!("sig")));
    assert!(key["kid"].is_string() && key.get("d").is_none(), "{key}");
    let generated = Desk::with_config(&format!(
        "sessions: {{ web: {{ kind: authjs, secret: {SECRET} }} }}\nidentity: {{ assertion: {{}} }}"
    ));
    assert!(generated.run(&[], &["jwks"]).expect_failure().contains("is generated at each start"));
}

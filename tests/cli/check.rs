//! `check`: one request decided, and each step of the decision told.

use std::time::SystemTime;

use serde_json::json;
use sessiongate::secret::Secret;
use sessiongate::session::authjs::{AuthJs, AuthJsOptions, MAX_TOKEN_BYTES, Version};

use crate::{Desk, OTHER_SECRET, Run, SECRET, ada};

const COOKIE: &str = "authjs.session-token";

fn desk() -> Desk {
    Desk::with_config(&format!(
        "sessions:
  web: {{ kind: authjs, secret: {SECRET}, bearer: true, max_age: 1h }}
  old: {{ kind: nextauth, secret: {SECRET} }}
login: {{ origin: 'https://app.example.com' }}
rules:
  - {{ name: sign-in, matcher: '/api/auth/:path*', access: public }}
  - {{ name: home, matcher: /, access: optional }}
  - {{ name: blocked, matcher: '/internal/:path*', access: deny }}
  - {{ name: orders, matcher: '/orders', session: old }}
  - name: teapot
    matcher: /teapot
    on_deny: {{ status: 409, body: \"no\\ntea\", headers: {{ X-Why: tea }} }}
"
    ))
}

/// A token whose session began and ends this many seconds from now.
fn token(secret: &str, begins: i64, ends: i64) -> String {
    let provider = AuthJs::new(AuthJsOptions {
        version: Version::V5,
        secrets: vec![Secret::check(secret, true).unwrap().0],
        cookies: vec![COOKIE.to_owned()],
        salt: None,
        bearer: false,
        max_age: None,
        max_token_bytes: MAX_TOKEN_BYTES,
        refresh: None,
    });
    let now = i64::try_from(SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs()).unwrap();
    let mut claims = ada();
    claims.extend([("iat".to_owned(), json!(now + begins)), ("exp".to_owned(), json!(now + ends))]);
    provider.unwrap().seal(COOKIE, &claims).unwrap()
}

fn valid() -> String {
    token(SECRET, -60, 600)
}

/// The lines of a report, each with its subject: one that repeats is printed once.
fn lines(run: &Run) -> Vec<(String, String)> {
    let mut subject = String::new();
    let line = |line: &str| {
        let (left, right) = line.split_at_checked(10).expect("a column for the subject");
        if !left.trim().is_empty() {
            left.trim().clone_into(&mut subject);
        }
        (subject.clone(), right.to_owned())
    };
    run.stdout.lines().map(line).collect()
}

/// Asserts that some line on `subject` has all of `words`.
#[track_caller]
fn assert_told(run: &Run, subject: &str, words: &[&str]) {
    let lines = lines(run);
    let is_told =
        lines.iter().any(|(of, text)| of == subject && words.iter().all(|word| text.contains(word)));
    assert!(is_told, "no line `{subject}` with {words:?} in:\n{}", run.stdout);
}

#[test]
fn a_person_reads_each_step_to_the_login() {
    let cookie = format!("{COOKIE}=hunter2");
    let arguments =
        ["check", "GET", "https://app.example.com/a?b=c", "-H", "Accept: text/html", "--cookie", &cookie];
    let run = desk().run(&[], &arguments);
    assert_eq!((run.code, run.stderr.as_str()), (3, ""), "{run:?}");
    for (subject, words) in [
        ("request", &["GET", "/a", "app.example.com"][..]),
        ("reading", &["/a", "default", "no rule matches"]),
        ("rule", &["default", "session"]),
        ("session", &["web: malformed", "cookie authjs.session-token", "7 bytes"]),
        ("session", &["old: absent"]),
        ("decision", &["redirect", "malformed"]),
        ("status", &["307"]),
        ("header", &["location: https://app.example.com/api/auth/signin?callbackUrl="]),
        ("header", &["?callbackUrl=https%3A%2F%2Fapp.example.com%2Fa%3Fb%3Dc"]),
        ("header", &["cache-control: no-store"]),
        ("header", &["set-cookie: authjs.session-token=; Max-Age=0; Path=/; HttpOnly; Secure; SameSite=Lax"]),
    ] {
        assert_told(&run, subject, words);
    }
    let subjects: Vec<String> = lines(&run).into_iter().map(|(subject, _)| subject).collect();
    let mut steps = subjects.clone();
    steps.dedup();
    assert_eq!(
        steps,
        ["request", "reading", "rule", "session", "decision", "status", "header"],
        "in this order"
    );
    assert!(!run.stdout.contains("hunter2"), "the cookie's value is told");
}

#[test]
fn a_person_reads_what_the_upstream_is_told() {
    let token = valid();
    let run = desk().run(&[], &["check", "GET", "/", "-b", &format!("{COOKIE}={token}")]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{run:?}");
    assert_told(&run, "rule", &["home", "optional"]);
    assert_told(
        &run,
        "session",
        &["web: valid", "cookie authjs.session-token", &format!("{} bytes", token.len()), "valid until 20"],
    );
    assert_told(&run, "decision", &["allow", "session"]);
    assert_told(&run, "set", &["x-auth-user-id: 42"]);
    assert_told(&run, "set", &["x-auth-user-email: ada@example.com"]);
    assert_told(&run, "remove", &["x_auth_user_id", "x-middleware-subrequest"]);
    assert!(!run.stdout.contains(&token), "the token is told");
}

#[test]
fn every_reading_is_told_with_its_rule_and_the_strictest_decides() {
    let cookie = format!("{COOKIE}={}", valid());
    let run = desk().run(&[], &["check", "GET", "/orders/..%2Finternal/x", "--cookie", &cookie]);
    assert_eq!(run.code, 3, "{run:?}");
    assert_told(&run, "reading", &["/orders/..%2Finternal/x", "default"]);
    assert_told(&run, "reading", &["/internal/x", "blocked", "/internal/:path*"]);
    assert_told(&run, "rule", &["default", "session"]);
    assert_told(&run, "rule", &["blocked", "deny"]);
    assert_told(&run, "decision", &["deny", "forbidden"]);
    assert_told(&run, "status", &["403"]);
    assert_told(&run, "body", &[r#"{"message":"Forbidden"}"#]);
}

#[test]
fn a_program_reads_the_same_as_json() {
    let cookie = format!("{COOKIE}=hunter2");
    let arguments =
        ["check", "GET", "https://app.example.com/a", "-H", "accept: text/html", "-b", &cookie, "--json"];
    let run = desk().run(&[], &arguments);
    let report = run.json();
    assert_eq!((run.code, run.stderr.as_str()), (3, ""), "{run:?}");
    let location = "https://app.example.com/api/auth/signin?callbackUrl=https%3A%2F%2Fapp.example.com%2Fa";
    for (pointer, expected) in [
        ("/request", json!({"method": "GET", "scheme": "https", "host": "app.example.com", "path": "/a"})),
        ("/readings/0/path", json!("/a")),
        ("/readings/0/rule", json!("default")),
        ("/readings/0/why", json!("no rule matches")),
        ("/rules/0/rule", json!("default")),
        ("/rules/0/access", json!("session")),
        ("/rules/0/providers/0/provider", json!("web")),
        ("/rules/0/providers/0/result", json!("malformed")),
        ("/rules/0/providers/0/credential", json!("cookie authjs.session-token, 7 bytes")),
        ("/rules/0/providers/1/result", json!("absent")),
        ("/rules/0/providers/1/credential", json!(null)),
        ("/decision", json!("redirect")),
        ("/rule", json!("default")),
        ("/reason", json!("malformed")),
        ("/provider", json!("")),
        ("/status", json!(307)),
        ("/location", json!(location)),
        ("/upstream", json!(null)),
    ] {
        assert_eq!(report.pointer(pointer), Some(&expected), "{pointer} of {report:#}");
    }
    let cleared = "authjs.session-token=; Max-Age=0; Path=/; HttpOnly; Secure; SameSite=Lax";
    let headers = [["location", location], ["cache-control", "no-store"], ["set-cookie", cleared]];
    assert_eq!(report["headers"], json!(headers));
    assert!(!run.stdout.contains("hunter2"), "the cookie's value is told");

    let run = desk().run(&[], &["check", "GET", "/", "-b", &format!("{COOKIE}={}", valid()), "--json"]);
    let report = run.json();
    assert_eq!((run.code, &report["decision"], &report["status"]), (0, &json!("allow"), &json!(200)));
    assert_eq!((&report["reason"], &report["provider"]), (&json!("session"), &json!("web")));
    assert_eq!(report["rules"][0]["providers"][0]["result"], "valid");
    assert_eq!(
        report["upstream"]["set"],
        json!({"x-auth-user-id": "42", "x-auth-user-email": "ada@example.com"})
    );
    let removed = report["upstream"]["remove"].as_array().unwrap();
    assert!(removed.contains(&json!("x_auth_user_id")), "{removed:?}");
}

#[test]
fn what_each_provider_found_is_told_and_never_the_token() {
    let (good, half) = (valid(), valid().len() / 2);
    let whole = |token: &str| vec![format!("{COOKIE}={token}")];
    let chunks = vec![format!("{COOKIE}.0={}", &good[..half]), format!("{COOKIE}.1={}", &good[half..])];
    let table = [
        (Vec::new(), "", "absent", ""),
        (whole(&good), "", "valid", "cookie authjs.session-token, "),
        (chunks, "", "valid", "cookie authjs.session-token, 2 chunks, "),
        (Vec::new(), &*good, "valid", "header authorization, "),
        (whole(&token(SECRET, -90, -60)), "", "expired", "cookie"),
        (whole(&token(SECRET, -7200, 600)), "", "too_old", "cookie"),
        (whole(&token(OTHER_SECRET, -60, 600)), "", "unknown_key", "cookie"),
        (vec![format!("{COOKIE}={good}"), format!("{COOKIE}={}", valid())], "", "conflict", "cookie"),
        (vec![format!("{COOKIE}.1={good}")], "", "incomplete", "1 chunk, "),
    ];
    for (cookies, bearer, result, credential) in table {
        let header = format!("Authorization: Bearer {bearer}");
        let mut arguments = vec!["check", "GET", "/a", "--json"];
        for cookie in &cookies {
            arguments.extend(["--cookie", cookie]);
        }
        if !bearer.is_empty() {
            arguments.extend(["--header", &header]);
        }
        let run = desk().run(&[], &arguments);
        let report = run.json();
        let web = &report["rules"][0]["providers"][0];
        assert_eq!(web["result"], result, "{report:#}");
        assert!(web["credential"].as_str().unwrap_or_default().contains(credential), "{result}: {web}");
        assert_eq!(run.code, if result == "valid" { 0 } else { 3 }, "{result}");
        assert!(!run.stdout.contains(&good[half..]), "{result}: the token is told");
    }
}

#[test]
fn a_bearer_token_is_refused_for_its_own_reason_not_for_that_of_another_cookie_name() {
    let header = format!("Authorization: Bearer {}", token(SECRET, -90, -60));
    let report = desk().run(&[], &["check", "GET", "/a", "--json", "-H", &header]).json();
    assert_eq!(report["reason"], "expired", "{report:#}");
}

#[test]
fn the_exit_code_tells_the_decision_from_a_mistake() {
    let long = format!("/{}", "a".repeat(8192));
    for (arguments, code, words) in [
        (&["GET", "/api/auth/signin"][..], 0, "allow"),
        (&["GET", "/"], 0, "anonymous"),
        (&["GET", "/a"], 3, "401"),
        (&["GET", "/a", "-H", "accept: text/html"], 3, "307"),
        (&["POST", "/a", "-H", "accept: text/html"], 3, "401"),
        (&["GET", "/internal"], 3, "403"),
        (&["GET", "/teapot"], 3, "409"),
        (&["GET", &long], 3, "400"),
        (&["GET", "app.example.com/a"], 1, "app.example.com/a"),
        (&["GET", "ftp://app.example.com/a"], 1, "ftp://"),
        (&["GET", "/a", "--config", "absent.yaml"], 1, "absent.yaml"),
        (&["GET", "/a", "--header", "accept"], 2, "name: value"),
        (&["GET", "/a", "--cookie", "a"], 2, "name=value"),
        (&["GET"], 2, "<URL>"),
        (&["GET", "/a", "--yaml"], 2, "--yaml"),
    ] {
        let run = desk().run(&[], &[&["check"], arguments].concat());
        assert_eq!(run.code, code, "{arguments:?}: {run:?}");
        let (told, silent) =
            if matches!(code, 0 | 3) { (&run.stdout, &run.stderr) } else { (&run.stderr, &run.stdout) };
        assert!(told.contains(words) && silent.is_empty(), "{arguments:?}: {run:?}");
    }
}

#[test]
fn an_answer_of_ones_own_is_told_as_it_will_be_sent() {
    let run = desk().run(&[], &["check", "GET", "/teapot"]);
    assert_told(&run, "header", &["x-why: tea"]);
    let body: Vec<String> =
        lines(&run).into_iter().filter(|(of, _)| of == "body").map(|(_, text)| text).collect();
    assert_eq!(body, ["no", "tea"], "{}", run.stdout);
}

#[test]
fn the_request_is_judged_as_it_stands_on_the_command_line() {
    let yaml = format!(
        "sessions: {{ web: {{ kind: authjs, secret: {SECRET} }} }}
rules:
  - {{ name: post, hosts: api.example.com, matcher: [{{ source: /a, methods: [POST] }}], access: public }}
  - name: ops
    matcher: [{{ source: /a, has: [{{ type: header, key: X-Ops, value: 'on-call-\\d+' }}] }}]
    access: public
  - {{ name: query, access: public, matcher: [{{ source: /a, has: [{{ type: query, key: q, value: '1' }}] }}] }}
  - {{ name: cookie, access: public, matcher: [{{ source: /a, has: [{{ type: cookie, key: c, value: d }}] }}] }}
"
    );
    let desk = Desk::with_config(&yaml);
    for (arguments, rule) in [
        (&["POST", "https://api.example.com/a"][..], "post"),
        (&["POST", "https://API.example.com:8443/a"], "post"),
        (&["POST", "/a", "-H", "Host: api.example.com"], "post"),
        (&["POST", "https://app.example.com/a", "-H", "Host: api.example.com"], "default"),
        (&["GET", "https://api.example.com/a"], "default"),
        (&["GET", "/a", "-H", "x-ops:on-call-7"], "ops"),
        (&["GET", "/a", "-H", "x-ops: on-call-x"], "default"),
        (&["GET", "http://a.test/a?q=1"], "query"),
        (&["GET", "/a?q=2"], "default"),
        (&["GET", "/a", "-b", "b=1", "-b", "c=d"], "cookie"),
        (&["GET", "/A"], "default"),
    ] {
        let report = desk.run(&[], &[&["check", "--json"], arguments].concat()).json();
        assert_eq!(report["rule"], rule, "{arguments:?}: {report:#}");
    }
}

//! How a client that may not pass is told.

use sessiongate::policy::decision::Decision;

use super::{ada, decide, gate, request};

const NAVIGATION: (&str, &str) = ("sec-fetch-mode", "navigate");
const HTML: (&str, &str) = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");

fn status(decision: &Decision<'_>) -> u16 {
    decision.answer().map_or(200, |answer| answer.status)
}

#[test]
fn a_page_navigation_is_redirected_and_everything_else_gets_401() {
    let gate = gate("");
    let cases: &[(&str, &[(&str, &str)], u16)] = &[
        ("GET", &[NAVIGATION], 307),
        ("HEAD", &[NAVIGATION], 307),
        ("GET", &[HTML], 307),
        ("GET", &[("accept", "TEXT/HTML")], 307),
        ("POST", &[NAVIGATION], 401),
        ("POST", &[HTML], 401),
        ("get", &[NAVIGATION], 401),
        ("GET", &[], 401),
        ("GET", &[("accept", "*/*")], 401),
        ("GET", &[("accept", "application/json, text/html;q=0")], 401),
        ("GET", &[("sec-fetch-mode", "cors"), HTML], 401),
        ("GET", &[("sec-fetch-mode", "websocket")], 401),
        ("GET", &[NAVIGATION, ("rsc", "1")], 401),
        ("GET", &[HTML, ("next-router-state-tree", "%5B%5D")], 401),
        ("GET", &[HTML, ("next-action", "a1")], 401),
        ("GET", &[HTML, ("content-type", "application/grpc+proto")], 401),
        ("OPTIONS", &[HTML], 401),
    ];
    for (method, headers, expected) in cases {
        assert_eq!(
            status(&decide(&gate, &request(method, "/page", headers))),
            *expected,
            "{method} {headers:?}"
        );
    }
}

#[test]
fn on_deny_decides_the_answer() {
    let gate = gate(
        "
rules:
  - { matcher: /redirect, on_deny: redirect }
  - { matcher: /unauthorized, on_deny: unauthorized }
  - { matcher: /custom, on_deny: { status: 404, body: nothing, headers: { X-Why: hidden } } }
  - { matcher: /denied, access: deny }
  - { matcher: /hidden, access: deny, on_deny: { status: 404 } }
default: { on_deny: unauthorized }
",
    );
    let cookie = ada(&gate);
    let cases: &[(&str, &str, &[(&str, &str)], u16, &str)] = &[
        ("POST", "/redirect", &[], 307, ""),
        ("POST", "/redirect", &[("next-action", "a1")], 401, r#"{"message":"Not authenticated"}"#),
        ("GET", "/unauthorized", &[NAVIGATION], 401, r#"{"message":"Not authenticated"}"#),
        ("GET", "/custom", &[NAVIGATION], 404, "nothing"),
        ("GET", "/denied", &[("cookie", &cookie)], 403, r#"{"message":"Forbidden"}"#),
        ("GET", "/hidden", &[("cookie", &cookie)], 404, ""),
        ("GET", "/other", &[NAVIGATION], 401, r#"{"message":"Not authenticated"}"#),
    ];
    for (method, path, headers, expected, body) in cases {
        let decision = decide(&gate, &request(method, path, headers));
        let answer = decision.answer().expect("an answer");
        assert_eq!((answer.status, answer.body.as_ref()), (*expected, *body), "{method} {path}");
        let header = |name: &str| answer.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_ref());
        assert_eq!(header("cache-control"), Some("no-store"), "{method} {path}");
        assert_eq!(header("x-why"), (*path == "/custom").then_some("hidden"));
    }
    let page = decide(&gate, &request("GET", "/denied", &[NAVIGATION]));
    let page = page.answer().expect("an answer");
    assert!(page.headers.contains(&("content-type".into(), "text/html; charset=utf-8".into())));
}

#[test]
fn a_redirect_goes_where_the_configuration_says_and_nowhere_else() {
    let location = |login: &str, target: &str, headers: &[(&str, &str)]| {
        let gate = gate(&format!("login: {login}"));
        let headers: Vec<(&str, &str)> = headers.iter().copied().chain([NAVIGATION]).collect();
        match decide(&gate, &request("GET", target, &headers)) {
            Decision::Redirect(challenge) => challenge.location,
            other => panic!("{target}: {}", other.label()),
        }
    };
    let app = "{ origin: 'https://app.example.com' }";
    let trusted = "{ trusted_hosts: [app.example.com] }";
    let start = "https://app.example.com/api/auth/signin?callbackUrl=https%3A%2F%2Fapp.example.com";
    for (login, target, headers, expected) in [
        (app, "/a?x=1", [].as_slice(), format!("{start}%2Fa%3Fx%3D1")),
        (app, "/a", &[("host", "evil.test")], format!("{start}%2Fa")),
        (app, "/a", &[("x-forwarded-host", "evil.test"), ("x-forwarded-proto", "http")], format!("{start}%2Fa")),
        (app, "//evil.test/x", &[], format!("{start}%2F%2Fevil.test%2Fx")),
        (app, "/a?callbackUrl=https://evil.test", &[], format!("{start}%2Fa%3FcallbackUrl%3Dhttps%3A%2F%2Fevil.test")),
        (app, "/\\evil.test", &[], format!("{start}%2F%2Fevil.test")),
        (trusted, "/a", &[], format!("{start}%2Fa")),
        (trusted, "/a", &[("host", "evil.test")], "/api/auth/signin?callbackUrl=%2Fa".to_owned()),
        (trusted, "/a", &[("host", "app.example.com@evil.test")], "/api/auth/signin?callbackUrl=%2Fa".to_owned()),
        (trusted, "/a", &[("host", "app.example.com:8443")],
         "https://app.example.com:8443/api/auth/signin?callbackUrl=https%3A%2F%2Fapp.example.com%3A8443%2Fa".to_owned()),
        ("{}", "/a?b=c", &[], "/api/auth/signin?callbackUrl=%2Fa%3Fb%3Dc".to_owned()),
        ("{}", "//evil.test/x", &[], "/api/auth/signin?callbackUrl=%2Fevil.test%2Fx".to_owned()),
        ("{}", "/x/..//evil.test", &[], "/api/auth/signin?callbackUrl=%2Fevil.test".to_owned()),
        ("{}", "/\\/evil.test", &[], "/api/auth/signin?callbackUrl=%2Fevil.test".to_owned()),
        ("{ url: /login, callback_param: from }", "/a", &[], "/login?from=%2Fa".to_owned()),
        ("{ url: 'https://sso.example.com/in?app=1' }", "/a", &[],
         "https://sso.example.com/in?app=1&callbackUrl=%2Fa".to_owned()),
    ] {
        assert_eq!(location(login, target, headers), expected, "{login} {target} {headers:?}");
    }
}

#[test]
fn the_login_never_redirects_to_itself() {
    let asked = |url: &str, path: &str| {
        let gate = gate(&format!("login: {{ url: '{url}', origin: 'https://app.example.com' }}\nrules: []"));
        status(&decide(&gate, &request("GET", path, &[NAVIGATION])))
    };
    for url in ["/login", "/login?lang=en", "https://app.example.com/login?lang=en"] {
        for path in ["/login", "/login/", "/%6cogin", "/x/../login"] {
            assert_eq!(asked(url, path), 401, "{url}: {path}");
        }
        assert_eq!(asked(url, "/login/help"), 307, "{url}");
    }
    for elsewhere in ["https://id.example.com/login", "https://app.example.com.evil.test/login"] {
        assert_eq!(asked(elsewhere, "/login"), 307, "{elsewhere}");
    }
}

#[test]
fn an_answer_that_clears_a_cookie_is_not_kept_by_a_cache() {
    let gate = gate("default: { on_deny: { status: 404, headers: { Cache-Control: max-age=60 } } }");
    for (cookie, expected) in [("a=1", "max-age=60"), ("authjs.session-token=x", "no-store")] {
        let decision = decide(&gate, &request("GET", "/", &[("cookie", cookie)]));
        let answer = decision.answer().expect("an answer");
        let told: Vec<&str> = answer
            .headers
            .iter()
            .filter(|(name, _)| name == "cache-control")
            .map(|(_, v)| v.as_ref())
            .collect();
        assert_eq!(told, [expected], "{cookie}");
    }
}

#[test]
fn invalid_session_cookies_are_cleared_chunk_by_chunk_and_others_left_alone() {
    let gate = gate("");
    let cookie = "a=1; authjs.session-token.0=x; authjs.session-token.1=y; authjs.session-token-old=z; \
                  __Secure-authjs.session-token=w";
    for headers in [[("cookie", cookie), NAVIGATION], [("cookie", cookie), ("accept", "*/*")]] {
        let decision = decide(&gate, &request("GET", "/", &headers));
        let answer = decision.answer().expect("an answer");
        let cleared: Vec<&str> =
            answer.headers.iter().filter(|(name, _)| name == "set-cookie").map(|(_, v)| v.as_ref()).collect();
        assert_eq!(
            cleared,
            [
                "authjs.session-token.0=; Max-Age=0; Path=/; HttpOnly; Secure; SameSite=Lax",
                "authjs.session-token.1=; Max-Age=0; Path=/; HttpOnly; Secure; SameSite=Lax",
                "__Secure-authjs.session-token=; Max-Age=0; Path=/; HttpOnly; Secure; SameSite=Lax",
            ]
        );
    }
    let decision = decide(&gate, &request("GET", "/", &[("cookie", "a=1")]));
    let answer = decision.answer().expect("an answer");
    assert!(answer.headers.iter().all(|(name, _)| name != "set-cookie"));
}

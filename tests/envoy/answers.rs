//! What a client hears that may not pass.

use crate::harness::edge::{CORS, STRIP, at, send};
use crate::harness::envoy::CORS_ORIGIN;
use crate::harness::http1::{Answer, Call};
use crate::harness::session::signed_in;

const LOGIN: &str = "https://app.example.com/api/auth/signin?callbackUrl=https%3A%2F%2Fapp.example.com";

#[track_caller]
fn assert_refused(answer: &Answer, status: u16) {
    assert!(!answer.reached_upstream(), "{answer:?}");
    assert_eq!(answer.status, status, "{answer:?}");
    assert_eq!(answer.header("cache-control"), Some("no-store"), "{answer:?}");
}

#[test]
fn a_page_without_a_session_leads_to_the_login_and_back() {
    for (target, callback) in [
        ("/dashboard", "%2Fdashboard"),
        ("/dashboard?tab=1&q=a%20b", "%2Fdashboard%3Ftab%3D1%26q%3Da%2520b"),
        ("/a*b-c._d~e", "%2Fa*b-c._d%7Ee"),
        ("/caf%C3%A9", "%2Fcaf%25C3%25A9"),
        ("/x?callbackUrl=https://evil.example/", "%2Fx%3FcallbackUrl%3Dhttps%3A%2F%2Fevil.example%2F"),
    ] {
        for call in [Call::page(target), Call::new("HEAD", target).header("accept", "text/html")] {
            let answer = send(&call);
            assert_refused(&answer, 307);
            assert_eq!(answer.header("location"), Some(format!("{LOGIN}{callback}").as_str()));
            assert!(answer.values("set-cookie").is_empty(), "there was no cookie to clear: {answer:?}");
        }
    }
}

#[test]
fn an_api_without_a_session_answers_401() {
    let answer = send(&Call::get("/orders/42").header("accept", "application/json"));
    assert_refused(&answer, 401);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.body, r#"{"message":"Not authenticated"}"#);
}

#[test]
fn only_a_page_navigation_is_redirected_unless_the_rule_says_otherwise() {
    let html = || Call::get("").header("accept", "text/html");
    let clients: [(&str, Call, bool, bool); 12] = [
        // What asks, as what, whether `auto` redirects it, whether `redirect` does.
        ("a browser", Call::page(""), true, true),
        ("an old browser", html(), true, true),
        ("fetch() for HTML", html().header("sec-fetch-mode", "cors"), false, true),
        (
            "an image",
            Call::get("").header("accept", "image/*").header("sec-fetch-mode", "no-cors"),
            false,
            true,
        ),
        ("curl", Call::get("").header("accept", "*/*"), false, true),
        ("no accept at all", Call::get(""), false, true),
        ("HTML not wanted", Call::get("").header("accept", "application/json, text/html;q=0"), false, true),
        ("a form", Call::new("POST", "").header("sec-fetch-mode", "navigate"), false, true),
        ("Next.js: RSC", html().header("RSC", "1"), false, false),
        ("Next.js: router", html().header("Next-Router-State-Tree", "%5B%5D"), false, false),
        ("Next.js: action", Call::new("POST", "").header("Next-Action", "4f2a"), false, false),
        ("Next.js: action, as a page", Call::page("").header("next-action", "4f2a"), false, false),
    ];
    for (client, call, auto, redirect) in clients {
        let status = |redirects: bool| if redirects { 307 } else { 401 };
        for (path, status) in
            [("/x", status(auto)), ("/redirecting/x", status(redirect)), ("/unauthorized/x", 401)]
        {
            let answer = send(&call.clone().target(path));
            assert_eq!((client, path, answer.status), (client, path, status), "{answer:?}");
            assert_refused(&answer, status);
            assert_eq!(answer.header("location").is_some(), status == 307, "{client}: {answer:?}");
        }
    }
}

#[test]
fn a_rule_can_have_an_answer_of_its_own() {
    for call in [Call::page("/gone/x"), Call::get("/gone")] {
        let answer = send(&call);
        assert_refused(&answer, 410);
        assert_eq!(answer.body, "it was here");
        assert_eq!(answer.header("content-type"), Some("text/plain"));
        assert_eq!(answer.header("x-where"), Some("away"));
    }
    assert_eq!(send(&Call::get("/gone/x").cookie(&signed_in())).upstream().path, "/gone/x");
}

#[test]
fn nobody_passes_a_rule_that_denies() {
    let session = signed_in();
    for cookie in ["theme=dark", session.as_str()] {
        let answer = send(&Call::get("/closed/x").cookie(cookie));
        assert_refused(&answer, 403);
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(answer.body, r#"{"message":"Forbidden"}"#);

        let page = send(&Call::page("/closed/x").cookie(cookie));
        assert_refused(&page, 403);
        assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
        assert!(page.body.contains("<h1>Forbidden</h1>"), "{page:?}");

        let custom = send(&Call::page("/closed-custom/x").cookie(cookie));
        assert_refused(&custom, 404);
        assert_eq!(custom.body, "no such page");
    }
}

#[test]
fn the_login_never_redirects_to_itself() {
    // On this host every path needs a session, the login too.
    for target in [
        "/api/auth/signin",
        "/api/auth/signin/",
        "/api/auth/signin?callbackUrl=%2F",
        "//api/auth/signin",
        "/api/auth/%73ignin",
        "/x/../api/auth/signin",
        "/api/auth/signin;jsessionid=1",
    ] {
        let answer = send(&Call::page(target).host("looping.test"));
        assert_eq!((target, answer.status), (target, 401));
        assert_refused(&answer, 401);
    }
    assert_refused(&send(&Call::page("/api/auth/other").host("looping.test")), 307);
}

#[test]
fn without_an_origin_only_a_trusted_host_is_named_in_a_redirect() {
    let trusted = "http://trusted.test/api/auth/signin?callbackUrl=http%3A%2F%2Ftrusted.test%2Fx";
    for (call, location) in [
        (Call::page("/x").host("trusted.test"), trusted),
        (Call::page("/x").host("trusted.test").header("x-forwarded-host", "evil.test"), trusted),
        (Call::page("/x").host("evil.test"), "/api/auth/signin?callbackUrl=%2Fx"),
        (
            Call::page("/x").host("evil.test").header("x-forwarded-host", "trusted.test"),
            "/api/auth/signin?callbackUrl=%2Fx",
        ),
        (Call::page("/x").host("trusted.test.evil.test"), "/api/auth/signin?callbackUrl=%2Fx"),
        (Call::page("//evil.test/x").host("evil.test"), "/api/auth/signin?callbackUrl=%2Fevil.test%2Fx"),
        (Call::page(r"/\evil.test/x").host("evil.test"), "/api/auth/signin?callbackUrl=%2Fevil.test%2Fx"),
    ] {
        let answer = call.send(at(STRIP));
        assert_refused(&answer, 307);
        assert_eq!(answer.header("location"), Some(location), "{call:?}");
    }
}

fn preflight(target: &str) -> Call {
    Call::new("OPTIONS", target)
        .header("origin", CORS_ORIGIN)
        .header("access-control-request-method", "POST")
        .header("sec-fetch-mode", "cors")
}

#[test]
fn a_cors_preflight_is_denied_unless_a_rule_lets_it_pass() {
    assert_refused(&send(&preflight("/x")), 401);
    let passed = send(&preflight("/cors/x")).upstream();
    assert_eq!((passed.method.as_str(), passed.path.as_str()), ("OPTIONS", "/cors/x"));
    // The rule is for OPTIONS alone; a request with the method only in a header is no such request.
    assert_refused(&send(&Call::new("POST", "/cors/x").header("x-http-method-override", "OPTIONS")), 401);
}

#[test]
fn envoys_cors_filter_answers_a_preflight_before_the_gate_is_asked() {
    let answer = preflight("/x").send(at(CORS));
    assert_eq!((answer.status, answer.reached_upstream()), (200, false), "{answer:?}");
    assert_eq!(answer.header("access-control-allow-origin"), Some(CORS_ORIGIN));
    // The request itself is asked about, and its refusal can be read by the page.
    let answer = Call::get("/x").header("origin", CORS_ORIGIN).send(at(CORS));
    assert_refused(&answer, 401);
    assert_eq!(answer.header("access-control-allow-origin"), Some(CORS_ORIGIN));
}

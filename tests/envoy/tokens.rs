//! What is a session and what is not, with tokens of the real Auth.js and NextAuth.js.

use serde_json::json;

use crate::harness::edge::{HEADER_FORMS, PLAIN, at, edge, send};
use crate::harness::http1::{Answer, Call};
use crate::harness::mint::Token;
use crate::harness::session::{
    COOKIE, OTHER_SECRET, SECRET, USER_ID, V4_COOKIE, V4_SECRET, ada, chunks, padded, signed_in, v4,
    v4_chunks, v5,
};

const SECURE_COOKIE: &str = "__Secure-authjs.session-token";

/// Why the gate refused a request for a path that was asked for once.
fn reason(path: &str) -> String {
    edge().envoy.access_line(path)["reason"].as_str().unwrap_or_default().to_owned()
}

#[track_caller]
fn assert_no_session(path: &str, call: &Call, why: &str) {
    for form in HEADER_FORMS {
        // A path of its own for each request, by which the access log knows it.
        let target = format!("{path}/{form}");
        let answer = call.clone().target(&target).send(at(form));
        assert!(!answer.reached_upstream(), "{target}: {answer:?}");
        assert_eq!(answer.status, 401, "{target}: {answer:?}");
        assert_eq!(reason(&target), why, "{target}");
    }
}

/// The token with one character changed in one of its five parts.
fn tampered(token: &str, part: usize) -> String {
    let mut parts: Vec<String> = token.split('.').map(ToOwned::to_owned).collect();
    let middle = parts[part].len() / 2;
    let other = if parts[part].as_bytes()[middle] == b'A' { "B" } else { "A" };
    parts[part].replace_range(middle..=middle, other);
    parts.join(".")
}

#[test]
fn a_token_that_is_not_one_of_ours_is_no_session() {
    let good = v5(ada());
    let token = good.mint();
    let old = v4(ada()).mint();
    let text = |token: &Token| token.mint();
    for (what, token, why) in [
        ("tampered-header", tampered(&token, 0), "unknown_key"),
        ("tampered-iv", tampered(&token, 2), "decryption"),
        ("tampered-text", tampered(&token, 3), "decryption"),
        ("tampered-tag", tampered(&token, 4), "decryption"),
        ("truncated", token[..token.len() - 8].to_owned(), "decryption"),
        ("expired", text(&Token { max_age: -60, ..good.clone() }), "expired"),
        ("wrong-secret", text(&Token { secret: OTHER_SECRET, ..good.clone() }), "unknown_key"),
        ("wrong-secret-of-v4", text(&Token { secret: V4_SECRET, ..good.clone() }), "unknown_key"),
        ("salt-of-the-secure-cookie", text(&Token { salt: SECURE_COOKIE, ..good.clone() }), "unknown_key"),
        ("salt-of-the-state-cookie", text(&Token { salt: "authjs.state", ..good.clone() }), "unknown_key"),
        ("a-v4-token", old.clone(), "decryption"),
        ("a-v4-token-with-our-secret", text(&Token { secret: SECRET, ..v4(ada()) }), "decryption"),
        ("signed-with-none", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ1LTE4MTUifQ.".to_owned(), "malformed"),
        ("quoted", format!("\"{token}\""), "malformed"),
        ("empty", String::new(), "absent"),
        ("text", "null".to_owned(), "malformed"),
    ] {
        let call = Call::get("").cookie(&format!("{COOKIE}={token}"));
        assert_no_session(&format!("/web/{what}"), &call, why);
    }
}

#[test]
fn a_cookie_that_only_resembles_the_session_cookie_is_not_read() {
    let token = v5(ada()).mint();
    for (nth, name) in [
        "authjs.session-toke",
        "authjs.session-tokens",
        "Authjs.Session-Token",
        "authjs.session-token.00",
        "authjs.session-token.x",
        "next-auth.session-token",
    ]
    .iter()
    .enumerate()
    {
        let call = Call::get("").cookie(&format!("{name}={token}"));
        assert_no_session(&format!("/web/resembling-{nth}"), &call, "absent");
    }
}

#[test]
fn a_session_is_found_by_every_name_and_place_that_auth_js_gives_it() {
    let token = v5(ada()).mint();
    let secure = Token { salt: SECURE_COOKIE, ..v5(ada()) }.mint();
    for form in HEADER_FORMS {
        for call in [
            Call::get("/web/x").cookie(&format!("{COOKIE}={token}")),
            Call::get("/web/x").cookie(&format!("theme=dark;{COOKIE}={token} ;lang=de")),
            Call::get("/web/x").cookie(&format!("{SECURE_COOKIE}={secure}")),
            Call::get("/web/x").header("authorization", &format!("Bearer {token}")),
            // Auth.js clears a cookie by emptying it; what is empty does not count.
            Call::get("/web/x")
                .cookie(&format!("{COOKIE}="))
                .header("authorization", &format!("Bearer {token}")),
        ] {
            assert_eq!(
                call.send(at(form)).upstream().values("x-auth-user-id"),
                [USER_ID],
                "{form}: {call:?}"
            );
        }
    }
}

#[test]
fn a_session_in_chunks_passes_when_it_is_whole() {
    let token = v5(padded(ada(), 9_000)).mint();
    let parts = chunks(COOKIE, &token);
    assert_eq!(parts.len(), 3);
    for form in HEADER_FORMS {
        for order in [[0, 1, 2], [2, 0, 1], [1, 2, 0]] {
            let cookie = order.map(|nth| parts[nth].as_str()).join("; ");
            let seen = Call::get("/web/x").cookie(&cookie).send(at(form)).upstream();
            assert_eq!(seen.values("x-auth-user-id"), [USER_ID], "{form} {order:?}");
        }
    }
    let without = |nth: usize| {
        let rest: Vec<&str> =
            parts.iter().enumerate().filter(|(at, _)| *at != nth).map(|(_, part)| part.as_str()).collect();
        rest.join("; ")
    };
    for (nth, why) in [(0, "incomplete"), (1, "incomplete"), (2, "malformed")] {
        assert_no_session(&format!("/web/without-chunk-{nth}"), &Call::get("").cookie(&without(nth)), why);
    }
    let exchanged =
        parts.join("; ").replacen(".0=", ".X=", 1).replacen(".1=", ".0=", 1).replacen(".X=", ".1=", 1);
    assert_no_session("/web/exchanged-chunks", &Call::get("").cookie(&exchanged), "too_large");
    let beside = format!("{}; {}", signed_in(), parts.join("; "));
    assert_no_session("/web/whole-beside-chunks", &Call::get("").cookie(&beside), "conflict");
}

#[test]
fn a_bad_session_cookie_is_cleared_chunk_by_chunk_in_lines_of_their_own() {
    let expired = Token { max_age: -60, ..v5(padded(ada(), 9_000)) };
    let mut cookies = chunks(COOKIE, &expired.mint());
    cookies.push("theme=dark".to_owned());
    cookies.push(format!("{SECURE_COOKIE}=x"));
    for call in [Call::page("/web/x"), Call::get("/web/x"), Call::get("/redirecting/x")] {
        let answer = call.cookie(&cookies.join("; ")).send(at(PLAIN));
        let mut lines = answer.values("set-cookie");
        lines.sort_unstable();
        let attributes = "=; Max-Age=0; Path=/; HttpOnly;";
        let mut expected = vec![format!("{SECURE_COOKIE}{attributes} Secure; SameSite=Lax")];
        expected.extend([0, 1, 2].map(|nth| format!("{COOKIE}.{nth}{attributes} SameSite=Lax")));
        assert_eq!(lines, expected, "{answer:?}");
    }
}

/// A request with these Cookie headers, each a line of its own.
fn with_cookies(headers: &[&str]) -> Call {
    headers.iter().fold(Call::get("/web/x"), |call, header| call.cookie(header))
}

#[test]
fn two_cookies_that_disagree_are_no_session() {
    let ada = signed_in();
    let eve = format!("{COOKIE}={}", v5(json!({"sub": "eve"})).mint());
    for (what, call) in [
        ("two-headers", with_cookies(&[&ada, &eve])),
        ("two-headers-turned", with_cookies(&[&eve, &ada])),
        ("one-header", with_cookies(&[&format!("{ada}; {eve}")])),
        ("good-and-bad", with_cookies(&[&ada, &format!("{COOKIE}=x")])),
        ("bad-and-good", with_cookies(&[&format!("{COOKIE}=x"), &ada])),
        ("with-others-around", with_cookies(&[&format!("a=1; {ada}"), &format!("b=2; {eve}")])),
    ] {
        assert_no_session(&format!("/web/{what}"), &call, "conflict");
    }
}

#[test]
fn several_cookie_headers_that_agree_are_one_where_envoy_tells_them_apart() {
    let ada = signed_in();
    for headers in [vec![ada.as_str(), ada.as_str()], vec!["theme=dark", &ada], vec![&ada, "theme=dark"]] {
        let seen = with_cookies(&headers).send(at("raw")).upstream();
        assert_eq!(seen.values("x-auth-user-id"), [USER_ID], "{headers:?}");
        // Joined by Envoy with a comma they may be anybody's; never is it another session than the client's
        // own.
        let answer = with_cookies(&headers).send(at(PLAIN));
        assert!(answer.status == 401 || told(&answer) == [USER_ID], "{headers:?}: {answer:?}");
    }
}

fn told(answer: &Answer) -> Vec<String> {
    answer.upstream().values("x-auth-user-id").into_iter().map(ToOwned::to_owned).collect()
}

#[test]
fn a_session_of_nextauth_4_passes_where_its_provider_is_accepted() {
    let token = v4(ada()).mint();
    let cookie = format!("{V4_COOKIE}={token}");
    for target in ["/old/x", "/x"] {
        assert_eq!(told(&send(&Call::get(target).cookie(&cookie))), [USER_ID], "{target}");
    }
    assert_eq!(told(&send(&Call::get("/old/x").cookie(&format!("__Secure-{cookie}")))), [USER_ID]);
    let parts = v4_chunks(V4_COOKIE, &v4(padded(ada(), 9_000)).mint());
    assert_eq!(parts.len(), 3);
    assert_eq!(told(&send(&Call::get("/old/x").cookie(&parts.join("; ")))), [USER_ID]);

    assert_no_session("/web/a-v4-session", &Call::get("").cookie(&cookie), "absent");
    assert_no_session("/old/a-v5-session", &Call::get("").cookie(&signed_in()), "absent");
    for (what, token, why) in [
        ("tampered", tampered(&token, 3), "decryption"),
        ("wrong-secret", Token { secret: OTHER_SECRET, ..v4(ada()) }.mint(), "decryption"),
        ("expired", Token { max_age: -60, ..v4(ada()) }.mint(), "expired"),
        // Of a sign-in under way, as before 4.24.5 (CVE-2023-48309) and after.
        ("state", v4(json!({"value": "kN2x"})).mint(), "not_a_session"),
        ("pkce", v4(json!({"code_verifier": "kN2x"})).mint(), "not_a_session"),
        (
            "state-with-a-salt",
            Token { salt: "next-auth.state", ..v4(json!({"value": "kN2x"})) }.mint(),
            "decryption",
        ),
    ] {
        let call = Call::get("").cookie(&format!("{V4_COOKIE}={token}"));
        assert_no_session(&format!("/old/{what}"), &call, why);
    }
}

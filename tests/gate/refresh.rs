//! Sessions that are due get a new token, and nothing else is ever written.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value, json};
use sessiongate::policy::decision::Decision;
use sessiongate::request::HttpRequest;
use sessiongate::session::Provider;
use sessiongate::session::authjs::AuthJs;

use super::{Gate, decide, gate_of, request};

const OLD: &str = "old-gate-secret-old-gate-secret-00";
const NEW: &str = "new-gate-secret-new-gate-secret-00";
const COOKIE: &str = "authjs.session-token";
const DAY: Duration = Duration::from_hours(24);

fn refreshing(kind: &str, more: &str) -> Gate {
    gate_of(&format!(
        "sessions: {{ web: {{ kind: {kind}, secret: [{NEW}, {OLD}], bearer: true, {more} }} }}\n\
         rules: [{{ matcher: /public, access: public }}, {{ matcher: /denied, access: deny }}, {{ matcher: /optional, access: optional }}]"
    ))
}

fn provider(gate: &Gate) -> &AuthJs {
    let Provider::AuthJs(provider) = gate.sessions.iter().next().unwrap().1 else { panic!("not Auth.js") };
    provider
}

/// A token of a session that was renewed last so long ago.
fn token(gate: &Gate, age: Duration, padding: usize) -> String {
    let claims = json!({"sub": "42", "name": "Ada", "roles": ["admin"], "padding": "x".repeat(padding)});
    let Value::Object(claims) = claims else { unreachable!() };
    provider(gate).mint(COOKIE, claims, 30 * DAY, SystemTime::now().checked_sub(age).unwrap()).unwrap()
}

fn cookies(token: &str, gate: &Gate) -> String {
    let pairs: Vec<String> =
        provider(gate).cookies_for(COOKIE, token).map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join("; ")
}

/// The cookies that the browser gets, where the request passes.
fn set_cookies(gate: &Gate, request: &HttpRequest<'_>) -> Vec<String> {
    match decide(gate, request) {
        Decision::Allow(permit) => permit.set_cookies,
        decision => panic!("{}", decision.label()),
    }
}

/// The claims of the token in these cookies.
fn claims(gate: &Gate, set_cookies: &[String]) -> Map<String, Value> {
    let values = set_cookies.iter().filter(|cookie| !cookie.contains("Max-Age=0"));
    let values = values.map(|cookie| cookie.split_once('=').unwrap().1.split(';').next().unwrap());
    provider(gate).decode(&values.collect::<String>()).unwrap()
}

#[test]
fn a_session_that_is_due_gets_a_new_token_with_the_same_claims() {
    for (more, age, is_due) in [
        ("refresh: true", Duration::ZERO, false),
        ("refresh: true", Duration::from_hours(23), false),
        ("refresh: true", DAY, true),
        ("refresh: true, update_age: 1h", Duration::from_hours(1), true),
        ("refresh: true, update_age: 40d, max_age: 60d", 29 * DAY, false),
        ("refresh: false", 29 * DAY, false),
        ("max_age: 30d", 29 * DAY, false),
    ] {
        let gate = refreshing("authjs", more);
        let (token, now) = (token(&gate, age, 0), SystemTime::now());
        let cookie = format!("{COOKIE}={token}");
        let set = set_cookies(&gate, &request("GET", "/x", &[("cookie", &cookie)]));
        assert_eq!(set.len(), usize::from(is_due), "{more} {age:?}: {set:?}");
        let Some(cookie) = set.first() else { continue };
        let (before, mut after) = (provider(&gate).decode(&token).unwrap(), claims(&gate, &set));
        for name in ["iat", "exp", "jti"] {
            assert_ne!(before[name], after[name], "{name}");
            after[name] = before[name].clone();
        }
        assert_eq!(before, after);
        let expires = now + 30 * DAY;
        let attributes = cookie.split_once("; ").unwrap().1;
        let date = attributes.strip_prefix("Path=/; Expires=").unwrap().split(';').next().unwrap();
        let date = httpdate::parse_http_date(date).unwrap();
        let difference = date
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_secs()
            .abs_diff(expires.duration_since(UNIX_EPOCH).unwrap().as_secs());
        assert!(difference <= 2, "{cookie}");
        assert!(attributes.ends_with("; HttpOnly; Secure; SameSite=Lax"), "{attributes}");
    }
}

#[test]
fn nothing_is_written_for_a_request_that_may_not_be_answered_with_a_cookie() {
    let gate = refreshing("authjs", "refresh: true");
    let token = token(&gate, 2 * DAY, 0);
    let cookie = format!("{COOKIE}={token}");
    let bearer = format!("Bearer {token}");
    assert_eq!(set_cookies(&gate, &request("GET", "/optional", &[("cookie", &cookie)])).len(), 1);
    assert_eq!(set_cookies(&gate, &request("HEAD", "/x", &[("cookie", &cookie)])).len(), 1);
    for (method, path, header) in [
        ("POST", "/x", ("cookie", &cookie)),
        ("DELETE", "/x", ("cookie", &cookie)),
        ("get", "/x", ("cookie", &cookie)),
        ("GET", "/public", ("cookie", &cookie)),
        ("GET", "/x", ("authorization", &bearer)),
    ] {
        let sent = [(header.0, header.1.as_str())];
        assert!(set_cookies(&gate, &request(method, path, &sent)).is_empty(), "{method} {path} {}", header.0);
    }
    let sent = [("cookie", cookie.as_str())];
    assert_eq!(decide(&gate, &request("GET", "/denied", &sent)).label(), "deny");
}

#[test]
fn chunks_are_cut_as_auth_js_cuts_them_and_those_left_over_are_cleared() {
    let gate = refreshing("authjs", "refresh: true");
    for (padding, whole, chunks) in [(100, 1, 0), (5000, 0, 2), (9000, 0, 4)] {
        let token = token(&gate, 2 * DAY, padding);
        // Parts of tokens before: a chunk past the last one, and cookies of other names.
        let sent = format!("a=1; {}; {COOKIE}.7=; {COOKIE}x=1", cookies(&token, &gate));
        let written_cookies = set_cookies(&gate, &request("GET", "/x", &[("cookie", &sent)]));
        let (cleared, written): (Vec<_>, Vec<_>) =
            written_cookies.iter().partition(|cookie| cookie.contains("Max-Age=0"));
        assert_eq!(cleared.len(), 1, "{written_cookies:?}");
        assert!(cleared[0].starts_with(&format!("{COOKIE}.7=; Max-Age=0; Path=/; HttpOnly;")), "{cleared:?}");
        let names: Vec<&str> = written.iter().map(|cookie| cookie.split('=').next().unwrap()).collect();
        let expected: Vec<String> = (0..whole)
            .map(|_| COOKIE.to_owned())
            .chain((0..chunks).map(|n| format!("{COOKIE}.{n}")))
            .collect();
        assert_eq!(names, expected, "{padding}");
        assert!(
            written.iter().all(|cookie| cookie.split(';').next().unwrap().len() <= COOKIE.len() + 3 + 3936)
        );
        assert_eq!(claims(&gate, &written_cookies)["sub"], "42");
    }
}

#[test]
fn the_newest_secret_seals_what_an_older_one_opened() {
    let gate = refreshing("authjs", "refresh: true");
    let retired = gate_of(&format!("sessions: {{ web: {{ kind: authjs, secret: {OLD} }} }}"));
    let newest = gate_of(&format!("sessions: {{ web: {{ kind: authjs, secret: {NEW} }} }}"));
    let cookie = format!("{COOKIE}={}", token(&retired, 2 * DAY, 0));
    let set = set_cookies(&gate, &request("GET", "/x", &[("cookie", &cookie)]));
    assert_eq!(claims(&newest, &set)["sub"], "42");
}

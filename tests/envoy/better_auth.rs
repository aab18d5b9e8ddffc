//! What the real Better Auth issues, through the whole.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use crate::harness::http1::Call;
use crate::harness::process::Process;
use crate::harness::servers::{Postgres, Redis, free_port};
use crate::harness::session::SECRET;
use crate::harness::stored::Edge;

/// A real Better Auth application, with this strategy for its cookie cache.
fn start_better_auth(port: u16, postgres: &Postgres, strategy: &str, redis: &[String]) -> Process {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/better-auth");
    let mut command = Command::new("node");
    command
        .arg("app.mjs")
        .args([&port.to_string(), SECRET, &postgres.url(), strategy])
        .args(redis)
        .current_dir(place);
    let mut process = Process::start("better-auth", &mut command);
    process.wait_for_output("its address", |output| output.contains("http://").then_some(()));
    process
}

/// Signs a new user up, and gives the cookies of the session.
fn sign_up(port: u16, email: &str) -> Vec<String> {
    let body = format!(r#"{{"name":"Zoë","email":"{email}","password":"correct horse battery"}}"#);
    let answer = Call::new("POST", "/api/auth/sign-up/email")
        .host(&format!("127.0.0.1:{port}"))
        .header("origin", &format!("http://127.0.0.1:{port}"))
        .body("application/json", &body)
        .send(SocketAddr::from(([127, 0, 0, 1], port)));
    assert_eq!(answer.status, 200, "{answer:?}");
    let cookies = answer.values("set-cookie").into_iter();
    cookies.map(|cookie| cookie.split(';').next().expect("a pair").to_owned()).collect()
}

#[test]
fn what_better_auth_issues_is_a_session_until_it_is_signed_out() {
    let postgres = Postgres::start();
    for strategy in ["none", "compact", "jwt", "jwe"] {
        let port = free_port();
        let _application = start_better_auth(port, &postgres, strategy, &[]);
        let cookies = sign_up(port, &format!("{strategy}@example.com"));
        let source = if strategy == "none" {
            format!("url: '{}', cache: 0s", postgres.url())
        } else {
            format!("cookie_cache: {strategy}")
        };
        let sessions = format!("  app: {{ kind: better-auth, secret: {SECRET}, {source} }}");
        let edge = Edge::start(&format!("better-auth-{strategy}"), &sessions);
        let ask = |cookies: &[String]| Call::page("/x").cookie(&cookies.join("; ")).send(edge.address());
        let upstream = ask(&cookies).upstream();
        assert_eq!(upstream.values("x-auth-user-email"), [format!("{strategy}@example.com")], "{strategy}");

        // Each cookie counts, and none of them can be changed.
        let other = sign_up(port, &format!("{strategy}-other@example.com"));
        for at in 0..cookies.len() {
            let mut changed = cookies.clone();
            changed[at].insert(cookies[at].find('=').expect("a pair") + 3, 'A');
            assert_eq!(ask(&changed).status, 307, "{strategy}: {}", cookies[at]);
            if strategy != "none" {
                let mut mixed = cookies.clone();
                mixed[at].clone_from(&other[at]);
                assert_eq!(ask(&mixed).status, 307, "{strategy}: {}", cookies[at]);
                let mut missing = cookies.clone();
                missing.remove(at);
                assert_eq!(ask(&missing).status, 307, "{strategy}: {}", cookies[at]);
            }
        }
        if strategy == "none" {
            postgres.sql(r#"DELETE FROM session USING "user" u WHERE session."userId" = u.id AND u.email = 'none@example.com'"#);
            assert_eq!(ask(&cookies).status, 307, "a session that was signed out");
        }
    }
}

#[test]
fn a_session_in_the_secondary_storage_lasts_as_long_as_it_is_there() {
    let (postgres, redis) = (Postgres::start(), Redis::start());
    let port = free_port();
    let _application = start_better_auth(port, &postgres, "none", &[redis.url()]);
    let cookies = sign_up(port, "redis@example.com");
    for (kind, more) in [("better-auth", ""), ("redis", "schema: better-auth,")] {
        let url = redis.url();
        let sessions = format!("  app: {{ kind: {kind}, secret: {SECRET}, url: '{url}', {more} cache: 0s }}");
        let edge = Edge::start(&format!("secondary-{kind}"), &sessions);
        let ask = |cookie: &str| Call::page("/x").cookie(cookie).send(edge.address());
        let signed = cookies.join("; ");
        assert_eq!(ask(&signed).upstream().values("x-auth-user-email"), ["redis@example.com"], "{kind}");
        // The token is there, and somebody who knows it cannot sign it.
        let unsigned =
            signed.split("%2E").next().expect("a token").split('.').take(2).collect::<Vec<_>>().join(".");
        for cookie in [unsigned.clone(), format!("{unsigned}.AAAA"), format!("{signed}x")] {
            assert_eq!(ask(&cookie).status, 307, "{kind} {cookie}");
        }
        if kind == "redis" {
            redis.ask(&["FLUSHALL"]);
            assert_eq!(ask(&signed).status, 307);
        }
    }
}

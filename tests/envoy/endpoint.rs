//! The application's own session endpoint, asked through the whole.

use std::path::Path;
use std::process::Command;

use crate::harness::canned::{Canned, answer};
use crate::harness::http1::Call;
use crate::harness::polling::wait_until;
use crate::harness::process::Process;
use crate::harness::servers::{free_port, wait_for_silence};
use crate::harness::session::{COOKIE, EMAIL, SECRET, ada, chunks, padded, v5};
use crate::harness::stored::Edge;

/// The session endpoint of a real Auth.js application.
fn start_application(port: u16) -> Process {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/authjs");
    let mut command = Command::new("node");
    command.arg("session.mjs").args([&port.to_string(), SECRET]).current_dir(place);
    let mut process = Process::start("application", &mut command);
    process.wait_for_output("its address", |output| output.contains("/api/auth/session").then_some(()));
    process
}

#[test]
fn the_applications_own_endpoint_says_whose_session_it_is_and_an_outage_lets_nobody_in() {
    let port = free_port();
    let application = start_application(port);
    let sessions = format!(
        "  app: {{ kind: endpoint, url: 'http://127.0.0.1:{port}/api/auth/session', cache: 0s, timeout: 2s }}"
    );
    let mut edge = Edge::start("endpoint", &sessions);
    let token = v5(padded(ada(), 5000)).mint();
    let chunked = chunks(COOKIE, &token).join("; ");
    let asked = |edge: &Edge| Call::page("/x").cookie(&chunked).send(edge.address());
    assert_eq!(asked(&edge).upstream().values("x-auth-user-email"), [EMAIL]);
    for token in [&token[..token.len() - 4], "x", "%0d%0ax-evil: 1", "a;b"] {
        let answer = edge.ask("/x", token);
        assert_eq!((answer.status, answer.reached_upstream()), (307, false), "{token}: {answer:?}");
    }
    application.freeze();
    edge.assert_unavailable("x");
    application.thaw();
    wait_until("the application to answer again", || asked(&edge).reached_upstream());
    application.kill();
    wait_for_silence(port);
    edge.assert_unavailable("x");
    let _application = start_application(port);
    wait_until("the application to answer again", || asked(&edge).reached_upstream());
    edge.assert_alive();
}

#[test]
fn whatever_an_endpoint_answers_only_a_session_is_a_session() {
    let session = r#"{"user":{"name":"Ada"},"expires":"2999-01-01T00:00:00.000Z"}"#;
    let application = Canned::start(b"");
    let url = format!("http://{}/api/auth/session", application.address);
    let edge = Edge::start(
        "endpoint-answers",
        &format!("  app: {{ kind: endpoint, url: '{url}', cache: 0s, timeout: 500ms }}"),
    );
    let huge = session.replace("Ada", &"x".repeat(300_000));
    let elsewhere = "location: http://127.0.0.1:1/\r\n";
    for (said, status) in [
        (answer("200 OK", "set-cookie: authjs.session-token=evil\r\n", session), 200),
        (answer("200 OK", "", "null"), 307),
        (answer("200 OK", "", "{}"), 307),
        (answer("200 OK", "", r#"{"message":"error"}"#), 307),
        (answer("200 OK", "", r#"{"user":"Ada","expires":"2999-01-01T00:00:00.000Z"}"#), 307),
        (answer("200 OK", "", &session.replace("2999", "2001")), 307),
        (answer("401 Unauthorized", "", session), 307),
        (answer("302 Found", elsewhere, session), 307),
        (answer("404 Not Found", "", "<html>"), 307),
        (answer("200 OK", "", r#"{"user":{"name":"Ada"}}"#), 503),
        (answer("200 OK", "", r#"{"user":{"name":"Ada"},"expires":"never"}"#), 503),
        (answer("200 OK", "", "<html>"), 503),
        (answer("200 OK", "", &huge), 503),
        (answer("500 Internal Server Error", "", session), 503),
        (answer("503 Service Unavailable", "", "null"), 503),
        (b"no http at all".to_vec(), 503),
        (Vec::new(), 503),
    ] {
        application.say(&said);
        // What cannot be reached is left alone for a moment.
        wait_until("the application to be asked", || {
            let before = application.asked();
            let seen = edge.ask("/x", "t");
            let is_asked = application.asked() > before;
            assert!(!is_asked || seen.status == status, "{}: {seen:?}", String::from_utf8_lossy(&said));
            assert!(seen.values("set-cookie").iter().all(|cookie| !cookie.contains("evil")));
            is_asked
        });
    }
}

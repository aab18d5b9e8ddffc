//! The logs of a gate tell what happened and nothing that is secret.

use std::fs;

use crate::harness::envoy::{Envoy, Listener};
use crate::harness::gate::Gate;
use crate::harness::http1::{Answer, Call};
use crate::harness::logs;
use crate::harness::mint::Token;
use crate::harness::session::{
    COOKIE, EMAIL, OTHER_SECRET, SECRET, USER_ID, V4_COOKIE, V4_SECRET, ada, chunks, padded, v4, v5,
};
use crate::harness::upstream::{start_echo, start_grpc};

const CONFIGURATION: &str = r#"
listen: { grpc: "127.0.0.1:0" }
sessions:
  web: { kind: authjs, secret: "${AUTH_SECRET}", bearer: true }
  old: { kind: nextauth, secret: "${OLD_SECRET}" }
identity: { session_header: x-auth-session, strip_cookie: true }
telemetry: { log: trace }
"#;

#[test]
fn no_log_holds_a_token_a_secret_or_an_email_even_at_its_most_talkative() {
    let mut gate =
        Gate::start("gate-tracing", CONFIGURATION, &[("AUTH_SECRET", SECRET), ("OLD_SECRET", V4_SECRET)]);
    let listeners = [
        Listener::new("plain", &gate.address),
        Listener { encode_raw_headers: true, ..Listener::new("raw", &gate.address) },
    ];
    let envoy = Envoy::start("envoy-tracing", &listeners, start_echo(), start_grpc());

    let good = v5(ada());
    let (token, old) = (good.mint(), v4(ada()).mint());
    let long = v5(padded(ada(), 9_000)).mint();
    let expired = Token { max_age: -60, ..good.clone() }.mint();
    let foreign = Token { secret: OTHER_SECRET, ..good }.mint();
    let calls = [
        Call::page("/x").cookie(&format!("{COOKIE}={token}")),
        Call::page("/x").cookie(&chunks(COOKIE, &long).join("; ")),
        Call::page("/x").cookie(&format!("{V4_COOKIE}={old}")),
        Call::get("/x").header("authorization", &format!("Bearer {token}")),
        Call::page(&format!("/x?token={token}")),
        Call::page("/x").cookie(&format!("{COOKIE}={expired}")),
        Call::page("/x").cookie(&format!("{COOKIE}={foreign}")),
        Call::page("/x").cookie(&format!("{COOKIE}={token}; {COOKIE}={expired}")),
        Call::page("/x").cookie(&format!("{COOKIE}={token}x")),
        Call::page("/x").cookie(&format!("{COOKIE}={}", token.repeat(20))),
    ];
    let passed = listeners
        .iter()
        .flat_map(|listener| calls.iter().map(|call| call.send(envoy.address(listener.name))));
    assert_eq!(passed.filter(Answer::reached_upstream).count(), 2 * 4);
    assert!(gate.terminate().success());

    let written = gate.process.output();
    assert!(
        written.contains(r#""decision":"allow""#) && written.contains(r#""level":"TRACE""#),
        "the log says nothing"
    );
    assert!(written.contains(USER_ID), "who was let in is told");
    let mut secrets: Vec<&str> = vec![SECRET, V4_SECRET, OTHER_SECRET, EMAIL, "Ada Lovelace", "eyJhbGci"];
    // A part of a token is enough to know it by: its ciphertext begins after its third dot.
    secrets.extend([&token, &old, &long, &expired, &foreign].map(|token| ciphertext(token)));
    assert_holds_none("gate-tracing", &written, &secrets);

    // And so it is with every gate of this run, as far as the run has come.
    for file in logs::of("gate") {
        let written = fs::read_to_string(&file).expect("a log");
        assert_holds_none(&file.display().to_string(), &written, &secrets);
    }
}

fn ciphertext(token: &str) -> &str {
    &token.split('.').nth(3).expect("a compact JWE has five parts")[..24]
}

fn assert_holds_none(name: &str, log: &str, secrets: &[&str]) {
    for secret in secrets {
        let line = log.lines().find(|line| line.contains(secret));
        assert!(line.is_none(), "{name} holds {secret}: {line:?}");
    }
}

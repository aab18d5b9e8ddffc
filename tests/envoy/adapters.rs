//! Rows that the real adapters of Auth.js write, in every database, are the sessions that they are to Auth.js.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::harness::envoy::{Envoy, Listener};
use crate::harness::gate::Gate;
use crate::harness::http1::{Answer, Call};
use crate::harness::servers::{MariaDb, Postgres};
use crate::harness::session::COOKIE;
use crate::harness::upstream::{start_echo, start_grpc};

/// Lets an adapter make a user with one session that is alive and one that is over; the user's id.
fn write_rows(adapter: &str, url: &str) -> String {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/stores");
    let output = Command::new("node").args(["rows.mjs", adapter, url]).current_dir(place).output();
    let output = output.expect("node runs");
    assert!(output.status.success(), "{adapter} {url}: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("text");
    let written: Value = serde_json::from_str(text.lines().last().expect("a line")).expect("JSON");
    match &written["id"] {
        Value::String(id) => id.clone(),
        id => id.to_string(),
    }
}

#[track_caller]
fn assert_sessions(adapter: &str, written_to: &str, url: &str) {
    let id = write_rows(adapter, written_to);
    for refresh in ["false", "true"] {
        let configuration = format!(
            "listen: {{ grpc: '127.0.0.1:0' }}\n\
             sessions: {{ app: {{ kind: database, url: '{url}', schema: {adapter}, cache: 0s, timeout: 5s, refresh: {refresh} }} }}\n\
             identity: {{ headers: {{ x-auth-user-id: sub, x-auth-user-email: auth.user.email, x-auth-name: auth.user.name, \
             x-auth-expires: auth.expires }} }}\n"
        );
        let name = format!("adapter-{adapter}-{refresh}");
        let gate = Gate::start(&name, &configuration, &[]);
        let listeners = [Listener::new("edge", &gate.address)];
        let envoy = Envoy::start(&format!("{name}-envoy"), &listeners, start_echo(), start_grpc());
        let ask = |token: &str| -> Answer {
            Call::page("/x").cookie(&format!("{COOKIE}={token}")).send(envoy.address("edge"))
        };
        // A session of a day's length that lasts for a month is due: with `refresh` it is renewed by the first request.
        let first = ask("alive");
        let is_renewed = !first.values("set-cookie").is_empty();
        assert_eq!(is_renewed, refresh == "true", "{adapter} {url}: {first:?}");
        for answer in [first, ask("alive")] {
            let seen = answer.upstream();
            assert_eq!(seen.values("x-auth-user-id"), [&id], "{adapter} {url}");
            assert_eq!(seen.values("x-auth-user-email"), ["zoe@example.com"], "{adapter} {url}");
            assert_eq!(seen.values("x-auth-name"), ["Zo%C3%AB"], "{adapter} {url}");
        }
        let again = ask("alive");
        assert!(again.values("set-cookie").is_empty(), "{adapter} {url}: it is young now: {again:?}");
        for token in ["over", "ALIVE", "alive%20", "unknown"] {
            assert_eq!(ask(token).status, 307, "{adapter} {url} {token}");
        }
    }
}

#[test]
fn adapters_rows_in_postgresql_are_sessions() {
    for adapter in ["pg-adapter", "drizzle", "kysely", "typeorm"] {
        let postgres = Postgres::start();
        assert_sessions(adapter, &postgres.url(), &postgres.url());
    }
}

#[test]
fn adapters_rows_in_mariadb_are_sessions() {
    for adapter in ["drizzle", "typeorm"] {
        let mariadb = MariaDb::start();
        assert_sessions(adapter, &mariadb.url(), &mariadb.url());
    }
}

#[test]
fn adapters_rows_in_sqlite_are_sessions() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("app.db");
    let file = file.display();
    assert_sessions("drizzle", &format!("file:{file}"), &format!("sqlite:{file}"));
}

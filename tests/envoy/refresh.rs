//! Sessions that last as long as they are used: the browser gets what Auth.js would have sent, and Auth.js reads it.

use std::thread;
use std::time::{Duration, SystemTime};

use serde_json::Value;
use sessiongate::secret::Secret;
use sessiongate::session::authjs::{AuthJs, AuthJsOptions, MAX_TOKEN_BYTES, Version};

use crate::harness::envoy::{Envoy, Listener};
use crate::harness::gate::Gate;
use crate::harness::http1::{Answer, Call};
use crate::harness::mint::decode;
use crate::harness::servers::{Postgres, Redis};
use crate::harness::session::{COOKIE, SECRET, V4_COOKIE, ada, padded};
use crate::harness::upstream::{start_echo, start_grpc};

const DAY: Duration = Duration::from_hours(24);

fn start(name: &str, sessions: &str) -> (Gate, Envoy) {
    let configuration = format!("listen: {{ grpc: '127.0.0.1:0' }}\nsessions:\n{sessions}\n");
    let gate = Gate::start(name, &configuration, &[]);
    let listeners = [Listener::new("edge", &gate.address)];
    let envoy = Envoy::start(&format!("{name}-envoy"), &listeners, start_echo(), start_grpc());
    (gate, envoy)
}

/// The cookies of a token that was made two days ago.
fn old_cookies(version: Version, cookie: &str, claims: Value) -> String {
    let provider = AuthJs::new(AuthJsOptions {
        version,
        secrets: vec![Secret::check(SECRET, true).expect("a secret").0],
        cookies: Vec::new(),
        salt: None,
        bearer: false,
        max_age: None,
        max_token_bytes: MAX_TOKEN_BYTES,
        refresh: None,
    });
    let (provider, Value::Object(claims)) = (provider.expect("a provider"), claims) else { unreachable!() };
    let token = provider.mint(cookie, claims, 30 * DAY, SystemTime::now() - 2 * DAY).expect("a token");
    let pairs: Vec<String> =
        provider.cookies_for(cookie, &token).map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join("; ")
}

/// The session cookies that the answer sets, names and values.
fn set(answer: &Answer) -> Vec<(String, String)> {
    let cookies = answer.values("set-cookie").into_iter().filter(|cookie| cookie.contains("session-token"));
    let pairs =
        cookies.map(|cookie| cookie.split(';').next().expect("a pair").split_once('=').expect("a pair"));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

#[test]
fn the_real_auth_js_reads_the_token_that_the_browser_gets() {
    for (kind, version, name, cookie) in [
        ("authjs", Version::V5, "v5", COOKIE),
        ("nextauth", Version::V4, "v4", V4_COOKIE),
        ("authjs", Version::V5, "v5", "__Secure-authjs.session-token"),
    ] {
        let sessions = format!("  web: {{ kind: {kind}, secret: '{SECRET}', refresh: true }}");
        let (_gate, envoy) = start(&format!("refresh-{name}"), &sessions);
        for (padding, chunks) in [(0, 1), (9000, 3)] {
            let old = old_cookies(version, cookie, padded(ada(), padding));
            let answer = Call::page("/x").cookie(&old).send(envoy.address("edge"));
            assert!(answer.reached_upstream(), "{answer:?}");
            assert_eq!(answer.values("cache-control"), ["no-store"]);
            let set = set(&answer);
            assert_eq!(set.len(), chunks, "{set:?}");
            let token: String = set.iter().map(|(_, value)| value.as_str()).collect();
            let claims = decode(name, SECRET, cookie, &token);
            assert_eq!(claims["email"], ada()["email"], "{claims}");
            let secure = answer.values("set-cookie").iter().all(|cookie| cookie.contains("; Secure;"));
            assert_eq!(secure, cookie.starts_with("__Secure-"), "{answer:?}");
            // What the browser sends next is young, and nothing is written for it.
            let young: Vec<String> = set.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let answer = Call::page("/x").cookie(&young.join("; ")).send(envoy.address("edge"));
            assert!(answer.reached_upstream() && answer.values("set-cookie").is_empty(), "{answer:?}");
        }
    }
}

/// Twenty requests at the same time, and how many of the answers set the session's cookie.
fn crowd(envoy: &Envoy, token: &str) -> usize {
    let ask = || {
        let answer = Call::page("/x").cookie(&format!("{COOKIE}={token}")).send(envoy.address("edge"));
        assert!(answer.reached_upstream(), "{answer:?}");
        let cookies = set(&answer);
        assert!(cookies.iter().all(|(name, value)| name == COOKIE && value == token), "{cookies:?}");
        cookies.len()
    };
    thread::scope(|scope| {
        let callers: Vec<_> = (0..20).map(|_| scope.spawn(ask)).collect();
        callers.into_iter().map(|caller| caller.join().expect("an answer")).sum()
    })
}

#[test]
fn a_row_is_renewed_once_however_many_requests_come_together() {
    let postgres = Postgres::start();
    postgres.sql(
        r#"CREATE TABLE users (id SERIAL PRIMARY KEY, name VARCHAR(255), email VARCHAR(255), "emailVerified" TIMESTAMPTZ, image TEXT);
        CREATE TABLE sessions (id SERIAL PRIMARY KEY, "userId" INTEGER NOT NULL, expires TIMESTAMPTZ NOT NULL, "sessionToken" VARCHAR(255) NOT NULL);
        CREATE TABLE updates (n SERIAL);
        CREATE FUNCTION count_update() RETURNS trigger AS 'BEGIN INSERT INTO updates DEFAULT VALUES; RETURN NEW; END' LANGUAGE plpgsql;
        CREATE TRIGGER counted AFTER UPDATE ON sessions FOR EACH ROW EXECUTE FUNCTION count_update();
        INSERT INTO users (name) VALUES ('Ada');
        INSERT INTO sessions ("userId", expires, "sessionToken") VALUES
          (1, now() + interval '28 days', 'due'), (1, now() + interval '29 days 1 hour', 'young')"#,
    );
    let sessions = |more: &str| {
        format!(
            "  app: {{ kind: database, url: '{}', schema: pg-adapter, timeout: 5s, {more} }}",
            postgres.url()
        )
    };
    let (_gate, envoy) = start("refresh-off", &sessions("refresh: false"));
    assert_eq!(crowd(&envoy, "due"), 0);
    assert_eq!(postgres.sql("SELECT count(*) FROM updates"), "0");

    let (_gate, envoy) = start("refresh-database", &sessions("refresh: true"));
    assert!(crowd(&envoy, "due") >= 1);
    assert_eq!(crowd(&envoy, "due"), 0, "it is young now");
    assert_eq!(crowd(&envoy, "young"), 0);
    assert_eq!(postgres.sql("SELECT count(*) FROM updates"), "1");
    let renewed =
        "SELECT expires > now() + interval '29 days 23 hours' FROM sessions WHERE \"sessionToken\" = 'due'";
    assert_eq!(postgres.sql(renewed), "t");
}

#[test]
fn a_session_in_redis_is_renewed_and_keeps_its_form() {
    let redis = Redis::start();
    let due = SystemTime::now() + 28 * DAY;
    let expires = humantime::format_rfc3339_millis(due);
    redis.ask(&["SET", "user:u1", r#"{"id":"u1","name":"Ada"}"#]);
    let session = format!(r#"{{"sessionToken":"due","userId":"u1","expires":"{expires}","extra":[]}}"#);
    redis.ask(&["SET", "user:session:due", &session, "EX", "3600"]);
    let sessions =
        format!("  app: {{ kind: redis, url: '{}', schema: unstorage, refresh: true }}", redis.url());
    let (_gate, envoy) = start("refresh-redis", &sessions);
    assert!(crowd(&envoy, "due") >= 1);
    assert_eq!(crowd(&envoy, "due"), 0, "it is young now");
    let stored: Value = serde_json::from_str(&redis.ask(&["GET", "user:session:due"])).expect("JSON");
    let before: Value = serde_json::from_str(&session).expect("JSON");
    assert_ne!(stored["expires"], before["expires"]);
    for name in ["sessionToken", "userId", "extra"] {
        assert_eq!(stored[name], before[name], "{name}");
    }
    let ends: i64 = redis.ask(&["TTL", "user:session:due"]).parse().expect("seconds");
    assert!(ends > 3600, "an entry that ended lasts as long as the session does: {ends}");
}

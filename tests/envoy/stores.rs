//! Sessions that a store keeps, through the whole: who has one passes, and when the store is away nobody passes, nobody
//! is sent to the login, and everything comes back by itself.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::thread;

use crate::harness::canned::{Canned, answer};
use crate::harness::envoy::{Envoy, Listener};
use crate::harness::gate::Gate;
use crate::harness::http1::{Answer, Call};
use crate::harness::polling::wait_until;
use crate::harness::process::Process;
use crate::harness::servers::{Postgres, Redis, free_port, wait_for_silence};
use crate::harness::session::{COOKIE, EMAIL, SECRET, ada, chunks, padded, v5};
use crate::harness::upstream::{start_echo, start_grpc};

/// The tables of `@auth/pg-adapter`, and one user.
const TABLES: &str = r#"
CREATE TABLE users (id SERIAL PRIMARY KEY, name VARCHAR(255), email VARCHAR(255), "emailVerified" TIMESTAMPTZ, image TEXT);
CREATE TABLE sessions (id SERIAL PRIMARY KEY, "userId" INTEGER NOT NULL, expires TIMESTAMPTZ NOT NULL, "sessionToken" VARCHAR(255) NOT NULL);
INSERT INTO users (name, email) VALUES ('Ada', 'ada@example.com');
INSERT INTO sessions ("userId", expires, "sessionToken") VALUES
  (1, now() + interval '1 day', 'alive'), (1, now() - interval '1 second', 'over'), (2, now() + interval '1 day', 'orphan');
"#;

struct Edge {
    gate: Gate,
    envoy: Envoy,
}

impl Edge {
    fn start(name: &str, sessions: &str) -> Self {
        let configuration = format!(
            "listen: {{ grpc: '127.0.0.1:0', admin: '127.0.0.1:0' }}\n\
             sessions:\n{sessions}\n\
             rules:\n  - {{ matcher: '/public/:path*', access: public }}\n  - {{ matcher: '/optional', access: optional }}\n\
             telemetry: {{ log: debug }}\n"
        );
        let gate = Gate::start(name, &configuration, &[]);
        let envoy = Envoy::start(
            &format!("{name}-envoy"),
            &[Listener::new("edge", &gate.address)],
            start_echo(),
            start_grpc(),
        );
        Self { gate, envoy }
    }

    fn address(&self) -> SocketAddr {
        self.envoy.address("edge")
    }

    fn ask(&self, path: &str, token: &str) -> Answer {
        Call::page(path).cookie(&format!("{COOKIE}={token}")).send(self.address())
    }

    /// 503 with the time to come back, for a page too; what needs no store is answered all the while.
    #[track_caller]
    fn assert_unavailable(&self, token: &str) {
        for path in ["/x", "/optional"] {
            let answer = self.ask(path, token);
            assert_eq!((answer.status, answer.reached_upstream()), (503, false), "{answer:?}");
            assert_eq!(answer.header("retry-after"), Some("1"), "{answer:?}");
            assert_eq!(answer.header("location"), None);
            assert!(answer.values("set-cookie").is_empty(), "a session that cannot be judged is not cleared");
        }
        assert!(self.ask("/public/x", token).reached_upstream());
        assert_eq!(Call::page("/x").send(self.address()).status, 307, "without a cookie no store is asked");
    }

    fn wait_until_back(&self, token: &str) {
        wait_until("sessions to be verified again", || self.ask("/x", token).reached_upstream());
    }

    fn assert_alive(&mut self) {
        assert!(self.gate.process.is_running());
    }
}

#[test]
fn a_database_session_passes_with_the_identity_of_its_user() {
    let postgres = Postgres::start();
    postgres.sql(TABLES);
    let edge = Edge::start(
        "database",
        &format!("  app: {{ kind: database, url: '{}', schema: pg-adapter }}", postgres.url()),
    );
    let upstream = edge.ask("/x", "alive").upstream();
    assert_eq!(upstream.values("x-auth-user-id"), ["1"]);
    assert_eq!(upstream.values("x-auth-user-email"), ["ada@example.com"]);
    for token in
        ["over", "orphan", "ALIVE", "alive%20", "unknown", "' OR 1=1 --", "%00", "a%27b", &"x".repeat(5000)]
    {
        let answer = edge.ask("/x", token);
        assert_eq!((answer.status, answer.reached_upstream()), (307, false), "{token}: {answer:?}");
    }
    // A session that is ended there ends here when it is forgotten.
    postgres.sql("DELETE FROM sessions WHERE \"sessionToken\" = 'alive'");
    assert!(edge.ask("/x", "alive").reached_upstream(), "it is remembered for a moment");
}

#[test]
fn a_database_that_is_paused_or_killed_and_comes_back_lets_nobody_in_meanwhile() {
    let mut postgres = Postgres::start();
    postgres.sql(TABLES);
    let sessions = format!(
        "  app: {{ kind: database, url: '{}', schema: pg-adapter, cache: 0s, timeout: 500ms, connections: 4 }}",
        postgres.url()
    );
    let mut edge = Edge::start("database-outage", &sessions);
    edge.wait_until_back("alive");

    postgres.freeze();
    edge.assert_unavailable("alive");
    // Many at once: each is answered in its time, and connections stay bounded.
    thread::scope(|scope| {
        let crowd: Vec<_> = (0..40)
            .map(|n| {
                scope.spawn({
                    let edge = &edge;
                    move || edge.ask("/x", &format!("t{n}"))
                })
            })
            .collect();
        for caller in crowd {
            assert_eq!(caller.join().expect("an answer").status, 503);
        }
    });
    postgres.thaw();
    edge.wait_until_back("alive");
    let connections: u32 = postgres
        .sql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'sessiongate'")
        .parse()
        .unwrap();
    assert!(connections <= 4, "{connections} connections");

    postgres.kill();
    wait_for_silence(postgres.port);
    edge.assert_unavailable("alive");
    postgres.begin();
    edge.wait_until_back("alive");

    // Refusing: the table is gone, or the server takes no more connections.
    postgres.sql("ALTER TABLE sessions RENAME TO away");
    edge.assert_unavailable("alive");
    postgres.sql("ALTER TABLE away RENAME TO sessions");
    edge.wait_until_back("alive");
    edge.assert_alive();
}

#[test]
fn ten_thousand_requests_for_a_thousand_sessions_make_a_thousand_queries() {
    let postgres = Postgres::start();
    postgres.sql(TABLES);
    postgres.sql(
        "INSERT INTO sessions (\"userId\", expires, \"sessionToken\") \
         SELECT 1, now() + interval '1 day', 't' || n FROM generate_series(1, 1000) n; \
         CREATE SEQUENCE lookups; \
         CREATE FUNCTION counted(t text) RETURNS text AS 'SELECT t FROM (SELECT nextval(''lookups'')) n' LANGUAGE sql VOLATILE",
    );
    let query = "SELECT s.*, u.name FROM sessions s JOIN users u ON u.id = s.\"userId\" WHERE s.\"sessionToken\" = counted($1)";
    // The function is called once a statement, for its result is compared with an index or not at all.
    let query = query.replace("= counted($1)", "= (SELECT counted($1))");
    let sessions = format!(
        "  app:\n    kind: database\n    url: '{}'\n    query: '{}'\n    cache: 1h\n    timeout: 10s\n",
        postgres.url(),
        query.replace('\'', "''")
    );
    let edge = Edge::start("database-load", &sessions);
    thread::scope(|scope| {
        for worker in 0..10 {
            let edge = &edge;
            scope.spawn(move || {
                for n in 0..1000 {
                    // Each worker begins elsewhere, and some of them meet at the same session.
                    let token = format!("t{}", (n + worker / 2 * 200) % 1000 + 1);
                    assert!(edge.ask("/x", &token).reached_upstream(), "{token}");
                }
            });
        }
    });
    let lookups: u32 = postgres.sql("SELECT last_value FROM lookups").parse().unwrap();
    assert_eq!(lookups, 1000);
}

#[test]
fn a_session_in_redis_passes_and_an_outage_lets_nobody_in() {
    let mut redis = Redis::start();
    let write = |redis: &Redis| {
        redis.ask(&["SET", "app:user:u1", r#"{"id":"u1","name":"Ada","email":"ada@example.com"}"#]);
        let session =
            r#"{"id":"s1","sessionToken":"alive","userId":"u1","expires":"2999-01-01T00:00:00.000Z"}"#;
        redis.ask(&["SET", "app:user:session:alive", session]);
        redis.ask(&[
            "SET",
            "app:user:session:over",
            &session.replace("alive", "over").replace("2999", "2001"),
        ]);
        redis.ask(&["SET", "app:user:session:other", session]);
        redis.ask(&["SET", "app:user:session:by-user-id:u1", "app:user:session:alive"]);
        redis.ask(&[
            "SET",
            "app:user:session:orphan",
            &session.replace("alive", "orphan").replace("u1", "u2"),
        ]);
    };
    write(&redis);
    let sessions = format!(
        "  app: {{ kind: redis, url: '{}', schema: upstash, prefix: 'app:', cache: 0s, timeout: 500ms }}",
        redis.url()
    );
    let mut edge = Edge::start("redis", &sessions);
    let upstream = edge.ask("/x", "alive").upstream();
    assert_eq!(upstream.values("x-auth-user-id"), ["u1"]);
    assert_eq!(upstream.values("x-auth-user-email"), ["ada@example.com"]);
    for token in ["over", "other", "orphan", "by-user-id:u1", "unknown", "%0d%0aFLUSHALL"] {
        let answer = edge.ask("/x", token);
        assert_eq!((answer.status, answer.reached_upstream()), (307, false), "{token}: {answer:?}");
    }
    redis.freeze();
    edge.assert_unavailable("alive");
    redis.thaw();
    edge.wait_until_back("alive");
    redis.kill();
    wait_for_silence(redis.port);
    edge.assert_unavailable("alive");
    redis.begin();
    write(&redis);
    edge.wait_until_back("alive");
    edge.assert_alive();
}

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

/// A real Better Auth application, with this strategy for its cookie cache.
fn start_better_auth(port: u16, postgres: &Postgres, strategy: &str) -> Process {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/better-auth");
    let mut command = Command::new("node");
    command.arg("app.mjs").args([&port.to_string(), SECRET, &postgres.url(), strategy]).current_dir(place);
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
        let _application = start_better_auth(port, &postgres, strategy);
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

#[test]
fn over_tls_a_database_has_to_show_a_certificate_of_the_given_authority() {
    let postgres = Postgres::with_tls();
    postgres.sql(TABLES);
    let [own, other] = ["server.crt", "other.crt"].map(|name| postgres.file(name));
    let encrypted = "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
                     WHERE ssl AND application_name = 'sessiongate'";
    for (authority, status, connections) in [(&own, 200, "1"), (&other, 503, "0")] {
        let url = format!("{}?sslmode=verify-full&sslrootcert={}", postgres.url(), authority.display());
        let sessions = format!("  app: {{ kind: database, url: '{url}', schema: pg-adapter }}");
        let edge = Edge::start("database-tls", &sessions);
        assert_eq!(edge.ask("/x", "alive").status, status, "{authority:?}");
        wait_until("the connections to be counted", || postgres.sql(encrypted) == connections);
    }
}

#[test]
fn a_database_without_a_free_connection_is_an_outage_and_no_more() {
    let postgres = Postgres::start();
    postgres.sql(TABLES);
    postgres.sql("CREATE ROLE web LOGIN CONNECTION LIMIT 0; GRANT SELECT ON users, sessions TO web");
    let url = postgres.url().replace("app@", "web@");
    let sessions =
        format!("  app: {{ kind: database, url: '{url}', schema: pg-adapter, cache: 0s, timeout: 500ms }}");
    let edge = Edge::start("database-full", &sessions);
    edge.assert_unavailable("alive");
    postgres.sql("ALTER ROLE web CONNECTION LIMIT 2");
    edge.wait_until_back("alive");
}

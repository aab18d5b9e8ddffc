//! Sessions that a store keeps, through the whole: who has one passes, and when the store is away nobody passes, nobody
//! is sent to the login, and everything comes back by itself.

use std::thread;

use crate::harness::polling::wait_until;
use crate::harness::servers::{Postgres, Redis, wait_for_silence};
use crate::harness::stored::Edge;

/// The tables of `@auth/pg-adapter`, and one user.
const TABLES: &str = r#"
CREATE TABLE users (id SERIAL PRIMARY KEY, name VARCHAR(255), email VARCHAR(255), "emailVerified" TIMESTAMPTZ, image TEXT);
CREATE TABLE sessions (id SERIAL PRIMARY KEY, "userId" INTEGER NOT NULL, expires TIMESTAMPTZ NOT NULL, "sessionToken" VARCHAR(255) NOT NULL);
INSERT INTO users (name, email) VALUES ('Ada', 'ada@example.com');
INSERT INTO sessions ("userId", expires, "sessionToken") VALUES
  (1, now() + interval '1 day', 'alive'), (1, now() - interval '1 second', 'over'), (2, now() + interval '1 day', 'orphan');
"#;

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
    let in_haste = edge.ask_in_haste("/x", "alive");
    assert_eq!((in_haste.status, in_haste.header("retry-after")), (503, Some("1")), "{in_haste:?}");
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

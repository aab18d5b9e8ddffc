//! What a check costs with each kind of provider, remembered and not, beside a public route in the same run.
//!
//! Stores run on this machine: a Redis that is started here, and a `SQLite` file.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a benchmark that panics has failed"
)]

use std::borrow::Cow;
use std::fs;
use std::hint::black_box;
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use criterion::{Criterion, criterion_group, criterion_main};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::json;
use sessiongate::config::{self, Environment};
use sessiongate::gate::Gate;
use sessiongate::request::path::RequestPath;
use sessiongate::request::{Headers, HttpRequest, Repeats, RequestParts};
use sessiongate::session::Provider;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Executor as _};
use tokio::runtime::Runtime;

const SECRET: &str = "bench-secret-bench-secret-bench-secret";
const COOKIE: &str = "authjs.session-token";

fn gate(session: &str) -> Gate {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sessiongate.yaml");
    let rules = "rules: [{ matcher: '/public/:path*', access: public }]";
    fs::write(&file, format!("sessions: {{ app: {{ {session} }} }}\n{rules}\n")).unwrap();
    config::load(Some(&file), &Environment::default()).unwrap_or_else(|error| panic!("{error}")).program.gate
}

fn check(runtime: &Runtime, gate: &Gate, path: &str, header: (&str, &str)) -> &'static str {
    let fields = vec![
        (Cow::from("accept"), Cow::from("text/html,application/xhtml+xml,*/*;q=0.8")),
        (Cow::from("user-agent"), Cow::from("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36")),
        (Cow::from(header.0), Cow::from(header.1)),
    ];
    let request = HttpRequest::new(RequestParts {
        method: "GET",
        scheme: "https",
        host: "app.example.com",
        path: RequestPath::parse(path).unwrap(),
        query: "",
        headers: Headers::new(fields, Repeats::Joined),
        now: SystemTime::now(),
    });
    runtime.block_on(gate.check(&request)).label()
}

/// A Redis that ends with the benchmark.
struct Redis(Child, u16);

impl Redis {
    fn start() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = Command::new("redis-server");
        command.args(["--bind", "127.0.0.1", "--save", "", "--port", &port.to_string()]);
        let child =
            command.stdout(Stdio::null()).spawn().expect("redis-server is installed: run `make tools`");
        let redis = Self(child, port);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            std::thread::yield_now();
        }
        redis
    }

    fn set(&self, key: &str, value: &str) {
        let port = self.1.to_string();
        assert!(
            Command::new("redis-cli")
                .args(["-p", &port, "SET", key, value])
                .output()
                .unwrap()
                .status
                .success()
        );
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn sqlite(runtime: &Runtime, file: &std::path::Path) {
    runtime.block_on(async {
        let options = SqliteConnectOptions::new().filename(file).create_if_missing(true);
        let mut connection = options.connect().await.unwrap();
        connection
            .execute(
                "CREATE TABLE user (id TEXT PRIMARY KEY, name TEXT, email TEXT);
                 CREATE TABLE session (sessionToken TEXT PRIMARY KEY, userId TEXT, expires INTEGER);
                 INSERT INTO user VALUES ('42', 'Ada', 'ada@example.com');
                 INSERT INTO session VALUES ('alive', '42', 32503680000000);",
            )
            .await
            .unwrap();
    });
}

fn jwt() -> String {
    let exp = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + Duration::from_hours(1);
    let claims = json!({"sub": "42", "name": "Ada", "email": "ada@example.com", "exp": exp.as_secs()});
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key).unwrap()
}

fn authjs(gate: &Gate) -> String {
    let Provider::AuthJs(provider) = gate.sessions.iter().next().unwrap().1 else { panic!("not Auth.js") };
    let claims = json!({"sub": "42", "name": "Ada", "email": "ada@example.com"}).as_object().unwrap().clone();
    provider.mint(COOKIE, claims, Duration::from_hours(1), SystemTime::now()).unwrap()
}

fn providers(c: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("app.db");
    sqlite(&runtime, &database);
    let redis = Redis::start();
    redis.set("user:42", r#"{"id":"42","name":"Ada","email":"ada@example.com"}"#);
    let session = r#"{"sessionToken":"alive","userId":"42","expires":"2999-01-01T00:00:00.000Z"}"#;
    redis.set("user:session:alive", session);

    let opaque = format!("theme=dark; {COOKIE}=alive");
    let of_database = |cache: &str| {
        format!("kind: database, url: 'sqlite:{}', schema: drizzle, {cache}", database.display())
    };
    let of_redis =
        |cache: &str| format!("kind: redis, url: 'redis://127.0.0.1:{}', schema: upstash, {cache}", redis.1);
    let encrypted = gate(&format!("kind: authjs, secret: {SECRET}"));
    let cookie = format!("theme=dark; {COOKIE}={}", authjs(&encrypted));
    let bearer = format!("Bearer {}", jwt());
    let cases = [
        ("public", "/public/x", gate(&of_database("cache: 1h")), ("cookie", opaque.as_str())),
        ("authjs", "/x", encrypted, ("cookie", cookie.as_str())),
        (
            "jwt, HS256",
            "/x",
            gate(&format!("kind: jwt, secret: {SECRET}")),
            ("authorization", bearer.as_str()),
        ),
        ("database, remembered", "/x", gate(&of_database("cache: 1h")), ("cookie", opaque.as_str())),
        ("database (SQLite), looked up", "/x", gate(&of_database("cache: 0s")), ("cookie", opaque.as_str())),
        ("redis, remembered", "/x", gate(&of_redis("cache: 1h")), ("cookie", opaque.as_str())),
        ("redis, looked up", "/x", gate(&of_redis("cache: 0s")), ("cookie", opaque.as_str())),
    ];
    let mut group = c.benchmark_group("provider");
    for (name, path, gate, header) in &cases {
        assert_eq!(check(&runtime, gate, path, *header), "allow", "{name}");
        group.bench_function(*name, |b| b.iter(|| black_box(check(&runtime, gate, path, *header))));
    }
    group.finish();
}

criterion_group!(benches, providers);
criterion_main!(benches);

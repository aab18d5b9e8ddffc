//! The server: how soon it is ready, and under a million checks of distinct sessions over gRPC its rate, and its memory
//! before and after.
//!
//! Bounded in count, on a Unix socket; it ends by itself. `SESSIONGATE_BENCH_CHECKS` sets another count,
//! `SESSIONGATE_BENCH_SERVER` another program.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a benchmark prints, and one that panics has failed"
)]

use std::fs;
use std::ops::Range;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use serde_json::{Value, json};
use sessiongate::config::{self, Environment};
use sessiongate::envoy::attribute_context::{HttpRequest, Request};
use sessiongate::envoy::{AttributeContext, AuthorizationClient, CheckRequest};
use sessiongate::gate::Gate;
use sessiongate::session::Provider;
use tokio::net::UnixStream;
use tonic::transport::{Channel, Endpoint};

const SECRET: &str = "bench-secret-bench-secret-bench-secret";
/// Checks under way at one time, as from an Envoy under load.
const IN_FLIGHT: usize = 64;

/// The server's process, ended when the benchmark ends.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Server {
    fn start(socket: &Path) -> Self {
        let built = env!("CARGO_BIN_EXE_sessiongate").into();
        let mut command = Command::new(std::env::var_os("SESSIONGATE_BENCH_SERVER").unwrap_or(built));
        command
            .arg("serve")
            .env_clear()
            .env("AUTH_SECRET", SECRET)
            .env("SESSIONGATE__LISTEN__GRPC", format!("unix:{}", socket.display()))
            .env("SESSIONGATE__TELEMETRY__LOG", "warn")
            .env("NOTIFY_SOCKET", socket.with_extension("notify"))
            .current_dir(socket.parent().unwrap())
            .stderr(Stdio::inherit());
        Self(command.spawn().expect("the server"))
    }

    /// The resident memory in MiB (`proc(5)`, `VmRSS`).
    fn resident(&self) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_ascii_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
    }
}

/// From the start of the process to its word that it is ready (`sd_notify(3)`): the median of so many starts.
fn time_to_ready(folder: &Path, starts: usize) -> Duration {
    let socket = folder.join("started.sock");
    let manager = UnixDatagram::bind(socket.with_extension("notify")).unwrap();
    let mut times: Vec<Duration> = (0..starts)
        .map(|_| {
            let begun = Instant::now();
            let _server = Server::start(&socket);
            let mut message = [0; 64];
            let length = manager.recv(&mut message).unwrap();
            assert_eq!(message.get(..length), Some(&b"READY=1\n"[..]));
            begun.elapsed()
        })
        .collect();
    times.sort_unstable();
    times.get(starts / 2).copied().unwrap_or_default()
}

/// Waits for the server, up to five seconds.
async fn connect(socket: &Path) -> Channel {
    for _ in 0..500 {
        let socket = socket.to_owned();
        let connector = tower::service_fn(move |_| {
            let socket = socket.clone();
            async move { UnixStream::connect(socket).await.map(hyper_util::rt::TokioIo::new) }
        });
        match Endpoint::from_static("http://sessiongate").connect_with_connector(connector).await {
            Ok(channel) => return channel,
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
    panic!("the server does not answer on {}", socket.display());
}

fn message(number: usize, token: &str) -> CheckRequest {
    let headers = [
        ("accept", "text/html,application/xhtml+xml,*/*;q=0.8"),
        ("accept-encoding", "gzip, deflate, br, zstd"),
        ("sec-fetch-mode", "navigate"),
        ("user-agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36"),
        ("x-forwarded-proto", "https"),
    ];
    let mut headers: std::collections::HashMap<String, String> =
        headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    headers.insert("cookie".to_owned(), format!("theme=dark; __Secure-authjs.session-token={token}"));
    let http = HttpRequest {
        method: "GET".to_owned(),
        scheme: "https".to_owned(),
        host: "app.example.com".to_owned(),
        path: format!("/orders/{number}?page={number}"),
        headers,
        ..HttpRequest::default()
    };
    CheckRequest {
        attributes: Some(AttributeContext {
            request: Some(Request { http: Some(http) }),
            ..AttributeContext::default()
        }),
    }
}

/// A session that nobody had before: each has its number.
fn token(gate: &Gate, number: usize) -> String {
    let Provider::AuthJs(provider) = gate.sessions.iter().next().unwrap().1 else { panic!("not Auth.js") };
    let Value::Object(claims) = json!({"sub": number.to_string(), "name": "Ada", "email": "ada@example.com"})
    else {
        unreachable!("an object")
    };
    let (cookie, now) = ("__Secure-authjs.session-token", SystemTime::now());
    provider.mint(cookie, claims, Duration::from_hours(1), now).unwrap()
}

async fn run(channel: &Channel, gate: &Arc<Gate>, checks: Range<usize>) -> Duration {
    let started = Instant::now();
    let workers = (0..IN_FLIGHT).map(|worker| {
        let (mut client, gate) = (AuthorizationClient::new(channel.clone()), Arc::clone(gate));
        let numbers = (checks.start + worker..checks.end).step_by(IN_FLIGHT);
        tokio::spawn(async move {
            for number in numbers {
                let answer = client
                    .check(message(number, &token(&gate, number)))
                    .await
                    .expect("an answer")
                    .into_inner();
                assert_eq!(answer.status.expect("a status").code, 0);
            }
        })
    });
    for worker in workers.collect::<Vec<_>>() {
        worker.await.expect("a worker");
    }
    started.elapsed()
}

#[tokio::main]
async fn main() {
    let count = std::env::var("SESSIONGATE_BENCH_CHECKS").ok().and_then(|count| count.parse().ok());
    // `cargo test` runs benchmarks with `--test`, to see that they work.
    let is_trial =
        std::env::args().any(|argument| argument == "--test") || !std::env::args().any(|a| a == "--bench");
    let checks = count.unwrap_or(if is_trial { 500 } else { 1_000_000 });
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("sessiongate.sock");
    let ready = time_to_ready(folder.path(), if is_trial { 3 } else { 21 });
    println!("ready after {:.0} ms", ready.as_secs_f64() * 1e3);
    let server = Server::start(&socket);
    let channel = connect(&socket).await;
    let gate =
        Arc::new(config::load(None, &Environment::from([("AUTH_SECRET", SECRET)])).unwrap().program.gate);
    println!("at start: {:.1} MiB resident", server.resident());
    let tenth = checks / 10;
    for part in 1..=10 {
        let elapsed = run(&channel, &gate, (part - 1) * tenth..part * tenth).await;
        println!(
            "after {:>9} checks: {:.1} MiB resident, {:.0} checks a second, minted and asked for on this machine too",
            part * tenth,
            server.resident(),
            tenth as f64 / elapsed.as_secs_f64()
        );
    }
}

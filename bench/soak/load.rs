//! Requests of all kinds, and whether each answer is the right one.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use http_body_util::{BodyExt as _, Empty};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::harness::session::{COOKIE, v5};
use crate::harness::upstream::MARK;
use crate::world::{KEPT, World, token};

/// Connections to Envoy.
const CONNECTIONS: usize = 16;
/// Users with a session of Auth.js.
const USERS: usize = 200;
/// Wrong answers that are told in full.
const TOLD: usize = 10;

pub struct Load {
    edge: SocketAddr,
    cookies: Vec<String>,
    next: AtomicUsize,
}

/// What became of a load.
#[derive(Default)]
pub struct Outcome {
    /// The answers of each kind with their latencies, counted from when the request was due.
    answered: BTreeMap<String, Vec<Duration>>,
    pub wrong: Vec<String>,
}

/// A request, and who it is of.
enum Kind {
    Open,
    Session(usize),
    Kept(usize),
    Visitor,
    Forged,
}

impl Load {
    pub fn new(world: &World) -> Self {
        let cookie = |user: usize| {
            let token = v5(json!({"sub": format!("u-{user}"), "name": "n".repeat(100)})).mint();
            format!("{COOKIE}={token}")
        };
        Self { edge: world.edge(), cookies: (0..USERS).map(cookie).collect(), next: AtomicUsize::new(0) }
    }

    /// The rate at which requests are answered that follow each other without a pause, in requests a second.
    pub async fn as_fast_as_possible(self: &std::sync::Arc<Self>, time: Duration) -> f64 {
        let begun = Instant::now();
        let outcome = self.run(time, None).await;
        assert_eq!(outcome.wrong, Vec::<String>::new());
        outcome.count() as f64 / begun.elapsed().as_secs_f64()
    }

    /// This many requests a second, evenly, whether or not the earlier ones were answered.
    pub async fn at(self: &std::sync::Arc<Self>, rate: f64, time: Duration) -> Outcome {
        self.run(time, Some(Duration::from_secs_f64(CONNECTIONS as f64 / rate))).await
    }

    async fn run(self: &std::sync::Arc<Self>, time: Duration, pace: Option<Duration>) -> Outcome {
        let mut workers = JoinSet::new();
        for number in 0..CONNECTIONS {
            let load = std::sync::Arc::clone(self);
            workers.spawn(async move { load.work(time, pace, number).await });
        }
        let mut all = Outcome::default();
        while let Some(outcome) = workers.join_next().await {
            all.add(outcome.expect("a worker"));
        }
        all
    }

    async fn work(&self, time: Duration, pace: Option<Duration>, number: usize) -> Outcome {
        let mut outcome = Outcome::default();
        let mut connection = self.connect().await;
        let begun = Instant::now();
        let mut due = begun + pace.unwrap_or_default().mul_f64(number as f64 / CONNECTIONS as f64);
        while begun.elapsed() < time {
            if pace.is_some() {
                tokio::time::sleep_until(due.into()).await;
            }
            let asked = pace.map_or_else(Instant::now, |_| due);
            due += pace.unwrap_or_default();
            let kind = self.kind();
            let answer = match connection.send_request(self.request(&kind)).await {
                Ok(answer) => answer,
                Err(error) => {
                    outcome.wrong(format!("no answer: {error}"));
                    connection = self.connect().await;
                    continue;
                }
            };
            let judged = judge(&kind, answer).await;
            match judged {
                Ok(label) => outcome.answered.entry(label.to_owned()).or_default().push(asked.elapsed()),
                Err(wrong) => outcome.wrong(wrong),
            }
        }
        outcome
    }

    async fn connect(&self) -> SendRequest<Empty<Bytes>> {
        let stream = TcpStream::connect(self.edge).await.expect("Envoy listens");
        stream.set_nodelay(true).expect("an option");
        let (client, connection) = handshake(TokioIo::new(stream)).await.expect("HTTP/1.1");
        tokio::spawn(connection);
        client
    }

    /// Of ten requests five with a session, two with one that Redis keeps, one each of the others.
    fn kind(&self) -> Kind {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        match number % 10 {
            0..=4 => Kind::Session(number % USERS),
            5 | 6 => Kind::Kept(number % KEPT),
            7 => Kind::Open,
            8 => Kind::Visitor,
            _ => Kind::Forged,
        }
    }

    fn request(&self, kind: &Kind) -> Request<Empty<Bytes>> {
        let request = Request::get(match kind {
            Kind::Open => "/open/page",
            Kind::Kept(_) => "/kept/page",
            Kind::Session(_) | Kind::Visitor | Kind::Forged => "/dashboard?tab=1",
        });
        let request = request.header("host", "app.example.com").header("x-auth-user-id", "eve");
        let request = match kind {
            Kind::Open => request,
            Kind::Session(user) => request.header("cookie", &self.cookies[*user]),
            Kind::Kept(number) => request.header("cookie", format!("kept={}", token(*number))),
            Kind::Visitor => request.header("accept", "text/html").header("sec-fetch-mode", "navigate"),
            Kind::Forged => {
                let cookie = &self.cookies[0];
                request.header("cookie", &cookie[..cookie.len() - 4])
            }
        };
        request.body(Empty::new()).expect("a request")
    }
}

/// What kind of right answer it is, or what is wrong with it.
async fn judge(kind: &Kind, answer: Response<hyper::body::Incoming>) -> Result<&'static str, String> {
    let (head, body) = answer.into_parts();
    let body = body.collect().await.map_err(|error| format!("half an answer: {error}"))?.to_bytes();
    let body = String::from_utf8_lossy(&body);
    let (status, passed) = (head.status.as_u16(), head.headers.contains_key(MARK));
    let tells = |name: &str| body.contains(&format!("[\"x-auth-user-id\",\"{name}\"]"));
    let tells_nobody = !body.contains("x-auth-user-id");
    let label = match kind {
        Kind::Open => (passed && tells_nobody).then_some("public"),
        Kind::Session(user) => (passed && tells(&format!("u-{user}"))).then_some("session"),
        Kind::Kept(number) if passed => tells(&format!("r-{number}")).then_some("session in Redis"),
        Kind::Kept(_) => {
            (status == 503 && head.headers.contains_key("retry-after")).then_some("Redis away: 503")
        }
        Kind::Visitor => (status == 307 && !passed).then_some("to the login: 307"),
        Kind::Forged => (status == 401 && !passed).then_some("forged: 401"),
    };
    label.ok_or_else(|| format!("{status} {body}"))
}

impl Outcome {
    fn add(&mut self, other: Self) {
        for (label, mut latencies) in other.answered {
            self.answered.entry(label).or_default().append(&mut latencies);
        }
        self.wrong.extend(other.wrong);
    }

    fn wrong(&mut self, what: String) {
        if self.wrong.len() < TOLD {
            self.wrong.push(what);
        }
    }

    fn count(&self) -> usize {
        self.answered.values().map(Vec::len).sum()
    }

    /// Each kind with its latencies.
    pub fn table(&self) -> String {
        let mut text = format!(
            "{:<20} {:>10} {:>10} {:>10} {:>10} {:>10}\n",
            "answer", "count", "p50 ms", "p99 ms", "p99.9 ms", "max ms"
        );
        let all: Vec<Duration> = self.answered.values().flatten().copied().collect();
        for (label, latencies) in self.answered.iter().chain([(&"all".to_owned(), &all)]) {
            let mut sorted = latencies.clone();
            sorted.sort_unstable();
            let at = |share: f64| sorted[((sorted.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
            let _ = writeln!(
                text,
                "{label:<20} {:>10} {:>10.2} {:>10.2} {:>10.2} {:>10.2}",
                sorted.len(),
                at(0.5),
                at(0.99),
                at(0.999),
                at(1.0)
            );
        }
        text
    }
}

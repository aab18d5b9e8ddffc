//! Requests of all kinds, and whether each answer is the right one.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::task::JoinSet;

use crate::harness::session::{COOKIE, v5};
use crate::question::{Caller, Due, Question, Verdict};
use crate::world::{KEPT, World, token};

/// Connections to Envoy.
const CONNECTIONS: usize = 16;
/// Users with a session of Auth.js.
const USERS: usize = 200;
/// Wrong answers that are told in full.
const TOLD: usize = 10;

pub struct Load {
    edge: SocketAddr,
    kinds: Kinds,
    next: AtomicUsize,
}

/// What became of a load.
#[derive(Default)]
pub struct Outcome {
    /// The answers of each kind with their latencies, counted from when the request was due.
    answered: BTreeMap<String, Vec<Duration>>,
    pub wrong: Vec<String>,
}

/// The requests of each kind.
struct Kinds {
    sessions: Vec<Question>,
    kept: Vec<Question>,
    open: Question,
    visitor: Question,
    forged: Question,
}

impl Load {
    pub fn new(world: &World) -> Self {
        Self { edge: world.edge(), kinds: Kinds::new(), next: AtomicUsize::new(0) }
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
        let mut caller = Caller::connect(self.edge).await;
        let begun = Instant::now();
        let mut due = begun + pace.unwrap_or_default().mul_f64(number as f64 / CONNECTIONS as f64);
        while begun.elapsed() < time {
            if pace.is_some() {
                tokio::time::sleep_until(due.into()).await;
            }
            let asked = pace.map_or_else(Instant::now, |_| due);
            due += pace.unwrap_or_default();
            let question = self.next();
            match caller.ask(question).await {
                Verdict::Right => outcome.answered(question.label, asked.elapsed()),
                Verdict::Refused(503) if question.needs_store => {
                    outcome.answered("Redis away: 503", asked.elapsed());
                }
                verdict => outcome.wrong(format!("{}: {verdict:?}", question.label)),
            }
        }
        outcome
    }

    /// Of ten requests five with a session, two with one that Redis keeps, one each of the others.
    fn next(&self) -> &Question {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        match number % 10 {
            0..=4 => &self.kinds.sessions[number % USERS],
            5 | 6 => &self.kinds.kept[number % KEPT],
            7 => &self.kinds.open,
            8 => &self.kinds.visitor,
            _ => &self.kinds.forged,
        }
    }
}

impl Kinds {
    fn new() -> Self {
        const PAGE: &str = "/dashboard?tab=1";
        let minted = |user: usize| v5(json!({"sub": format!("u-{user}"), "name": "n".repeat(100)})).mint();
        let session = |user: usize| {
            let due = Due::Pass(Some(format!("u-{user}")));
            Question::new("session", PAGE, due).cookie(COOKIE, &minted(user))
        };
        let kept = |number: usize| {
            let due = Due::Pass(Some(format!("r-{number}")));
            Question::new("session in Redis", "/kept/page", due).cookie("kept", &token(number)).of_store()
        };
        let genuine = minted(0);
        Self {
            sessions: (0..USERS).map(session).collect(),
            kept: (0..KEPT).map(kept).collect(),
            open: Question::new("public", "/open/page", Due::Pass(None)),
            visitor: Question::new("to the login: 307", PAGE, Due::Login)
                .header("accept", "text/html")
                .header("sec-fetch-mode", "navigate"),
            forged: Question::new("forged: 401", PAGE, Due::Unauthorized)
                .cookie(COOKIE, &genuine[..genuine.len() - 4]),
        }
    }
}

impl Outcome {
    fn add(&mut self, other: Self) {
        for (label, mut latencies) in other.answered {
            self.answered.entry(label).or_default().append(&mut latencies);
        }
        self.wrong.extend(other.wrong);
    }

    fn answered(&mut self, label: &str, latency: Duration) {
        self.answered.entry(label.to_owned()).or_default().push(latency);
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

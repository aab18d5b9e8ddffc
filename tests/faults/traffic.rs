//! Requests of all kinds that flow all the while, each answer judged, and what became of them in a fault.

use std::net::SocketAddr;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::harness::polling::{wait_for, wait_until};
use crate::harness::runtime::runtime;
use crate::question::{Caller, Question, Verdict};
use crate::table::{self, Row};

/// Connections to Envoy.
const CALLERS: usize = 12;
/// The pause of a caller between two requests: what is tried is what comes out, not how much.
const PAUSE: Duration = Duration::from_millis(25);
/// Longer than any of these tests, for one that hangs.
const LONGEST: Duration = Duration::from_mins(10);
/// So many right answers in a row, and all is well again.
const IN_A_ROW: usize = 60;
/// Wrong answers of a fault that are told.
const TOLD: usize = 5;
/// So many answers at least while a fault lasts.
const AT_LEAST: usize = 40;

/// Whom a fault may hurt. Wrong answers are never borne.
#[derive(Clone, Copy, Debug)]
pub enum Who {
    Nobody,
    /// Those about whom a store has to be asked.
    OfStore,
    Everybody,
}

/// What is borne while a fault lasts, and until it is recovered from.
#[derive(Clone, Copy, Debug)]
pub struct Borne {
    /// 503 of the gate or 502 of Envoy.
    pub refused: Who,
    /// Valid sessions that are taken for none.
    pub denied: Who,
}

impl Borne {
    pub const NOTHING: Self = Self { refused: Who::Nobody, denied: Who::Nobody };
    pub const ANY_REFUSAL: Self = Self { refused: Who::Everybody, denied: Who::Nobody };
    pub const REFUSAL_OF_STORE: Self = Self { refused: Who::OfStore, denied: Who::Nobody };
    pub const DENIAL: Self = Self { refused: Who::Nobody, denied: Who::Everybody };
    pub const ANY_OF_STORE: Self = Self { refused: Who::OfStore, denied: Who::OfStore };

    fn bears(self, verdict: &Verdict, question: &Question) -> bool {
        let who = match verdict {
            Verdict::Right => return true,
            Verdict::Refused(_) => self.refused,
            Verdict::Denied => self.denied,
            Verdict::Wrong(_) => return false,
        };
        match who {
            Who::Nobody => false,
            Who::OfStore => question.needs_store,
            Who::Everybody => true,
        }
    }
}

/// It stops when it is dropped.
pub struct Traffic(Arc<Shared>);

struct Shared {
    edge: SocketAddr,
    questions: Vec<Question>,
    next: AtomicUsize,
    answers: Mutex<Vec<Answer>>,
    /// What went wrong in faults, and which answers belong to one.
    wrong: Mutex<Vec<String>>,
    in_faults: Mutex<Vec<Range<usize>>>,
    is_over: AtomicBool,
}

struct Answer {
    question: usize,
    at: Instant,
    verdict: Verdict,
}

impl Traffic {
    /// Begins, and waits until all is well.
    pub fn begin(edge: SocketAddr, questions: Vec<Question>) -> Self {
        let shared = Arc::new(Shared {
            edge,
            questions,
            next: AtomicUsize::new(0),
            answers: Mutex::default(),
            wrong: Mutex::default(),
            in_faults: Mutex::default(),
            is_over: AtomicBool::new(false),
        });
        for _ in 0..CALLERS {
            runtime().spawn(work(Arc::clone(&shared)));
        }
        Self(shared)
    }

    /// From now on something is wrong with the machine.
    pub fn fault(&self, part: &'static str, what: &'static str, borne: Borne) -> Fault<'_> {
        let from = self.answers().len();
        wait_until("all to be well before a fault", || self.first_calm_after(from).is_some());
        let answers = self.answers();
        let (begun, first) = (Instant::now(), answers.len());
        drop(answers);
        Fault { traffic: self, part, what, borne, begun, first, ended: None }
    }

    /// Nothing was answered wrongly in a fault, and nothing but rightly at any other time.
    pub fn ends(self) {
        let mut wrong = std::mem::take(&mut *locked(&self.0.wrong));
        let in_faults = locked(&self.0.in_faults);
        for (place, answer) in self.answers().iter().enumerate() {
            let is_in_fault = in_faults.iter().any(|range| range.contains(&place));
            if !is_in_fault && answer.verdict != Verdict::Right {
                let label = self.0.questions[answer.question].label;
                wrong.push(format!("without a fault: {label}: {:?}", answer.verdict));
            }
        }
        assert!(wrong.is_empty(), "answered wrongly:\n{}", wrong.join("\n"));
    }

    fn answers(&self) -> MutexGuard<'_, Vec<Answer>> {
        locked(&self.0.answers)
    }

    /// The first of so many right answers in a row, from this place on.
    fn first_calm_after(&self, from: usize) -> Option<usize> {
        let answers = self.answers();
        let is_calm = |window: &[Answer]| window.iter().all(|answer| answer.verdict == Verdict::Right);
        answers.get(from..)?.windows(IN_A_ROW).position(is_calm).map(|place| from + place)
    }
}

fn locked<T>(value: &Mutex<T>) -> MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Traffic {
    fn drop(&mut self) {
        self.0.is_over.store(true, Ordering::Relaxed);
    }
}

async fn work(shared: Arc<Shared>) {
    let mut caller = Caller::connect(shared.edge).await;
    let begun = Instant::now();
    while !shared.is_over.load(Ordering::Relaxed) && begun.elapsed() < LONGEST {
        let question = shared.next.fetch_add(1, Ordering::Relaxed) % shared.questions.len();
        let verdict = caller.ask(&shared.questions[question]).await;
        let answer = Answer { question, at: Instant::now(), verdict };
        locked(&shared.answers).push(answer);
        tokio::time::sleep(PAUSE).await;
    }
}

/// A fault from its beginning to the recovery.
pub struct Fault<'t> {
    traffic: &'t Traffic,
    part: &'static str,
    what: &'static str,
    borne: Borne,
    begun: Instant,
    first: usize,
    ended: Option<(Instant, usize)>,
}

impl Fault<'_> {
    /// Lets it last for as long as it was asked for, and at least until some requests were answered.
    pub fn lasts(&self) {
        self.lasts_for(AT_LEAST);
    }

    /// The same, for so many requests.
    pub fn lasts_for(&self, requests: usize) {
        let before = self.answered();
        wait_until("requests to be answered during the fault", || self.answered() >= before + requests);
        std::thread::sleep(asked_length().saturating_sub(self.begun.elapsed()));
    }

    /// Lets it last until it hurts somebody.
    pub fn lasts_until_it_hurts(&self) {
        wait_until(&format!("{} to hurt somebody", self.what), || {
            let answers = self.traffic.answers();
            answers[self.first..].iter().any(|answer| answer.verdict != Verdict::Right)
        });
        self.lasts();
    }

    /// From now on it can be recovered from.
    pub fn ends(&mut self) {
        let answers = self.traffic.answers();
        self.ended = Some((Instant::now(), answers.len()));
    }

    /// Waits until all is well again, and tells what was counted.
    pub fn recovered(self) -> Row {
        let (ended, after) = self.ended.expect("it ended");
        let calm =
            wait_for(&format!("{} to be recovered from", self.what), || self.traffic.first_calm_after(after));
        let answers = self.traffic.answers();
        let mut row = Row::new(self.part, self.what, answers[calm].at - ended);
        let mut wrong = Vec::new();
        for answer in &answers[self.first..calm + IN_A_ROW] {
            let question = &self.traffic.0.questions[answer.question];
            let is_borne = self.borne.bears(&answer.verdict, question);
            row.count(&answer.verdict, question.passes(), is_borne);
            if !is_borne {
                wrong.push(format!("{}: {}: {:?}", self.what, question.label, answer.verdict));
            }
        }
        drop(answers);
        wrong.truncate(TOLD);
        locked(&self.traffic.0.wrong).extend(wrong);
        locked(&self.traffic.0.in_faults).push(self.first..calm + IN_A_ROW);
        table::add(row.clone());
        row
    }

    fn answered(&self) -> usize {
        self.traffic.answers().len() - self.first
    }
}

/// How long each fault lasts at least.
pub fn asked_length() -> Duration {
    let asked = std::env::var("SESSIONGATE_FAULT_SECONDS").ok().and_then(|seconds| seconds.parse().ok());
    asked.map_or(Duration::ZERO, Duration::from_secs)
}

//! Sends the requests of a case and compares what comes with what was expected.

use url::Url;

use crate::corpus::{Case, Door, Expected, Shape, Written};
use crate::edges::Edge;
use crate::harness::http1::{Answer, Seen};
use crate::wire;

/// What the harness' Envoys answer where the gate gives no answer.
const NO_ANSWER_OF_THE_GATE: u16 = 502;

/// How much of what was expected counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strictness {
    /// All of it.
    Ours,
    /// What keeps an attack from success: another server may refuse in another way, and more.
    AnyServer,
}

/// What came otherwise than expected.
#[derive(Debug)]
pub struct Finding {
    pub case: String,
    pub is_control: bool,
    pub asks: String,
    pub way: String,
    pub shape: Shape,
    pub wrong: Vec<String>,
    pub came: String,
}

/// A case after its requests.
#[derive(Debug)]
pub struct Tried {
    pub case: Case,
    pub attacks: usize,
    pub controls: usize,
    pub findings: Vec<Finding>,
}

impl Tried {
    pub fn is_asked(&self) -> bool {
        self.attacks > 0
    }
}

/// Sends every request of a case by every way that this edge has for it.
pub fn try_case(case: Case, edge: &Edge, strictness: Strictness) -> Tried {
    let mut tried = Tried { case, attacks: 0, controls: 0, findings: Vec::new() };
    for written in &tried.case.requests {
        let ways = edge.ways(tried.case.gate, written.door);
        for shape in if ways.is_empty() { Vec::new() } else { written.shapes() } {
            for (way, address) in &ways {
                *(if written.control { &mut tried.controls } else { &mut tried.attacks }) += 1;
                let answer = wire::send(&shape, *address);
                let wrong = differences(written, answer.as_ref(), strictness);
                if !wrong.is_empty() {
                    tried.findings.push(Finding {
                        case: tried.case.name.clone(),
                        is_control: written.control,
                        asks: written.asks.clone(),
                        way: way.clone(),
                        shape: shape.clone(),
                        wrong,
                        came: came(answer.as_ref()),
                    });
                }
            }
        }
    }
    tried
}

fn differences(written: &Written, answer: Option<&Answer>, strictness: Strictness) -> Vec<String> {
    let expected = &written.expect;
    let upstream = answer.and_then(|answer| upstream(written.door, answer));
    let mut wrong = Vec::new();
    if answer.is_some_and(|answer| answer.status == NO_ANSWER_OF_THE_GATE) {
        wrong.push("an answer of the gate".to_owned());
    }
    let may_be_refused = strictness == Strictness::AnyServer && !written.control;
    if upstream.is_some() != expected.passes && !(expected.passes && may_be_refused) {
        wrong.push(if expected.passes { "to pass" } else { "not to pass" }.to_owned());
    }
    if let Some(statuses) = expected.status.as_ref().filter(|_| strictness == Strictness::Ours)
        && !answer.is_some_and(|answer| statuses.all().contains(&answer.status))
    {
        wrong.push(format!("status {:?}", statuses.all()));
    }
    if let Some(origin) = &expected.origin {
        wrong.extend(led_astray(origin, answer, strictness));
    }
    if let Some(headers) = upstream.filter(|_| expected.passes) {
        wrong.extend(misled(expected, &headers));
    }
    wrong
}

/// The headers that the service got, where it got the request. At the forward-auth door those that the proxy is told.
fn upstream(door: Door, answer: &Answer) -> Option<Vec<(String, String)>> {
    if door == Door::ForwardAuth {
        return (answer.status == 200).then(|| answer.headers.clone());
    }
    answer.reached_upstream().then(|| Seen::parse(&answer.body).headers)
}

/// What the service was told otherwise than expected. Many services take `-` and `_` in a name for the same, and an empty
/// value for none.
fn misled(expected: &Expected, headers: &[(String, String)]) -> Vec<String> {
    let folded = |name: &str| name.to_ascii_lowercase().replace('_', "-");
    let values = |name: &str| -> Vec<&str> {
        let named =
            headers.iter().filter(|(known, value)| folded(known) == folded(name) && !value.is_empty());
        named.map(|(_, value)| value.as_str()).collect()
    };
    let seen = expected.seen.iter().map(|(name, value)| (name, vec![value.as_str()]));
    let unseen = expected.unseen.iter().map(|name| (name, Vec::new()));
    let all = seen.chain(unseen).map(|(name, told)| (name, told, values(name)));
    all.filter(|(_, told, got)| told != got)
        .map(|(name, told, got)| format!("the service to get {name} as {told:?}, not {got:?}"))
        .collect()
}

/// Whether a browser is sent to another origin, now or after the login: every value in the query of the redirect that
/// leads anywhere has to lead to the same origin.
fn led_astray(origin: &str, answer: Option<&Answer>, strictness: Strictness) -> Option<String> {
    let base = Url::parse(origin).expect("an origin");
    let Some(location) = answer.and_then(|answer| answer.values("location").first().copied()) else {
        return (strictness == Strictness::Ours).then(|| format!("a redirect to {origin}"));
    };
    let leads_home = |url: &str| base.join(url).is_ok_and(|url| url.origin() == base.origin());
    let target = base.join(location).ok()?;
    let is_home = leads_home(location) && target.query_pairs().all(|(_, value)| leads_home(&value));
    (!is_home).then(|| format!("everything in `{location}` to lead to {origin}"))
}

fn came(answer: Option<&Answer>) -> String {
    match answer {
        None => "the connection was closed".to_owned(),
        Some(answer) if answer.reached_upstream() => format!("it passed: {}", answer.body),
        Some(answer) => format!("{} {:?} {}", answer.status, answer.headers, answer.body),
    }
}

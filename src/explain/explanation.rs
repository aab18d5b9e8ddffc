//! The steps of one decision, as they were taken.

use indexmap::IndexMap;
use serde::Serialize;
use serde_json::Value;

use crate::expression::{Explained, Expression, Facts};
use crate::gate::{Gate, Observer};
use crate::policy::decision::Decision;
use crate::policy::{Access, Evidence, Terms};
use crate::request::HttpRequest;
use crate::rule::matcher::{ParameterValue, Verdict};
use crate::rule::{Finding, Governed, PathForm, RequestMatcher, Rule};
use crate::session::{self, Session, Source};

/// What happened on the way to a decision. It holds no token, and no claim but those that a condition names.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Explanation {
    pub(crate) readings: Vec<Reading>,
    pub(crate) rules: Vec<Judged>,
    /// All rules in their order.
    pub(crate) table: Vec<Row>,
}

/// A rule, and what became of it.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) rule: String,
    pub(crate) matchers: Vec<String>,
    pub(crate) access: String,
    pub(crate) condition: Option<String>,
    pub(crate) outcome: Outcome,
}

/// What became of a rule; of several forms of a path the farthest that it came for one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    /// A rule before it decided.
    NotReached,
    /// It does not match.
    Missed,
    /// It decides.
    Decides,
}

/// What a matcher was asked, and the rule that was found.
#[derive(Debug, Serialize)]
pub(crate) struct Reading {
    pub(crate) path: String,
    pub(crate) rule: String,
    pub(crate) why: String,
    /// True where a pattern was too costly to decide, and the strictest rule stands in.
    pub(crate) undecided: bool,
}

/// A rule that governs the request, and what its providers said.
#[derive(Debug, Serialize)]
pub(crate) struct Judged {
    pub(crate) rule: String,
    pub(crate) access: String,
    pub(crate) providers: Vec<Verification>,
    /// The condition, for each form of the path.
    pub(crate) conditions: Vec<Condition>,
}

/// A condition, and how it came to its answer for one form of the path.
#[derive(Debug, Serialize)]
pub(crate) struct Condition {
    pub(crate) source: String,
    pub(crate) path: String,
    /// In the order of the matcher.
    pub(crate) parameters: IndexMap<String, Value>,
    /// `true`, `false`, or why it is neither.
    pub(crate) result: String,
    pub(crate) parts: Vec<Part>,
}

/// A part of a condition, or a path that it names.
#[derive(Debug, Serialize)]
pub(crate) struct Part {
    pub(crate) source: String,
    pub(crate) value: Option<Value>,
    pub(crate) error: Option<String>,
}

/// What one provider found and said.
#[derive(Debug, Serialize)]
pub(crate) struct Verification {
    pub(crate) provider: String,
    /// Where the credential was, and how large: never what it is.
    pub(crate) credential: Option<String>,
    /// `valid`, or the reason for which it is not.
    pub(crate) result: String,
    pub(crate) message: String,
}

impl Explanation {
    /// The decision on a request, its steps noted here.
    pub(crate) async fn explain<'g>(&mut self, gate: &'g Gate, request: &HttpRequest<'_>) -> Decision<'g> {
        self.table = table(gate, request);
        match request.context().extension("sessiongate.rule") {
            Some(_) => self.named(gate, request),
            None => gate.rules.each_finding(request, |finding| self.found(&finding, request)),
        }
        gate.check_observed(request, self).await
    }

    fn named(&mut self, gate: &Gate, request: &HttpRequest<'_>) {
        for governed in gate.governing(request).into_iter().flatten() {
            self.readings.extend(governed.forms.iter().map(|form| Reading {
                path: form.asked.to_string(),
                rule: governed.rule.name.clone(),
                why: "the proxy names it for the route".to_owned(),
                undecided: false,
            }));
        }
    }

    fn found(&mut self, finding: &Finding<'_, '_, Terms>, request: &HttpRequest<'_>) {
        let is_hit =
            |matcher: &&RequestMatcher| matcher.matches(request, &finding.form.asked) == Verdict::Hit;
        let hit = finding.rule.matchers.iter().find(is_hit);
        let why = match hit {
            _ if finding.undecided => {
                "a pattern is too costly to decide: the strictest rule stands in".to_owned()
            }
            None => "no rule matches".to_owned(),
            Some(matcher) if matcher.source.is_empty() => "it is for every path".to_owned(),
            Some(matcher) => format!("it matches {}", matcher.source),
        };
        self.readings.push(Reading {
            path: finding.form.asked.to_string(),
            rule: finding.rule.name.clone(),
            why,
            undecided: finding.undecided,
        });
    }
}

/// The rules in their order, that for the rest last.
fn table(gate: &Gate, request: &HttpRequest<'_>) -> Vec<Row> {
    let governing = gate.governing(request).unwrap_or_default();
    let place = |rule: &Rule<Terms>| gate.rules.iter().position(|other| std::ptr::eq(other, rule));
    let is_named = request.context().extension("sessiongate.rule").is_some();
    let deciding: Vec<usize> = governing.iter().filter_map(|governed| place(governed.rule)).collect();
    let last = deciding.iter().max().copied();
    let row = |(at, rule): (usize, &Rule<Terms>)| Row {
        rule: rule.name.clone(),
        matchers: rule.matchers.iter().map(|matcher| matcher.source.clone()).collect(),
        access: rule.terms.access.to_string(),
        condition: rule.terms.condition.as_ref().map(|condition| condition.source().to_owned()),
        outcome: match last {
            _ if deciding.contains(&at) => Outcome::Decides,
            Some(last) if at < last && !is_named => Outcome::Missed,
            _ => Outcome::NotReached,
        },
    };
    gate.rules.iter().enumerate().map(row).collect()
}

impl Observer for Explanation {
    fn judged(
        &mut self,
        governed: &Governed<'_, '_, Terms>,
        access: Access,
        evidence: &Evidence,
        request: &HttpRequest<'_>,
    ) {
        let rule = governed.rule;
        let conditions = match (&rule.terms.condition, evidence.found()) {
            (Some(condition), Some(Ok(session))) => governed
                .forms
                .iter()
                .map(|form| Condition::of(condition, governed, form, session, request))
                .collect(),
            _ => Vec::new(),
        };
        let providers = match evidence.found() {
            None => Vec::new(),
            Some(Ok(session)) => vec![Verification::valid(session)],
            Some(Err(failures)) => failures.iter().map(Verification::failed).collect(),
        };
        self.rules.push(Judged {
            rule: rule.name.clone(),
            access: access.to_string(),
            providers,
            conditions,
        });
    }
}

impl Condition {
    fn of(
        condition: &Expression,
        governed: &Governed<'_, '_, Terms>,
        form: &PathForm<'_>,
        session: &Session,
        request: &HttpRequest<'_>,
    ) -> Self {
        let parameters = governed.rule.parameters(request, &form.asked);
        let facts = Facts { session, request, path: form.reading, parameters: &parameters };
        Self {
            source: condition.source().to_owned(),
            path: form.asked.to_string(),
            parameters: parameters.iter().map(|(name, value)| ((*name).to_owned(), json(value))).collect(),
            result: condition.holds(&facts).map_or_else(|error| error.to_string(), |holds| holds.to_string()),
            parts: condition.explain(&facts).into_iter().map(Part::from).collect(),
        }
    }
}

fn json(value: &ParameterValue) -> Value {
    match value {
        ParameterValue::Text(text) => Value::from(text.as_str()),
        ParameterValue::List(texts) => Value::from(texts.clone()),
    }
}

impl From<Explained> for Part {
    fn from(Explained { source, value }: Explained) -> Self {
        let (value, error) = match value {
            Ok(value) => (Some(value), None),
            Err(error) => (None, Some(error.to_string())),
        };
        Self { source, value, error }
    }
}

impl Verification {
    fn valid(session: &Session) -> Self {
        Self {
            provider: session.provider().to_string(),
            credential: Some(describe(session.finding())),
            result: "valid".to_owned(),
            message: format!("the session is valid until {}", session.expires_iso()),
        }
    }

    fn failed(failure: &session::Failure) -> Self {
        Self {
            provider: failure.provider.to_string(),
            credential: failure.finding.as_ref().map(describe),
            result: failure.error.label().to_owned(),
            message: failure.error.to_string(),
        }
    }
}

fn describe(finding: &session::Finding) -> String {
    let bytes = finding.bytes;
    match &finding.source {
        Source::Cookie { name, chunks: 0 } => format!("cookie {name}, {bytes} bytes"),
        Source::Cookie { name, chunks: 1 } => format!("cookie {name}, 1 chunk, {bytes} bytes"),
        Source::Cookie { name, chunks } => format!("cookie {name}, {chunks} chunks, {bytes} bytes"),
        Source::Header { name, .. } => format!("header {name}, {bytes} bytes"),
    }
}

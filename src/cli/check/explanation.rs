//! The steps of one decision, as they were taken.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::expression::{Explained, Expression, Facts};
use crate::gate::{Gate, Observer};
use crate::policy::decision::Decision;
use crate::policy::{Access, Evidence, Terms};
use crate::request::HttpRequest;
use crate::rule::matcher::{ParameterValue, Verdict};
use crate::rule::{Finding, Governed, PathForm, RequestMatcher};
use crate::session::{self, Session, Source};

/// What happened on the way to a decision. It holds no token, and no claim but those that a condition names.
#[derive(Debug, Default, Serialize)]
pub(super) struct Explanation {
    pub(super) readings: Vec<Reading>,
    pub(super) rules: Vec<Judged>,
}

/// What a matcher was asked, and the rule that was found.
#[derive(Debug, Serialize)]
pub(super) struct Reading {
    pub(super) path: String,
    pub(super) rule: String,
    pub(super) why: String,
    /// True where a pattern was too costly to decide, and the strictest rule stands in.
    pub(super) undecided: bool,
}

/// A rule that governs the request, and what its providers said.
#[derive(Debug, Serialize)]
pub(super) struct Judged {
    pub(super) rule: String,
    pub(super) access: String,
    pub(super) providers: Vec<Verification>,
    /// The condition, for each form of the path.
    pub(super) conditions: Vec<Condition>,
}

/// A condition, and how it came to its answer for one form of the path.
#[derive(Debug, Serialize)]
pub(super) struct Condition {
    pub(super) source: String,
    pub(super) path: String,
    pub(super) parameters: Map<String, Value>,
    /// `true`, `false`, or why it is neither.
    pub(super) result: String,
    pub(super) parts: Vec<Part>,
}

/// A part of a condition, or a path that it names.
#[derive(Debug, Serialize)]
pub(super) struct Part {
    pub(super) source: String,
    pub(super) value: Option<Value>,
    pub(super) error: Option<String>,
}

/// What one provider found and said.
#[derive(Debug, Serialize)]
pub(super) struct Verification {
    pub(super) provider: String,
    /// Where the credential was, and how large: never what it is.
    pub(super) credential: Option<String>,
    /// `valid`, or the reason for which it is not.
    pub(super) result: String,
    pub(super) message: String,
}

impl Explanation {
    /// The decision on a request, its steps noted here.
    pub(super) async fn explain<'g>(&mut self, gate: &'g Gate, request: &HttpRequest<'_>) -> Decision<'g> {
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

//! The steps of one decision, as they were taken.

use serde::Serialize;

use crate::gate::{Gate, Observer};
use crate::policy::Terms;
use crate::policy::decision::Decision;
use crate::request::HttpRequest;
use crate::rule::matcher::Verdict;
use crate::rule::{Finding, RequestMatcher, Rule};
use crate::session::{self, Failures, Session, Source};

/// What happened on the way to a decision. It holds no token and no claim.
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
        gate.rules.each_finding(request, |finding| self.found(&finding, request));
        gate.check_observed(request, self).await
    }

    fn found(&mut self, finding: &Finding<'_, '_, Terms>, request: &HttpRequest<'_>) {
        let is_hit = |matcher: &&RequestMatcher| matcher.matches(request, finding.asked) == Verdict::Hit;
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
            path: finding.asked.to_owned(),
            rule: finding.rule.name.clone(),
            why,
            undecided: finding.undecided,
        });
    }
}

impl Observer for Explanation {
    fn judged(&mut self, rule: &Rule<Terms>, session: Option<Result<&Session, &Failures>>) {
        let providers = match session {
            None => Vec::new(),
            Some(Ok(session)) => vec![Verification::valid(session)],
            Some(Err(failures)) => failures.iter().map(Verification::failed).collect(),
        };
        self.rules.push(Judged { rule: rule.name.clone(), access: rule.terms.access.to_string(), providers });
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

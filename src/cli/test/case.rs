//! Cases tried at the gate of a configuration.
//!
//! The providers of the configuration are stood in for by ones with the same names, whose secret is made for the
//! occasion: so a session of a file is one, of whatever kind, and no database is asked.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde_json::{Map, Value};

use super::written::{Expected, Written, WrittenCase, WrittenError, WrittenSession};
use super::{Outcome, TestError};
use crate::explain::Target;
use crate::gate::Gate;
use crate::policy::decision::Decision;
use crate::request::path::RequestPath;
use crate::secret::Secret;
use crate::session::authjs::{AuthJs, AuthJsOptions, MAX_TOKEN_BYTES, Version};
use crate::session::{Provider, Providers};

/// How long the sessions of a file last.
const LASTING: Duration = Duration::from_hours(1);

pub(super) struct Cases {
    gate: Gate,
}

impl Cases {
    pub(super) fn new(gate: Gate) -> Result<Self, TestError> {
        let stand_ins: Result<Vec<_>, TestError> = gate
            .sessions
            .iter()
            .map(|(name, provider)| Ok((Arc::clone(name), Arc::new(stand_in(name, provider)?))))
            .collect();
        Ok(Self { gate: Gate { sessions: Providers::new(stand_ins?), ..gate } })
    }

    pub(super) async fn run(&self, written: &Written) -> Result<Vec<Outcome>, TestError> {
        let mut outcomes = Vec::new();
        for case in &written.cases {
            let differences = self.differences(case, &written.sessions).await?;
            outcomes.push(Outcome { name: case.name().to_owned(), differences });
        }
        Ok(outcomes)
    }

    async fn differences(
        &self,
        case: &WrittenCase,
        sessions: &HashMap<String, WrittenSession>,
    ) -> Result<Vec<String>, TestError> {
        let mistake = |message: String| WrittenError::Case { case: case.name().to_owned(), message };
        let now = SystemTime::now();
        let mut asked = case.asked()?;
        if let Some(name) = &case.session {
            let session =
                sessions.get(name).ok_or_else(|| mistake(format!("there is no session `{name}`")))?;
            asked.cookies.push(self.cookie(session, now).map_err(mistake)?);
        }
        let target: Target<'_> = asked.target().map_err(|error| mistake(error.to_string()))?;
        let path = match RequestPath::parse(target.path) {
            Ok(path) => path,
            Err(error) => return Ok(compare(&case.expect, &Decision::malformed(error.label()), None)),
        };
        let request = asked.request(&target, path, now);
        let decision = self.gate.check(&request).await;
        let assertion = match &decision {
            Decision::Allow(permit) => self.gate.identity.explain_assertion(permit, &request),
            Decision::Deny(_) | Decision::Redirect(_) | Decision::Unavailable(_) => None,
        };
        Ok(compare(&case.expect, &decision, assertion.map(|made| made.claims()).as_ref()))
    }

    fn cookie(&self, session: &WrittenSession, now: SystemTime) -> Result<String, String> {
        let mut named = self.gate.sessions.iter();
        let found = match &session.provider {
            Some(wanted) => named.find(|(name, _)| ***name == **wanted),
            None => named.next(),
        };
        let Some((_, Provider::AuthJs(provider))) = found else {
            return Err(format!(
                "there is no provider `{}`",
                session.provider.as_deref().unwrap_or_default()
            ));
        };
        let cookie = provider.cookie_names().next().unwrap_or_default().to_owned();
        let token = provider
            .mint(&cookie, session.claims.clone(), LASTING, now)
            .map_err(|error| error.to_string())?;
        Ok(format!("{cookie}={token}"))
    }
}

/// One of Auth.js: with the cookies of the original where it has such, so that they are stripped and cleared alike.
fn stand_in(name: &str, original: &Provider) -> Result<Provider, TestError> {
    let cookies = match original {
        Provider::AuthJs(authjs) => authjs.cookie_names().map(str::to_owned).collect(),
        Provider::Jwt(_) | Provider::Stored(_) | Provider::BetterAuth(_) => {
            vec![format!("session-of-{name}")]
        }
    };
    let mut secret = [0_u8; 32];
    let drawn = aws_lc_rs::rand::fill(&mut secret).ok();
    let secret = STANDARD_NO_PAD.encode(secret);
    let secrets = drawn.and_then(|()| Secret::check(&secret, true).ok()).map(|(secret, _)| secret);
    let options = AuthJsOptions {
        version: Version::V5,
        secrets: secrets.into_iter().collect(),
        cookies,
        salt: None,
        bearer: false,
        max_age: None,
        max_token_bytes: MAX_TOKEN_BYTES,
        refresh: None,
    };
    Ok(Provider::AuthJs(AuthJs::new(options)?))
}

/// What is otherwise than expected, a line each.
fn compare(
    expected: &Expected,
    decision: &Decision<'_>,
    assertion: Option<&Map<String, Value>>,
) -> Vec<String> {
    let answer = decision.answer();
    let status = answer.as_ref().map_or(200, |answer| answer.status);
    let of_answer = |name: &str| {
        let headers = answer.iter().flat_map(|answer| &answer.headers);
        let mut values = headers.filter(|(known, _)| known.eq_ignore_ascii_case(name));
        values.next().map(|(_, value)| value.to_string())
    };
    let mut found = Differences(Vec::new());
    found.add("decision", expected.decision.as_deref(), Some(decision.label()));
    found.add("rule", expected.rule.as_deref(), Some(decision.rule()));
    found.add("reason", expected.reason.as_deref(), Some(decision.reason()));
    found.add(
        "status",
        expected.status.map(|status| status.to_string()).as_deref(),
        Some(&status.to_string()),
    );
    found.add("location", expected.location.as_deref(), of_answer("location").as_deref());
    for (name, value) in &expected.headers {
        found.add(&format!("headers.{name}"), Some(value), of_answer(name).as_deref());
    }
    for (name, value) in &expected.upstream {
        let told = match decision {
            Decision::Allow(permit) => {
                permit.upstream.set.iter().find(|(known, _)| known.eq_ignore_ascii_case(name))
            }
            Decision::Deny(_) | Decision::Redirect(_) | Decision::Unavailable(_) => None,
        };
        let told = told.map(|(_, value)| value.as_str());
        found.add_exact(&format!("upstream.{name}"), value.as_deref(), told);
    }
    for (name, value) in &expected.assertion {
        let said = assertion.and_then(|claims| claims.get(name)).map(Value::to_string);
        found.add(&format!("assertion.{name}"), Some(&value.to_string()), said.as_deref());
    }
    found.0
}

struct Differences(Vec<String>);

impl Differences {
    /// Compares where something is expected.
    fn add(&mut self, what: &str, expected: Option<&str>, found: Option<&str>) {
        if expected.is_some() {
            self.add_exact(what, expected, found);
        }
    }

    fn add_exact(&mut self, what: &str, expected: Option<&str>, found: Option<&str>) {
        if expected != found {
            let shown =
                |value: Option<&str>| value.map_or("nothing".to_owned(), |value| format!("`{value}`"));
            self.0.push(format!("{what}: expected {}, found {}", shown(expected), shown(found)));
        }
    }
}

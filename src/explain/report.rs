//! An explanation on paper: as text for a person, as JSON for a program.

use std::collections::HashMap;
use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::asked::Target;
use super::explanation::{Condition, Explanation, Part, Verification};
use crate::policy::decision::Decision;

/// A request, the decision on it, and the way there.
pub(crate) struct Report<'r> {
    pub(crate) method: &'r str,
    pub(crate) target: Target<'r>,
    pub(crate) explanation: Explanation,
    pub(crate) decision: Decision<'r>,
    /// What the assertion for the upstream says, where there is one.
    pub(crate) assertion: Option<Map<String, Value>>,
}

impl Report<'_> {
    pub(crate) fn json(&self) -> Value {
        let Self { method, target, explanation, decision, assertion } = self;
        let answer = decision.answer();
        let location = match decision {
            Decision::Redirect(challenge) => Some(&challenge.location),
            Decision::Allow(_) | Decision::Deny(_) | Decision::Unavailable(_) => None,
        };
        json!({
            "request": {
                "method": method,
                "scheme": target.scheme,
                "host": target.host,
                "path": target.path,
            },
            "readings": explanation.readings,
            "rules": explanation.rules,
            "table": explanation.table,
            "decision": decision.label(),
            "rule": decision.rule(),
            "reason": decision.reason(),
            "provider": decision.provider(),
            "status": answer.as_ref().map_or(200, |answer| answer.status),
            "location": location,
            "headers": answer.as_ref().map(|answer| &answer.headers),
            "body": answer.as_ref().map(|answer| &answer.body),
            "upstream": upstream(decision),
            "assertion": assertion,
            "metadata": decision.metadata().iter().cloned().collect::<HashMap<_, _>>(),
        })
    }

    pub(crate) fn text(&self) -> String {
        let Self { method, target, explanation, decision, assertion } = self;
        let mut lines = Lines::default();
        let host = if target.host.is_empty() { "(no host)" } else { target.host };
        lines.add("request", format!("{method} {} on {host}", target.path.escape_debug()));
        for reading in &explanation.readings {
            // A decoded path can hold what a terminal obeys.
            let path = reading.path.escape_debug();
            lines.add("reading", format!("{path}  ->  rule {}: {}", reading.rule, reading.why));
        }
        for judged in &explanation.rules {
            lines.add("rule", format!("{}  (access: {})", judged.rule, judged.access));
            for verification in &judged.providers {
                lines.add("session", line_of(verification));
            }
            for condition in &judged.conditions {
                add_condition(&mut lines, condition);
            }
        }
        lines.add("decision", format!("{}  ({})", decision.label(), decision.reason()));
        match decision {
            Decision::Allow(permit) => {
                for (name, value) in &permit.upstream.set {
                    lines.add("set", format!("{name}: {value}"));
                }
                let removed: Vec<&str> = permit.upstream.remove.iter().map(AsRef::as_ref).collect();
                lines.add("remove", removed.join(", "));
                for (name, value) in assertion.iter().flatten() {
                    lines.add("assertion", format!("{name}: {value}"));
                }
            }
            Decision::Deny(_) | Decision::Redirect(_) | Decision::Unavailable(_) => {
                if let Some(answer) = decision.answer() {
                    lines.add("status", answer.status.to_string());
                    for (name, value) in &answer.headers {
                        lines.add("header", format!("{name}: {value}"));
                    }
                    if !answer.body.is_empty() {
                        lines.add("body", answer.body);
                    }
                }
            }
        }
        lines.0
    }
}

fn add_condition(lines: &mut Lines, condition: &Condition) {
    let Condition { source, path, parameters, result, parts } = condition;
    lines.add("condition", format!("{source}  ->  {result}  ({})", path.escape_debug()));
    for (name, value) in parameters {
        lines.add("parameter", format!("{name} = {value}"));
    }
    for Part { source, value, error } in parts {
        let value = value.as_ref().map(Value::to_string).or_else(|| error.clone()).unwrap_or_default();
        lines.add("part", format!("{source} = {value}"));
    }
}

/// What the upstream gets of a request that passes.
fn upstream(decision: &Decision<'_>) -> Option<Value> {
    let Decision::Allow(permit) = decision else { return None };
    let set = permit.upstream.set.iter().map(|(name, value)| (name.to_string(), json!(value)));
    Some(json!({
        "set": set.collect::<Map<_, _>>(),
        "remove": permit.upstream.remove.iter().map(AsRef::as_ref).collect::<Vec<&str>>(),
    }))
}

fn line_of(verification: &Verification) -> String {
    let Verification { provider, credential, result, message } = verification;
    match credential {
        Some(credential) => format!("{provider}: {result}  ({credential}: {message})"),
        None => format!("{provider}: {result}  ({message})"),
    }
}

/// Lines with their subject in a column of its own, which a subject that repeats leaves empty.
#[derive(Default)]
struct Lines(String, &'static str);

impl Lines {
    fn add(&mut self, subject: &'static str, text: impl AsRef<str>) {
        let shown = if subject == self.1 { "" } else { subject };
        for (nth, line) in text.as_ref().lines().enumerate() {
            // Writing to a String cannot fail.
            let _ = writeln!(self.0, "{:<10}{line}", if nth == 0 { shown } else { "" });
        }
        self.1 = subject;
    }
}

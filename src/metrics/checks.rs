//! What a decision counts, looked up once for each configuration.

use std::collections::HashMap;
use std::time::Duration;

use metrics::{Counter, Histogram, counter, histogram};

use super::DURATION;
use crate::policy::decision::Decision;
use crate::session::Failures;

/// The labels of decisions, in the order of [`place`].
const DECISIONS: [&str; 5] = ["allow", "deny", "redirect", "unavailable", "aborted"];
const ABORTED: usize = 4;

/// The counters of the rules and providers of one configuration. Those of an earlier one with the same names are the
/// same.
pub struct CheckMetrics {
    rules: HashMap<Box<str>, [Counter; DECISIONS.len()]>,
    /// Where no rule was reached.
    no_rule: [Counter; DECISIONS.len()],
    sessions: HashMap<Box<str>, Counter>,
    duration: Histogram,
}

impl CheckMetrics {
    #[must_use]
    pub fn new<'n>(rules: impl Iterator<Item = &'n str>, providers: impl Iterator<Item = &'n str>) -> Self {
        let of_rule = |rule: &str| {
            DECISIONS.map(|decision| {
                counter!("sessiongate_checks_total", "decision" => decision, "rule" => rule.to_owned())
            })
        };
        let of_provider = |name: &str| counter!("sessiongate_sessions_total", "provider" => name.to_owned());
        Self {
            rules: rules.map(|rule| (rule.into(), of_rule(rule))).collect(),
            no_rule: of_rule(""),
            sessions: providers.map(|name| (name.into(), of_provider(name))).collect(),
            duration: histogram!(DURATION),
        }
    }

    pub(crate) fn count(&self, decision: &Decision<'_>, took: Duration) {
        let counters = self.rules.get(decision.rule()).unwrap_or(&self.no_rule);
        if let Some(counter) = counters.get(place(decision)) {
            counter.increment(1);
        }
        self.duration.record(took.as_secs_f64());
        if let Some(sessions) = self.sessions.get(decision.provider()) {
            sessions.increment(1);
        }
        if let Decision::Unavailable(unavailable) = decision {
            counter!("sessiongate_unavailable_total", "reason" => unavailable.label()).increment(1);
        }
        count_failures(decision);
    }

    /// A check that nobody waits for any longer.
    pub(crate) fn count_aborted(&self) {
        self.no_rule[ABORTED].increment(1);
    }
}

/// Why there was no session. A visitor who has not signed in is no failure.
fn count_failures(decision: &Decision<'_>) {
    for failure in decision.failures().into_iter().flat_map(Failures::iter) {
        if !failure.error.is_absent() {
            let (provider, reason) = (failure.provider.to_string(), failure.error.label());
            counter!("sessiongate_session_failures_total", "provider" => provider, "reason" => reason)
                .increment(1);
        }
    }
}

fn place(decision: &Decision<'_>) -> usize {
    match decision {
        Decision::Allow(_) => 0,
        Decision::Deny(_) => 1,
        Decision::Redirect(_) => 2,
        Decision::Unavailable(_) => 3,
    }
}

impl std::fmt::Debug for CheckMetrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CheckMetrics").finish_non_exhaustive()
    }
}

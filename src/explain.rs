//! One request, decided and explained: for the command line, and for the page of the admin listener.

mod asked;
mod explanation;
mod report;

use std::time::SystemTime;

pub(crate) use self::asked::{Asked, Target, UrlError};
pub(crate) use self::explanation::{Condition, Explanation, Judged, Outcome, Verification};
pub(crate) use self::report::Report;
use crate::gate::Gate;
use crate::policy::decision::Decision;
use crate::request::path::RequestPath;

/// Decides a request as a person asks about it.
///
/// # Errors
/// [`UrlError`] where it goes nowhere.
pub(crate) async fn explain<'r>(
    gate: &'r Gate,
    asked: &'r Asked,
    now: SystemTime,
) -> Result<Report<'r>, UrlError> {
    let target = asked.target()?;
    let mut explanation = Explanation::default();
    let mut assertion = None;
    let decision = match RequestPath::parse(target.path) {
        // As Envoy's door has it: two Host headers arrive as one.
        _ if target.host.contains(',') => Decision::malformed("several_hosts"),
        Ok(path) => {
            let request = asked.request(&target, path, now);
            let decision = explanation.explain(gate, &request).await;
            if let Decision::Allow(permit) = &decision {
                let made = gate.identity.explain_assertion(permit, &request);
                assertion = made.map(|made| made.claims());
            }
            decision
        }
        Err(error) => Decision::malformed(error.label()),
    };
    Ok(Report { method: &asked.method, target, explanation, decision, assertion })
}

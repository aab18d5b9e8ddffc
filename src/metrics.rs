//! Metrics: where they are kept, what they are called, and the one place that counts a decision.

use ::metrics::{Unit, counter, describe_counter};
use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};

use crate::policy::decision::Decision;
use crate::session::Failures;

const FAILURES: &str = "sessiongate_session_failures_total";

/// Keeps the metrics of this process from now on; what was counted before is lost.
///
/// # Errors
/// Where another recorder keeps them already.
pub fn install() -> Result<PrometheusHandle, BuildError> {
    let handle = PrometheusBuilder::new().install_recorder()?;
    describe_counter!(
        FAILURES,
        Unit::Count,
        "Sessions that were not found or not valid, by provider and reason."
    );
    describe_counter!(
        "sessiongate_session_lookups_total",
        Unit::Count,
        "Lookups of session tokens by provider: answered from memory (hit), found, unknown, or failed."
    );
    Ok(handle)
}

/// Counts why there was no session. A visitor who has not signed in is no failure.
pub(crate) fn count(decision: &Decision<'_>) {
    for failure in decision.failures().into_iter().flat_map(Failures::iter) {
        if !failure.error.is_absent() {
            let (provider, reason) = (failure.provider.to_string(), failure.error.label());
            counter!(FAILURES, "provider" => provider, "reason" => reason).increment(1);
        }
    }
}

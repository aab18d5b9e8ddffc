//! A check from the door to the decision: bounded in number and time, told once, and a denial whatever goes wrong.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::sync::Semaphore;

use super::{Current, Program};
use crate::metrics::CheckMetrics;
use crate::policy::decision::{Decision, Unavailable};
use crate::request::HttpRequest;
use crate::telemetry::{Arrival, Record};

/// What all doors share.
#[derive(Clone, Debug)]
pub struct Doors {
    pub current: Current,
    in_flight: Arc<Semaphore>,
    most: usize,
}

/// Why there is no request to decide on, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unread {
    /// It cannot be read: 400.
    Malformed(&'static str),
    /// Nobody may ask so: 403.
    Refused(&'static str),
}

impl Doors {
    /// At most `checks` are under way at once.
    #[must_use]
    pub fn new(current: Current, checks: usize) -> Self {
        Self { current, in_flight: Arc::new(Semaphore::new(checks)), most: checks }
    }

    /// How many checks are under way.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.most.saturating_sub(self.in_flight.available_permits())
    }

    /// Decides on a request within the time that its proxy waits, and tells it. `read` says in one word why there is no
    /// request; `write` makes the door's own answer.
    pub async fn answer<'r, A>(
        &self,
        arrival: &Arrival<'r>,
        deadline: Duration,
        read: impl FnOnce(&Program) -> Result<HttpRequest<'r>, Unread>,
        write: impl FnOnce(&Decision<'_>) -> A,
    ) -> A {
        let program = self.current.load_full();
        let mut aborted = Aborted(Some(&program.metrics));
        let decision = match self.in_flight.try_acquire() {
            Ok(_permit) => or_deny(decide(&program, deadline, read)).await,
            Err(_) => Decision::Unavailable(Unavailable::Overloaded),
        };
        aborted.0 = None;
        program.tell(&decision, arrival);
        write(&decision)
    }
}

async fn decide<'p, 'r>(
    program: &'p Program,
    deadline: Duration,
    read: impl FnOnce(&Program) -> Result<HttpRequest<'r>, Unread>,
) -> Decision<'p> {
    let decide = async {
        match read(program) {
            Ok(request) => program.gate.check(&request).await,
            Err(Unread::Malformed(label)) => Decision::malformed(label),
            Err(Unread::Refused(label)) => Decision::refused("", label),
        }
    };
    // The timer is asked only after the decision was.
    tokio::time::timeout(deadline, decide).await.unwrap_or(Decision::Unavailable(Unavailable::Deadline))
}

/// A panic is a denial. The panic hook has logged where it happened.
async fn or_deny<'g>(decide: impl Future<Output = Decision<'g>>) -> Decision<'g> {
    // The gate is not changed by a check, so a check that ended half-way leaves nothing broken behind.
    AssertUnwindSafe(decide).catch_unwind().await.unwrap_or(Decision::Unavailable(Unavailable::Panic))
}

impl Program {
    fn tell(&self, decision: &Decision<'_>, arrival: &Arrival<'_>) {
        let took = arrival.started.elapsed();
        self.metrics.count(decision, took);
        let record = Record::new(decision, arrival, took, &self.redact);
        record.log_causes(decision);
        match &self.decisions {
            Some(decisions) => decisions.tell(decision, &record, arrival.at),
            // Who is flooded must not write a line for each drop.
            None if matches!(decision, Decision::Unavailable(Unavailable::Overloaded)) => {}
            None => record.log(decision),
        }
        if let Some(tracer) = &self.tracer {
            tracer.tell(decision, &record, arrival.trace, arrival.at);
        }
    }
}

/// Counts a check that is dropped before it is decided.
struct Aborted<'m>(Option<&'m CheckMetrics>);

impl Drop for Aborted<'_> {
    fn drop(&mut self) {
        if let Some(metrics) = self.0 {
            metrics.count_aborted();
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::{Decision, Unavailable, or_deny};

    #[test]
    fn a_panic_in_a_check_is_a_denial() {
        let decision = or_deny(async { panic!("a defect") }).now_or_never().expect("nothing to wait for");
        assert!(matches!(decision, Decision::Unavailable(Unavailable::Panic)), "{decision:?}");
        assert_eq!(decision.answer().expect("an answer").status, 503);
    }
}

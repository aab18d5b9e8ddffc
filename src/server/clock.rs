//! How long a connection lasts: not without a request, and not with one that takes too long.

use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use super::listen::Limits;
use super::request::Activity;

/// What the clock says of a connection.
pub(super) enum Lasts {
    On,
    /// A request, or the first one, takes too long.
    Stalled,
    Idle,
}

/// Turns once in the time that a client may take, and sees what became of its requests.
pub(super) struct Clock<'c> {
    activity: &'c Activity,
    limits: &'c Limits,
    interval: Interval,
    seen: usize,
    quiet_since: Instant,
}

impl<'c> Clock<'c> {
    pub(super) fn new(activity: &'c Activity, limits: &'c Limits) -> Self {
        let now = Instant::now();
        let period = limits.stall_timeout.min(limits.idle_timeout);
        let mut interval = interval_at(now + period, period);
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { activity, limits, interval, seen: 0, quiet_since: now }
    }

    /// Waits until the clock turns.
    pub(super) async fn turn(&mut self) -> Lasts {
        let now = self.interval.tick().await;
        let requests = self.activity.requests();
        if self.activity.turn() || requests == 0 {
            return Lasts::Stalled;
        }
        if requests != self.seen || !self.activity.is_quiet() {
            (self.seen, self.quiet_since) = (requests, now);
        }
        if now - self.quiet_since >= self.limits.idle_timeout { Lasts::Idle } else { Lasts::On }
    }
}

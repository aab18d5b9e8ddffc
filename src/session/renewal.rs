//! A session that was given a new expiry: what has to reach the browser for it to last.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// When a session is given a new expiry; the meaning and the defaults are those of Auth.js's `session.updateAge` and
/// `session.maxAge`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refresh {
    /// How old a session is before it is renewed.
    pub update_age: Duration,
    /// How long a renewed session lasts.
    pub max_age: Duration,
}

/// The cookies of a renewed session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renewal {
    /// Names and values to set.
    pub set: Vec<(String, String)>,
    /// Cookies that held parts of the token before and none of the new one.
    pub stale: Vec<String>,
    /// Until when the browser keeps them, in seconds since 1970.
    pub expires: u64,
}

impl Refresh {
    pub const UPDATE_AGE: Duration = Duration::from_hours(24);
    pub const MAX_AGE: Duration = Duration::from_hours(30 * 24);

    /// Whether a session that was issued, or renewed last, at `issued` is due; in seconds since 1970.
    #[must_use]
    pub fn is_due(&self, issued: f64, now: SystemTime) -> bool {
        issued + self.update_age.as_secs_f64() <= seconds(now)
    }

    /// The expiry of a session that is renewed now, in whole seconds since 1970.
    #[must_use]
    pub fn expiry(&self, now: SystemTime) -> u64 {
        let now = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        now.as_secs().saturating_add(self.max_age.as_secs())
    }
}

/// Seconds since 1970. Before that a clock is wrong, and nothing shall be due by it.
fn seconds(now: SystemTime) -> f64 {
    now.duration_since(UNIX_EPOCH).map_or(f64::NEG_INFINITY, |since| since.as_secs_f64())
}

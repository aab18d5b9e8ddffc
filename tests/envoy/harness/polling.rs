//! Waiting for what another process does, with a limit.

use std::thread;
use std::time::{Duration, Instant};

/// Longer than anything here takes on a busy machine, and short enough to read the failure the same day.
const LIMIT: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(5);

/// The first `Some` of `probe`; panics with `what` when the limit is over.
pub fn wait_for<T>(what: &str, mut probe: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = probe() {
            return found;
        }
        assert!(started.elapsed() < LIMIT, "waited {LIMIT:?} in vain for {what}");
        thread::sleep(PAUSE);
    }
}

/// Waits until `probe` holds.
pub fn wait_until(what: &str, mut probe: impl FnMut() -> bool) {
    wait_for(what, || probe().then_some(()));
}

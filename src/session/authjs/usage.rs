//! Which secrets are still in use: how many tokens each one has made that were accepted.

use std::sync::OnceLock;

use metrics::{Counter, counter};

/// `sessiongate_tokens_total` of one provider, by the place of the secret.
pub(super) struct Usage {
    secrets: usize,
    counters: OnceLock<Vec<Counter>>,
}

impl Usage {
    pub(super) fn of(secrets: usize) -> Self {
        Self { secrets, counters: OnceLock::new() }
    }

    pub(super) fn count(&self, provider: &str, place: usize) {
        let counter = |place: usize| counter!("sessiongate_tokens_total", "provider" => provider.to_owned(), "secret" => place.to_string());
        let counters = self.counters.get_or_init(|| (0..self.secrets).map(counter).collect());
        if let Some(counter) = counters.get(place) {
            counter.increment(1);
        }
    }
}

impl std::fmt::Debug for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Usage").field("secrets", &self.secrets).finish_non_exhaustive()
    }
}

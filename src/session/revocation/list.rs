//! The revocations that are known, in memory.

use std::collections::HashMap;
use std::time::{SystemTime, UNIX_EPOCH};

use super::entry::{Entry, TokenHash};
use crate::session::Session;

/// All entries, each with the moment until which it is kept.
#[derive(Clone, Debug, Default)]
pub(super) struct List {
    /// The latest moment for each subject.
    subjects: HashMap<String, (SystemTime, SystemTime)>,
    token_ids: HashMap<String, SystemTime>,
    tokens: HashMap<TokenHash, SystemTime>,
}

impl List {
    pub(super) fn add(&mut self, entry: Entry, until: SystemTime) {
        match entry {
            Entry::Subject { sub, before } => {
                let known = self.subjects.entry(sub).or_insert((before, until));
                *known = (known.0.max(before), known.1.max(until));
            }
            Entry::TokenId(jti) => {
                let known = self.token_ids.entry(jti).or_insert(until);
                *known = until.max(*known);
            }
            Entry::Token(hash) => {
                let known = self.tokens.entry(hash).or_insert(until);
                *known = until.max(*known);
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.subjects.is_empty() && self.token_ids.is_empty() && self.tokens.is_empty()
    }

    pub(super) fn has_tokens(&self) -> bool {
        !self.tokens.is_empty()
    }

    /// Whether a session is on the list. One that does not say when it was issued was issued before any moment.
    pub(super) fn holds(&self, session: &Session, hashes: &[TokenHash], now: SystemTime) -> bool {
        let is_kept = |until: &&SystemTime| **until > now;
        let by_subject = || {
            let (before, until) = self.subjects.get(&*session.subject()?)?;
            let before = before.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
            // Tokens tell whole seconds: one of the same second counts as earlier.
            let is_before = session.issued().is_none_or(|issued| issued <= before);
            (is_before && *until > now).then_some(())
        };
        let by_id = || {
            let jti = session.claims().get("jti")?.as_str()?;
            self.token_ids.get(jti).filter(is_kept).map(|_| ())
        };
        let by_token = || hashes.iter().find_map(|hash| self.tokens.get(hash).filter(is_kept)).map(|_| ());
        (!self.subjects.is_empty() && by_subject().is_some())
            || (!self.token_ids.is_empty() && by_id().is_some())
            || by_token().is_some()
    }
}

//! How often each thing happened, so that none goes unnoticed that never does.

use std::collections::BTreeMap;
use std::sync::Mutex;

use crate::model::{Model, Outcome};
use crate::world::{Configuration, Revoke, Session};

/// What a run that is worth its time has reached.
const EXPECTED: [&str; 59] = [
    "sign in: Cookie",
    "sign in: Cookie, long",
    "sign in: SecureCookie",
    "sign in: SecureCookie, long",
    "sign in: Bearer",
    "decision: allow 200",
    "decision: deny 400",
    "decision: deny 401",
    "decision: deny 403",
    "decision: deny 410",
    "decision: redirect 307",
    "decision: unavailable 503",
    "reason: absent",
    "reason: anonymous",
    "reason: condition_error",
    "reason: condition_not_met",
    "reason: conflict",
    "reason: decryption",
    "reason: expired",
    "reason: forbidden",
    "reason: path_control_character",
    "reason: path_not_absolute",
    "reason: public",
    "reason: revocations_stale",
    "reason: revoked",
    "reason: session",
    "reason: signature",
    "reason: unknown_key",
    "told: who is calling",
    "told: cookies to forget",
    "told: the session's cookies",
    "revoked: User, here",
    "revoked: User, elsewhere",
    "revoked: Token, here",
    "revoked: Token, elsewhere",
    "revoked: Id, here",
    "revoked: Id, elsewhere",
    "time: goes on",
    "time: goes back",
    "time: ends a session",
    "time: gives one back",
    "reloaded: nothing new",
    "reloaded: the same rules in another order",
    "reloaded: other rules",
    "reloaded: a new secret, the old one kept",
    "reloaded: other secrets",
    "reloaded: a provider gone",
    "reloaded: a provider more",
    "reloaded: revocations on",
    "reloaded: revocations off",
    "reloaded: revocations away",
    "refused: NoYaml",
    "refused: UnknownKey",
    "refused: UnknownProvider",
    "refused: BadMatcher",
    "refused: BadCondition",
    "refused: WeakSecret",
    "refused: UnsetVariable",
    "refused: NoFile",
];

#[derive(Default)]
pub struct Tally(Mutex<BTreeMap<String, usize>>);

impl Tally {
    pub fn count(&self, what: impl Into<String>) {
        *self.0.lock().unwrap().entry(what.into()).or_default() += 1;
    }

    fn count_if(&self, is_so: bool, what: &str) {
        if is_so {
            self.count(what);
        }
    }

    pub fn signed_in(&self, session: &Session) {
        self.count(format!("sign in: {:?}{}", session.place, if session.is_long { ", long" } else { "" }));
    }

    pub fn asked(&self, outcome: &Outcome, reason: &str) {
        self.count(format!("decision: {} {}", outcome.decision, outcome.status));
        self.count(format!("reason: {reason}"));
        self.count_if(outcome.subject.is_some(), "told: who is calling");
        self.count_if(!outcome.cleared.is_empty(), "told: cookies to forget");
        self.count_if(outcome.cookies_pass, "told: the session's cookies");
    }

    pub fn revoked(&self, what: Revoke, elsewhere: bool) {
        let what = match what {
            Revoke::User(_) => "User",
            Revoke::Token { .. } => "Token",
            Revoke::Id { .. } => "Id",
        };
        self.count(format!("revoked: {what}, {}", if elsewhere { "elsewhere" } else { "here" }));
    }

    pub fn time_passed(&self, before: &Model, after: &Model) {
        let changed =
            |from: &Model, to: &Model| after.sessions.iter().any(|one| from.holds(one) && !to.holds(one));
        self.count(if after.now < before.now { "time: goes back" } else { "time: goes on" });
        self.count_if(changed(before, after), "time: ends a session");
        self.count_if(changed(after, before), "time: gives one back");
    }

    pub fn reloaded(&self, before: &Configuration, after: &Configuration) {
        use crate::world::Revocation::{Away, Off, Redis};
        let is_reordered = before.rules.len() == after.rules.len()
            && before.rules.iter().all(|rule| after.rules.contains(rule))
            && after.rules.iter().all(|rule| before.rules.contains(rule));
        self.count_if(before == after, "reloaded: nothing new");
        if before.rules != after.rules {
            let what = if is_reordered { "the same rules in another order" } else { "other rules" };
            self.count(format!("reloaded: {what}"));
        }
        if before.web != after.web {
            let is_rotated = after.web.get(1) == before.web.first();
            self.count(if is_rotated {
                "reloaded: a new secret, the old one kept"
            } else {
                "reloaded: other secrets"
            });
        }
        self.count_if(before.machine.is_some() && after.machine.is_none(), "reloaded: a provider gone");
        self.count_if(before.machine.is_none() && after.machine.is_some(), "reloaded: a provider more");
        if before.revocation != after.revocation {
            self.count(match after.revocation {
                Off => "reloaded: revocations off",
                Redis => "reloaded: revocations on",
                Away { .. } => "reloaded: revocations away",
            });
        }
    }

    /// What should have happened, and never did.
    pub fn missing(&self) -> Vec<&'static str> {
        let counts = self.0.lock().unwrap();
        EXPECTED.into_iter().filter(|what| !counts.contains_key(*what)).collect()
    }

    /// One line each.
    pub fn lines(&self) -> String {
        let counts = self.0.lock().unwrap();
        let lines: Vec<_> = counts.iter().map(|(what, count)| format!("{count:>9}  {what}")).collect();
        lines.join("\n")
    }
}

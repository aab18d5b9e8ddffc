//! The gate: a request comes in, a decision comes out.

use crate::identity::Identity;
use crate::identity::renewal::clearing;
use crate::policy::decision::Decision;
use crate::policy::login::Login;
use crate::policy::{Evidence, Terms};
use crate::request::HttpRequest;
use crate::rule::{Rule, RuleSet};
use crate::session::{Failures, Providers, Session};

/// Everything that a decision is made from.
#[derive(Debug)]
pub struct Gate {
    pub rules: RuleSet<Terms>,
    pub sessions: Providers,
    pub login: Login,
    pub identity: Identity,
}

/// Hears of each step of a decision, for an explanation.
pub trait Observer: Send {
    /// A rule governs the request; `session` is what its providers said, where it asks them.
    fn judged(&mut self, rule: &Rule<Terms>, session: Option<Result<&Session, &Failures>>);
}

/// Nobody asks why.
impl Observer for () {
    fn judged(&mut self, _: &Rule<Terms>, _: Option<Result<&Session, &Failures>>) {}
}

impl Gate {
    /// Decides on a request. Every rule that a reading of its path falls under has to let it in: the strictest
    /// decision stands.
    #[must_use]
    pub async fn check(&self, request: &HttpRequest<'_>) -> Decision<'_> {
        self.check_observed(request, &mut ()).await
    }

    /// As [`Gate::check`], telling an observer each step.
    pub async fn check_observed(
        &self,
        request: &HttpRequest<'_>,
        observer: &mut impl Observer,
    ) -> Decision<'_> {
        let mut strictest: Option<Decision<'_>> = None;
        for rule in self.rules.governing(request) {
            let decision = self.judge(rule, request, observer).await;
            strictest = Some(match strictest {
                Some(strictest) => strictest.stricter(decision),
                None => decision,
            });
        }
        let Some(mut decision) = strictest else { return Decision::malformed("no_rule") };
        if let Decision::Allow(permit) = &mut decision {
            self.identity.tell(permit, &self.sessions, request);
        }
        decision
    }

    async fn judge<'g>(
        &'g self,
        rule: &'g Rule<Terms>,
        request: &HttpRequest<'_>,
        observer: &mut impl Observer,
    ) -> Decision<'g> {
        let accepted = &rule.terms.accepted;
        let evidence = if rule.terms.reads_session() {
            match self.sessions.verify(accepted, request).await {
                Ok(session) => Evidence::Verified(session),
                Err(failures) => match failures.outage() {
                    Some(outage) => Evidence::Unavailable(outage, failures),
                    None => Evidence::NoSession(failures),
                },
            }
        } else {
            Evidence::NotAsked
        };
        observer.judged(rule, evidence.found());
        let mut decision = rule.terms.decide(&rule.name, evidence, request, &self.login);
        if let Some(clear_cookies) = decision.clear_cookies_mut() {
            *clear_cookies = clearing(&self.sessions.cookies_present(accepted, request), request);
        }
        decision
    }
}

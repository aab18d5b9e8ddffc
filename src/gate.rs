//! The gate: a request comes in, a decision comes out.

use crate::identity::Identity;
use crate::identity::renewal::clearing;
use crate::policy::decision::Decision;
use crate::policy::login::Login;
use crate::policy::sign_in::{SignInRoute, SignInRoutes};
use crate::policy::{Access, Evidence, Terms};
use crate::request::HttpRequest;
use crate::rule::{Rule, RuleSet};
use crate::session::{Accepted, Failures, Providers, Session};

/// Everything that a decision is made from.
#[derive(Debug)]
pub struct Gate {
    pub rules: RuleSet<Terms>,
    pub sessions: Providers,
    pub login: Login,
    pub sign_in: SignInRoutes,
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
        let terms = &rule.terms;
        let evidence = match terms.access {
            Access::Optional | Access::Session => self.evidence(&terms.accepted, request).await,
            Access::Public if self.sessions.may_be_revoked() => {
                self.revocation_alone(&terms.accepted, request).await
            }
            Access::Public | Access::Deny => Evidence::NotAsked,
        };
        let route = evidence.is_revoked().then(|| self.sign_in.asked_by(request, &self.login)).flatten();
        let evidence = if route.is_some() { evidence.forgiven() } else { evidence };
        observer.judged(rule, evidence.found());
        let mut decision = terms.decide(&rule.name, evidence, request, &self.login);
        if let Some(clear_cookies) = decision.clear_cookies_mut() {
            *clear_cookies = clearing(&self.sessions.cookies_present(&terms.accepted, request), request);
        }
        if let (Decision::Allow(permit), Some(SignInRoute::Begins)) = (&mut decision, route) {
            permit.withhold_session = true;
        }
        decision
    }

    /// What the accepted providers say of the request.
    async fn evidence(&self, accepted: &Accepted, request: &HttpRequest<'_>) -> Evidence {
        match self.sessions.verify(accepted, request).await {
            Ok(session) => Evidence::Verified(session),
            Err(failures) if failures.is_revoked() => Evidence::Revoked(failures),
            Err(failures) => match failures.outage() {
                Some(outage) => Evidence::Unavailable(outage, failures),
                None => Evidence::NoSession(failures),
            },
        }
    }

    /// Whether a session was revoked. Nothing else counts where everybody passes: a store that is away keeps the
    /// application from renewing its sessions as well.
    async fn revocation_alone(&self, accepted: &Accepted, request: &HttpRequest<'_>) -> Evidence {
        match self.evidence(accepted, request).await {
            revoked @ Evidence::Revoked(_) => revoked,
            Evidence::NotAsked
            | Evidence::Verified(_)
            | Evidence::NoSession(_)
            | Evidence::Unavailable(..) => Evidence::NotAsked,
        }
    }
}

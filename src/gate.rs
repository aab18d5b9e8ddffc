//! The gate: a request comes in, a decision comes out.

use crate::identity::Identity;
use crate::identity::renewal::clearing;
use crate::policy::condition::unmet;
use crate::policy::decision::Decision;
use crate::policy::sign_in::{SignInRoute, SignInRoutes};
use crate::policy::{Access, Evidence, Terms};
use crate::request::HttpRequest;
use crate::rule::{Governed, Governing, RuleSet};
use crate::session::{Accepted, Providers};

/// The context extension that names the rule to use in place of matching.
const RULE: &str = "sessiongate.rule";
/// The context extension that makes a route stricter than its rule.
const ACCESS: &str = "sessiongate.access";

/// Everything that a decision is made from.
#[derive(Debug)]
pub struct Gate {
    pub rules: RuleSet<Terms>,
    pub sessions: Providers,
    pub sign_in: SignInRoutes,
    pub identity: Identity,
}

/// Hears of each step of a decision, for an explanation.
pub trait Observer: Send {
    /// A rule governs the request, with this access; `evidence` is what is known of the session.
    fn judged(
        &mut self,
        governed: &Governed<'_, '_, Terms>,
        access: Access,
        evidence: &Evidence,
        request: &HttpRequest<'_>,
    );
}

/// Nobody asks why.
impl Observer for () {
    fn judged(&mut self, _: &Governed<'_, '_, Terms>, _: Access, _: &Evidence, _: &HttpRequest<'_>) {}
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
        let (Some(governing), Some(least)) = (self.governing(request), least_access(request)) else {
            return Decision::refused("", "unknown_route");
        };
        let mut strictest: Option<Decision<'_>> = None;
        for governed in &governing {
            let decision = self.judge(governed, least, request, observer).await;
            strictest = Some(match strictest {
                Some(strictest) => strictest.stricter(decision),
                None => decision,
            });
        }
        let Some(mut decision) = strictest else { return Decision::malformed("no_rule") };
        if let Decision::Allow(permit) = &mut decision
            && let Err(error) = self.identity.tell(permit, &self.sessions, request)
        {
            return Decision::refused(permit.rule(), error.label());
        }
        match decision.verified_session().map(|session| self.identity.metadata(session)) {
            Some(metadata) => decision.with_metadata(metadata),
            None => decision,
        }
    }

    /// The rules that the request has to satisfy: the one that the proxy names for the route, else those that match.
    /// `None` where it names one that is not there.
    pub fn governing<'r>(&self, request: &'r HttpRequest<'_>) -> Option<Governing<'_, 'r, Terms>> {
        match request.context().extension(RULE) {
            Some(name) => Some([self.rules.named(name, request)?].into_iter().collect()),
            None => Some(self.rules.governing(request)),
        }
    }

    async fn judge<'g>(
        &'g self,
        governed: &Governed<'g, '_, Terms>,
        least: Access,
        request: &HttpRequest<'_>,
        observer: &mut impl Observer,
    ) -> Decision<'g> {
        let (rule, terms) = (governed.rule, &governed.rule.terms);
        let access = terms.access.max(least);
        let evidence = match access {
            Access::Optional | Access::Session => self.evidence(&terms.accepted, request).await,
            Access::Public if self.sessions.may_be_revoked() => {
                self.revocation_alone(&terms.accepted, request).await
            }
            Access::Public | Access::Deny => Evidence::NotAsked,
        };
        let evidence = match (evidence, &terms.condition) {
            (Evidence::Verified(session), Some(condition)) => {
                match unmet(condition, &session, request, governed) {
                    Some(unmet) => Evidence::Unfit(session, unmet),
                    None => Evidence::Verified(session),
                }
            }
            (evidence, _) => evidence,
        };
        let route = evidence.is_revoked().then(|| self.sign_in.asked_by(request, &terms.login)).flatten();
        let evidence = if route.is_some() { evidence.forgiven() } else { evidence };
        observer.judged(governed, access, &evidence, request);
        let mut decision = terms.decide(&rule.name, access, evidence, request);
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
            | Evidence::Unfit(..)
            | Evidence::NoSession(_)
            | Evidence::Unavailable(..) => Evidence::NotAsked,
        }
    }
}

/// The access that the proxy asks for on this route, at the least. `None` where what it asks for is unknown.
fn least_access(request: &HttpRequest<'_>) -> Option<Access> {
    match request.context().extension(ACCESS) {
        Some(name) => Access::named(name),
        None => Some(Access::Public),
    }
}

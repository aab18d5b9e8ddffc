//! The decision on a request, as closed types: what was not decided here cannot be answered.

use std::borrow::Cow;

use super::condition::Unmet;
use super::denial::{Challenge, Denial, DenialKind, Form, Ground};
use crate::expression::EvaluationError;
use crate::session::{Failures, Outage, Session};

/// What becomes of a request. `'g` is the life of the gate, which owns the rules' names.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "most requests get a permit, and a box would cost each an allocation"
)]
pub enum Decision<'g> {
    /// It passes.
    Allow(Permit<'g>),
    /// It does not pass.
    Deny(Denial<'g>),
    /// It does not pass, and the browser is sent to the login.
    Redirect(Challenge<'g>),
    /// Whether it may pass cannot be known now.
    Unavailable(Unavailable<'g>),
}

/// The proof that a policy let a request in. Only `policy` makes one.
#[derive(Debug)]
pub struct Permit<'g> {
    rule: &'g str,
    basis: Basis,
    audience: Option<&'g str>,
    /// What the upstream is told, and what it must not be told by the client.
    pub upstream: Upstream<'g>,
    /// `Set-Cookie` values for the browser.
    pub set_cookies: Vec<String>,
    /// Keep the session's cookies from the upstream, whatever is configured.
    pub withhold_session: bool,
    /// What the proxy is told of the session, each by its name.
    pub metadata: Metadata<'g>,
}

/// Claims for the proxy's own filters and logs.
pub type Metadata<'g> = Vec<(&'g str, serde_json::Value)>;

/// Why a request was let in.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "as above")]
enum Basis {
    Public,
    Anonymous,
    Session(Session),
}

/// The changes to a request that passes.
#[derive(Debug, Default)]
pub struct Upstream<'g> {
    /// Headers to set in place of any the client sent: lower-case name, legal value.
    pub set: Vec<(&'g str, String)>,
    /// Headers to take away, spelling by spelling.
    pub remove: Vec<Cow<'g, str>>,
}

impl<'g> Permit<'g> {
    pub(in crate::policy) fn public(rule: &'g str) -> Self {
        Self::on(Basis::Public, rule)
    }

    pub(in crate::policy) fn anonymous(rule: &'g str) -> Self {
        Self::on(Basis::Anonymous, rule)
    }

    pub(in crate::policy) fn session(rule: &'g str, session: Session, audience: Option<&'g str>) -> Self {
        Self { audience, ..Self::on(Basis::Session(session), rule) }
    }

    fn on(basis: Basis, rule: &'g str) -> Self {
        Self {
            rule,
            basis,
            audience: None,
            upstream: Upstream::default(),
            set_cookies: Vec::new(),
            withhold_session: false,
            metadata: Vec::new(),
        }
    }

    /// The rule that let the request in.
    #[must_use]
    pub fn rule(&self) -> &'g str {
        self.rule
    }

    /// For whom the rule wants an assertion made.
    #[must_use]
    pub fn audience(&self) -> Option<&'g str> {
        self.audience
    }

    /// The verified session on which the request passes, where there is one.
    #[must_use]
    pub fn verified_session(&self) -> Option<&Session> {
        match &self.basis {
            Basis::Session(session) => Some(session),
            Basis::Public | Basis::Anonymous => None,
        }
    }
}

/// Why an answer cannot be known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unavailable<'g> {
    /// The check panicked; a defect of this program.
    Panic,
    /// The proxy would have given up before an answer was there.
    Deadline,
    /// More checks are under way than are allowed.
    Overloaded,
    /// A provider cannot say whether there is a session.
    Session { rule: &'g str, outage: Outage, failures: Failures },
}

impl Unavailable<'_> {
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::Panic => "panic",
            Self::Deadline => "deadline",
            Self::Overloaded => "overloaded",
            Self::Session { outage, .. } => outage.label(),
        }
    }
}

impl<'g> Decision<'g> {
    /// A request that cannot be judged: 400.
    #[must_use]
    pub fn malformed(reason: &'static str) -> Self {
        Self::Deny(Denial::new("", DenialKind::Malformed(reason)))
    }

    /// A request for which the configuration, here or in the proxy, cannot be followed: 403. The label says why.
    #[must_use]
    pub fn refused(rule: &'g str, reason: &'static str) -> Self {
        let kind = DenialKind::Forbidden(Ground::Refused(reason), Form::Json);
        Self::Deny(Denial::new(rule, kind))
    }

    /// The name that logs, metrics and metadata use.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::Allow(_) => "allow",
            Self::Deny(_) => "deny",
            Self::Redirect(_) => "redirect",
            Self::Unavailable(_) => "unavailable",
        }
    }

    /// The rule that decided; empty where none was reached.
    #[must_use]
    pub fn rule(&self) -> &'g str {
        match self {
            Self::Allow(permit) => permit.rule,
            Self::Deny(denial) => denial.rule,
            Self::Redirect(challenge) => challenge.rule,
            Self::Unavailable(Unavailable::Session { rule, .. }) => rule,
            Self::Unavailable(Unavailable::Panic | Unavailable::Deadline | Unavailable::Overloaded) => "",
        }
    }

    /// Why, in one word.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Allow(permit) => match permit.basis {
                Basis::Public => "public",
                Basis::Anonymous => "anonymous",
                Basis::Session(_) => "session",
            },
            Self::Deny(denial) => match &denial.kind {
                DenialKind::Unauthenticated(failures) | DenialKind::UnauthenticatedCustom(failures, _) => {
                    failures.reason().label()
                }
                DenialKind::Forbidden(ground, _) => ground.label(),
                DenialKind::Malformed(reason) => reason,
            },
            Self::Redirect(challenge) => challenge.failures.reason().label(),
            Self::Unavailable(outage) => outage.label(),
        }
    }

    /// The provider of the verified session; empty where there is none.
    #[must_use]
    pub fn provider(&self) -> &str {
        self.verified_session().map_or("", |session| session.provider())
    }

    /// The verified session of a request that passes, or that fails a condition.
    #[must_use]
    pub fn verified_session(&self) -> Option<&Session> {
        match self {
            Self::Allow(permit) => permit.verified_session(),
            Self::Deny(Denial { kind: DenialKind::Forbidden(Ground::Unfit(session, _), _), .. }) => {
                Some(session)
            }
            Self::Deny(_) | Self::Redirect(_) | Self::Unavailable(_) => None,
        }
    }

    /// Why a condition could be told neither true nor false, where that is the reason.
    #[must_use]
    pub fn condition_error(&self) -> Option<&EvaluationError> {
        match self {
            Self::Deny(Denial {
                kind: DenialKind::Forbidden(Ground::Unfit(_, Unmet::Error(error)), _),
                ..
            }) => Some(error),
            Self::Allow(_) | Self::Deny(_) | Self::Redirect(_) | Self::Unavailable(_) => None,
        }
    }

    /// Why there is no session, where providers were asked and the request does not pass.
    #[must_use]
    pub fn failures(&self) -> Option<&Failures> {
        match self {
            Self::Allow(_)
            | Self::Unavailable(Unavailable::Panic | Unavailable::Deadline | Unavailable::Overloaded) => None,
            Self::Deny(denial) => denial.kind.failures(),
            Self::Redirect(challenge) => Some(&challenge.failures),
            Self::Unavailable(Unavailable::Session { failures, .. }) => Some(failures),
        }
    }

    /// What the proxy is told of the session.
    #[must_use]
    pub fn metadata(&self) -> &[(&'g str, serde_json::Value)] {
        match self {
            Self::Allow(permit) => &permit.metadata,
            Self::Deny(denial) => &denial.metadata,
            Self::Redirect(_) | Self::Unavailable(_) => &[],
        }
    }

    /// The same decision, by which the proxy is told this of the session.
    #[must_use]
    pub fn with_metadata(self, metadata: Metadata<'g>) -> Self {
        match self {
            Self::Allow(permit) => Self::Allow(Permit { metadata, ..permit }),
            Self::Deny(denial) => Self::Deny(Denial { metadata, ..denial }),
            other @ (Self::Redirect(_) | Self::Unavailable(_)) => other,
        }
    }

    /// Where the `Set-Cookie` values go that clear the invalid session cookies on which a request was refused;
    /// `None` where no such cookie is the reason.
    pub fn clear_cookies_mut(&mut self) -> Option<&mut Vec<String>> {
        let (failures, clear_cookies) = match self {
            Self::Deny(denial) => (denial.kind.failures()?, &mut denial.clear_cookies),
            Self::Redirect(challenge) => (&challenge.failures, &mut challenge.clear_cookies),
            Self::Allow(_) | Self::Unavailable(_) => return None,
        };
        (!failures.is_absent()).then_some(clear_cookies)
    }

    /// The stricter of two decisions on the same request; the earlier one where they are equally strict.
    #[must_use]
    pub fn stricter(self, other: Self) -> Self {
        if other.severity() > self.severity() { other } else { self }
    }

    fn severity(&self) -> u8 {
        match self {
            Self::Allow(permit) => match permit.basis {
                Basis::Public => 0,
                Basis::Anonymous => 1,
                Basis::Session(_) => 2,
            },
            Self::Redirect(_) => 3,
            Self::Deny(denial) => match denial.kind {
                DenialKind::Unauthenticated(_) | DenialKind::UnauthenticatedCustom(..) => 4,
                DenialKind::Forbidden(..) => 6,
                DenialKind::Malformed(_) => 7,
            },
            Self::Unavailable(_) => 5,
        }
    }
}

//! May they: the access that a rule asks for, held against the session that was found.

#![warn(clippy::wildcard_enum_match_arm, reason = "a new variant of a decision has to be decided")]

pub mod answer;
pub mod condition;
pub mod decision;
pub mod denial;
pub mod login;
pub mod on_deny;
pub mod sign_in;

use std::fmt;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::condition::Unmet;
use self::decision::{Decision, Permit, Unavailable};
use self::denial::Ground;
use self::login::Login;
use self::on_deny::OnDeny;
use crate::expression::Expression;
use crate::request::HttpRequest;
use crate::session::{Accepted, Failures, Outage, Session};

/// What a rule asks of a request, in the order of strictness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    /// Everybody passes; no session is read.
    Public,
    /// Everybody passes; a session is passed on where there is one.
    Optional,
    /// A valid session passes.
    Session,
    /// Nobody passes.
    Deny,
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Public => "public",
            Self::Optional => "optional",
            Self::Session => "session",
            Self::Deny => "deny",
        })
    }
}

impl Access {
    /// Reads the name of an access, as the proxy sends it.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Public, Self::Optional, Self::Session, Self::Deny]
            .into_iter()
            .find(|access| access.to_string() == name)
    }
}

/// The terms of a rule: who passes, through which providers, and how others are told.
#[derive(Clone, Debug)]
pub struct Terms {
    pub access: Access,
    pub accepted: Accepted,
    /// What has to be true of a session besides.
    pub condition: Option<Arc<Expression>>,
    pub on_deny: OnDeny,
    pub login: Arc<Login>,
    /// For whom an assertion is made; `None`: for whom the host or the configuration says.
    pub audience: Option<Arc<str>>,
}

/// What is known of the session when the decision is made.
#[derive(Debug)]
pub enum Evidence {
    /// The rule does not look at sessions.
    NotAsked,
    /// A provider verified this session, and it meets the rule's condition.
    Verified(Session),
    /// A provider verified this session, and it does not meet the rule's condition.
    Unfit(Session, Unmet),
    /// No accepted provider found a valid session; why, provider by provider.
    NoSession(Failures),
    /// Somebody ended the session that was sent.
    Revoked(Failures),
    /// A provider cannot say whether there is one.
    Unavailable(Outage, Failures),
}

impl Evidence {
    /// Whether somebody ended the session that was sent.
    #[must_use]
    pub fn is_revoked(&self) -> bool {
        matches!(self, Self::Revoked(_))
    }

    /// The same, where a revoked session is as good as none.
    #[must_use]
    pub fn forgiven(self) -> Self {
        match self {
            Self::Revoked(failures) => Self::NoSession(failures),
            Self::NotAsked
            | Self::Verified(_)
            | Self::Unfit(..)
            | Self::NoSession(_)
            | Self::Unavailable(..) => self,
        }
    }

    /// The session, or why there is none; `None` where nobody looked.
    #[must_use]
    pub fn found(&self) -> Option<Result<&Session, &Failures>> {
        match self {
            Self::NotAsked => None,
            Self::Verified(session) | Self::Unfit(session, _) => Some(Ok(session)),
            Self::NoSession(failures) | Self::Revoked(failures) | Self::Unavailable(_, failures) => {
                Some(Err(failures))
            }
        }
    }
}

impl Terms {
    /// The decision, with the rule's own access or a stricter one. Every pair of access and evidence has its line.
    #[must_use]
    pub fn decide<'g>(
        &'g self,
        rule: &'g str,
        access: Access,
        evidence: Evidence,
        request: &HttpRequest<'_>,
    ) -> Decision<'g> {
        use Access::{Deny, Optional, Public, Session};
        use Evidence::{NoSession, NotAsked, Revoked, Unfit, Verified};
        let login = &*self.login;
        match (access.max(self.access), evidence) {
            (Deny, _) => self.on_deny.forbidden(rule, Ground::Nobody, request),
            // What is public renews a revoked session all the same, where the application does that.
            (Public | Optional | Session, Revoked(failures)) => {
                self.on_deny.unauthenticated(rule, failures, request, login)
            }
            (Public | Optional | Session, Evidence::Unavailable(outage, failures)) => {
                Decision::Unavailable(Unavailable::Session { rule, outage, failures })
            }
            (Public, NotAsked | Verified(_) | Unfit(..) | NoSession(_)) => {
                Decision::Allow(Permit::public(rule))
            }
            (Optional | Session, Unfit(session, unmet)) => {
                self.on_deny.forbidden(rule, Ground::Unfit(Box::new(session), unmet), request)
            }
            (Optional | Session, Verified(session)) => {
                Decision::Allow(Permit::session(rule, session, self.audience.as_deref()))
            }
            (Optional, NotAsked | NoSession(_)) => Decision::Allow(Permit::anonymous(rule)),
            (Session, NoSession(failures)) => self.on_deny.unauthenticated(rule, failures, request, login),
            (Session, NotAsked) => self.on_deny.unauthenticated(rule, Failures::default(), request, login),
        }
    }
}

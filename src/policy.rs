//! May they: the access that a rule asks for, held against the session that was found.

#![warn(clippy::wildcard_enum_match_arm, reason = "a new variant of a decision has to be decided")]

pub mod answer;
pub mod decision;
pub mod login;
pub mod on_deny;
pub mod sign_in;

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::decision::{Decision, Permit, Unavailable};
use self::login::Login;
use self::on_deny::OnDeny;
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

/// The terms of a rule: who passes, through which providers, and how others are told.
#[derive(Clone, Debug)]
pub struct Terms {
    pub access: Access,
    pub accepted: Accepted,
    pub on_deny: OnDeny,
}

/// What is known of the session when the decision is made.
#[derive(Debug)]
pub enum Evidence {
    /// The rule does not look at sessions.
    NotAsked,
    /// A provider verified this session.
    Verified(Session),
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
            Self::NotAsked | Self::Verified(_) | Self::NoSession(_) | Self::Unavailable(..) => self,
        }
    }

    /// The session, or why there is none; `None` where nobody looked.
    #[must_use]
    pub fn found(&self) -> Option<Result<&Session, &Failures>> {
        match self {
            Self::NotAsked => None,
            Self::Verified(session) => Some(Ok(session)),
            Self::NoSession(failures) | Self::Revoked(failures) | Self::Unavailable(_, failures) => {
                Some(Err(failures))
            }
        }
    }
}

impl Terms {
    /// The decision. Every pair of access and evidence has its line.
    #[must_use]
    pub fn decide<'g>(
        &self,
        rule: &'g str,
        evidence: Evidence,
        request: &HttpRequest<'_>,
        login: &Login,
    ) -> Decision<'g> {
        use Access::{Deny, Optional, Public, Session};
        use Evidence::{NoSession, NotAsked, Revoked, Verified};
        match (self.access, evidence) {
            (Deny, _) => self.on_deny.forbidden(rule, request),
            // What is public renews a revoked session all the same, where the application does that.
            (Public | Optional | Session, Revoked(failures)) => {
                self.on_deny.unauthenticated(rule, failures, request, login)
            }
            (Public | Optional | Session, Evidence::Unavailable(outage, failures)) => {
                Decision::Unavailable(Unavailable::Session { rule, outage, failures })
            }
            (Public, NotAsked | Verified(_) | NoSession(_)) => Decision::Allow(Permit::public(rule)),
            (Optional | Session, Verified(session)) => Decision::Allow(Permit::session(rule, session)),
            (Optional, NotAsked | NoSession(_)) => Decision::Allow(Permit::anonymous(rule)),
            (Session, NoSession(failures)) => self.on_deny.unauthenticated(rule, failures, request, login),
            (Session, NotAsked) => self.on_deny.unauthenticated(rule, Failures::default(), request, login),
        }
    }
}

//! Refusals: why, and in which form.

use std::sync::Arc;

use super::condition::Unmet;
use super::decision::Metadata;
use crate::session::{Failures, Session};

/// A refusal.
#[derive(Debug)]
pub struct Denial<'g> {
    pub rule: &'g str,
    pub kind: DenialKind,
    /// `name=value` attributes of `Set-Cookie` headers that clear invalid session cookies.
    pub clear_cookies: Vec<String>,
    /// As in [`Permit::metadata`], where there is a session.
    pub metadata: Metadata<'g>,
}

impl<'g> Denial<'g> {
    pub(in crate::policy) fn new(rule: &'g str, kind: DenialKind) -> Self {
        Self { rule, kind, clear_cookies: Vec::new(), metadata: Vec::new() }
    }
}

/// Why and in which form a request is refused.
#[derive(Debug)]
pub enum DenialKind {
    /// No valid session, answered 401.
    Unauthenticated(Failures),
    /// No valid session, answered as the rule says.
    UnauthenticatedCustom(Failures, Arc<CustomAnswer>),
    /// Whoever asks may not: 403, unless the rule has an answer of its own.
    Forbidden(Ground, Form),
    /// The request cannot be judged: 400. The label says why.
    Malformed(&'static str),
}

/// Why a request is forbidden.
#[derive(Debug)]
pub enum Ground {
    /// Nobody may.
    Nobody,
    /// This session does not meet the rule's condition.
    Unfit(Box<Session>, Unmet),
    /// What was configured, in the proxy or here, cannot be followed. The label says what.
    Refused(&'static str),
}

/// The form in which a request is told that it is forbidden.
#[derive(Debug)]
pub enum Form {
    Json,
    /// For a browser's page navigation.
    Page,
    /// As the rule says.
    Custom(Arc<CustomAnswer>),
}

impl Ground {
    pub(in crate::policy) fn label(&self) -> &'static str {
        match self {
            Self::Nobody => "forbidden",
            Self::Unfit(_, unmet) => unmet.label(),
            Self::Refused(label) => label,
        }
    }
}

impl DenialKind {
    /// Why there is no session, where that is the reason.
    #[must_use]
    pub fn failures(&self) -> Option<&Failures> {
        match self {
            Self::Unauthenticated(failures) | Self::UnauthenticatedCustom(failures, _) => Some(failures),
            Self::Forbidden(..) | Self::Malformed(_) => None,
        }
    }
}

/// An answer written in the configuration, checked when it is loaded.
#[derive(Debug)]
pub struct CustomAnswer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

/// A refusal that sends the browser to the login.
#[derive(Debug)]
pub struct Challenge<'g> {
    pub rule: &'g str,
    pub failures: Failures,
    /// The `Location` header.
    pub location: String,
    /// As in [`Denial::clear_cookies`].
    pub clear_cookies: Vec<String>,
}

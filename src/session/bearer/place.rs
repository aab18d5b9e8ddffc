//! Where a signed token is looked for.

use std::sync::Arc;

use crate::request::HttpRequest;
use crate::session::credential::{Credential, Precedence};

/// A header, or a cookie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// What stands in a header after a prefix.
    Header { name: Arc<str>, prefix: Arc<str> },
    /// A cookie, whole or in chunks.
    Cookie(Arc<str>),
}

impl Place {
    /// `Authorization: Bearer` (RFC 6750, section 2.1).
    #[must_use]
    pub fn bearer() -> Self {
        Self::Header { name: "authorization".into(), prefix: "Bearer ".into() }
    }

    pub(super) fn cookie(&self) -> Option<&Arc<str>> {
        match self {
            Self::Header { .. } => None,
            Self::Cookie(name) => Some(name),
        }
    }

    pub(super) fn credential<'r>(
        &self,
        request: &'r HttpRequest<'_>,
        max_bytes: usize,
    ) -> Option<Credential<'r>> {
        match self {
            Self::Header { name, prefix } => {
                Credential::from_header(&request.headers, name, prefix, max_bytes)
            }
            Self::Cookie(name) => {
                Credential::from_cookies(request.cookies(), name, Precedence::First, max_bytes)
            }
        }
    }
}

//! How a rule tells a client that it may not pass.

use std::sync::Arc;

use super::decision::{Challenge, CustomAnswer, Decision, Denial, DenialKind};
use super::login::Login;
use crate::request::HttpRequest;
use crate::request::navigation::{can_follow_redirect, is_page_navigation};
use crate::session::Failures;

/// The answer to a request without a valid session.
#[derive(Clone, Debug, Default)]
pub enum OnDeny {
    /// A redirect for a browser's page navigation, 401 for all else.
    #[default]
    Auto,
    /// A redirect for every client that can follow one.
    Redirect,
    /// 401 for every client.
    Unauthorized,
    /// The configured answer for every client; also where access is `deny`.
    Custom(Arc<CustomAnswer>),
}

impl OnDeny {
    pub(in crate::policy) fn unauthenticated<'g>(
        &self,
        rule: &'g str,
        failures: Failures,
        request: &HttpRequest<'_>,
        login: &Login,
    ) -> Decision<'g> {
        let clear_cookies = Vec::new();
        let wants_redirect = match self {
            Self::Auto => is_page_navigation(request),
            Self::Redirect => can_follow_redirect(request),
            Self::Unauthorized => false,
            Self::Custom(answer) => {
                let kind = DenialKind::UnauthenticatedCustom(failures, Arc::clone(answer));
                return Decision::Deny(Denial { rule, kind, clear_cookies });
            }
        };
        if wants_redirect && !login.is_asked_by(request) {
            let location = login.location_for(request);
            return Decision::Redirect(Challenge { rule, failures, location, clear_cookies });
        }
        Decision::Deny(Denial { rule, kind: DenialKind::Unauthenticated(failures), clear_cookies })
    }

    pub(in crate::policy) fn forbidden<'g>(&self, rule: &'g str, request: &HttpRequest<'_>) -> Decision<'g> {
        let kind = match self {
            Self::Custom(answer) => DenialKind::ForbiddenCustom(Arc::clone(answer)),
            Self::Auto | Self::Redirect | Self::Unauthorized => {
                DenialKind::Forbidden { as_page: is_page_navigation(request) }
            }
        };
        Decision::Deny(Denial { rule, kind, clear_cookies: Vec::new() })
    }
}

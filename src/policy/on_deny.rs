//! How a rule tells a client that it may not pass.

use std::sync::Arc;

use super::decision::Decision;
use super::denial::{Challenge, CustomAnswer, Denial, DenialKind, Form, Ground};
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
    /// The configured answer for every client; also where access is `deny`, and where a condition does not hold.
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
        let wants_redirect = match self {
            Self::Auto => is_page_navigation(request),
            Self::Redirect => can_follow_redirect(request),
            Self::Unauthorized => false,
            Self::Custom(answer) => {
                let kind = DenialKind::UnauthenticatedCustom(failures, Arc::clone(answer));
                return Decision::Deny(Denial::new(rule, kind));
            }
        };
        if wants_redirect && !login.is_asked_by(request) {
            let location = login.location_for(request);
            return Decision::Redirect(Challenge { rule, failures, location, clear_cookies: Vec::new() });
        }
        Decision::Deny(Denial::new(rule, DenialKind::Unauthenticated(failures)))
    }

    pub(in crate::policy) fn forbidden<'g>(
        &self,
        rule: &'g str,
        ground: Ground,
        request: &HttpRequest<'_>,
    ) -> Decision<'g> {
        let form = match self {
            Self::Custom(answer) => Form::Custom(Arc::clone(answer)),
            Self::Auto | Self::Redirect | Self::Unauthorized if is_page_navigation(request) => Form::Page,
            Self::Auto | Self::Redirect | Self::Unauthorized => Form::Json,
        };
        Decision::Deny(Denial::new(rule, DenialKind::Forbidden(ground, form)))
    }
}

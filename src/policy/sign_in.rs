//! The application's routes by which a visitor gets a session or gives one up: a revoked session does not close them.

use super::login::Login;
use crate::request::HttpRequest;

/// What stands below the base path of Auth.js and begins a session; Better Auth writes it with a hyphen.
const BEGINS: [&str; 5] = ["signin", "sign-in", "sign-up", "callback", "oauth2"];
/// What ends one.
const ENDS: [&str; 2] = ["signout", "sign-out"];

/// Where the routes of Auth.js are, with the base path of Next.js.
#[derive(Clone, Debug)]
pub struct SignInRoutes {
    base: String,
}

/// A route that is open to a revoked session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignInRoute {
    /// The session's cookies are kept from it, so that it begins a new session and adds nothing to the revoked one.
    Begins,
    /// It may read whose session it ends.
    Ends,
}

impl SignInRoutes {
    /// `base` is the path of Auth.js's routes, as in `/api/auth`.
    #[must_use]
    pub fn new(base: &str) -> Self {
        Self { base: base.trim_end_matches('/').to_owned() }
    }

    /// The route that a request asks for, in whichever way its path is read.
    #[must_use]
    pub fn asked_by(&self, request: &HttpRequest<'_>, login: &Login) -> Option<SignInRoute> {
        let mut readings = request.path.readings().iter().map(|reading| self.route(reading, login));
        let first = readings.next()??;
        readings.all(|route| route == Some(first)).then_some(first)
    }

    fn route(&self, path: &str, login: &Login) -> Option<SignInRoute> {
        let path = path.trim_end_matches('/');
        if login.path().is_some_and(|login| login.trim_end_matches('/') == path) {
            return Some(SignInRoute::Begins);
        }
        let action = path.strip_prefix(&self.base)?.strip_prefix('/')?.split('/').next()?;
        if ENDS.contains(&action) {
            Some(SignInRoute::Ends)
        } else {
            BEGINS.contains(&action).then_some(SignInRoute::Begins)
        }
    }
}

//! What a client that may not pass is told, whichever door it came through.

use std::borrow::Cow;

use super::decision::Decision;
use super::denial::{CustomAnswer, DenialKind, Form};

/// An HTTP answer in place of the upstream's.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer<'d> {
    pub status: u16,
    /// In order; `set-cookie` may be there several times.
    pub headers: Vec<(Cow<'d, str>, Cow<'d, str>)>,
    pub body: Cow<'d, str>,
}

const JSON: &str = "application/json";
const FORBIDDEN_PAGE: &str = "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
<meta name=\"viewport\" content=\"width=device-width\">\n<title>Forbidden</title>\n\
<style>:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;margin:20vh auto;max-width:30em;padding:0 1em}</style>\n\
<h1>Forbidden</h1>\n<p>You do not have access to this page.</p>\n</html>\n";

impl Decision<'_> {
    /// The answer to a request that does not pass; `None` for one that does.
    #[must_use]
    pub fn answer(&self) -> Option<Answer<'_>> {
        match self {
            Self::Allow(_) => None,
            Self::Redirect(challenge) => {
                let location = ("location".into(), Cow::from(challenge.location.as_str()));
                Some(Answer::new(307, vec![location], "").clearing(&challenge.clear_cookies))
            }
            Self::Deny(denial) => Some(Answer::to_denial(&denial.kind).clearing(&denial.clear_cookies)),
            Self::Unavailable(_) => Some(
                Answer::typed(503, JSON, r#"{"message":"Service unavailable"}"#).with("retry-after", "1"),
            ),
        }
    }
}

impl<'d> Answer<'d> {
    fn to_denial(kind: &'d DenialKind) -> Self {
        match kind {
            DenialKind::Unauthenticated(_) => Self::typed(401, JSON, r#"{"message":"Not authenticated"}"#),
            DenialKind::Forbidden(_, Form::Json) => Self::typed(403, JSON, r#"{"message":"Forbidden"}"#),
            DenialKind::Forbidden(_, Form::Page) => {
                Self::typed(403, "text/html; charset=utf-8", FORBIDDEN_PAGE)
                    .with("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'")
            }
            DenialKind::UnauthenticatedCustom(_, answer) | DenialKind::Forbidden(_, Form::Custom(answer)) => {
                Self::custom(answer)
            }
            DenialKind::Malformed(_) => Self::typed(400, JSON, r#"{"message":"Bad request"}"#),
        }
    }

    fn new(status: u16, mut headers: Vec<(Cow<'d, str>, Cow<'d, str>)>, body: &'d str) -> Self {
        headers.push(("cache-control".into(), "no-store".into()));
        Self { status, headers, body: body.into() }
    }

    fn typed(status: u16, content_type: &'static str, body: &'d str) -> Self {
        Self::new(status, vec![("content-type".into(), content_type.into())], body)
    }

    fn custom(answer: &'d CustomAnswer) -> Self {
        let headers = answer.headers.iter().map(|(name, value)| (name.into(), value.into())).collect();
        if answer.headers.iter().any(|(name, _)| name == "cache-control") {
            return Self { status: answer.status, headers, body: answer.body.as_str().into() };
        }
        Self::new(answer.status, headers, &answer.body)
    }

    fn with(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    fn clearing(mut self, cookies: &'d [String]) -> Self {
        if !cookies.is_empty() {
            // What sets a cookie must not be kept by a cache, whatever the configured answer says.
            self.headers.retain(|(name, _)| name != "cache-control");
            self.headers.push(("cache-control".into(), "no-store".into()));
        }
        self.headers.extend(cookies.iter().map(|cookie| ("set-cookie".into(), cookie.into())));
        self
    }
}

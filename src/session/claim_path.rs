//! Paths into a session, as they stand in the configuration: `sub`, `token.org.id`, `auth.user.email`.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde_json::Value;

use super::{Session, user};

/// A path that was read whole; finding nothing there is no error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimPath {
    text: Box<str>,
    place: Place,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    /// A claim, and the way on from there.
    Claim(Box<str>, Steps),
    User,
    /// A member of `auth.user`, and the way on from there.
    UserMember(Box<str>, Steps),
    Expires,
    Provider,
}

type Steps = Box<[Box<str>]>;

/// Why a text is no path: for whoever wrote the configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClaimPathError {
    #[error("is empty")]
    Empty,
    #[error("has an empty step between two dots")]
    EmptyStep,
    #[error("names a whole face of the session; add a claim: `{0}.…`")]
    OnlyFace(&'static str),
    #[error("is no part of `auth`; it has `auth.user`, `auth.expires` and `auth.provider`")]
    UnknownAuth,
}

impl ClaimPath {
    /// Reads a path. What begins with neither `token` nor `auth` begins with a claim; a URL, as identity providers use
    /// them for claims, is one as a whole.
    ///
    /// # Errors
    /// [`ClaimPathError`] says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, ClaimPathError> {
        Ok(Self { text: text.into(), place: Place::parse(text)? })
    }

    /// A path of these steps, whatever characters they have; the first is `token` or `auth`.
    ///
    /// # Errors
    /// [`ClaimPathError`] where there is no such place.
    pub fn of_steps(steps: &[&str]) -> Result<Self, ClaimPathError> {
        Ok(Self { text: steps.join(".").into(), place: Place::of_steps(steps)? })
    }

    pub(super) fn find_in<'s>(&self, session: &'s Session) -> Option<Cow<'s, Value>> {
        match &self.place {
            Place::Claim(name, steps) => descend(session.claims.get(&**name)?, steps).map(Cow::Borrowed),
            Place::UserMember(name, steps) => {
                descend(user::member(&session.claims, name)?, steps).map(Cow::Borrowed)
            }
            Place::User => Some(Cow::Owned(Value::Object(user::object(&session.claims)))),
            Place::Expires => Some(Cow::Owned(Value::String(session.expires_iso()))),
            Place::Provider => Some(Cow::Owned(Value::String(session.provider.to_string()))),
        }
    }
}

impl Place {
    fn parse(text: &str) -> Result<Self, ClaimPathError> {
        if text.is_empty() {
            return Err(ClaimPathError::Empty);
        }
        if text.contains("://") && !text.starts_with("auth.") && !text.starts_with("token.") {
            return Ok(Self::Claim(text.into(), Box::default()));
        }
        let steps: Vec<&str> = text.split('.').collect();
        match steps.as_slice() {
            steps if steps.contains(&"") => Err(ClaimPathError::EmptyStep),
            steps => Self::of_steps(steps),
        }
    }

    fn of_steps(steps: &[&str]) -> Result<Self, ClaimPathError> {
        match steps {
            [] => Err(ClaimPathError::Empty),
            ["token"] => Err(ClaimPathError::OnlyFace("token")),
            ["auth"] => Err(ClaimPathError::OnlyFace("auth")),
            ["auth", "user"] => Ok(Self::User),
            ["auth", "user", name, steps @ ..] => Ok(Self::UserMember((*name).into(), owned(steps))),
            ["auth", "expires"] => Ok(Self::Expires),
            ["auth", "provider"] => Ok(Self::Provider),
            ["auth", ..] => Err(ClaimPathError::UnknownAuth),
            ["token", name, steps @ ..] | [name, steps @ ..] => Ok(Self::Claim((*name).into(), owned(steps))),
        }
    }
}

impl FromStr for ClaimPath {
    type Err = ClaimPathError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

/// As it was written.
impl fmt::Display for ClaimPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn owned(steps: &[&str]) -> Steps {
    steps.iter().map(|step| (*step).into()).collect()
}

fn descend<'v>(value: &'v Value, steps: &[Box<str>]) -> Option<&'v Value> {
    steps.iter().try_fold(value, |value, step| value.as_object()?.get(&**step))
}

//! One header that tells of the caller, and how many of them fit.

use super::header_value::header_value;
use super::{HeaderName, Told};
use crate::expression::{Expression, Facts};
use crate::request::HttpRequest;
use crate::session::{ClaimPath, Session};

/// A header and where its value comes from.
#[derive(Debug)]
pub struct IdentityHeader {
    pub name: HeaderName,
    pub source: Source,
    /// What stands between the items of a list.
    pub separator: String,
    /// Whether it may be left out where there is too much to tell.
    pub is_optional: bool,
}

/// Where a value is found.
#[derive(Debug)]
pub enum Source {
    Claim(ClaimPath),
    Expression(Box<Expression>),
}

/// What tells who is calling is larger than all headers may be together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the headers that name the caller are larger than `identity.max_header_bytes`")]
pub struct TooLarge;

impl IdentityHeader {
    /// The value for a session; `None` where there is nothing to tell.
    pub(super) fn value(&self, session: &Session, request: &HttpRequest<'_>) -> Option<String> {
        match &self.source {
            Source::Claim(path) => header_value(&*session.lookup(path)?, &self.separator),
            Source::Expression(expression) => {
                let facts = Facts { session, request, path: request.path.as_sent(), parameters: &[] };
                match expression.json(&facts) {
                    Ok(value) => header_value(&value, &self.separator),
                    Err(error) => {
                        tracing::debug!(header = self.name.as_str(), %error, "header left out");
                        None
                    }
                }
            }
        }
    }
}

/// The headers that fit together: where they are too large, the largest of the optional ones lose their values until
/// the rest fits.
pub(super) fn fitting(mut told: Vec<Told<'_>>, max_bytes: usize) -> Result<Vec<Told<'_>>, TooLarge> {
    let size =
        |told: &Told<'_>| told.value.as_ref().map_or(0, |value| told.name.as_str().len() + value.len());
    let mut total: usize = told.iter().map(size).sum();
    while total > max_bytes {
        let optional = told.iter_mut().filter(|told| told.is_optional && told.value.is_some());
        let largest = optional.max_by_key(|told| size(told)).ok_or(TooLarge)?;
        let bytes = size(largest);
        tracing::warn!(header = largest.name.as_str(), bytes, max_bytes, "header left out: too much to tell");
        largest.value = None;
        total -= bytes;
    }
    Ok(told)
}

//! Stub.

use std::sync::Arc;

use super::{Failure, Session, SessionError};
use crate::request::HttpRequest;

#[derive(Debug)]
pub struct BetterAuth;

impl BetterAuth {
    pub(in crate::session) async fn verify(
        &self,
        provider: &Arc<str>,
        _: &HttpRequest<'_>,
    ) -> Result<Session, Failure> {
        Err(Failure { provider: provider.clone(), error: SessionError::Absent, finding: None })
    }

    pub(in crate::session) fn owns_cookie(&self, _: &str) -> bool {
        false
    }
}

//! `POST /revocations`: an application ends a session, with a secret of its own for that.

use std::time::SystemTime;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::Admin;
use super::access::{is_bearer, refusal};
use crate::session::revocation::Entry;

/// One of the three, as the application's `events.signOut` knows it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Revocation {
    sub: Option<String>,
    jti: Option<String>,
    token: Option<String>,
}

/// 204 once the entry is written; every replica learns of it within a second.
pub(super) async fn answer(State(admin): State<Admin>, headers: HeaderMap, body: Bytes) -> Response {
    let program = admin.current.load_full();
    let (Some(revocations), Some(secret)) =
        (program.gate.sessions.revocations(), &program.secrets.revocations)
    else {
        return refusal(StatusCode::NOT_FOUND, "revocations are not configured");
    };
    if !is_bearer(&headers, secret) {
        let challenge = [(header::WWW_AUTHENTICATE, "Bearer")];
        return (challenge, refusal(StatusCode::UNAUTHORIZED, "the bearer secret is missing or wrong"))
            .into_response();
    }
    let parsed = serde_json::from_slice::<Revocation>(&body).ok();
    let Some(entry) = parsed.and_then(Revocation::entry) else {
        return refusal(StatusCode::BAD_REQUEST, "send one of {\"sub\": …}, {\"jti\": …}, {\"token\": …}");
    };
    match revocations.revoke(entry).await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => {
            tracing::error!(%error, "a revocation was not written");
            refusal(StatusCode::SERVICE_UNAVAILABLE, "the revocation was not written")
        }
    }
}

impl Revocation {
    /// The entry, where exactly one thing is named and is not empty.
    fn entry(self) -> Option<Entry> {
        match (self.sub, self.jti, self.token) {
            (Some(sub), None, None) if !sub.is_empty() => Some(Entry::of_subject(&sub, SystemTime::now())),
            (None, Some(jti), None) if !jti.is_empty() => Some(Entry::TokenId(jti)),
            (None, None, Some(token)) if !token.is_empty() => Some(Entry::of_token(&token)),
            _ => None,
        }
    }
}

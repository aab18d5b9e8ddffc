//! The application's own session endpoint: it is asked whose session a cookie is, whatever way it keeps its sessions.

use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::HeaderValue;
use serde_json::Value;
use url::Url;

use super::http::{self, HttpClient, HttpError};
use super::moment::moment;
use super::stored::{Record, Sought};
use super::{Claims, Outage};

/// What the configuration says about an endpoint.
#[derive(Clone, Copy, Debug)]
pub struct EndpointOptions<'o> {
    /// As in `http://127.0.0.1:3000/api/auth/session`.
    pub url: &'o str,
    /// Allow plain http to other machines.
    pub allow_http: bool,
    /// The longest that an answer may take.
    pub timeout: Duration,
}

/// Asks one endpoint.
#[derive(Debug)]
pub struct Endpoint {
    url: Url,
    client: HttpClient,
}

impl Endpoint {
    /// # Errors
    /// [`HttpError`] says what is wrong with the address.
    pub fn new(options: EndpointOptions<'_>) -> Result<Self, HttpError> {
        let EndpointOptions { url, allow_http, timeout } = options;
        Ok(Self { url: http::address(url, allow_http)?, client: HttpClient::new(timeout)? })
    }

    /// Asks with the session cookie and nothing else of the request. Auth.js reads a token in one cookie whatever its
    /// length, so chunks are sent as one.
    pub(in crate::session) async fn fetch(&self, sought: &Sought) -> Result<Option<Record>, Outage> {
        let Sought { cookie, token } = sought;
        if !token.bytes().all(is_cookie_octet) {
            return Ok(None);
        }
        let Ok(mut header) = HeaderValue::from_str(&format!("{cookie}={token}")) else { return Ok(None) };
        header.set_sensitive(true);
        let answer = self.client.get(&self.url, Some(header)).await?;
        match answer.status {
            StatusCode::OK => record(&answer.body),
            status if status.is_server_error() => {
                tracing::warn!(status = status.as_u16(), "the session endpoint failed");
                Err(Outage::Failed)
            }
            status if status.is_redirection() => {
                tracing::warn!(
                    status = status.as_u16(),
                    "the session endpoint redirects, which is not followed"
                );
                Ok(None)
            }
            _ => Ok(None),
        }
    }
}

/// `{user, expires}`, as Auth.js answers; `null` and what has no user is no session.
fn record(body: &[u8]) -> Result<Option<Record>, Outage> {
    let garbage = |what: &str| {
        tracing::warn!("the session endpoint answered {what}");
        Outage::Failed
    };
    let answer: Value = serde_json::from_slice(body).map_err(|_| garbage("with no JSON"))?;
    let Value::Object(mut session) = answer else { return Ok(None) };
    let Some(Value::Object(user)) = session.remove("user") else { return Ok(None) };
    let expires = session.get("expires").and_then(moment);
    let expires = expires.ok_or_else(|| garbage("with a session that does not say when it ends"))?;
    Ok(Some(Record { session, user: Claims::from_iter(user), expires }))
}

/// RFC 6265, section 4.1.1.
fn is_cookie_octet(byte: u8) -> bool {
    matches!(byte, 0x21 | 0x23..=0x2b | 0x2d..=0x3a | 0x3c..=0x5b | 0x5d..=0x7e)
}

//! Questions to other servers over HTTP: no redirects, no proxies of the environment, answers bounded in size and time.

use std::time::Duration;

use reqwest::header::{ACCEPT, COOKIE, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode};
use url::{Host, Url};

use super::Outage;

/// The longest answer that is read, in bytes.
const MAX_BODY_BYTES: usize = 256 * 1024;
/// Connections that are kept open for the next question.
const MAX_IDLE: usize = 32;

/// Why an address is refused: for whoever wrote it. None of it repeats the address, which can hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    #[error("is no URL such as `https://app.example.com/path`")]
    Url,
    #[error(
        "is plain http to another machine: use https, or write `allow_http: true` where the network is trusted"
    )]
    PlainHttp,
    #[error("needs a TLS library that cannot be set up")]
    Client,
}

/// A client that keeps its connections.
#[derive(Clone, Debug)]
pub(super) struct HttpClient(Client);

/// An answer as it came.
pub(super) struct Answer {
    pub status: StatusCode,
    pub body: Vec<u8>,
}

impl HttpClient {
    /// A client that waits so long for an answer, connecting included.
    pub(super) fn new(timeout: Duration) -> Result<Self, HttpError> {
        let client = Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .timeout(timeout)
            .pool_max_idle_per_host(MAX_IDLE)
            .user_agent(concat!("sessiongate/", env!("CARGO_PKG_VERSION")))
            .build();
        client.map(Self).map_err(|_| HttpError::Client)
    }

    /// Asks for JSON.
    ///
    /// # Errors
    /// [`Outage`] where there is no answer, or one that is too long.
    pub(super) async fn get(&self, url: &Url, cookie: Option<HeaderValue>) -> Result<Answer, Outage> {
        let mut request = self.0.get(url.clone()).header(ACCEPT, "application/json");
        if let Some(cookie) = cookie {
            request = request.header(COOKIE, cookie);
        }
        let mut response = request.send().await.map_err(|error| outage_of(&error))?;
        let status = response.status();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| outage_of(&error))? {
            if body.len() + chunk.len() > MAX_BODY_BYTES {
                tracing::warn!(limit = MAX_BODY_BYTES, "an answer over HTTP is too long");
                return Err(Outage::Failed);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { status, body })
    }
}

/// An address that may be asked: https, or http to this machine, or to any where that is allowed.
pub(super) fn address(text: &str, allow_http: bool) -> Result<Url, HttpError> {
    let url = Url::parse(text).map_err(|_| HttpError::Url)?;
    match (url.scheme(), url.host()) {
        ("https", Some(_)) => Ok(url),
        ("http", Some(host)) if allow_http || is_loopback(&host) => Ok(url),
        ("http", Some(_)) => Err(HttpError::PlainHttp),
        _ => Err(HttpError::Url),
    }
}

fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost" || name.ends_with(".localhost"),
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

fn outage_of(error: &reqwest::Error) -> Outage {
    let outage = if error.is_timeout() {
        Outage::Timeout
    } else if error.is_connect() {
        Outage::Unreachable
    } else {
        Outage::Failed
    };
    tracing::debug!(%outage, "http");
    outage
}

#[cfg(test)]
mod tests {
    use super::{HttpError, address};

    #[test]
    fn plain_http_goes_to_this_machine_only_unless_it_is_allowed() {
        for (text, allow_http, expected) in [
            ("https://app.example.com/x", false, Ok(())),
            ("http://127.0.0.1:3000/x", false, Ok(())),
            ("http://[::1]/x", false, Ok(())),
            ("http://localhost:3000", false, Ok(())),
            ("http://localhost.example.com", false, Err(HttpError::PlainHttp)),
            ("http://10.0.0.1/x", false, Err(HttpError::PlainHttp)),
            ("http://10.0.0.1/x", true, Ok(())),
            ("ftp://app.example.com", true, Err(HttpError::Url)),
            ("app.example.com", true, Err(HttpError::Url)),
        ] {
            assert_eq!(address(text, allow_http).map(|_| ()), expected, "{text}");
        }
    }
}

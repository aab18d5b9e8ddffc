//! A request as text, so that what is mutated stays a request:
//!
//! ```text
//! GET https app.example.com /orders/7?page=2
//! cookie: theme=dark; authjs.session-token={{web}}
//! @sessiongate.access: session
//! ```
//!
//! `@` begins what the proxy's route says. A line `!raw` sends the headers one by one, as bytes.

use sessiongate::envoy::attribute_context::{HttpRequest, Request};
use sessiongate::envoy::{AttributeContext, CheckRequest, HeaderMap, HeaderValue};

use crate::world::TOKENS;

/// The parts of a request.
#[derive(Debug, Default)]
pub struct Written {
    pub method: String,
    pub scheme: String,
    pub host: String,
    pub target: String,
    /// In order; names in lower case, as HTTP/2 and Envoy have them.
    pub headers: Vec<(String, Vec<u8>)>,
    pub extensions: Vec<(String, String)>,
    pub is_raw: bool,
}

impl Written {
    /// Reads any bytes: what is no line of a request is left out.
    #[must_use]
    pub fn parse(data: &[u8]) -> Self {
        let mut lines = data.split(|byte| *byte == b'\n');
        let first = String::from_utf8_lossy(lines.next().unwrap_or_default()).into_owned();
        let mut words = first.splitn(4, ' ').map(str::to_owned);
        let mut word = || words.next().unwrap_or_default();
        let (method, scheme, host, target) = (word(), word(), word(), word());
        let mut written = Self { method, scheme, host, target, ..Self::default() };
        for line in lines {
            written.line(line);
        }
        written
    }

    fn line(&mut self, line: &[u8]) {
        if line == b"!raw" {
            self.is_raw = true;
            return;
        }
        let Some(colon) = line.iter().skip(1).position(|byte| *byte == b':').map(|at| at + 1) else { return };
        let (name, value) = (String::from_utf8_lossy(&line[..colon]), line[colon + 1..].trim_ascii());
        let value = match str::from_utf8(value) {
            Ok(text) => TOKENS.put_into(text).into_bytes(),
            Err(_) => value.to_vec(),
        };
        match name.strip_prefix('@') {
            Some(name) => {
                self.extensions.push((name.to_owned(), String::from_utf8_lossy(&value).into_owned()));
            }
            None => self.headers.push((name.to_ascii_lowercase(), value)),
        }
    }

    /// As Envoy asks about it.
    #[must_use]
    pub fn to_message(&self) -> CheckRequest {
        let mut http = HttpRequest {
            id: "1".to_owned(),
            method: self.method.clone(),
            scheme: self.scheme.clone(),
            host: self.host.clone(),
            path: self.target.clone(),
            ..HttpRequest::default()
        };
        if self.is_raw {
            let headers = self.headers.iter().map(|(name, value)| HeaderValue {
                key: name.clone(),
                value: String::new(),
                raw_value: value.clone(),
            });
            http.header_map = Some(HeaderMap { headers: headers.collect() });
        } else {
            for (name, value) in &self.headers {
                let value = String::from_utf8_lossy(value);
                let joined = http.headers.entry(name.clone()).or_default();
                if !joined.is_empty() {
                    joined.push(',');
                }
                joined.push_str(&value);
            }
        }
        CheckRequest {
            attributes: Some(AttributeContext {
                request: Some(Request { http: Some(http) }),
                context_extensions: self.extensions.iter().cloned().collect(),
                ..AttributeContext::default()
            }),
        }
    }
}

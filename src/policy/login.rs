//! Where a client without a session is sent, and how it finds its way back.

use url::Url;
use url::form_urlencoded::byte_serialize;

use crate::request::HttpRequest;
use crate::request::host::host_name;

/// The application's login.
#[derive(Clone, Debug)]
pub struct Login {
    url: LoginUrl,
    callback_param: String,
    origin: Option<String>,
    trusted_hosts: Vec<String>,
}

#[derive(Clone, Debug)]
enum LoginUrl {
    /// A path on the origin of the redirect, with its query if it has one.
    Path(String),
    /// Another place altogether.
    Absolute(String),
}

/// What is wrong with the settings of the login; for whoever wrote them.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoginError {
    #[error("`{0}` is neither a path that starts with one `/` nor an http(s) URL")]
    Url(String),
    #[error("`{0}` has a fragment, which would swallow the callback parameter")]
    Fragment(String),
    #[error("`{0}` is not an origin: write scheme and host, as in `https://app.example.com`")]
    Origin(String),
    #[error("`{0}` is not a name for a query parameter: use letters, digits, `-`, `_` and `.`")]
    CallbackParam(String),
}

impl Login {
    /// # Errors
    /// [`LoginError`] names the first setting that cannot be used.
    pub fn new(
        url: &str,
        callback_param: &str,
        origin: Option<&str>,
        trusted_hosts: Vec<String>,
    ) -> Result<Self, LoginError> {
        let is_param_byte = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        if callback_param.is_empty() || !callback_param.bytes().all(is_param_byte) {
            return Err(LoginError::CallbackParam(callback_param.to_owned()));
        }
        Ok(Self {
            url: LoginUrl::parse(url)?,
            callback_param: callback_param.to_owned(),
            origin: origin.map(parse_origin).transpose()?,
            trusted_hosts,
        })
    }

    /// The path of the login on the application's own origin, where it is there.
    #[must_use]
    pub fn path(&self) -> Option<&str> {
        match &self.url {
            LoginUrl::Path(path) => path.split('?').next(),
            LoginUrl::Absolute(url) => {
                let path = url.strip_prefix(self.origin.as_deref()?)?;
                path.starts_with('/').then(|| path.split('?').next()).flatten()
            }
        }
    }

    /// Whether the request asks for the login itself: sending it there again would be a loop.
    #[must_use]
    pub fn is_asked_by(&self, request: &HttpRequest<'_>) -> bool {
        let Some(login) = self.path().map(|path| path.trim_end_matches('/')) else { return false };
        request.path.readings().iter().any(|reading| reading.trim_end_matches('/') == login)
    }

    /// The `Location` of the redirect: the login with the URL asked for as its callback, form-encoded as
    /// Auth.js writes it. The origin is ours, never the client's: `origin`, or the request's host where it is
    /// trusted, or none at all.
    #[must_use]
    pub fn location_for(&self, request: &HttpRequest<'_>) -> String {
        let origin = self.origin_for(request);
        let callback = callback_url(origin.as_deref(), request);
        let (base, login) = match &self.url {
            LoginUrl::Path(path) => (origin.as_deref().unwrap_or(""), path),
            LoginUrl::Absolute(url) => ("", url),
        };
        let separator = if login.contains('?') { '&' } else { '?' };
        let mut location = format!("{base}{login}{separator}{}=", self.callback_param);
        location.extend(byte_serialize(callback.as_bytes()));
        location
    }

    fn origin_for(&self, request: &HttpRequest<'_>) -> Option<String> {
        if let Some(origin) = &self.origin {
            return Some(origin.clone());
        }
        let name = host_name(request.host);
        let trusted = self.trusted_hosts.iter().any(|host| name.eq_ignore_ascii_case(host));
        if !trusted || !matches!(request.scheme, "http" | "https") {
            return None;
        }
        parse_origin(&format!("{}://{}", request.scheme, request.host)).ok()
    }
}

impl LoginUrl {
    fn parse(text: &str) -> Result<Self, LoginError> {
        let error = || LoginError::Url(text.to_owned());
        if text.contains('#') {
            return Err(LoginError::Fragment(text.to_owned()));
        }
        if text.starts_with('/') {
            let same_origin = Url::parse("http://login.invalid").and_then(|base| base.join(text));
            return match same_origin {
                Ok(url) if url.host_str() == Some("login.invalid") && !text.starts_with("//") => {
                    Ok(Self::Path(after_origin(&url).to_owned()))
                }
                _ => Err(error()),
            };
        }
        match Url::parse(text) {
            Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => {
                Ok(Self::Absolute(url.into()))
            }
            _ => Err(error()),
        }
    }
}

fn after_origin(url: &Url) -> &str {
    &url[url::Position::BeforePath..]
}

fn parse_origin(text: &str) -> Result<String, LoginError> {
    let error = || LoginError::Origin(text.to_owned());
    let url = Url::parse(text).map_err(|_| error())?;
    let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    let anonymous = url.username().is_empty() && url.password().is_none();
    if !(matches!(url.scheme(), "http" | "https") && url.has_host() && bare && anonymous) {
        return Err(error());
    }
    Ok(url.origin().ascii_serialization())
}

/// The URL that was asked for, as the WHATWG URL standard writes it; without an origin, a path that no
/// browser reads as another host.
fn callback_url(origin: Option<&str>, request: &HttpRequest<'_>) -> String {
    let path = request.path.as_sent();
    let query = if request.query.is_empty() { String::new() } else { format!("?{}", request.query) };
    match origin {
        Some(origin) => match Url::parse(&format!("{origin}{path}{query}")) {
            Ok(url) => url.into(),
            Err(_) => origin.to_owned(),
        },
        None => match Url::parse(&format!("http://callback.invalid{path}{query}")) {
            Ok(url) => format!("/{}", after_origin(&url).trim_start_matches('/')),
            Err(_) => "/".to_owned(),
        },
    }
}

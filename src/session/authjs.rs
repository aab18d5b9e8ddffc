//! Sessions of Auth.js v5 and NextAuth.js v4: an encrypted token in a cookie, made with the application's
//! secret.

mod claims;
mod keyring;
mod mint;
mod usage;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use self::keyring::Keyring;
pub use self::mint::SealError;
use self::usage::Usage;
use super::credential::{Credential, Precedence, part_of};
use super::jwe::{Buffer, Compact, Encryption};
use super::{Claims, Failure, Mark, Refresh, Session, SessionError};
use crate::request::HttpRequest;
use crate::secret::Secret;

/// The longest token that is read, unless the configuration says otherwise.
pub const MAX_TOKEN_BYTES: usize = 16 * 1024;

/// Whose tokens: the two differ in keys, encryption and cookie names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// Auth.js, `@auth/core`, next-auth 5: `kind: authjs`.
    V5,
    /// next-auth 4: `kind: nextauth`.
    V4,
}

/// What the configuration says about a provider.
#[derive(Debug)]
pub struct AuthJsOptions {
    pub version: Version,
    /// Newest first; the first one mints.
    pub secrets: Vec<Secret>,
    /// Exactly these cookies; where there are none the version's two names, the `__Secure-` one first.
    pub cookies: Vec<String>,
    /// v5: the salt of the keys, for applications that call `encode()` with another one than the cookie's
    /// name.
    pub salt: Option<String>,
    /// Accept the same token as `Authorization: Bearer` where no session cookie has a value.
    pub bearer: bool,
    /// The oldest session accepted, counted from `iat`; by default `exp` alone decides.
    pub max_age: Option<Duration>,
    /// The longest token that is read, in bytes; [`MAX_TOKEN_BYTES`] by default.
    pub max_token_bytes: usize,
    /// Make new tokens for sessions that are due; never where absent.
    pub refresh: Option<Refresh>,
}

/// Why a provider cannot be made: for whoever wrote the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthJsError {
    #[error("needs at least one secret")]
    NoSecret,
    #[error("is no cookie name (RFC 6265: letters, digits and !#$%&'*+-.^_`|~)")]
    CookieName,
    #[error("keys cannot be derived from the secret")]
    Keys,
}

/// Verifies and mints the tokens of one application.
#[derive(Debug)]
pub struct AuthJs {
    version: Version,
    cookies: Vec<SessionCookie>,
    bearer: bool,
    max_age: Option<Duration>,
    max_token_bytes: usize,
    refresh: Option<Refresh>,
    usage: Usage,
}

/// A session cookie and the keys of what is in it.
#[derive(Debug)]
struct SessionCookie {
    name: Arc<str>,
    keys: Keyring,
}

/// Claims that hold now, and until when.
struct Verified {
    claims: Claims,
    expires: f64,
    mark: Mark,
    /// The place of the secret that it was made with.
    place: usize,
}

impl Version {
    /// The names of the session cookie, the one for https first.
    #[must_use]
    pub const fn cookie_names(self) -> [&'static str; 2] {
        match self {
            Self::V5 => ["__Secure-authjs.session-token", "authjs.session-token"],
            Self::V4 => ["__Secure-next-auth.session-token", "next-auth.session-token"],
        }
    }

    /// How many characters of a token a cookie holds before it is cut into chunks.
    #[must_use]
    pub const fn chunk_size(self) -> usize {
        match self {
            Self::V5 => 3936,
            Self::V4 => 3933,
        }
    }

    const fn encryptions(self) -> &'static [Encryption] {
        match self {
            Self::V5 => &[Encryption::A256CbcHs512, Encryption::A256Gcm],
            Self::V4 => &[Encryption::A256Gcm],
        }
    }

    const fn precedence(self) -> Precedence {
        match self {
            Self::V5 => Precedence::First,
            Self::V4 => Precedence::Last,
        }
    }
}

impl AuthJs {
    /// Derives all keys, once.
    ///
    /// # Errors
    /// [`AuthJsError`] says which part of the configuration does not work.
    pub fn new(options: AuthJsOptions) -> Result<Self, AuthJsError> {
        let AuthJsOptions { version, secrets, cookies, salt, bearer, max_age, max_token_bytes, refresh } =
            options;
        if secrets.is_empty() {
            return Err(AuthJsError::NoSecret);
        }
        let names =
            if cookies.is_empty() { version.cookie_names().map(String::from).to_vec() } else { cookies };
        let cookies = names.into_iter().map(|name| {
            if !is_cookie_name(&name) {
                return Err(AuthJsError::CookieName);
            }
            let keys = Keyring::derive(version, &secrets, salt.as_ref().unwrap_or(&name))?;
            Ok(SessionCookie { name: name.into(), keys })
        });
        let cookies = cookies.collect::<Result<_, _>>()?;
        let usage = Usage::of(secrets.len());
        Ok(Self { version, cookies, bearer, max_age, max_token_bytes, refresh, usage })
    }

    /// The session cookies that are read, in order of preference.
    pub fn cookie_names(&self) -> impl Iterator<Item = &str> {
        self.cookies.iter().map(|cookie| cookie.name.as_ref())
    }

    /// Looks for a session in a request: in each session cookie, then, if none has a value, in the bearer
    /// token.
    ///
    /// Where the first cookie has no valid session the next one is asked, but a conflict ends the search.
    pub(in crate::session) fn verify(
        &self,
        provider: &Arc<str>,
        request: &HttpRequest<'_>,
    ) -> Result<Session, Failure> {
        let fail = |credential: &Credential<'_>, error| Failure::of(provider, credential, error);
        let mut first_failure = None;
        for cookie in &self.cookies {
            let (precedence, limit) = (self.version.precedence(), self.max_token_bytes);
            let found = Credential::from_cookies(request.cookies(), &cookie.name, precedence, limit);
            let Some(credential) = found else { continue };
            match self.judge(&credential, [cookie], request.now) {
                Ok(verified) => {
                    self.usage.count(provider, verified.place);
                    let renewal = self.renewal(cookie, &verified.claims, verified.expires, request);
                    return Ok(session(verified, provider, &credential).renewed(renewal));
                }
                Err(SessionError::Conflict) => return Err(fail(&credential, SessionError::Conflict)),
                Err(error) => first_failure = first_failure.or_else(|| Some(fail(&credential, error))),
            }
        }
        if let Some(failure) = first_failure {
            return Err(failure);
        }
        let bearer =
            if self.bearer { Credential::from_bearer(&request.headers, self.max_token_bytes) } else { None };
        let Some(credential) = bearer else {
            return Err(Failure::absent(provider));
        };
        match self.judge(&credential, &self.cookies, request.now) {
            Ok(verified) => {
                self.usage.count(provider, verified.place);
                Ok(session(verified, provider, &credential))
            }
            Err(error) => Err(fail(&credential, error)),
        }
    }

    /// Decrypts a token with whichever key fits, without asking whether its claims hold.
    ///
    /// # Errors
    /// The first cookie's reason, when no key fits.
    pub fn decode(&self, token: &str) -> Result<Claims, SessionError> {
        first_ok(&self.cookies, |cookie| self.open(token, &cookie.keys)).map(|(claims, _)| claims)
    }

    /// Whether decrypted claims are a session now; if so, until when, in seconds since 1970.
    ///
    /// # Errors
    /// The first rule that they break.
    pub fn check(&self, claims: &Claims, now: SystemTime) -> Result<f64, SessionError> {
        claims::check(claims, now, self.max_age)
    }

    /// Whether a cookie of this name holds a session or a part of one.
    #[must_use]
    pub fn owns_cookie(&self, name: &str) -> bool {
        self.cookies.iter().any(|ours| part_of(name, &ours.name).is_some())
    }

    /// Verifies a credential with the keys of any of `cookies`.
    fn judge<'k>(
        &self,
        credential: &Credential<'_>,
        cookies: impl IntoIterator<Item = &'k SessionCookie>,
        now: SystemTime,
    ) -> Result<Verified, SessionError> {
        let tokens = credential.tokens()?;
        first_ok(cookies, |cookie| {
            let verified = self.verify_token(&tokens.token, &cookie.keys, now)?;
            match &tokens.other {
                Some(other) if self.verify_token(other, &cookie.keys, now).is_ok() => {
                    Err(SessionError::Conflict)
                }
                _ => Ok(verified),
            }
        })
    }

    fn verify_token(&self, token: &str, keys: &Keyring, now: SystemTime) -> Result<Verified, SessionError> {
        let (claims, place) = self.open(token, keys)?;
        let expires = self.check(&claims, now)?;
        Ok(Verified { claims, expires, mark: Mark::of_sealed(token), place })
    }

    /// What a token says, and the place of the secret that it was made with.
    fn open(&self, token: &str, keys: &Keyring) -> Result<(Claims, usize), SessionError> {
        let token = Compact::parse(token, self.max_token_bytes)?;
        let selected = keys.select(&token)?;
        let mut buffer = Buffer::new();
        let (length, place) =
            first_ok(selected.keys, |named| Ok((named.key.open(&token, &mut buffer)?.len(), named.place)))?;
        let claims = claims::parse(buffer.get(..length).unwrap_or_default())?;
        match &selected.header {
            Some(header) => claims::agree_with_header(&claims, header).map(|()| (claims, place)),
            None => Ok((claims, place)),
        }
    }
}

fn session(verified: Verified, provider: &Arc<str>, credential: &Credential<'_>) -> Session {
    let Verified { claims, expires, mark, place: _ } = verified;
    Session::new(claims, expires, provider.clone(), credential.finding().clone(), mark)
}

/// The first success. Without one the first error, but a key that fits and fails says more than one that does not
/// fit.
fn first_ok<I, T>(
    items: impl IntoIterator<Item = I>,
    mut attempt: impl FnMut(I) -> Result<T, SessionError>,
) -> Result<T, SessionError> {
    let mut failure = SessionError::UnknownKey;
    for item in items {
        match attempt(item) {
            Ok(value) => return Ok(value),
            Err(error) if failure == SessionError::UnknownKey => failure = error,
            Err(_) => {}
        }
    }
    Err(failure)
}

/// Whether a text can be the name of a cookie (RFC 6265, section 4.1.1).
#[must_use]
pub fn is_cookie_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

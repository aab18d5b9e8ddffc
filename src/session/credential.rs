//! What was found in a request and nobody has verified yet: a session cookie, whole or in chunks, or a bearer
//! token.
//!
//! Servers and browsers disagree about which of several cookies with one name counts, so whoever can set a
//! cookie beside ours could choose the session that we see. Two different values for a whole cookie, a whole
//! cookie beside a complete set of chunks, and a session cookie hidden behind a comma are therefore a
//! conflict, not a choice.

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, LazyLock};

use percent_encoding::percent_decode_str;

use super::SessionError;
use crate::request::Headers;
use crate::request::cookies::Cookies;

/// The most chunks of one session cookie that are read.
pub const MAX_CHUNKS: usize = 16;

/// `Authorization: Bearer`.
static BEARER: LazyLock<(Arc<str>, Arc<str>)> = LazyLock::new(|| ("authorization".into(), "Bearer ".into()));

/// Which of two chunks with the same name counts first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precedence {
    /// As in the cookie parser of Auth.js v5.
    First,
    /// As in the middleware of NextAuth.js v4.
    Last,
}

/// A credential as it was sent.
pub struct Credential<'r> {
    finding: Finding,
    tokens: Result<Tokens<'r>, SessionError>,
}

/// The token of a credential.
pub struct Tokens<'r> {
    pub token: Cow<'r, str>,
    /// What a server would read that takes the other one of two chunks with the same name.
    pub other: Option<Cow<'r, str>>,
}

/// What may be told about a credential: where it was and how large, never what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub source: Source,
    /// The length of all its parts as sent.
    pub bytes: usize,
}

/// Where a credential was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// In the cookie `name`, or in as many `chunks` of it; 0 chunks: whole.
    Cookie { name: Arc<str>, chunks: usize },
    /// In a header, after a prefix, as in `Authorization: Bearer `.
    Header { name: Arc<str>, prefix: Arc<str> },
}

impl<'r> Credential<'r> {
    /// The session cookie `name` of a request, if there is one with a value.
    ///
    /// A chunk is `name.N` with N in plain decimal; every other cookie that begins with the name is not ours.
    /// Empty values are left over from clearing and do not count. Beside a whole cookie, chunks without the
    /// first one or with a gap are no value, so they do not count either: nobody can end a session by adding
    /// `name.99`.
    #[must_use]
    pub fn from_cookies(
        cookies: &'r Cookies<'_>,
        name: &Arc<str>,
        precedence: Precedence,
        max_bytes: usize,
    ) -> Option<Self> {
        let joined = cookies.joined_mentions(name);
        let found = Collected::from(cookies, name);
        let complete = cookies.is_complete();
        if found.is_empty() && complete && !joined {
            return None;
        }
        let tokens = if !complete {
            Err(SessionError::TooLarge)
        } else if joined {
            Err(SessionError::Conflict)
        } else {
            found.tokens(precedence, max_bytes)
        };
        let chunks = if found.whole.is_some() { 0 } else { found.count };
        Some(Self {
            finding: Finding { source: Source::Cookie { name: name.clone(), chunks }, bytes: found.bytes },
            tokens,
        })
    }

    /// The bearer token of a request (RFC 6750, section 2.1), if there is one; as in `getToken()`, the scheme is exactly
    /// `Bearer`.
    #[must_use]
    pub fn from_bearer(headers: &'r Headers<'_>, max_bytes: usize) -> Option<Self> {
        Self::from_header(headers, &BEARER.0, &BEARER.1, max_bytes)
    }

    /// The token in a header after a prefix, if there is one; it ends at the next space.
    #[must_use]
    pub fn from_header(
        headers: &'r Headers<'_>,
        name: &Arc<str>,
        prefix: &Arc<str>,
        max_bytes: usize,
    ) -> Option<Self> {
        let (value, is_repeated) = {
            let mut values = headers.get_all(name).map(AsRef::as_ref);
            let value: &'r str = values.next()?;
            (value, values.any(|other: &str| other != value))
        };
        let token = value.strip_prefix(&**prefix)?.split(' ').next().filter(|token| !token.is_empty())?;
        let tokens = if is_repeated {
            Err(SessionError::Conflict)
        } else if token.len() > max_bytes {
            Err(SessionError::TooLarge)
        } else {
            decode_uri_component(token)
                .map(|token| Tokens { token, other: None })
                .ok_or(SessionError::Malformed)
        };
        let source = Source::Header { name: name.clone(), prefix: prefix.clone() };
        Some(Self { finding: Finding { source, bytes: token.len() }, tokens })
    }

    /// Whether it is one cookie, not chunks and no header.
    #[must_use]
    pub fn is_whole_cookie(&self) -> bool {
        matches!(self.finding.source, Source::Cookie { chunks: 0, .. })
    }

    #[must_use]
    pub fn finding(&self) -> &Finding {
        &self.finding
    }

    /// The token that was sent.
    ///
    /// # Errors
    /// Why what was sent is no one token.
    pub fn tokens(&self) -> Result<&Tokens<'r>, SessionError> {
        self.tokens.as_ref().map_err(|error| *error)
    }
}

impl fmt::Debug for Credential<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let error = self.tokens.as_ref().err();
        f.debug_struct("Credential")
            .field("finding", &self.finding)
            .field("error", &error)
            .finish_non_exhaustive()
    }
}

/// What `cookie` is of the session cookie `name`; `None` when it only begins with the name, or not even that.
#[must_use]
pub fn part_of(cookie: &str, name: &str) -> Option<Part> {
    let rest = cookie.strip_prefix(name)?;
    if rest.is_empty() {
        return Some(Part::Whole);
    }
    let number = rest.strip_prefix('.')?;
    let canonical = number == "0" || !number.starts_with('0');
    (canonical && !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
        .then(|| Part::Chunk(number.parse().unwrap_or(usize::MAX)))
}

/// What a cookie is of a session cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Whole,
    Chunk(usize),
}

/// The cookies that belong to one session cookie.
#[derive(Default)]
struct Collected<'r> {
    whole: Option<&'r str>,
    /// First and last value of each chunk.
    chunks: [Option<(&'r str, &'r str)>; MAX_CHUNKS],
    /// How many chunks have a value.
    count: usize,
    bytes: usize,
    /// Two values for the whole cookie; a cleared one beside one that is not counts.
    is_conflict: bool,
    /// A chunk has a higher number than we read.
    is_beyond: bool,
}

impl<'r> Collected<'r> {
    fn from(cookies: &'r Cookies<'_>, name: &str) -> Self {
        let mut found = Self::default();
        for (cookie, value) in cookies.iter() {
            match part_of(cookie, name) {
                None => continue,
                Some(Part::Whole) => {
                    found.is_conflict |= found.whole.is_some_and(|first| first != value);
                    found.whole = Some(value);
                }
                Some(Part::Chunk(n)) => found.add_chunk(n, value),
            }
            found.bytes += value.len();
        }
        found
    }

    fn add_chunk(&mut self, n: usize, value: &'r str) {
        self.count += usize::from(!value.is_empty());
        match self.chunks.get_mut(n) {
            Some(Some((_, last))) => *last = value,
            Some(chunk) => *chunk = Some((value, value)),
            None => self.is_beyond |= !value.is_empty(),
        }
    }

    fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    fn tokens(&self, precedence: Precedence, max_bytes: usize) -> Result<Tokens<'r>, SessionError> {
        if self.is_conflict {
            return Err(SessionError::Conflict);
        }
        let chunked = self.chunked(precedence, max_bytes);
        let Some(whole) = self.whole.filter(|value| !value.is_empty()) else { return chunked };
        match chunked {
            Err(SessionError::Incomplete) if whole.len() > max_bytes => Err(SessionError::TooLarge),
            Err(SessionError::Incomplete) => Ok(Tokens { token: decode_or_keep(whole), other: None }),
            Err(error) => Err(error),
            Ok(_) => Err(SessionError::Conflict),
        }
    }

    fn chunked(&self, precedence: Precedence, max_bytes: usize) -> Result<Tokens<'r>, SessionError> {
        let first = |&(first, _): &(&'r str, &'r str)| first;
        let last = |&(_, last): &(&'r str, &'r str)| last;
        let is_double = self.chunks.iter().flatten().any(|(first, last)| first != last);
        let (token, other) = match precedence {
            Precedence::First => (self.join(first, max_bytes), is_double.then(|| self.join(last, max_bytes))),
            Precedence::Last => (self.join(last, max_bytes), is_double.then(|| self.join(first, max_bytes))),
        };
        Ok(Tokens { token: token?, other: other.and_then(Result::ok) })
    }

    /// Joins chunks 0 to n, if those and no others have a value.
    fn join(
        &self,
        pick: impl Fn(&(&'r str, &'r str)) -> &'r str,
        max_bytes: usize,
    ) -> Result<Cow<'r, str>, SessionError> {
        let values = || self.chunks.iter().map(|chunk| chunk.as_ref().map_or("", &pick));
        let present = values().take_while(|value| !value.is_empty()).count();
        if self.is_beyond && present == MAX_CHUNKS || values().map(str::len).sum::<usize>() > max_bytes {
            return Err(SessionError::TooLarge);
        }
        if self.is_beyond || present == 0 || values().skip(present).any(|value| !value.is_empty()) {
            return Err(SessionError::Incomplete);
        }
        Ok(Cow::Owned(values().take(present).map(decode_or_keep).collect()))
    }
}

/// A cookie's value percent-decoded, or as it stands where that fails, as Auth.js reads it.
fn decode_or_keep(value: &str) -> Cow<'_, str> {
    decode_uri_component(value).unwrap_or(Cow::Borrowed(value))
}

/// ECMA-262 `decodeURIComponent`: all of the text or nothing.
fn decode_uri_component(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('%') {
        return Some(Cow::Borrowed(text));
    }
    let is_escape =
        |rest: &str| rest.as_bytes().get(..2).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit));
    if !text.split('%').skip(1).all(is_escape) {
        return None;
    }
    percent_decode_str(text).decode_utf8().ok()
}

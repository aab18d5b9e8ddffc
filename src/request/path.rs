//! The path of a request, in every reading that a server might make of it.
//!
//! A path that is spelled in an unusual way (`/a/..;/admin`, `/%61dmin`, `//admin`) means one page to one server
//! and another page to the next. Whoever decides about a path decides about all its readings, and the
//! strictest decision stands.

mod percent;
mod readings;
mod spelling;

use std::borrow::Cow;

use thiserror::Error;

pub use self::percent::decode_uri_component;

/// Longest path, in bytes. Envoy takes 60 KiB of headers by default, browsers about as much; pages do not
/// come near either.
pub const MAX_LENGTH: usize = 8192;

/// The path of a request target, without query. Only [`RequestPath::parse`] makes one.
#[derive(Debug, Clone)]
pub struct RequestPath<'a> {
    readings: Readings<'a>,
    /// Which reading is the one that Next.js starts from.
    pathname: usize,
}

#[derive(Debug, Clone)]
enum Readings<'a> {
    One([Cow<'a, str>; 1]),
    Many(Vec<Cow<'a, str>>),
}

/// Why a path is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PathError {
    #[error("the path does not start with /")]
    NoLeadingSlash,
    #[error("the path has {length} bytes; at most {MAX_LENGTH} are read")]
    TooLong { length: usize },
    /// RFC 9112, section 3.2, and RFC 9113, section 8.3.1: no path contains one.
    #[error("the path contains a control character")]
    ControlCharacter,
    #[error("the path can be read in too many ways")]
    TooAmbiguous,
}

impl PathError {
    /// One word for metrics and logs.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::NoLeadingSlash => "path_not_absolute",
            Self::TooLong { .. } => "path_too_long",
            Self::ControlCharacter => "path_control_character",
            Self::TooAmbiguous => "path_too_ambiguous",
        }
    }
}

impl<'a> RequestPath<'a> {
    /// Reads a path as it was sent, up to the first `?` of the request target.
    ///
    /// # Errors
    /// When the path is not one that a server could serve, or when it has so many readings that no honest
    /// client sent it.
    pub fn parse(path_as_sent: &'a str) -> Result<Self, PathError> {
        if !path_as_sent.starts_with('/') {
            return Err(PathError::NoLeadingSlash);
        }
        if path_as_sent.len() > MAX_LENGTH {
            return Err(PathError::TooLong { length: path_as_sent.len() });
        }
        if spelling::is_plain(path_as_sent) {
            return Ok(Self { readings: Readings::One([Cow::Borrowed(path_as_sent)]), pathname: 0 });
        }
        if path_as_sent.bytes().any(|byte| byte.is_ascii_control()) {
            return Err(PathError::ControlCharacter);
        }
        let (readings, pathname) = readings::of(path_as_sent)?;
        Ok(Self { readings: Readings::Many(readings), pathname })
    }

    /// The path as it was sent; the first of the readings.
    #[must_use]
    pub fn as_sent(&self) -> &str {
        self.readings().first().map_or("/", AsRef::as_ref)
    }

    /// All readings, each once.
    ///
    /// They are the path as sent and everything that comes of it by decoding percent escapes (at most twice),
    /// reading backslashes as slashes, resolving dot segments, merging repeated slashes and dropping path
    /// parameters (`;x`) and what follows a `?` or `#`, in any order and any number of times; and the same for
    /// the path as a WHATWG URL parser writes it.
    #[must_use]
    pub fn readings(&self) -> &[Cow<'a, str>] {
        match &self.readings {
            Readings::One(one) => one,
            Readings::Many(many) => many,
        }
    }

    /// The two readings that Next.js starts from: the WHATWG pathname, and the whole of it decoded where that
    /// is possible. Both are among the readings.
    #[must_use]
    pub fn next_forms(&self) -> (&str, Option<Cow<'_, str>>) {
        let pathname = self.readings().get(self.pathname).map_or("/", AsRef::as_ref);
        (pathname, decode_uri_component(pathname))
    }
}

#[cfg(test)]
mod tests;

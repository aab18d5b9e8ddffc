//! Matchers of Next.js `config.matcher`, compiled once and asked many times.
//!
//! A source takes three steps, each a file: [`lexer`] and [`parts`] read it as path-to-regexp 6.3 does,
//! [`regexp`] writes the JavaScript regular expression that Next.js builds, and [`ecma`] follows that one, unless
//! the source is so [`plain`] that a few comparisons answer the same.

pub mod ecma;
mod error;
mod lexer;
mod parameters;
mod parts;
mod plain;
mod prefix;
pub mod raw;
mod regexp;
mod source;

use std::fmt;

use self::ecma::Pattern;
pub use self::ecma::Verdict;
pub use self::error::{MatcherError, SyntaxError};
pub use self::parameters::{ParameterValue, Parameters};
use self::plain::Plain;
use self::source::{Source, Wrapped};
use super::next::NextConfig;

/// One compiled matcher.
pub struct Matcher {
    regexp: String,
    engine: Engine,
    literal_prefix: String,
}

enum Engine {
    Everything,
    Plain(Plain),
    Regexp(Pattern),
}

impl Matcher {
    /// Compiles a source as Next.js does; `locale` is false where the matcher says `locale: false`.
    ///
    /// # Errors
    /// When Next.js refuses the source, or when its pattern cannot be followed exactly.
    pub fn compile(source: &str, locale: bool, next: &NextConfig) -> Result<Self, MatcherError> {
        let localised = locale && next.i18n().is_some();
        let Wrapped { regexp, syntax, plain } = Source::new(source)?.wrapped(localised, next)?;
        let literal_prefix = prefix::literal(&syntax, next.base_path(), localised);
        let engine = match plain {
            Some(plain) => Engine::Plain(plain),
            None => Engine::Regexp(Pattern::new(syntax)?),
        };
        Ok(Self { regexp, engine, literal_prefix })
    }

    /// What no matcher at all means to Next.js: every path.
    #[must_use]
    pub fn everything() -> Self {
        Self { regexp: ".*".to_owned(), engine: Engine::Everything, literal_prefix: String::new() }
    }

    /// Whether the matcher hits what it is asked; see [`NextConfig::asked`] for what to ask.
    #[must_use]
    pub fn is_match(&self, asked: &str) -> Verdict {
        match &self.engine {
            Engine::Everything => Verdict::Hit,
            Engine::Plain(plain) => plain.is_match(asked),
            Engine::Regexp(pattern) => pattern.is_match(asked),
        }
    }

    /// The JavaScript regular expression that Next.js builds.
    #[must_use]
    pub fn regexp(&self) -> &str {
        &self.regexp
    }

    /// A text with which one of [`NextConfig::index_keys`] of every hit starts; empty when nothing is known.
    #[must_use]
    pub fn literal_prefix(&self) -> &str {
        &self.literal_prefix
    }
}

impl fmt::Debug for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Matcher").field(&self.regexp).finish()
    }
}

#[cfg(test)]
mod tests;

//! A matcher's source: checked by itself, then with what Next.js puts around it.

use std::ops::Range;

use super::ecma::ast::Disjunction;
use super::error::{MatcherError, SyntaxError};
use super::parts::{self, Parameter, Part};
use super::plain::Plain;
use super::regexp;
use crate::rule::next::NextConfig;

/// Most characters (UTF-16 units) of a source, before and after the wrapping.
const MAX_LENGTH: usize = 4096;

/// The prefix of client-side navigation data of the Pages Router.
const DATA_PREFIX: &str = "/:nextData(_next/data/[^/]{1,})?";
const LOCALE: &str = "/:nextInternalLocale((?!_next/)[^/.]{1,})";
/// The forms in which the routers transport a page.
const TRANSPORT: &str = r"{(\.json|\.rsc|\.segments/.+\.segment\.rsc)}?";
const ROOT_TRANSPORT: &str = r"/?index|/?index\.json|/?index(?:\.rsc|\.segments/.+\.segment\.rsc)";

/// A source that path-to-regexp accepts.
#[derive(Debug, Clone)]
pub(super) struct Source {
    text: String,
}

/// A source in its wrapping.
pub(super) struct Wrapped {
    /// The regular expression as JavaScript shows it, and what it says.
    pub regexp: String,
    pub syntax: Disjunction,
    pub plain: Option<Plain>,
}

impl Source {
    /// Checks a source as Next.js checks it when it reads the configuration.
    ///
    /// # Errors
    /// When it does not start with `/`, has more than 4,096 characters, or is refused by path-to-regexp.
    pub(super) fn new(text: &str) -> Result<Self, MatcherError> {
        let length = text.encode_utf16().count();
        if length > MAX_LENGTH {
            return Err(MatcherError::TooLong { length, max: MAX_LENGTH });
        }
        if !text.starts_with('/') {
            return Err(MatcherError::NoLeadingSlash);
        }
        compile(text)?;
        Ok(Self { text: text.to_owned() })
    }

    /// The source with base path, locale and transport forms.
    pub(super) fn wrapped(&self, localised: bool, next: &NextConfig) -> Result<Wrapped, MatcherError> {
        let wrapped = self.wrap(localised, next);
        let length = wrapped.encode_utf16().count();
        if length > MAX_LENGTH {
            return Err(MatcherError::WrappedTooLong { length, max: MAX_LENGTH });
        }
        match compile(&wrapped) {
            Ok((parts, regexp, syntax)) => {
                let plain = between(&parts, &before(localised, next))
                    .and_then(|parts| Plain::new(parts, next.base_path(), localised));
                Ok(Wrapped { regexp, syntax, plain })
            }
            Err(reason) => Err(MatcherError::Wrapped { reason, wrapped }),
        }
    }

    /// The source as it is compiled, and which of its parts are its own.
    pub(super) fn parts(
        &self,
        localised: bool,
        next: &NextConfig,
    ) -> Result<(Vec<Part>, Range<usize>), SyntaxError> {
        let parts = parts::parse(&self.wrap(localised, next))?;
        let (before, after) = (parts::parse(&before(localised, next))?.len(), 1);
        let own = before.min(parts.len())..parts.len().saturating_sub(after);
        Ok((parts, own))
    }

    fn wrap(&self, localised: bool, next: &NextConfig) -> String {
        let is_root = self.text == "/";
        let before = before(localised, next);
        let source = if localised && is_root { "" } else { self.text.as_str() };
        let i18n = if next.i18n().is_some() { r"|\.json|" } else { "" };
        let suffix = if is_root { format!("({i18n}{ROOT_TRANSPORT})?") } else { TRANSPORT.to_owned() };
        format!("{before}{source}{suffix}")
    }
}

/// What Next.js puts before a source.
fn before(localised: bool, next: &NextConfig) -> String {
    let locale = if localised { LOCALE } else { "" };
    format!("{}{DATA_PREFIX}{locale}", next.base_path())
}

/// The parts of a wrapped source that are its own; `None` where it runs into what stands around it, or is the
/// root, which has other transport forms.
fn between<'p>(parts: &'p [Part], before: &str) -> Option<&'p [Part]> {
    let [Part::Parameter(transport)] = &parts::parse(TRANSPORT).ok()?[..] else { return None };
    let (Part::Parameter(last), parts) = parts.split_last()? else { return None };
    // Its number depends on the groups of the source.
    let is_transport = *last == Parameter { name: last.name.clone(), ..transport.clone() };
    parts.strip_prefix(&parts::parse(before).ok()?[..]).filter(|_| is_transport)
}

fn compile(source: &str) -> Result<(Vec<Part>, String, Disjunction), SyntaxError> {
    let parts = parts::parse(source)?;
    let (regexp, syntax) = regexp::compile(&parts)?;
    Ok((parts, regexp, syntax))
}

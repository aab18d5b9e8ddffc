//! Sources of a plain shape, which most are: text, and at most one parameter at the end. What Next.js puts
//! around them is taken off by hand, so that no regular expression of the whole has to be kept and run.
//!
//! The expression could stop anywhere in the data prefix, the locale or a segment. Going to the end of each at once
//! is the same: what follows begins with a slash, or ends the path, or could as well belong to the segment. Only
//! `.segments/` is both, so it is looked at twice.

use super::ecma::ast::{Disjunction, Term, UnitSet};
use super::ecma::{self, Pattern, Verdict};
use super::parts::{Parameter, Part};
use super::regexp::DEFAULT_PATTERN;
use crate::rule::next::strip_start;

const LINE_ENDS: [char; 4] = ['\n', '\r', '\u{2028}', '\u{2029}'];

/// A source of a plain shape in its wrapping.
pub struct Plain {
    base_path: Box<str>,
    localised: bool,
    text: Box<str>,
    rest: Rest,
}

/// What follows the text.
enum Rest {
    Nothing,
    /// `/:name`, alone or with a modifier.
    Segments {
        optional: bool,
        repeated: bool,
    },
    /// `/(.*)`, or `/((?!except).*)`.
    Anything {
        except: Option<Pattern>,
    },
}

impl Plain {
    /// `parts`: the source as it was read between what stands around it; `None` where its shape is another.
    pub fn new(parts: &[Part], base_path: &str, localised: bool) -> Option<Self> {
        let (text, rest) = match parts {
            [Part::Text(text)] => (text.as_str(), Rest::Nothing),
            [Part::Parameter(last)] => ("", Rest::new(last)?),
            [Part::Text(text), Part::Parameter(last)] => (text.as_str(), Rest::new(last)?),
            _ => return None,
        };
        let begins_with_slash = text.starts_with('/') || (text.is_empty() && !rest.is_optional());
        begins_with_slash.then(|| Self { base_path: base_path.into(), localised, text: text.into(), rest })
    }

    /// What the regular expression of the source answers.
    pub fn is_match(&self, asked: &str) -> Verdict {
        let Some(path) = strip_start(asked, &self.base_path) else { return Verdict::Miss };
        match self.is_page(path) {
            Verdict::Miss => without_data_prefix(path).map_or(Verdict::Miss, |page| self.is_page(page)),
            decided => decided,
        }
    }

    fn is_page(&self, path: &str) -> Verdict {
        let page = if self.localised { without_locale(path) } else { Some(path) };
        let rest = page.and_then(|page| strip_start(page, &self.text));
        rest.map_or(Verdict::Miss, |rest| self.rest.is_match(rest))
    }
}

impl Rest {
    fn new(parameter: &Parameter) -> Option<Self> {
        if parameter.prefix != "/" || !parameter.suffix.is_empty() {
            return None;
        }
        match (parameter.pattern.as_str(), parameter.modifier) {
            (DEFAULT_PATTERN, modifier) => Some(Self::Segments {
                optional: matches!(modifier, Some('?' | '*')),
                repeated: matches!(modifier, Some('*' | '+')),
            }),
            (pattern, None) => anything(pattern),
            _ => None,
        }
    }

    fn is_optional(&self) -> bool {
        matches!(self, Self::Nothing | Self::Segments { optional: true, .. })
    }

    fn is_match(&self, rest: &str) -> Verdict {
        match self {
            Self::Nothing => is_tail(rest).into(),
            Self::Segments { optional, repeated } => {
                ((*optional && is_tail(rest)) || are_segments(rest, *repeated)).into()
            }
            // The tail adds nothing to what `.*` takes.
            Self::Anything { except } => match rest.strip_prefix('/') {
                Some(rest) if is_one_line(rest) => {
                    except.as_ref().map_or(Verdict::Hit, |except| !except.is_match(rest))
                }
                _ => Verdict::Miss,
            },
        }
    }
}

/// Reads `.*` and `(?!except).*`.
fn anything(pattern: &str) -> Option<Rest> {
    // By itself `\1` is an octal escape; in its place it would refer to what stands before the source.
    if pattern.as_bytes().windows(2).any(|pair| matches!(pair, [b'\\', b'0'..=b'9'])) {
        return None;
    }
    let Disjunction(mut alternatives) = ecma::parse(pattern).ok()?;
    let sequence = alternatives.pop().filter(|_| alternatives.is_empty())?;
    let (Term::Repeat { body, min: 0, max: None, .. }, before) = sequence.split_last()? else { return None };
    if !matches!(body.as_ref(), Term::Class(set) if *set == UnitSet::not_line_end()) {
        return None;
    }
    let except = match before {
        [] => None,
        [Term::Look { behind: false, negative: true, body }] if body.0.iter().flatten().all(looks_ahead) => {
            let anchored = vec![Term::Start, Term::Group(None, body.clone())];
            Some(Pattern::new(Disjunction(vec![anchored])).ok()?)
        }
        _ => return None,
    };
    Some(Rest::Anything { except })
}

/// Whether the term says the same of the rest of a text as in its place in the whole.
fn looks_ahead(term: &Term) -> bool {
    match term {
        Term::Unit(_) | Term::Class(_) | Term::End => true,
        Term::Group(_, body) | Term::Look { behind: false, body, .. } => {
            body.0.iter().flatten().all(looks_ahead)
        }
        Term::Repeat { body, .. } => looks_ahead(body),
        Term::Start
        | Term::WordBoundary
        | Term::NotWordBoundary
        | Term::Look { behind: true, .. }
        | Term::Backreference { .. } => false,
    }
}

fn without_data_prefix(path: &str) -> Option<&str> {
    let (_, page) = first_until(path.strip_prefix("/_next/data/")?, |byte| byte == b'/')?;
    Some(page)
}

fn without_locale(path: &str) -> Option<&str> {
    let path = path.strip_prefix('/').filter(|path| !path.starts_with("_next/"))?;
    let (_, page) = first_until(path, |byte| matches!(byte, b'/' | b'.'))?;
    Some(page)
}

/// `/a`, or where it is repeated `/a/b/c`, and then a tail.
fn are_segments(mut rest: &str, repeated: bool) -> bool {
    // Segment data begins at the last place where it can, which leaves its name the least to contain.
    let mut data = None;
    while let Some((segment, after)) =
        rest.strip_prefix('/').and_then(|path| first_until(path, |byte| matches!(byte, b'/' | b'#' | b'?')))
    {
        if is_delimiter_or_end(after) {
            return true;
        }
        if let Some(page) = segment.strip_suffix(".segments").filter(|page| !page.is_empty()) {
            data = rest.get(1 + page.len()..);
        }
        if !repeated {
            break;
        }
        rest = after;
    }
    data.is_some_and(is_tail)
}

/// What may follow a source: the form in which a router transports the page, and one delimiter.
fn is_tail(rest: &str) -> bool {
    let form = rest.strip_suffix(['/', '#', '?']).unwrap_or(rest);
    let segment = form.strip_prefix(".segments/").and_then(|form| form.strip_suffix(".segment.rsc"));
    matches!(form, "" | ".json" | ".rsc") || segment.is_some_and(|name| !name.is_empty() && is_one_line(name))
}

fn is_delimiter_or_end(rest: &str) -> bool {
    matches!(rest, "" | "/" | "#" | "?")
}

/// Whether `.*` takes all of it.
fn is_one_line(text: &str) -> bool {
    // A quick look first: every line end beyond ASCII starts with this byte.
    !text.bytes().any(|byte| matches!(byte, b'\n' | b'\r' | 0xE2)) || !text.contains(LINE_ENDS)
}

/// Splits before the first byte that ends a piece; `None` where the piece is empty.
fn first_until(text: &str, ends: impl Fn(u8) -> bool) -> Option<(&str, &str)> {
    let end = text.bytes().position(ends).unwrap_or(text.len());
    text.split_at_checked(end).filter(|(piece, _)| !piece.is_empty())
}

#[cfg(test)]
mod tests;

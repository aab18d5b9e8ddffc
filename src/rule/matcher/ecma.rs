//! JavaScript regular expressions without flags, followed exactly or refused.

pub(super) mod ast;
mod emit;
mod error;
mod parse;
mod references;
mod subject;

use std::collections::BTreeSet;
use std::fmt;

use self::ast::{Disjunction, Term};
use self::emit::Dialect;
pub use self::error::EcmaError;

/// Longest expression, in bytes. A wrapped matcher source of 4,096 characters stays below it.
const MAX_SOURCE: usize = 64 * 1024;
/// Limit of one compiled expression, in bytes of memory.
const SIZE_LIMIT: usize = 1 << 20;
/// Most instructions of a backtracking program.
const MAX_PROGRAM: usize = 20_000;
/// Branches that a look-around pattern may try on one text before the answer is given up. The patterns in use
/// need a few dozen for a path of usual length and up to five for each byte of the longest; at some 15 ns each
/// a hostile path costs less than a millisecond.
const BACKTRACK_LIMIT: usize = 50_000;

/// The answer of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    Hit,
    Miss,
    /// The search was given up; the caller must decide as if either could be true.
    Undecided,
}

impl Verdict {
    /// Both: a miss of either is a miss, whatever the other is.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Miss, _) | (_, Self::Miss) => Self::Miss,
            (Self::Undecided, _) | (_, Self::Undecided) => Self::Undecided,
            (Self::Hit, Self::Hit) => Self::Hit,
        }
    }
}

impl std::ops::Not for Verdict {
    type Output = Self;

    fn not(self) -> Self {
        match self {
            Self::Hit => Self::Miss,
            Self::Miss => Self::Hit,
            Self::Undecided => Self::Undecided,
        }
    }
}

impl From<bool> for Verdict {
    fn from(hit: bool) -> Self {
        if hit { Self::Hit } else { Self::Miss }
    }
}

/// A compiled JavaScript regular expression.
pub struct Pattern {
    engine: Engine,
}

enum Engine {
    /// Linear in the length of the text.
    Linear(regex::Regex),
    /// Looks around or back; bounded by [`BACKTRACK_LIMIT`].
    Backtracking(Box<fancy_regex::Regex>),
}

/// Reads the source of a regular expression, as `new RegExp(source)` does.
///
/// # Errors
/// When JavaScript refuses it, or when it is too long or nested too deeply to be followed.
pub fn parse(source: &str) -> Result<Disjunction, EcmaError> {
    if source.len() > MAX_SOURCE {
        return Err(EcmaError::TooLarge);
    }
    parse::parse(source)
}

impl Pattern {
    /// Compiles what was parsed.
    ///
    /// # Errors
    /// When the expression is too large, or uses backreferences in a way that cannot be followed.
    pub fn new(syntax: Disjunction) -> Result<Self, EcmaError> {
        Self::capturing(syntax, &BTreeSet::new())
    }

    /// As [`Pattern::new`], keeping what these groups match for [`Pattern::captures`].
    ///
    /// # Errors
    /// Those of [`Pattern::new`].
    pub fn capturing(mut syntax: Disjunction, groups: &BTreeSet<usize>) -> Result<Self, EcmaError> {
        let mut needed = references::resolve(&mut syntax)?;
        let is_linear = needed.is_empty() && !looks_around(&syntax);
        needed.extend(groups);
        let engine = if is_linear {
            Engine::Linear(linear(&emit::emit(&syntax, &needed, Dialect::Regex))?)
        } else {
            Engine::Backtracking(Box::new(backtracking(&emit::emit(&syntax, &needed, Dialect::FancyRegex))?))
        };
        Ok(Self { engine })
    }

    /// [`parse`] and [`Pattern::new`] in one.
    ///
    /// # Errors
    /// Those of both.
    pub fn compile(source: &str) -> Result<Self, EcmaError> {
        Self::new(parse(source)?)
    }

    /// What `RegExp.prototype.test` answers for the text.
    #[must_use]
    pub fn is_match(&self, text: &str) -> Verdict {
        let units = subject::units(text);
        match &self.engine {
            Engine::Linear(regex) => regex.is_match(&units).into(),
            Engine::Backtracking(regex) => {
                regex.is_match(units.as_ref()).map_or(Verdict::Undecided, Verdict::from)
            }
        }
    }

    /// What each of these groups matched; `None` where the text is no match, or the search was given up.
    #[must_use]
    pub fn captures(&self, text: &str, groups: &[usize]) -> Option<Vec<Option<String>>> {
        let units = subject::units(text);
        let name = |group: &usize| format!("g{group}");
        match &self.engine {
            Engine::Linear(regex) => {
                let captures = regex.captures(&units)?;
                let text = |group| captures.name(&name(group)).map(|found| subject::text(found.as_str()));
                Some(groups.iter().map(text).collect())
            }
            Engine::Backtracking(regex) => {
                let captures = regex.captures(units.as_ref()).ok()??;
                let text = |group| captures.name(&name(group)).map(|found| subject::text(found.as_str()));
                Some(groups.iter().map(text).collect())
            }
        }
    }

    /// Whether every text is answered in time linear in its length.
    #[must_use]
    pub fn is_linear(&self) -> bool {
        matches!(self.engine, Engine::Linear(_))
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.engine {
            Engine::Linear(regex) => write!(f, "Pattern({})", regex.as_str()),
            Engine::Backtracking(regex) => write!(f, "Pattern({}, backtracking)", regex.as_str()),
        }
    }
}

fn linear(text: &str) -> Result<regex::Regex, EcmaError> {
    regex::RegexBuilder::new(text).size_limit(SIZE_LIMIT).build().map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => EcmaError::TooLarge,
        error => EcmaError::Unsupported(error.to_string()),
    })
}

fn backtracking(text: &str) -> Result<fancy_regex::Regex, EcmaError> {
    fancy_regex::RegexBuilder::new(text)
        .backtrack_limit(BACKTRACK_LIMIT)
        .delegate_size_limit(SIZE_LIMIT)
        .max_prog_size(MAX_PROGRAM)
        .build()
        .map_err(|error| EcmaError::Unsupported(error.to_string()))
}

fn looks_around(disjunction: &Disjunction) -> bool {
    disjunction.0.iter().flatten().any(|term| match term {
        Term::Look { .. } => true,
        Term::Group(_, body) => looks_around(body),
        Term::Repeat { body, .. } => looks_around(&Disjunction(vec![vec![(**body).clone()]])),
        _ => false,
    })
}

#[cfg(test)]
mod tests;

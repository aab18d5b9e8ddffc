//! Matcher sources, beside JavaScript: what is refused, what is hit, and with which parameters.
//!
//! As text: a line of flags (`r`: the source is a bare regular expression, `b`: with a base path, `i`: with locales,
//! `l`: `locale: false`), the source, and a path on each further line. After a zero byte the source is grown from the
//! grammar instead.

mod grammar;

use sessiongate::request::path::decode_uri_component;
use sessiongate::rule::matcher::ecma::{EcmaError, Pattern};
use sessiongate::rule::matcher::{Matcher, MatcherError, ParameterValue, Parameters, SyntaxError, Verdict};
use sessiongate::rule::next::{I18n, NextConfig};

use crate::oracle::{self, Oracle, slice};

/// A source and what it is asked.
#[derive(Debug, Default)]
pub struct Asked {
    pub flags: String,
    pub source: String,
    pub paths: Vec<String>,
}

/// # Panics
/// Where ours and JavaScript's answers differ.
pub fn run(data: &[u8]) {
    let asked = match data.split_first() {
        Some((0, seed)) => grammar::grow(seed),
        _ => Asked::parse(&String::from_utf8_lossy(data)),
    };
    if asked.flags.contains('r') { asked.as_pattern() } else { asked.as_matcher() }
}

impl Asked {
    fn parse(text: &str) -> Self {
        let mut lines = text.split('\n').map(str::to_owned);
        let (flags, source) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
        Self { flags, source, paths: lines.take(16).collect() }
    }

    fn as_pattern(&self) {
        let ours = Pattern::compile(&self.source);
        if !oracle::is_trusted(&self.source) {
            return;
        }
        let oracle = Oracle::new(&self.source);
        match (&ours, oracle) {
            (Ok(pattern), Some(oracle)) => {
                for path in &self.paths {
                    self.is_same_answer(path, pattern.is_match(path), &oracle);
                }
            }
            (Ok(_), None) => panic!("/{}/ is refused by JavaScript alone", self.source),
            (Err(reason), Some(_)) => {
                assert!(is_ours(reason), "/{}/ is refused by us alone: {reason}", self.source);
            }
            (Err(_), None) => {}
        }
    }

    fn as_matcher(&self) {
        let (next, locale) = (self.next(), !self.flags.contains('l'));
        let matcher = match Matcher::compile(&self.source, locale, &next) {
            Ok(matcher) => matcher,
            Err(error) => return is_refused_by_javascript_too(&error),
        };
        if !oracle::is_trusted(matcher.regexp()) {
            return;
        }
        let oracle = Oracle::new(matcher.regexp())
            .unwrap_or_else(|| panic!("{}: /{}/ is refused by JavaScript", self.source, matcher.regexp()));
        let parameters = Parameters::compile(&self.source, locale, &next);
        for path in &self.paths {
            let verdict = matcher.is_match(path);
            self.is_same_answer(path, verdict, &oracle);
            if verdict == Verdict::Hit {
                let prefix = matcher.literal_prefix();
                let is_indexed = next.index_keys(path).iter().any(|key| key.starts_with(prefix));
                assert!(is_indexed, "{} hits {path}, and is not looked up for it: {prefix}", self.source);
            }
            if let Ok(parameters) = &parameters {
                self.are_same_parameters(path, parameters, &oracle);
            }
        }
    }

    fn next(&self) -> NextConfig {
        let base = if self.flags.contains('b') { "/docs" } else { "" };
        let i18n = self.flags.contains('i').then(|| I18n {
            locales: vec!["en".to_owned(), "fr".to_owned()],
            default_locale: "en".to_owned(),
            domains: Vec::new(),
        });
        NextConfig::new(base.to_owned(), i18n, false, None).expect("a sound configuration")
    }

    fn is_same_answer(&self, path: &str, verdict: Verdict, oracle: &Oracle) {
        let Ok(found) = oracle.find(path) else { return };
        let expected = Verdict::from(found.is_some());
        assert!(
            verdict == expected || verdict == Verdict::Undecided,
            "{:?} {} on {path:?}: {verdict:?}, JavaScript says {expected:?}",
            self.flags,
            self.source
        );
    }

    /// Where each parameter is one group: what stands around the source has one before it and one behind.
    fn are_same_parameters(&self, path: &str, parameters: &Parameters, oracle: &Oracle) {
        let names: Vec<(&str, bool)> = parameters.names().collect();
        let Ok(Some(groups)) = oracle.find(path) else { return };
        let is_plain =
            !self.flags.contains('i') && groups.len() == names.len() + 3 && !self.source.contains('{');
        // A name that is there twice is told twice, and the root has no transport forms of its own.
        let is_twice = |at: usize| names[..at].iter().any(|(name, _)| *name == names[at].0);
        if !is_plain || self.source == "/" || (0..names.len()).any(is_twice) {
            return;
        }
        let read = parameters.read(path);
        for (at, (name, is_list)) in names.iter().enumerate() {
            let found = groups[at + 2].clone().map(|range| slice(path, range));
            let ours = read.iter().find(|(known, _)| known == name).map(|(_, value)| value);
            // The parts of a list have its prefix between them, which is one of two.
            let expected =
                ['/', '.'].map(|between| found.as_ref().map(|text| value(text, *is_list, between)));
            let is_expected = expected.iter().any(|expected| expected.as_ref() == ours);
            assert!(
                is_expected,
                "{} on {path:?}: {name}: {ours:?} instead of {:?}",
                self.source, expected[0]
            );
        }
    }
}

fn value(text: &str, is_list: bool, between: char) -> ParameterValue {
    let decoded = |text: &str| decode_uri_component(text).map_or_else(|| text.to_owned(), Into::into);
    match is_list {
        false => ParameterValue::Text(decoded(text)),
        true if text.is_empty() => ParameterValue::List(Vec::new()),
        true => ParameterValue::List(text.split(between).map(decoded).collect()),
    }
}

fn is_refused_by_javascript_too(error: &MatcherError) {
    let reason = match error {
        MatcherError::Syntax(reason) | MatcherError::Wrapped { reason, .. } => reason,
        MatcherError::Unfollowed(reason) => {
            assert!(is_ours(reason), "{error}");
            return;
        }
        MatcherError::NoLeadingSlash | MatcherError::TooLong { .. } | MatcherError::WrappedTooLong { .. } => {
            return;
        }
    };
    if let SyntaxError::InvalidRegexp { reason, regexp } = reason {
        let is_refused = is_ours(reason) || !oracle::is_trusted(regexp) || Oracle::new(regexp).is_none();
        assert!(is_refused, "/{regexp}/ is refused by us alone: {reason}");
    }
}

/// Whether it is our own limit, and not JavaScript's grammar.
fn is_ours(reason: &EcmaError) -> bool {
    matches!(
        reason,
        EcmaError::TooDeep(_)
            | EcmaError::BackreferenceAndLookbehind
            | EcmaError::BackreferenceIntoRepetition(_)
            | EcmaError::TooLarge
            | EcmaError::Unsupported(_)
    )
}

//! Reads a JavaScript regular expression without flags, as V8 does (ECMA-262, section 22.2.1 with Annex B.1.2).

mod escape;

use std::collections::{HashMap, HashSet};

use super::ast::{Disjunction, Term, UnitSet};
use super::error::EcmaError;

/// Deeper nesting is refused, so that no pattern can exhaust the stack.
const MAX_DEPTH: usize = 100;

/// Parses the source of a regular expression.
///
/// # Errors
/// What V8 calls a `SyntaxError`, or groups that are nested too deeply.
pub fn parse(source: &str) -> Result<Disjunction, EcmaError> {
    let units: Vec<u16> = source.encode_utf16().collect();
    let mut parser = Parser::new(&units);
    let disjunction = parser.disjunction(0)?;
    if parser.peek().is_some() {
        return Err(EcmaError::UnmatchedParenthesis);
    }
    if parser.refers_to_unknown {
        return Err(EcmaError::UnknownNamedReference);
    }
    Ok(disjunction)
}

pub(super) struct Parser<'a> {
    units: &'a [u16],
    at: usize,
    groups_opened: usize,
    /// Escapes depend on what is still to come: `\2` with two groups is a reference, `\k` with a name too.
    groups_total: usize,
    names: HashMap<Vec<u16>, usize>,
    closed: HashSet<Vec<u16>>,
    refers_to_unknown: bool,
}

impl<'a> Parser<'a> {
    fn new(units: &'a [u16]) -> Self {
        let mut parser = Self {
            units,
            at: 0,
            groups_opened: 0,
            groups_total: 0,
            names: HashMap::new(),
            closed: HashSet::new(),
            refers_to_unknown: false,
        };
        parser.survey();
        parser
    }

    /// Counts the capturing groups and notes their names before the parsing proper.
    fn survey(&mut self) {
        let mut in_class = false;
        while let Some(unit) = self.next() {
            match ascii(unit) {
                '\\' => self.at += 1,
                '[' => in_class = true,
                ']' => in_class = false,
                '(' if !in_class => self.survey_group(),
                _ => {}
            }
        }
        self.at = 0;
    }

    fn survey_group(&mut self) {
        if self.peek_is('?') {
            let named = self.peek_at(1) == Some('<') && !matches!(self.peek_at(2), Some('=' | '!'));
            if !named {
                return;
            }
            let start = self.at;
            self.at += 2;
            if let Ok(name) = self.group_name() {
                self.names.entry(name).or_insert(self.groups_total + 1);
            }
            self.at = start;
        }
        self.groups_total += 1;
    }

    fn disjunction(&mut self, depth: usize) -> Result<Disjunction, EcmaError> {
        if depth > MAX_DEPTH {
            return Err(EcmaError::TooDeep(MAX_DEPTH));
        }
        let mut alternatives = vec![self.alternative(depth)?];
        while self.take('|') {
            alternatives.push(self.alternative(depth)?);
        }
        Ok(Disjunction(alternatives))
    }

    fn alternative(&mut self, depth: usize) -> Result<Vec<Term>, EcmaError> {
        let mut terms = Vec::new();
        while let Some(unit) = self.peek() {
            if matches!(ascii(unit), '|' | ')') {
                break;
            }
            let term = self.term(depth)?;
            terms.push(term);
        }
        Ok(terms)
    }

    fn term(&mut self, depth: usize) -> Result<Term, EcmaError> {
        let Some(unit) = self.next() else { return Err(EcmaError::UnterminatedGroup) };
        let atom = match ascii(unit) {
            '^' => return Ok(Term::Start),
            '$' => return Ok(Term::End),
            '\\' if self.take('b') => return Ok(Term::WordBoundary),
            '\\' if self.take('B') => return Ok(Term::NotWordBoundary),
            '\\' => self.atom_escape()?,
            '(' => self.group(depth)?,
            '.' => Term::Class(UnitSet::not_line_end()),
            '[' => Term::Class(self.class()?),
            '*' | '+' | '?' => return Err(EcmaError::NothingToRepeat),
            '{' => {
                if self.interval().is_some() {
                    return Err(EcmaError::NothingToRepeat);
                }
                Term::Unit(unit)
            }
            _ => Term::Unit(unit),
        };
        self.quantified(atom)
    }

    fn group(&mut self, depth: usize) -> Result<Term, EcmaError> {
        if !self.take('?') {
            return self.capture(depth);
        }
        let (behind, negative) = match self.next().map(ascii) {
            Some(':') => return Ok(Term::Group(None, self.group_body(depth)?)),
            Some('=') => (false, false),
            Some('!') => (false, true),
            Some('<') if self.take('=') => (true, false),
            Some('<') if self.take('!') => (true, true),
            Some('<') => {
                let name = self.group_name()?;
                let group = self.capture(depth)?;
                return if self.closed.insert(name) { Ok(group) } else { Err(EcmaError::DuplicateGroupName) };
            }
            _ => return Err(EcmaError::InvalidGroup),
        };
        Ok(Term::Look { behind, negative, body: self.group_body(depth)? })
    }

    fn capture(&mut self, depth: usize) -> Result<Term, EcmaError> {
        self.groups_opened += 1;
        let number = self.groups_opened;
        Ok(Term::Group(Some(number), self.group_body(depth)?))
    }

    fn group_body(&mut self, depth: usize) -> Result<Disjunction, EcmaError> {
        let body = self.disjunction(depth + 1)?;
        if self.take(')') { Ok(body) } else { Err(EcmaError::UnterminatedGroup) }
    }

    fn quantified(&mut self, atom: Term) -> Result<Term, EcmaError> {
        let (min, max) = match self.peek().map(ascii) {
            Some('*') => (0, None),
            Some('+') => (1, None),
            Some('?') => (0, Some(1)),
            Some('{') => {
                self.at += 1;
                let Some(interval) = self.interval() else {
                    // A brace that opens no quantifier is the next literal.
                    self.at -= 1;
                    return Ok(atom);
                };
                self.at -= 1;
                interval
            }
            _ => return Ok(atom),
        };
        self.at += 1;
        if matches!(max, Some(max) if max < min) {
            return Err(EcmaError::QuantifierOutOfOrder);
        }
        if matches!(atom, Term::Look { behind: true, .. }) {
            return Err(EcmaError::QuantifiedLookbehind);
        }
        let greedy = !self.take('?');
        Ok(Term::Repeat { body: Box::new(atom), min, max, greedy })
    }

    /// What follows a `{`, if it is a quantifier; otherwise nothing is consumed.
    fn interval(&mut self) -> Option<(u32, Option<u32>)> {
        let start = self.at;
        let interval = self.interval_body();
        if interval.is_none() {
            self.at = start;
        }
        interval
    }

    fn interval_body(&mut self) -> Option<(u32, Option<u32>)> {
        let min = self.decimal()?;
        if self.take('}') {
            return Some((min, Some(min)));
        }
        if !self.take(',') {
            return None;
        }
        if self.take('}') {
            return Some((min, None));
        }
        let max = self.decimal()?;
        self.take('}').then_some((min, Some(max)))
    }

    fn decimal(&mut self) -> Option<u32> {
        let mut value: Option<u32> = None;
        while let Some(digit) = self.peek().and_then(|unit| ascii(unit).to_digit(10)) {
            value = Some(value.unwrap_or(0).saturating_mul(10).saturating_add(digit));
            self.at += 1;
        }
        value
    }

    fn peek(&self) -> Option<u16> {
        self.units.get(self.at).copied()
    }

    fn peek_at(&self, ahead: usize) -> Option<char> {
        self.units.get(self.at + ahead).copied().map(ascii)
    }

    fn peek_is(&self, wanted: char) -> bool {
        self.peek_at(0) == Some(wanted)
    }

    fn next(&mut self) -> Option<u16> {
        let unit = self.peek()?;
        self.at += 1;
        Some(unit)
    }

    fn take(&mut self, wanted: char) -> bool {
        let found = self.peek_is(wanted);
        self.at += usize::from(found);
        found
    }
}

/// The unit as a character where it is ASCII; all syntax is.
fn ascii(unit: u16) -> char {
    u8::try_from(unit).ok().filter(u8::is_ascii).map_or(char::REPLACEMENT_CHARACTER, char::from)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn refuses_with_the_words_of_v8() {
        for (source, reason) in [
            ("(?<=a)*", "Invalid quantifier"),
            ("(?=a){2,1}", "numbers out of order in {} quantifier"),
            ("^*", "Nothing to repeat"),
            (r"\b+", "Nothing to repeat"),
            ("a{2}{3}", "Nothing to repeat"),
            ("{1}", "Nothing to repeat"),
            ("a**", "Nothing to repeat"),
            ("a{1}??", "Nothing to repeat"),
            ("|*", "Nothing to repeat"),
            (r"(?<a>.)\k", "Invalid named reference"),
            (r"(?<a>.)\k<b>", "Invalid named capture referenced"),
            (r"(?<a>.)[\k]", "Invalid escape"),
            ("[z-a]", "Range out of order in character class"),
            ("(?i)a", "Invalid group"),
            ("(?i:a)", "Invalid group"),
            ("(?P<a>x)", "Invalid group"),
            ("(?>a)", "Invalid group"),
            ("(?", "Invalid group"),
            ("(?<1>a)", "Invalid capture group name"),
            ("(?<>a)", "Invalid capture group name"),
            ("(?<a", "Invalid capture group name"),
            ("(?<a>x)|(?<a>y)", "Duplicate capture group name"),
            (r"\", r"\ at end of pattern"),
            (r"[\", r"\ at end of pattern"),
            (r"[a-\", r"\ at end of pattern"),
            ("[", "Unterminated character class"),
            ("(", "Unterminated group"),
            ("a)", "Unmatched ')'"),
        ] {
            assert_eq!(parse(source).map_err(|e| e.to_string()).err().as_deref(), Some(reason), "{source}");
        }
    }

    #[test]
    fn accepts_what_annex_b_lets_through() {
        for source in [
            "(?=a)*",
            "a{,5}",
            "x{1",
            "]",
            "}",
            r"\k<a>",
            r"[\c1]",
            r"\c1",
            r"\8",
            r"[b-\d]",
            "(?<$>a)",
            r"(?<\u0061>a)\k<a>",
            r"(?<\u{61}>a)\k<a>",
            "(?<𝒜>.)",
            "a{99999999999}",
            "(?!)",
            "()",
            "(?:)*",
            "[]",
            "[^]",
            r"\p{L}",
            r"\u{3}",
            r"\xz",
            r"(?<a>\k<a>x)",
        ] {
            assert!(parse(source).is_ok(), "{source}");
        }
    }

    #[test]
    fn refuses_bottomless_nesting() {
        let source = format!("{}a{}", "(?:".repeat(5000), ")".repeat(5000));
        assert!(parse(&source).is_err());
    }
}

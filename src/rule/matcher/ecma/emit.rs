//! Writes a JavaScript regular expression in the syntax of `regex` and `fancy-regex`.
//!
//! Only a small common part of both is used: escaped characters, classes made of plain ranges, groups and
//! counted repetitions. Everything in which the dialects differ is spelled out.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::ast::{Disjunction, Term, UnitSet};
use super::subject;

/// For which of the two crates to write.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    Regex,
    FancyRegex,
}

impl Dialect {
    /// JavaScript's `\b` knows ASCII words only; `fancy-regex` has no such boundary of its own.
    fn word_boundary(self) -> &'static str {
        match self {
            Self::Regex => r"(?-u:\b)",
            Self::FancyRegex => r"(?:(?<=[0-9A-Z_a-z])(?![0-9A-Z_a-z])|(?<![0-9A-Z_a-z])(?=[0-9A-Z_a-z]))",
        }
    }

    fn not_word_boundary(self) -> &'static str {
        match self {
            Self::Regex => r"(?-u:\B)",
            Self::FancyRegex => r"(?:(?<=[0-9A-Z_a-z])(?=[0-9A-Z_a-z])|(?<![0-9A-Z_a-z])(?![0-9A-Z_a-z]))",
        }
    }
}

/// The text of the pattern; the groups in `needed` are called `g1`, `g2`, ..., the others capture nothing.
pub fn emit(pattern: &Disjunction, needed: &BTreeSet<usize>, dialect: Dialect) -> String {
    let mut emitter = Emitter { text: String::new(), needed, dialect };
    emitter.disjunction(pattern);
    emitter.text
}

struct Emitter<'a> {
    text: String,
    needed: &'a BTreeSet<usize>,
    dialect: Dialect,
}

impl Emitter<'_> {
    fn disjunction(&mut self, disjunction: &Disjunction) {
        for (index, sequence) in disjunction.0.iter().enumerate() {
            if index > 0 {
                self.text.push('|');
            }
            for term in sequence {
                self.term(term);
            }
        }
    }

    fn term(&mut self, term: &Term) {
        match term {
            Term::Unit(unit) => self.character(subject::character(*unit)),
            Term::Class(set) => self.class(set),
            Term::Start => self.text.push_str(r"\A"),
            Term::End => self.text.push_str(r"\z"),
            Term::WordBoundary => self.text.push_str(self.dialect.word_boundary()),
            Term::NotWordBoundary => self.text.push_str(self.dialect.not_word_boundary()),
            Term::Group(Some(group), body) if self.needed.contains(group) => {
                self.write(format_args!("(?<g{group}>"));
                self.enclosed("", body);
            }
            Term::Group(_, body) => self.enclosed("(?:", body),
            Term::Look { behind, negative, body } => {
                let open = match (behind, negative) {
                    (false, false) => "(?=",
                    (false, true) => "(?!",
                    (true, false) => "(?<=",
                    (true, true) => "(?<!",
                };
                self.enclosed(open, body);
            }
            Term::Backreference { group, optional: false } => self.write(format_args!(r"(?:\k<g{group}>)")),
            Term::Backreference { group, optional: true } => {
                self.write(format_args!(r"(?(<g{group}>)\k<g{group}>|)"));
            }
            Term::Repeat { body, min, max, greedy } => self.repeat(body, *min, *max, *greedy),
        }
    }

    fn enclosed(&mut self, open: &str, body: &Disjunction) {
        self.text.push_str(open);
        self.disjunction(body);
        self.text.push(')');
    }

    fn repeat(&mut self, body: &Term, min: u32, max: Option<u32>, greedy: bool) {
        // JavaScript rejects a turn beyond the required ones that consumes nothing, and the required ones of
        // an assertion all say the same.
        if max == Some(0) || (min == 0 && body.is_assertion()) {
            return;
        }
        if body.is_assertion() {
            self.term(body);
            return;
        }
        self.text.push_str("(?:");
        self.term(body);
        self.text.push(')');
        match (min, max) {
            (0, None) => self.text.push('*'),
            (1, None) => self.text.push('+'),
            (0, Some(1)) => self.text.push('?'),
            (min, None) => self.write(format_args!("{{{min},}}")),
            (min, Some(max)) if min == max => self.write(format_args!("{{{min}}}")),
            (min, Some(max)) => self.write(format_args!("{{{min},{max}}}")),
        }
        if !greedy {
            self.text.push('?');
        }
    }

    fn class(&mut self, set: &UnitSet) {
        self.text.push('[');
        for (low, high) in subject::ranges(set) {
            self.character(low);
            if low != high {
                self.text.push('-');
                self.character(high);
            }
        }
        if set.ranges().is_empty() {
            self.text.push_str(r"^\x{0}-\x{10FFFF}");
        }
        self.text.push(']');
    }

    fn character(&mut self, c: char) {
        if c.is_ascii_alphanumeric() {
            self.text.push(c);
        } else {
            self.write(format_args!(r"\x{{{:X}}}", u32::from(c)));
        }
    }

    fn write(&mut self, arguments: std::fmt::Arguments<'_>) {
        // Writing to a `String` cannot fail.
        let _ = self.text.write_fmt(arguments);
    }
}

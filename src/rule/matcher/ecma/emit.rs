//! Writes a JavaScript regular expression in the syntax of `regex` and `fancy-regex`.
//!
//! Only a small common part of both is used: escaped characters, classes made of plain ranges, groups and
//! counted repetitions. Everything in which the dialects differ is spelled out.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::ast::{Disjunction, Term, UnitSet};
use super::subject;

/// The text of the pattern; the groups in `needed` are called `g1`, `g2`, ..., the others capture nothing.
pub fn emit(pattern: &Disjunction, needed: &BTreeSet<usize>) -> String {
    let mut emitter = Emitter { text: String::new(), needed };
    emitter.disjunction(pattern);
    emitter.text
}

struct Emitter<'a> {
    text: String,
    needed: &'a BTreeSet<usize>,
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
            Term::WordBoundary => self.text.push_str(r"(?-u:\b)"),
            Term::NotWordBoundary => self.text.push_str(r"(?-u:\B)"),
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
        if max == Some(0) {
            return;
        }
        // JavaScript rejects a turn beyond the required ones that consumes nothing, and a lookahead is one.
        if matches!(body, Term::Look { .. }) {
            if min > 0 {
                self.term(body);
            }
            return;
        }
        let start = self.text.len();
        self.text.push_str("(?:");
        let inside = self.text.len();
        self.term(body);
        if matches!(&self.text[inside..], "" | "(?:)") {
            self.text.truncate(start);
            return;
        }
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

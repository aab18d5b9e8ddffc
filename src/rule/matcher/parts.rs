//! The parser of path-to-regexp 6.3, with its defaults: prefixes `./`, delimiters `/#?`.

use std::fmt;
use std::iter::Peekable;
use std::vec::IntoIter;

use super::SyntaxError;
use super::lexer::{Kind, Token, lex};
use super::regexp::{DEFAULT_PATTERN, NOT_DELIMITER, escape};

/// A piece of a source: text, or a parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    Text(String),
    Parameter(Parameter),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    pub name: Name,
    pub prefix: String,
    pub suffix: String,
    /// A regular expression; empty for braces around plain text.
    pub pattern: String,
    /// `?`, `*` or `+`.
    pub modifier: Option<char>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Name {
    Given(String),
    /// A group without a name is counted from 0.
    Counted(usize),
    /// Braces around plain text.
    None,
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Given(name) => f.write_str(name),
            Self::Counted(number) => number.fmt(f),
            Self::None => Ok(()),
        }
    }
}

/// Parses a source.
pub fn parse(source: &str) -> Result<Vec<Part>, SyntaxError> {
    let mut parser = Parser { tokens: lex(source)?.into_iter().peekable(), parts: Vec::new(), counted: 0 };
    parser.run()?;
    Ok(parser.parts)
}

struct Parser {
    tokens: Peekable<IntoIter<Token>>,
    parts: Vec<Part>,
    counted: usize,
}

impl Parser {
    fn run(&mut self) -> Result<(), SyntaxError> {
        let mut text = String::new();
        loop {
            let character = self.character();
            let name = self.name();
            let pattern = self.pattern();
            if name.is_some() || pattern.is_some() {
                let prefix = character.filter(|c| matches!(c, '.' | '/'));
                if prefix.is_none() {
                    text.extend(character);
                }
                self.flush(&mut text);
                self.parameter(prefix.map(String::from).unwrap_or_default(), name, pattern)?;
                continue;
            }
            if let Some(c) = character.or_else(|| self.escaped()) {
                text.push(c);
                continue;
            }
            self.flush(&mut text);
            if self.take(&Kind::Open) {
                self.braces()?;
            } else {
                return self.expect(&Kind::End);
            }
        }
    }

    fn parameter(
        &mut self,
        prefix: String,
        name: Option<String>,
        pattern: Option<String>,
    ) -> Result<(), SyntaxError> {
        let name = name.map_or_else(|| self.count(), Name::Given);
        let pattern = pattern.map_or_else(|| self.default_pattern(&prefix), Ok)?;
        let modifier = self.modifier();
        self.parts.push(Part::Parameter(Parameter {
            name,
            prefix,
            suffix: String::new(),
            pattern,
            modifier,
        }));
        Ok(())
    }

    fn braces(&mut self) -> Result<(), SyntaxError> {
        let prefix = self.text();
        let name = self.name();
        let pattern = self.pattern();
        let suffix = self.text();
        self.expect(&Kind::Close)?;
        let (name, pattern) = match (name, pattern) {
            (Some(name), Some(pattern)) => (Name::Given(name), pattern),
            (Some(name), None) => (Name::Given(name), self.default_pattern(&prefix)?),
            (None, Some(pattern)) => (self.count(), pattern),
            (None, None) => (Name::None, String::new()),
        };
        let modifier = self.modifier();
        self.parts.push(Part::Parameter(Parameter { name, prefix, suffix, pattern, modifier }));
        Ok(())
    }

    /// What a parameter without a pattern of its own matches: up to a delimiter, or up to its prefix where
    /// that holds no delimiter.
    fn default_pattern(&self, prefix: &str) -> Result<String, SyntaxError> {
        let before = match self.parts.last() {
            _ if !prefix.is_empty() => prefix,
            Some(Part::Text(text)) => text,
            Some(Part::Parameter(previous)) => {
                return Err(SyntaxError::MissingText { after: previous.name.to_string() });
            }
            None => "",
        };
        Ok(if before.is_empty() || before.contains(['/', '#', '?']) {
            DEFAULT_PATTERN.to_owned()
        } else {
            format!("(?:(?!{}){NOT_DELIMITER})+?", escape(before))
        })
    }

    fn count(&mut self) -> Name {
        self.counted += 1;
        Name::Counted(self.counted - 1)
    }

    fn flush(&mut self, text: &mut String) {
        if !text.is_empty() {
            self.parts.push(Part::Text(std::mem::take(text)));
        }
    }

    fn text(&mut self) -> String {
        let mut text = String::new();
        while let Some(c) = self.character().or_else(|| self.escaped()) {
            text.push(c);
        }
        text
    }

    fn character(&mut self) -> Option<char> {
        self.take_if(|kind| if let Kind::Char(c) = kind { Some(*c) } else { None })
    }

    /// A backslash at the very end is consumed, and is nothing.
    fn escaped(&mut self) -> Option<char> {
        self.take_if(|kind| if let Kind::Escaped(c) = kind { Some(*c) } else { None }).flatten()
    }

    fn name(&mut self) -> Option<String> {
        self.take_if(|kind| if let Kind::Name(name) = kind { Some(name.clone()) } else { None })
    }

    fn pattern(&mut self) -> Option<String> {
        self.take_if(|kind| if let Kind::Pattern(pattern) = kind { Some(pattern.clone()) } else { None })
    }

    fn modifier(&mut self) -> Option<char> {
        self.take_if(|kind| if let Kind::Modifier(c) = kind { Some(*c) } else { None })
    }

    fn take(&mut self, wanted: &Kind) -> bool {
        self.take_if(|kind| (kind == wanted).then_some(())).is_some()
    }

    fn expect(&mut self, wanted: &Kind) -> Result<(), SyntaxError> {
        match self.tokens.next() {
            Some(token) if token.kind != *wanted => Err(SyntaxError::Unexpected {
                found: token.kind.name(),
                at: token.at,
                expected: wanted.name(),
            }),
            _ => Ok(()),
        }
    }

    fn take_if<T>(&mut self, pick: impl Fn(&Kind) -> Option<T>) -> Option<T> {
        let picked = pick(&self.tokens.peek()?.kind)?;
        self.tokens.next();
        Some(picked)
    }
}

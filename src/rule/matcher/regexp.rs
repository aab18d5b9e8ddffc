//! The regular expression that path-to-regexp 6.3 writes for a source, as JavaScript shows it again.

use std::fmt::Write as _;

use super::SyntaxError;
use super::ecma::{self, ast::Disjunction};
use super::parts::{Parameter, Part};

/// One unit that is no delimiter.
pub const NOT_DELIMITER: &str = r"[^\/#\?]";
/// The pattern of a parameter that has none of its own: a segment.
pub const DEFAULT_PATTERN: &str = r"[^\/#\?]+?";

/// The source of the regular expression, and what it says.
pub fn compile(parts: &[Part]) -> Result<(String, Disjunction), SyntaxError> {
    attempt(parts).or_else(|_| attempt(&with_prefixes(parts)))
}

fn attempt(parts: &[Part]) -> Result<(String, Disjunction), SyntaxError> {
    let source = as_shown(&write(parts)?);
    let syntax = ecma::parse(&source)
        .map_err(|reason| SyntaxError::InvalidRegexp { regexp: source.clone(), reason })?;
    Ok((source, syntax))
}

/// Next.js gives a repeated parameter without prefix and suffix, which path-to-regexp refuses, the prefix `/`.
fn with_prefixes(parts: &[Part]) -> Vec<Part> {
    let mut parts = parts.to_vec();
    for part in &mut parts {
        if let Part::Parameter(parameter) = part
            && parameter.is_repeated()
            && parameter.is_bare()
        {
            parameter.prefix.push('/');
        }
    }
    parts
}

fn write(parts: &[Part]) -> Result<String, SyntaxError> {
    let mut source = String::from("^");
    for part in parts {
        match part {
            Part::Text(text) => source.push_str(&escape(text)),
            Part::Parameter(parameter) => parameter.write(&mut source)?,
        }
    }
    source.push_str(r"[\/#\?]?$");
    Ok(source)
}

impl Parameter {
    fn is_repeated(&self) -> bool {
        matches!(self.modifier, Some('*' | '+'))
    }

    fn is_bare(&self) -> bool {
        self.prefix.is_empty() && self.suffix.is_empty()
    }

    fn write(&self, source: &mut String) -> Result<(), SyntaxError> {
        let (prefix, suffix) = (escape(&self.prefix), escape(&self.suffix));
        let pattern = &self.pattern;
        let modifier = self.modifier.map(String::from).unwrap_or_default();
        // Writing to a `String` cannot fail.
        let _ = match (pattern.is_empty(), self.is_repeated(), self.is_bare()) {
            (true, ..) => write!(source, "(?:{prefix}{suffix}){modifier}"),
            (false, true, true) => {
                return Err(SyntaxError::RepeatWithoutPrefix { name: self.name.to_string() });
            }
            (false, false, true) => write!(source, "({pattern}){modifier}"),
            (false, false, false) => write!(source, "(?:{prefix}({pattern}){suffix}){modifier}"),
            (false, true, false) => {
                let optional = if modifier == "*" { "?" } else { "" };
                let again = format!("(?:{suffix}{prefix}(?:{pattern}))*");
                write!(source, "(?:{prefix}((?:{pattern}){again}){suffix}){optional}")
            }
        };
        Ok(())
    }
}

/// Text as a regular expression that matches it.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if r".+*?=^!:${}()[]|/\".contains(c) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

/// What `RegExp.prototype.source` makes of a source: slashes outside classes and line ends are escaped.
fn as_shown(source: &str) -> String {
    let mut shown = String::with_capacity(source.len() + 8);
    let mut in_class = false;
    let mut characters = source.chars();
    while let Some(c) = characters.next() {
        if let Some(line_end) = line_end(c) {
            shown.push_str(line_end);
            continue;
        }
        match c {
            '\\' => {
                let escaped = characters.next();
                if let Some(line_end) = escaped.and_then(line_end) {
                    shown.push_str(line_end);
                } else {
                    shown.push(c);
                    shown.extend(escaped);
                }
                continue;
            }
            '/' if !in_class => shown.push('\\'),
            '[' => in_class = true,
            ']' => in_class = false,
            _ => {}
        }
        shown.push(c);
    }
    shown
}

fn line_end(c: char) -> Option<&'static str> {
    match c {
        '\n' => Some(r"\n"),
        '\r' => Some(r"\r"),
        '\u{2028}' => Some(r"\u2028"),
        '\u{2029}' => Some(r"\u2029"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::as_shown;

    #[test]
    fn a_source_is_shown_as_v8_shows_it() {
        for (source, shown) in [
            ("a/b[/]c\n\u{2028}", r"a\/b[/]c\n\u2028"),
            ("\\/a\\\n[\\]/]/", r"\/a\n[\]/]\/"),
            (r"[/\]]/", r"[/\]]\/"),
        ] {
            assert_eq!(as_shown(source), shown);
        }
    }
}

//! The lexer of path-to-regexp 6.3: a source becomes tokens, positions counted in UTF-16 units as its
//! messages do.

use super::SyntaxError;

/// One token and where it starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    pub at: usize,
    pub kind: Kind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    Char(char),
    /// A backslash and what follows; nothing does at the end of a source.
    Escaped(Option<char>),
    Open,
    Close,
    Name(String),
    Pattern(String),
    Modifier(char),
    End,
}

impl Kind {
    /// The name in messages.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Char(_) => "CHAR",
            Self::Escaped(_) => "ESCAPED_CHAR",
            Self::Open => "OPEN",
            Self::Close => "CLOSE",
            Self::Name(_) => "NAME",
            Self::Pattern(_) => "PATTERN",
            Self::Modifier(_) => "MODIFIER",
            Self::End => "END",
        }
    }
}

/// Splits a source into tokens; the last is [`Kind::End`].
pub fn lex(source: &str) -> Result<Vec<Token>, SyntaxError> {
    let mut lexer = Lexer { rest: source.chars(), at: 0 };
    let mut tokens = Vec::new();
    loop {
        let at = lexer.at;
        let kind = lexer.token()?;
        let is_end = kind == Kind::End;
        tokens.push(Token { at, kind });
        if is_end {
            return Ok(tokens);
        }
    }
}

struct Lexer<'a> {
    rest: std::str::Chars<'a>,
    at: usize,
}

impl Lexer<'_> {
    fn token(&mut self) -> Result<Kind, SyntaxError> {
        let start = self.at;
        let Some(c) = self.next() else { return Ok(Kind::End) };
        Ok(match c {
            '*' | '+' | '?' => Kind::Modifier(c),
            '\\' => Kind::Escaped(self.escaped()),
            '{' => Kind::Open,
            '}' => Kind::Close,
            ':' => self.name(start)?,
            '(' => self.pattern(start)?,
            _ => Kind::Char(c),
        })
    }

    /// The original steps over a character that is not there, which shows in positions.
    fn escaped(&mut self) -> Option<char> {
        let escaped = self.next();
        self.at += usize::from(escaped.is_none());
        escaped
    }

    fn name(&mut self, start: usize) -> Result<Kind, SyntaxError> {
        let mut name = String::new();
        while let Some(c) = self.peek().filter(|c| c.is_ascii_alphanumeric() || *c == '_') {
            self.next();
            name.push(c);
        }
        if name.is_empty() { Err(SyntaxError::MissingName { at: start }) } else { Ok(Kind::Name(name)) }
    }

    fn pattern(&mut self, start: usize) -> Result<Kind, SyntaxError> {
        if self.peek() == Some('?') {
            return Err(SyntaxError::LeadingQuestionMark { at: self.at });
        }
        let unbalanced = SyntaxError::Unbalanced { at: start };
        let mut pattern = String::new();
        let mut depth = 1;
        loop {
            let at = self.at;
            let Some(c) = self.next() else { return Err(unbalanced) };
            match c {
                '\\' => {
                    pattern.push(c);
                    let Some(escaped) = self.next() else { return Err(unbalanced) };
                    pattern.push(escaped);
                    continue;
                }
                ')' => depth -= 1,
                '(' if self.peek() != Some('?') => return Err(SyntaxError::CapturingGroup { at }),
                '(' => depth += 1,
                _ => {}
            }
            if depth == 0 {
                break;
            }
            pattern.push(c);
        }
        if pattern.is_empty() {
            Err(SyntaxError::MissingPattern { at: start })
        } else {
            Ok(Kind::Pattern(pattern))
        }
    }

    fn peek(&self) -> Option<char> {
        self.rest.clone().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.rest.next()?;
        self.at += c.len_utf16();
        Some(c)
    }
}

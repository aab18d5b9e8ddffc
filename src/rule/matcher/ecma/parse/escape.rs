//! Escapes, character classes and group names.

use super::super::ast::{Term, UnitSet};
use super::super::error::EcmaError;
use super::{Parser, ascii};

/// One element of a character class.
enum Element {
    Unit(u16),
    Set(UnitSet),
}

impl Parser<'_> {
    /// What follows a backslash outside a class, `\b` and `\B` excepted.
    pub(super) fn atom_escape(&mut self) -> Result<Term, EcmaError> {
        match self.peek_at(0) {
            None => Err(EcmaError::TrailingBackslash),
            Some('1'..='9') => Ok(self.group_reference().unwrap_or_else(|| Term::Unit(self.octal()))),
            Some('k') if !self.names.is_empty() => {
                self.at += 1;
                self.named_reference()
            }
            Some(_) => Ok(match self.class_escape() {
                Some(set) => Term::Class(set),
                None => Term::Unit(self.character_escape(false)?),
            }),
        }
    }

    fn group_reference(&mut self) -> Option<Term> {
        let start = self.at;
        match self.decimal() {
            Some(number) if number as usize <= self.groups_total => Some(reference(number as usize)),
            _ => {
                self.at = start;
                None
            }
        }
    }

    fn named_reference(&mut self) -> Result<Term, EcmaError> {
        if !self.take('<') {
            return Err(EcmaError::InvalidNamedReference);
        }
        let name = self.group_name().map_err(|_| EcmaError::InvalidNamedReference)?;
        // An unknown name is told only when nothing else is wrong.
        let number = self.names.get(&name).copied();
        self.refers_to_unknown |= number.is_none();
        Ok(reference(number.unwrap_or_default()))
    }

    /// What follows a `[`.
    pub(super) fn class(&mut self) -> Result<UnitSet, EcmaError> {
        let negated = self.take('^');
        let mut ranges = Vec::new();
        while !self.take(']') {
            let low = self.class_element()?;
            if self.peek_is('-') && self.peek_at(1).is_some_and(|c| c != ']') {
                self.at += 1;
                self.class_range(&mut ranges, low)?;
            } else {
                add(&mut ranges, &low);
            }
        }
        let set = UnitSet::of(&ranges);
        Ok(if negated { set.complement() } else { set })
    }

    fn class_range(&mut self, ranges: &mut Vec<(u16, u16)>, low: Element) -> Result<(), EcmaError> {
        let high = self.class_element()?;
        match (low, high) {
            (Element::Unit(low), Element::Unit(high)) if low > high => {
                return Err(EcmaError::ClassOutOfOrder);
            }
            (Element::Unit(low), Element::Unit(high)) => ranges.push((low, high)),
            // With `\d` at either end the dash is a dash.
            (low, high) => {
                add(ranges, &low);
                add(ranges, &Element::Unit(u16::from(b'-')));
                add(ranges, &high);
            }
        }
        Ok(())
    }

    fn class_element(&mut self) -> Result<Element, EcmaError> {
        let unit = self.next().ok_or(EcmaError::UnterminatedClass)?;
        if ascii(unit) != '\\' {
            return Ok(Element::Unit(unit));
        }
        if self.take('b') {
            return Ok(Element::Unit(0x08));
        }
        Ok(match self.class_escape() {
            Some(set) => Element::Set(set),
            None => Element::Unit(self.character_escape(true)?),
        })
    }

    /// `\d` and its like; consumes nothing else.
    fn class_escape(&mut self) -> Option<UnitSet> {
        let set = match self.peek_at(0)? {
            'd' => UnitSet::digits(),
            'D' => UnitSet::digits().complement(),
            's' => UnitSet::space(),
            'S' => UnitSet::space().complement(),
            'w' => UnitSet::word(),
            'W' => UnitSet::word().complement(),
            _ => return None,
        };
        self.at += 1;
        Some(set)
    }

    /// The escape of a single unit; whatever has no meaning of its own stands for itself.
    fn character_escape(&mut self, in_class: bool) -> Result<u16, EcmaError> {
        let unit = self.next().ok_or(EcmaError::TrailingBackslash)?;
        Ok(match ascii(unit) {
            'f' => 0x0C,
            'n' => 0x0A,
            'r' => 0x0D,
            't' => 0x09,
            'v' => 0x0B,
            'c' => self.control(in_class),
            '0'..='9' => {
                self.at -= 1;
                self.octal()
            }
            'x' => self.hex(2).unwrap_or(unit),
            'u' => self.hex(4).unwrap_or(unit),
            'k' if !self.names.is_empty() => return Err(EcmaError::InvalidEscape),
            _ => unit,
        })
    }

    /// `\cA`; a `\c` without its letter is a backslash, and the `c` comes next.
    fn control(&mut self, in_class: bool) -> u16 {
        match self.peek_at(0) {
            Some(c) if c.is_ascii_alphabetic() || (in_class && (c.is_ascii_digit() || c == '_')) => {
                self.at += 1;
                c as u16 & 0x1F
            }
            _ => {
                self.at -= 1;
                u16::from(b'\\')
            }
        }
    }

    /// Up to three octal digits below 256; `8` and `9` stand for themselves.
    fn octal(&mut self) -> u16 {
        let first = self.next().unwrap_or_default();
        let Some(mut value) = ascii(first).to_digit(8) else { return first };
        for _ in 0..2 {
            match self.peek_at(0).and_then(|c| c.to_digit(8)) {
                Some(digit) if value < 32 => value = value * 8 + digit,
                _ => break,
            }
            self.at += 1;
        }
        // At most 0o377: `value` was below 32 before its last digit.
        u16::try_from(value).unwrap_or_default()
    }

    fn hex(&mut self, digits: usize) -> Option<u16> {
        let mut value = 0;
        for ahead in 0..digits {
            value = value * 16 + self.peek_at(ahead)?.to_digit(16)?;
        }
        self.at += digits;
        u16::try_from(value).ok()
    }

    /// The name of a group up to and with its `>`.
    pub(super) fn group_name(&mut self) -> Result<Vec<u16>, EcmaError> {
        let mut name = String::new();
        loop {
            let c = self.name_character().ok_or(EcmaError::InvalidGroupName)?;
            let fits = match c {
                '>' if !name.is_empty() => return Ok(name.encode_utf16().collect()),
                '$' | '_' => true,
                '\u{200C}' | '\u{200D}' => !name.is_empty(),
                c if name.is_empty() => c.is_alphabetic(),
                c => c.is_alphanumeric(),
            };
            if !fits {
                return Err(EcmaError::InvalidGroupName);
            }
            name.push(c);
        }
    }

    fn name_character(&mut self) -> Option<char> {
        let unit = self.next()?;
        let unit = if ascii(unit) == '\\' { self.name_escape()? } else { u32::from(unit) };
        let is_high = (0xD800..0xDC00).contains(&unit);
        match self.peek().map(u32::from) {
            Some(low) if is_high && (0xDC00..0xE000).contains(&low) => {
                self.at += 1;
                char::from_u32(0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00))
            }
            _ => char::from_u32(unit),
        }
    }

    /// `\u0061` or `\u{61}`, which names may hold even without the flag `u`.
    fn name_escape(&mut self) -> Option<u32> {
        if !self.take('u') {
            return None;
        }
        if !self.take('{') {
            return self.hex(4).map(u32::from);
        }
        let mut value = 0;
        while !self.take('}') {
            value = value * 16 + char::to_digit(ascii(self.next()?), 16)?;
            if value > 0x10_FFFF {
                return None;
            }
        }
        Some(value)
    }
}

fn reference(group: usize) -> Term {
    Term::Backreference { group, optional: false }
}

fn add(ranges: &mut Vec<(u16, u16)>, element: &Element) {
    match element {
        Element::Unit(unit) => ranges.push((*unit, *unit)),
        Element::Set(set) => ranges.extend_from_slice(set.ranges()),
    }
}

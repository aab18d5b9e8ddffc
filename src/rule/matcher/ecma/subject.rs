//! JavaScript matches UTF-16 code units, Rust characters. Both meet here: a surrogate stands as the private
//! character `U+100000` + its number, and a character beyond `U+FFFF` always as its two surrogates, so that the
//! private characters cannot be taken for others.

use std::borrow::Cow;

use super::ast::UnitSet;

const SHIFT: u32 = 0x10_0000;
const FIRST_SURROGATE: u16 = 0xD800;
const LAST_SURROGATE: u16 = 0xDFFF;

/// The character that stands for a code unit.
pub fn character(unit: u16) -> char {
    char::from_u32(u32::from(unit))
        .or_else(|| char::from_u32(SHIFT + u32::from(unit)))
        .unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// The text with a character for each code unit; borrowed where that is the text itself.
pub fn units(text: &str) -> Cow<'_, str> {
    // Only characters beyond U+FFFF take four bytes in UTF-8, and only they start with such a byte.
    if text.bytes().all(|byte| byte < 0xF0) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.encode_utf16().map(character).collect())
}

/// The text of which these are the units; half a surrogate pair becomes a replacement character.
pub fn text(units: &str) -> String {
    let unit = |c: char| match u32::from(c) {
        // What is beyond U+FFFF is a private character, and its lower 16 bits are the unit.
        number @ 0x1_0000.. => u16::try_from(number - SHIFT).unwrap_or(0xFFFD),
        number => u16::try_from(number).unwrap_or(0xFFFD),
    };
    char::decode_utf16(units.chars().map(unit)).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

/// The characters of a set of units. What no subject contains is added where it makes the ranges fewer, so that
/// `[^/]` remains one short class.
pub fn ranges(set: &UnitSet) -> Vec<(char, char)> {
    let mut ranges = Vec::with_capacity(set.ranges().len() + 2);
    let mut surrogates = Vec::new();
    for &(low, high) in set.ranges() {
        if low < FIRST_SURROGATE {
            ranges.push((character(low), character(high.min(FIRST_SURROGATE - 1))));
        }
        if high > LAST_SURROGATE {
            ranges.push((character(low.max(LAST_SURROGATE + 1)), character(high)));
        }
        let (low, high) = (low.max(FIRST_SURROGATE), high.min(LAST_SURROGATE));
        if low <= high {
            surrogates.push((character(low), character(high)));
        }
    }
    if let ([(first, last)], Some((_, highest))) = (&mut surrogates[..], ranges.last_mut())
        && (*first, *last) == (character(FIRST_SURROGATE), character(LAST_SURROGATE))
        && *highest == '\u{FFFF}'
    {
        *highest = char::MAX;
        surrogates.clear();
    }
    ranges.extend(surrogates);
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_astral_character_is_two_units_and_no_other_text_becomes_them() {
        assert_eq!(units("/über"), "/über");
        assert_eq!(units("a😀"), "a\u{10D83D}\u{10DE00}");
        assert_eq!(units("\u{10D83D}"), "\u{10DBF6}\u{10DC3D}");
        assert_eq!(units("\u{10D83D}").chars().count(), 2);
        for original in ["/über", "a😀", "\u{10D83D}", ""] {
            assert_eq!(text(&units(original)), original);
        }
    }

    #[test]
    fn a_negated_class_is_one_range_more_than_it_leaves_out() {
        let not_slash = UnitSet::of(&[(0x2F, 0x2F)]).complement();
        assert_eq!(ranges(&not_slash), [('\0', '.'), ('0', '\u{D7FF}'), ('\u{E000}', char::MAX)]);
        let high = UnitSet::of(&[(0xD83D, 0xD83D), (0x41, 0x41)]);
        assert_eq!(ranges(&high), [('A', 'A'), ('\u{10D83D}', '\u{10D83D}')]);
    }
}

//! The text with which every path must start that a matcher hits.

use super::ecma::ast::{Disjunction, Term};

/// Reads the text off the regular expression itself, so that no trick in a source can make it say too much.
/// What stands before the source is skipped: the base path, the optional data prefix and the locale.
pub fn literal(pattern: &Disjunction, base_path: &str, localised: bool) -> String {
    let mut units = Vec::new();
    if let [sequence] = pattern.0.as_slice()
        && let Some(source) = skip_wrapping(sequence, base_path, localised)
    {
        extend(&mut units, source);
    }
    char::decode_utf16(units).map_while(Result::ok).collect()
}

fn skip_wrapping<'a>(sequence: &'a [Term], base_path: &str, localised: bool) -> Option<&'a [Term]> {
    let (Term::Start, mut rest) = sequence.split_first()? else { return None };
    for expected in base_path.encode_utf16() {
        rest = match rest.split_first()? {
            (Term::Unit(unit), rest) if *unit == expected => rest,
            _ => return None,
        };
    }
    rest = match rest.split_first()? {
        (Term::Repeat { min: 0, max: Some(1), .. }, rest) => rest,
        _ => return None,
    };
    match rest.split_first()? {
        (Term::Group(..), rest) if localised => Some(rest),
        _ if localised => None,
        _ => Some(rest),
    }
}

/// Adds the units that the sequence must start with; true when that is all that the sequence matches.
fn extend(units: &mut Vec<u16>, sequence: &[Term]) -> bool {
    sequence.iter().all(|term| match term {
        Term::Unit(unit) => {
            units.push(*unit);
            true
        }
        Term::Group(_, Disjunction(alternatives)) => match alternatives.as_slice() {
            [only] => extend(units, only),
            _ => false,
        },
        Term::Repeat { body, min: 1.., .. } => {
            extend(units, std::slice::from_ref(body));
            false
        }
        _ => false,
    })
}

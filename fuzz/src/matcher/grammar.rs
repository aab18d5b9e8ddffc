//! Sources that path-to-regexp accepts more often than not, and paths that such sources hit.

use arbitrary::{Result, Unstructured};

use super::Asked;

const TEXTS: [&str; 10] = ["/", "/a", "/admin", "/docs", "-", ".", "\\.", "/_next/data/b", "/é", "/%20"];
const NAMES: [&str; 4] = ["a", "path", "x1", "_"];
const MODIFIERS: [&str; 5] = ["", "", "?", "*", "+"];
const REPEATS: [&str; 9] = ["", "", "", "?", "*", "+", "{2}", "{1,3}", "+?"];
const ATOMS: [&str; 24] = [
    "a", "b", "x", "1", "/", ".", "\\d", "\\w", "\\W", "\\s", "[^/]", "[a-c]", "[^a]", "[\\d-]", "\\.",
    "\\b", "\\B", "^", "$", "é", "😀", "\\u0061", "\\x2f", "admin",
];
const PATHS: [&str; 22] = [
    "/",
    "a",
    "b",
    "ab",
    "admin",
    "docs",
    "en",
    "fr",
    "x",
    "1",
    "12",
    ".",
    "-",
    "é",
    "😀",
    "%20",
    "/_next/data/b1",
    ".json",
    ".rsc",
    ".segments/_tree.segment.rsc",
    "\n",
    "?",
];

/// What this seed grows to.
pub fn grow(seed: &[u8]) -> Asked {
    let mut rest = Unstructured::new(seed);
    grown(&mut rest).unwrap_or_default()
}

fn grown(rest: &mut Unstructured<'_>) -> Result<Asked> {
    let flags = (*rest.choose(&["", "", "b", "i", "il", "r"])?).to_owned();
    let source = if flags == "r" { alternatives(rest, 3)? } else { source(rest)? };
    let count = rest.int_in_range(1..=8)?;
    let paths = (0..count).map(|_| path(rest)).collect::<Result<_>>()?;
    Ok(Asked { flags, source, paths })
}

fn source(rest: &mut Unstructured<'_>) -> Result<String> {
    let mut source = "/".to_owned();
    for _ in 0..rest.int_in_range(0..=4)? {
        let modifier = *rest.choose(&MODIFIERS)?;
        let piece = match rest.int_in_range(0..=5)? {
            0 | 1 => (*rest.choose(&TEXTS)?).to_owned(),
            2 => format!("/:{}{modifier}", rest.choose(&NAMES)?),
            3 => format!("/:{}({}){modifier}", rest.choose(&NAMES)?, alternatives(rest, 2)?),
            4 => format!("/({}){modifier}", alternatives(rest, 2)?),
            _ => format!(
                "{{{}:{}{}}}{modifier}",
                rest.choose(&TEXTS)?,
                rest.choose(&NAMES)?,
                rest.choose(&TEXTS)?
            ),
        };
        source.push_str(&piece);
    }
    Ok(if source.starts_with("//") { source.split_off(1) } else { source })
}

/// A regular expression without capturing groups, which path-to-regexp does not allow; but with backreferences to
/// those that it makes itself.
fn alternatives(rest: &mut Unstructured<'_>, depth: usize) -> Result<String> {
    let mut text = sequence(rest, depth)?;
    // When the seed is used up every chance comes true, so it is the other one that goes on.
    while !rest.ratio(3, 4)? {
        text.push('|');
        text.push_str(&sequence(rest, depth)?);
    }
    Ok(text)
}

fn sequence(rest: &mut Unstructured<'_>, depth: usize) -> Result<String> {
    let mut text = String::new();
    for _ in 0..rest.int_in_range(1..=3)? {
        text.push_str(&term(rest, depth)?);
        text.push_str(rest.choose(&REPEATS)?);
    }
    Ok(text)
}

fn term(rest: &mut Unstructured<'_>, depth: usize) -> Result<String> {
    if depth == 0 || rest.ratio(1, 2)? {
        return Ok((*rest.choose(&ATOMS)?).to_owned());
    }
    Ok(match rest.int_in_range(0..=9)? {
        0..=3 => format!("(?:{})", alternatives(rest, depth - 1)?),
        4 | 5 => format!("(?!{})", alternatives(rest, depth - 1)?),
        6 => format!("(?={})", alternatives(rest, depth - 1)?),
        7 => format!("(?<={})", alternatives(rest, depth - 1)?),
        8 => format!("(?<!{})", alternatives(rest, depth - 1)?),
        _ => format!("\\{}", rest.int_in_range(0..=3)?),
    })
}

fn path(rest: &mut Unstructured<'_>) -> Result<String> {
    let mut path = String::new();
    for _ in 0..rest.int_in_range(0..=5)? {
        if rest.ratio(1, 2)? {
            path.push('/');
        }
        path.push_str(rest.choose(&PATHS)?);
    }
    Ok(path)
}

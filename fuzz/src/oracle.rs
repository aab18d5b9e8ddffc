//! JavaScript's own answer, as the crate `regress` gives it: in UTF-16, as `new RegExp(source)` without flags reads.

use std::ops::Range;

use regress::{Flags, Regex};

/// A regular expression as JavaScript follows it.
#[derive(Debug)]
pub struct Oracle {
    regex: Regex,
    longest: usize,
}

impl Oracle {
    /// `None` where the source is none to JavaScript.
    #[must_use]
    pub fn new(source: &str) -> Option<Self> {
        let units = source.encode_utf16().map(u32::from);
        let regex = Regex::from_unicode(units, Flags::default()).ok()?;
        Some(Self { regex, longest: longest_text(source) })
    }

    /// What the groups match, the whole first; `None` where nothing does. `Err` where it could take for ever.
    ///
    /// # Errors
    /// [`TooCostly`]: the oracle tries every way there is, and knows no limit.
    pub fn find(&self, text: &str) -> Result<Option<Vec<Option<Range<usize>>>>, TooCostly> {
        let units: Vec<u16> = text.encode_utf16().collect();
        if units.len() > self.longest {
            return Err(TooCostly);
        }
        let found = self.regex.find_from_ucs2(&units, 0).next();
        Ok(found.map(|found| found.groups().collect()))
    }
}

/// Nobody waits for that.
#[derive(Clone, Copy, Debug)]
pub struct TooCostly;

/// How long a text may be so that no pattern with as many choices runs for seconds.
fn longest_text(source: &str) -> usize {
    let own = source.strip_prefix(BEFORE).unwrap_or(source);
    let own = own.strip_suffix(AFTER).unwrap_or(own);
    let counts = own.split(['{', ',', '}']).filter_map(|number| number.parse::<u64>().ok());
    let choices = Choices::of(own);
    let by_number = [96, 96, 96, 64, 24, 12, 8, 6].get(choices.repeats).copied().unwrap_or(4);
    let by_depth = [96, 96, 12, 8, 6].get(choices.depth).copied().unwrap_or(4);
    if counts.max().is_some_and(|count| count > 8) { 0 } else { by_depth.min(by_number) }
}

/// Whether `regress` reads the source as Node.js 20 does. It lets a word boundary be repeated, reads `\u{61}` without the
/// flag `u` and a sign in `\u+061`, and knows modifiers, `(?i:a)`, and names that are given twice, which came later.
#[must_use]
pub fn is_trusted(source: &str) -> bool {
    let repeats = |rest: &str| rest.starts_with(['*', '+', '?', '{']);
    let repeated = [r"\b", r"\B"].iter().any(|boundary| source.split(boundary).skip(1).any(repeats));
    let is_modifier = |rest: &str| rest.starts_with(['i', 'm', 's', '-']);
    let modified = source.split("(?").skip(1).any(is_modifier);
    let names: Vec<&str> =
        source.split("(?<").skip(1).filter_map(|rest| Some(rest.split_once('>')?.0)).collect();
    let is_twice = |at: usize| names[..at].contains(&names[at]);
    let escapes = [r"\u{", r"\u+", r"\x+"].iter().any(|escape| source.contains(escape));
    !(repeated || modified || escapes || (0..names.len()).any(is_twice))
}

/// What Next.js puts around a source; it is too literal to cost anything.
const BEFORE: &str = r"^(?:\/(_next\/data\/[^/]{1,}))?";
const AFTER: &str = r"(\.json|\.rsc|\.segments\/.+\.segment\.rsc)?[\/#\?]?$";

/// What a search has to choose between.
#[derive(Debug, Default)]
struct Choices {
    /// How many repetitions there are.
    repeats: usize,
    /// How deep repetitions stand in repetitions, or alternatives in them: what makes a search exponential.
    depth: usize,
}

impl Choices {
    fn of(source: &str) -> Self {
        let mut repeats = 0;
        // The depth within each group that is open.
        let mut open = vec![0];
        let mut closed = 0;
        let mut in_class = false;
        let mut characters = source.chars().peekable();
        while let Some(c) = characters.next() {
            let last = open.len() - 1;
            match c {
                '\\' => drop(characters.next()),
                '[' => in_class = true,
                ']' => in_class = false,
                _ if in_class => {}
                '(' => {
                    characters.next_if_eq(&'?');
                    open.push(0);
                }
                ')' if last > 0 => {
                    closed = open.pop().unwrap_or_default();
                    open[last - 1] = open[last - 1].max(closed);
                    continue;
                }
                '|' => open[last] = open[last].max(1),
                '*' | '+' | '?' | '{' => {
                    repeats += usize::from(c != '?');
                    open[last] = open[last].max(closed + 1);
                }
                _ => {}
            }
            closed = 0;
        }
        Self { repeats, depth: open.into_iter().max().unwrap_or_default() }
    }
}

/// The text of a range of UTF-16 units.
#[must_use]
pub fn slice(text: &str, range: Range<usize>) -> String {
    let units: Vec<u16> = text.encode_utf16().collect();
    String::from_utf16_lossy(&units[range])
}

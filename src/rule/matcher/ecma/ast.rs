//! What a JavaScript regular expression says, in UTF-16 code units as JavaScript reads it.

/// Alternatives, each a sequence of terms.
#[derive(Debug, Clone)]
pub struct Disjunction(pub Vec<Vec<Term>>);

/// One step of a sequence.
#[derive(Debug, Clone)]
pub enum Term {
    Unit(u16),
    Class(UnitSet),
    Start,
    End,
    WordBoundary,
    NotWordBoundary,
    /// A group; the number is that of a capturing one, counted from 1.
    Group(Option<usize>, Disjunction),
    Look {
        behind: bool,
        negative: bool,
        body: Disjunction,
    },
    /// The text of an earlier group; `optional` once it is known that the group may be unset there.
    Backreference {
        group: usize,
        optional: bool,
    },
    Repeat {
        body: Box<Term>,
        min: u32,
        /// `None` is without limit.
        max: Option<u32>,
        greedy: bool,
    },
}

impl Disjunction {
    /// Whether it can match without consuming anything; errs towards yes.
    pub fn may_be_empty(&self) -> bool {
        self.0.iter().any(|sequence| sequence.iter().all(Term::may_be_empty))
    }

    /// How many capturing groups there are.
    pub fn groups(&self) -> usize {
        self.0.iter().flatten().map(Term::groups).sum()
    }
}

impl Term {
    /// Whether it never consumes anything: an assertion, or groups and repetitions of such.
    pub fn is_assertion(&self) -> bool {
        match self {
            Self::Unit(_) | Self::Class(_) | Self::Backreference { .. } => false,
            Self::Start | Self::End | Self::WordBoundary | Self::NotWordBoundary | Self::Look { .. } => true,
            Self::Group(_, body) => body.0.iter().flatten().all(Self::is_assertion),
            Self::Repeat { body, max, .. } => *max == Some(0) || body.is_assertion(),
        }
    }

    fn groups(&self) -> usize {
        match self {
            Self::Group(group, body) => usize::from(group.is_some()) + body.groups(),
            Self::Look { body, .. } => body.groups(),
            Self::Repeat { body, .. } => body.groups(),
            _ => 0,
        }
    }

    fn may_be_empty(&self) -> bool {
        match self {
            Self::Unit(_) | Self::Class(_) => false,
            Self::Group(_, body) => body.may_be_empty(),
            Self::Repeat { body, min, .. } => *min == 0 || body.may_be_empty(),
            Self::Start
            | Self::End
            | Self::WordBoundary
            | Self::NotWordBoundary
            | Self::Look { .. }
            | Self::Backreference { .. } => true,
        }
    }
}

/// A set of code units: ranges in order, with a gap between neighbours.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UnitSet(Vec<(u16, u16)>);

impl UnitSet {
    pub fn of(ranges: &[(u16, u16)]) -> Self {
        let mut sorted = ranges.to_vec();
        sorted.sort_unstable();
        let mut merged: Vec<(u16, u16)> = Vec::with_capacity(sorted.len());
        for (low, high) in sorted {
            match merged.last_mut() {
                Some(last) if low <= last.1.saturating_add(1) => last.1 = last.1.max(high),
                _ => merged.push((low, high)),
            }
        }
        Self(merged)
    }

    /// Every unit that is not in the set.
    pub fn complement(&self) -> Self {
        let mut gaps = Vec::with_capacity(self.0.len() + 1);
        let mut next = Some(0u16);
        for &(low, high) in &self.0 {
            if let Some(from) = next
                && from < low
            {
                gaps.push((from, low - 1));
            }
            next = high.checked_add(1);
        }
        gaps.extend(next.map(|from| (from, u16::MAX)));
        Self(gaps)
    }

    pub fn ranges(&self) -> &[(u16, u16)] {
        &self.0
    }

    /// `\d`
    pub fn digits() -> Self {
        Self::of(&[(0x30, 0x39)])
    }

    /// `\w`: ASCII only.
    pub fn word() -> Self {
        Self::of(&[(0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A)])
    }

    /// `\s`: `WhiteSpace` and `LineTerminator` of ECMA-262, sections 12.2 and 12.3.
    pub fn space() -> Self {
        Self::of(&[
            (0x09, 0x0D),
            (0x20, 0x20),
            (0xA0, 0xA0),
            (0x1680, 0x1680),
            (0x2000, 0x200A),
            (0x2028, 0x2029),
            (0x202F, 0x202F),
            (0x205F, 0x205F),
            (0x3000, 0x3000),
            (0xFEFF, 0xFEFF),
        ])
    }

    /// `.`
    pub fn not_line_end() -> Self {
        Self::of(&[(0x0A, 0x0A), (0x0D, 0x0D), (0x2028, 0x2029)]).complement()
    }
}

#[cfg(test)]
mod tests {
    use super::UnitSet;

    #[test]
    fn a_complement_covers_what_the_set_does_not() {
        for (set, complement) in [
            (vec![], vec![(0, 0xFFFF)]),
            (vec![(0, 0xFFFF)], vec![]),
            (vec![(5, 9), (7, 12), (13, 13)], vec![(0, 4), (14, 0xFFFF)]),
            (vec![(0, 0), (0xFFFF, 0xFFFF)], vec![(1, 0xFFFE)]),
        ] {
            let complemented = UnitSet::of(&set).complement();
            assert_eq!(complemented.ranges(), complement);
            assert_eq!(complemented.complement(), UnitSet::of(&set));
        }
    }
}

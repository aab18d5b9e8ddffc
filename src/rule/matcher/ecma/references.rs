//! What each backreference can refer to.
//!
//! JavaScript forgets the groups inside a repetition at each turn, and a group that is not set matches the
//! empty text; other engines keep the old text, and fail on a group that is not set. Where both can be made to
//! agree the reference is rewritten so that they do, elsewhere it is refused.

use std::collections::{BTreeSet, HashMap};

use super::ast::{Disjunction, Term};
use super::error::EcmaError;

/// Rewrites the backreferences and returns the groups whose text is needed.
///
/// # Errors
/// When the two readings of a reference cannot be made to agree.
pub fn resolve(pattern: &mut Disjunction) -> Result<BTreeSet<usize>, EcmaError> {
    let mut walk = Walk::default();
    walk.disjunction(pattern)?;
    let mut walk = Walk { groups: Some(walk.seen), ..Walk::default() };
    walk.disjunction(pattern)?;
    Ok(walk.needed)
}

/// What encloses a term. The number tells apart frames that look the same.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Frame {
    number: usize,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// One of several alternatives.
    Alternative(usize),
    Repeat {
        min: u32,
        max: Option<u32>,
        may_be_empty: bool,
    },
    Look {
        behind: bool,
        negative: bool,
    },
}

impl Kind {
    /// Whether the frame may be passed by without what it encloses.
    fn is_optional(self) -> bool {
        matches!(self, Self::Alternative(_) | Self::Repeat { min: 0, .. })
    }

    fn is_loop(self) -> bool {
        matches!(self, Self::Repeat { max, .. } if max != Some(1))
    }
}

/// Goes over a pattern twice in the same order: first to see where the groups are, then to rewrite.
#[derive(Default)]
struct Walk {
    path: Vec<Frame>,
    frames: usize,
    seen: HashMap<usize, Vec<Frame>>,
    groups: Option<HashMap<usize, Vec<Frame>>>,
    closed: BTreeSet<usize>,
    needed: BTreeSet<usize>,
}

impl Walk {
    fn disjunction(&mut self, disjunction: &mut Disjunction) -> Result<(), EcmaError> {
        self.frames += 1;
        let number = self.frames;
        let several = disjunction.0.len() > 1;
        for (index, sequence) in disjunction.0.iter_mut().enumerate() {
            if several {
                self.path.push(Frame { number, kind: Kind::Alternative(index) });
            }
            for term in sequence {
                self.term(term)?;
            }
            if several {
                self.path.pop();
            }
        }
        Ok(())
    }

    fn term(&mut self, term: &mut Term) -> Result<(), EcmaError> {
        match term {
            Term::Group(group, body) => {
                if let Some(group) = group {
                    self.seen.insert(*group, self.path.clone());
                }
                self.disjunction(body)?;
                self.closed.extend(*group);
                Ok(())
            }
            Term::Look { behind, negative, body } => {
                let kind = Kind::Look { behind: *behind, negative: *negative };
                self.within(kind, |walk| walk.disjunction(body))
            }
            Term::Repeat { body, min, max, .. } => {
                let may_be_empty = Disjunction(vec![vec![(**body).clone()]]).may_be_empty();
                let kind = Kind::Repeat { min: *min, max: *max, may_be_empty };
                self.within(kind, |walk| walk.term(body))
            }
            Term::Backreference { group, .. } => {
                let group = *group;
                if let Some(rewritten) = self.reference(group)? {
                    *term = rewritten;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn within<R>(&mut self, kind: Kind, inside: impl FnOnce(&mut Self) -> R) -> R {
        self.frames += 1;
        self.path.push(Frame { number: self.frames, kind });
        let result = inside(self);
        self.path.pop();
        result
    }

    fn reference(&mut self, group: usize) -> Result<Option<Term>, EcmaError> {
        let Some(groups) = &self.groups else { return Ok(None) };
        let is_behind = |frame: &Frame| matches!(frame.kind, Kind::Look { behind: true, .. });
        if self.path.iter().any(is_behind) {
            return Err(EcmaError::BackreferenceAndLookbehind);
        }
        let empty = Term::Group(None, Disjunction(vec![vec![]]));
        // A group that is open or still to come was forgotten when the turn began, or never set.
        let Some(target) = groups.get(&group).filter(|_| self.closed.contains(&group)) else {
            return Ok(Some(empty));
        };
        let shared = target.iter().zip(&self.path).take_while(|(a, b)| a == b).count();
        let (around, below) = target.split_at(shared);
        // The reference stands in another alternative than the group.
        if below.first().map(|frame| frame.number) == self.path.get(shared).map(|frame| frame.number)
            && !below.is_empty()
        {
            return Ok(Some(empty));
        }
        if below.iter().any(is_behind) {
            return Err(EcmaError::BackreferenceAndLookbehind);
        }
        let is_never_kept = |frame: &Frame| {
            matches!(frame.kind, Kind::Look { negative: true, .. } | Kind::Repeat { max: Some(0), .. })
        };
        if below.iter().any(is_never_kept) {
            return Ok(Some(empty));
        }
        let optional = below.iter().any(|frame| frame.kind.is_optional());
        if is_stale(below) || (optional && around.iter().any(|frame| frame.kind.is_loop())) {
            return Err(EcmaError::BackreferenceIntoRepetition(group));
        }
        self.needed.insert(group);
        Ok(Some(Term::Backreference { group, optional }))
    }
}

/// Whether the last turn of a repetition could leave the group unset and an earlier one not.
fn is_stale(below: &[Frame]) -> bool {
    below.iter().enumerate().any(|(index, frame)| match frame.kind {
        Kind::Repeat { may_be_empty: true, .. } => true,
        kind => kind.is_loop() && below.iter().skip(index + 1).any(|inner| inner.kind.is_optional()),
    })
}

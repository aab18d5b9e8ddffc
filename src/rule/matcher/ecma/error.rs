//! Why a JavaScript regular expression is refused.

use thiserror::Error;

/// The first group of messages is what V8 says of the same pattern; Next.js would fail with them as well.
/// The rest are patterns that JavaScript accepts and that cannot be followed here with certainty.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EcmaError {
    #[error("Unterminated group")]
    UnterminatedGroup,
    #[error("Unmatched ')'")]
    UnmatchedParenthesis,
    #[error("Nothing to repeat")]
    NothingToRepeat,
    #[error("Invalid quantifier")]
    QuantifiedLookbehind,
    #[error("numbers out of order in {{}} quantifier")]
    QuantifierOutOfOrder,
    #[error("Invalid group")]
    InvalidGroup,
    #[error("Invalid capture group name")]
    InvalidGroupName,
    #[error("Duplicate capture group name")]
    DuplicateGroupName,
    #[error("Invalid named reference")]
    InvalidNamedReference,
    #[error("Invalid named capture referenced")]
    UnknownNamedReference,
    #[error("Invalid escape")]
    InvalidEscape,
    #[error("\\ at end of pattern")]
    TrailingBackslash,
    #[error("Unterminated character class")]
    UnterminatedClass,
    #[error("Range out of order in character class")]
    ClassOutOfOrder,

    #[error("groups are nested more than {0} deep")]
    TooDeep(usize),
    #[error(
        "a lookbehind takes part in a backreference, which is not supported; write it without one of the two"
    )]
    BackreferenceAndLookbehind,
    #[error(
        "backreference to group {0}, which a repetition may leave unset, is not supported; \
         move the group out of the repetition or make it mandatory there"
    )]
    BackreferenceIntoRepetition(usize),
    #[error("the expression is too large to compile; shorten it or lower its repetition counts")]
    TooLarge,
    #[error("the expression is not supported: {0}")]
    Unsupported(String),
}

//! Why a matcher is refused.

use thiserror::Error;

use super::ecma::EcmaError;

/// A source that path-to-regexp refuses, in its words; positions count UTF-16 units from 0.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SyntaxError {
    #[error("Unexpected {found} at {at}, expected {expected}")]
    Unexpected { found: &'static str, at: usize, expected: &'static str },
    #[error("Missing parameter name at {at}")]
    MissingName { at: usize },
    #[error("Pattern cannot start with \"?\" at {at}")]
    LeadingQuestionMark { at: usize },
    #[error("Capturing groups are not allowed at {at}")]
    CapturingGroup { at: usize },
    #[error("Unbalanced pattern at {at}")]
    Unbalanced { at: usize },
    #[error("Missing pattern at {at}")]
    MissingPattern { at: usize },
    #[error("Must have text between two parameters, missing text after \"{after}\"")]
    MissingText { after: String },
    #[error("Can not repeat \"{name}\" without a prefix and suffix")]
    RepeatWithoutPrefix { name: String },
    #[error("Invalid regular expression: /{regexp}/i: {reason}")]
    InvalidRegexp {
        #[source]
        reason: EcmaError,
        /// What was written for the source.
        regexp: String,
    },
}

/// Why a matcher cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MatcherError {
    #[error("source must start with /")]
    NoLeadingSlash,
    #[error("source has {length} characters; at most {max} are allowed")]
    TooLong { length: usize, max: usize },
    #[error("source has {length} characters once Next.js has wrapped it; at most {max} are allowed")]
    WrappedTooLong { length: usize, max: usize },
    #[error("invalid source: {0}")]
    Syntax(#[from] SyntaxError),
    /// The source is sound by itself, but not with what Next.js puts around it.
    #[error("invalid source: as Next.js wraps it, `{wrapped}`: {reason}")]
    Wrapped {
        #[source]
        reason: SyntaxError,
        wrapped: String,
    },
    #[error("the pattern cannot be followed: {0}")]
    Unfollowed(#[from] EcmaError),
}

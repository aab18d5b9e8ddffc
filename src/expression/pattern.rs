//! `text.matches("…")`: regular expressions that are compiled with the expression and answer in linear time.

use std::any::Any;

use cel::common::types::{CelBool, CelString, Kind, STRING_TYPE, Type};
use cel::common::value::{CowVal, StaticVal, Val};
use cel::{DeclarationError, Env, ExecutionError};

use super::error::ExpressionError;

/// The largest compiled regular expression, in bytes.
const MAX_BYTES: usize = 1 << 20;

pub(super) const MATCHES: &str = "@matches";

const PATTERN_TYPE: Type = Type::simple_type(Kind::Opaque, "pattern");
static PATTERN: Type = PATTERN_TYPE;

/// A regular expression as a value.
#[derive(Clone, Debug)]
pub(super) struct Pattern(regex::Regex);

impl Pattern {
    pub(super) fn compile(text: &str) -> Result<Self, ExpressionError> {
        let compiled = regex::RegexBuilder::new(text).size_limit(MAX_BYTES).build();
        compiled.map(Self).map_err(|error| {
            let reason = error.to_string();
            let reason = reason.lines().last().unwrap_or_default();
            ExpressionError::BadLiteral(format!("matches(\"{text}\"): {reason}"))
        })
    }
}

impl Val for Pattern {
    fn get_type(&self) -> &Type {
        &PATTERN
    }

    fn cel_type() -> &'static Type {
        &PATTERN
    }

    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v> {
        Box::new(self.clone())
    }

    fn as_any(&self) -> Option<&dyn Any> {
        Some(self)
    }
}

impl StaticVal for Pattern {}

pub(super) fn declare(environment: &mut Env) -> Result<(), DeclarationError> {
    environment.add_overload(MATCHES, MATCHES, vec![STRING_TYPE, PATTERN_TYPE], matches)
}

/// `@matches(text, pattern)`.
#[expect(clippy::needless_pass_by_value, reason = "the type of every function of the `cel` crate")]
fn matches<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let [text, pattern] = arguments.as_slice() else {
        return Err(ExecutionError::missing_argument_or_target());
    };
    match (text.downcast_ref::<CelString<'_>>(), pattern.downcast_ref::<Pattern>()) {
        (Some(text), Some(pattern)) => Ok(CowVal::owned(CelBool::from(pattern.0.is_match(text.inner())))),
        _ => Err(ExecutionError::missing_argument_or_target()),
    }
}

//! What is wrong with an expression: to whoever wrote it when it is compiled, to the log when it is evaluated.

use cel::{ExecutionError, ParseErrors};

use super::reference::Reference;

/// Why an expression cannot be compiled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExpressionError {
    #[error("is not CEL: line {line}, column {column}: {message}")]
    Syntax { line: isize, column: isize, message: String },
    #[error("has {length} bytes; at most {max} are allowed")]
    TooLong { length: usize, max: usize },
    #[error("is nested more than {0} levels deep")]
    TooDeep(usize),
    #[error("is {found}, where {expected} is needed")]
    Result { expected: &'static str, found: &'static str },
    #[error("there is no `{name}`; there is {known}")]
    UnknownName { name: String, known: String },
    #[error("`{0}` is taken: give the variable another name")]
    TakenName(String),
    #[error("`{0}` by itself is nothing to work with: name a part of it")]
    OnlyRoot(&'static str),
    #[error("there is no function `{0}` here")]
    UnknownFunction(String),
    #[error("`{function}` does not take {found}")]
    Arguments { function: String, found: String },
    #[error("`{0}` takes a text in quotes here, no other expression")]
    NotLiteral(String),
    #[error("{0}")]
    BadLiteral(String),
    #[error("{0} cannot be gone through")]
    NotIterable(&'static str),
    #[error("messages such as `Type{{…}}` are not known here")]
    Message,
}

impl ExpressionError {
    pub(super) fn syntax(errors: &ParseErrors) -> Self {
        let first = errors.errors.first();
        let (line, column) = first.map_or((1, 1), |error| error.pos);
        let message = first.map_or_else(|| "cannot be read".to_owned(), |error| error.msg.clone());
        // The parser says what went wrong in the words of its grammar, the useful part in the first line.
        let message = message.lines().next().unwrap_or_default().to_owned();
        Self::Syntax { line, column, message }
    }
}

/// Why an expression has no value. No variant holds what a claim or a request says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvaluationError {
    #[error("`{0}` is not there")]
    Missing(String),
    #[error("a key of a map is not there")]
    NoKey,
    #[error("an index is beyond the end of a list")]
    Index,
    #[error("`{function}` does not apply to ({types})")]
    Types { function: String, types: String },
    #[error("`{0}` cannot make sense of its argument")]
    Function(String),
    #[error("a number is too large, or divided by zero")]
    Arithmetic,
    #[error("it is of type {0}, neither true nor false")]
    NotBoolean(String),
    #[error("it has no value that JSON knows")]
    NoValue,
    #[error("it takes more work than is allowed")]
    TooCostly,
    #[error("it cannot be evaluated")]
    Other,
}

impl EvaluationError {
    pub(super) fn of(error: &ExecutionError, references: &[Reference]) -> Self {
        match error {
            ExecutionError::UndeclaredReference(name) => {
                let reference = Reference::index(name).and_then(|at| references.get(at));
                let text = reference.and_then(Reference::text);
                text.map_or(Self::Other, |text| Self::Missing(text.to_owned()))
            }
            ExecutionError::NoSuchKey(_) => Self::NoKey,
            ExecutionError::IndexOutOfBounds(_) => Self::Index,
            ExecutionError::NoSuchOverload(overload) => Self::Types {
                function: plain(overload.function()).to_owned(),
                types: overload.argument_types().join(", "),
            },
            ExecutionError::UnsupportedBinaryOperator(operator, ..) => {
                Self::Types { function: (*operator).to_owned(), types: "values of these kinds".to_owned() }
            }
            ExecutionError::UnexpectedType { got, want } => {
                Self::Types { function: want.clone(), types: got.clone() }
            }
            ExecutionError::FunctionError { function, .. } => Self::Function(plain(function).to_owned()),
            ExecutionError::DivisionByZero(_)
            | ExecutionError::RemainderByZero(_)
            | ExecutionError::Overflow(..) => Self::Arithmetic,
            _ => Self::Other,
        }
    }
}

/// An operator as it is written: `_<_` is `<`.
fn plain(function: &str) -> &str {
    function.trim_matches(['_', '@'])
}

//! The types of expressions, and the functions that they may call.

use cel::common::ast::LiteralValue;

use super::error::ExpressionError;

/// What is known of a value before there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    /// Anything: a claim can be of any type.
    Dyn,
    Null,
    Bool,
    Int,
    Uint,
    Double,
    String,
    Bytes,
    Timestamp,
    Duration,
    /// A list of anything.
    List,
    /// A list of strings.
    Strings,
    Map,
    Ip,
    Cidr,
    /// A regular expression, compiled from its text.
    Pattern,
}

impl Type {
    pub(super) fn of(literal: &LiteralValue) -> Self {
        match literal {
            LiteralValue::Boolean(_) => Self::Bool,
            LiteralValue::Bytes(_) => Self::Bytes,
            LiteralValue::Double(_) => Self::Double,
            LiteralValue::Int(_) => Self::Int,
            LiteralValue::Null => Self::Null,
            LiteralValue::String(_) => Self::String,
            LiteralValue::UInt(_) => Self::Uint,
        }
    }

    /// As a message says it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Dyn => "a value of any type",
            Self::Null => "null",
            Self::Bool => "true or false",
            Self::Int => "an integer",
            Self::Uint => "an unsigned integer",
            Self::Double => "a number",
            Self::String => "a string",
            Self::Bytes => "bytes",
            Self::Timestamp => "a timestamp",
            Self::Duration => "a duration",
            Self::List => "a list",
            Self::Strings => "a list of strings",
            Self::Map => "a map",
            Self::Ip => "an IP address",
            Self::Cidr => "a network",
            Self::Pattern => "a regular expression",
        }
    }

    pub(super) fn is_number(self) -> bool {
        matches!(self, Self::Int | Self::Uint | Self::Double)
    }

    pub(super) fn is_list(self) -> bool {
        matches!(self, Self::List | Self::Strings)
    }

    /// Whether a value of one type can be one of the other.
    pub(super) fn agrees_with(self, other: Self) -> bool {
        self == Self::Dyn || other == Self::Dyn || self == other || (self.is_list() && other.is_list())
    }

    /// Whether two values can be told equal; numbers of all kinds can, and anything may be null.
    pub(super) fn is_comparable_with(self, other: Self) -> bool {
        self.agrees_with(other)
            || (self.is_number() && other.is_number())
            || self == Self::Null
            || other == Self::Null
    }

    /// What going through it gives; `None` where nothing can go through it.
    pub(super) fn element(self) -> Option<Self> {
        match self {
            Self::Dyn | Self::List => Some(Self::Dyn),
            Self::Strings | Self::Map => Some(Self::String),
            _ => None,
        }
    }

    /// What both are.
    pub(super) fn or(self, other: Self) -> Self {
        if self == other { self } else { Self::Dyn }
    }

    /// Whether it is small, whatever its value.
    pub(super) fn is_scalar(self) -> bool {
        matches!(
            self,
            Self::Null
                | Self::Bool
                | Self::Int
                | Self::Uint
                | Self::Double
                | Self::Timestamp
                | Self::Duration
                | Self::Ip
                | Self::Cidr
                | Self::Pattern
        )
    }
}

/// A function as it may be called.
pub(super) struct Signature {
    pub(super) name: &'static str,
    pub(super) receiver: Option<Type>,
    pub(super) arguments: &'static [Type],
    pub(super) result: Type,
    /// Arguments that have to be literals: with text from a request they could be made to take long.
    pub(super) literals: Literals,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Literals {
    None,
    /// All arguments, as they stand.
    Arguments,
    /// The one argument, made into a value when the expression is compiled.
    Constant,
}

use Literals::{Arguments, Constant, None as Any};
use Type::{
    Bool, Bytes, Cidr, Double, Duration, Dyn, Int, Ip, List, Map, Pattern, String, Strings, Timestamp, Uint,
};

const fn member(
    name: &'static str,
    receiver: Type,
    arguments: &'static [Type],
    result: Type,
    literals: Literals,
) -> Signature {
    Signature { name, receiver: Some(receiver), arguments, result, literals }
}

const fn global(
    name: &'static str,
    arguments: &'static [Type],
    result: Type,
    literals: Literals,
) -> Signature {
    Signature { name, receiver: Option::None, arguments, result, literals }
}

/// Every function; an overload is a line of its own. The strings are CEL's strings extension.
pub(super) const FUNCTIONS: &[Signature] = &[
    member("contains", String, &[String], Bool, Any),
    member("startsWith", String, &[String], Bool, Any),
    member("endsWith", String, &[String], Bool, Any),
    member("matches", String, &[Pattern], Bool, Constant),
    member("size", String, &[], Int, Any),
    member("size", List, &[], Int, Any),
    member("size", Map, &[], Int, Any),
    member("lowerAscii", String, &[], String, Any),
    member("upperAscii", String, &[], String, Any),
    member("trim", String, &[], String, Any),
    member("split", String, &[String], Strings, Any),
    member("join", List, &[], String, Any),
    member("join", List, &[String], String, Any),
    member("substring", String, &[Int], String, Any),
    member("substring", String, &[Int, Int], String, Any),
    member("charAt", String, &[Int], String, Any),
    member("indexOf", String, &[String], Int, Arguments),
    member("lastIndexOf", String, &[String], Int, Arguments),
    member("replace", String, &[String, String], String, Arguments),
    global("size", &[Dyn], Int, Any),
    global("int", &[Dyn], Int, Any),
    global("uint", &[Dyn], Uint, Any),
    global("double", &[Dyn], Double, Any),
    global("string", &[Dyn], String, Any),
    global("bool", &[Dyn], Bool, Any),
    global("bytes", &[String], Bytes, Any),
    global("dyn", &[Dyn], Dyn, Any),
    global("timestamp", &[Dyn], Timestamp, Any),
    global("duration", &[String], Duration, Any),
    global("ip", &[String], Ip, Any),
    global("cidr", &[String], Cidr, Any),
    member("getFullYear", Timestamp, &[], Int, Any),
    member("getMonth", Timestamp, &[], Int, Any),
    member("getDate", Timestamp, &[], Int, Any),
    member("getDayOfMonth", Timestamp, &[], Int, Any),
    member("getDayOfWeek", Timestamp, &[], Int, Any),
    member("getDayOfYear", Timestamp, &[], Int, Any),
    member("getHours", Timestamp, &[], Int, Any),
    member("getMinutes", Timestamp, &[], Int, Any),
    member("getSeconds", Timestamp, &[], Int, Any),
    member("getFullYear", Timestamp, &[String], Int, Any),
    member("getMonth", Timestamp, &[String], Int, Any),
    member("getDate", Timestamp, &[String], Int, Any),
    member("getDayOfMonth", Timestamp, &[String], Int, Any),
    member("getDayOfWeek", Timestamp, &[String], Int, Any),
    member("getDayOfYear", Timestamp, &[String], Int, Any),
    member("getHours", Timestamp, &[String], Int, Any),
    member("getMinutes", Timestamp, &[String], Int, Any),
    member("getSeconds", Timestamp, &[String], Int, Any),
    member("getHours", Duration, &[], Int, Any),
    member("getMinutes", Duration, &[], Int, Any),
    member("getSeconds", Duration, &[], Int, Any),
];

/// The function that takes what is given.
pub(super) fn signature(
    name: &str,
    receiver: Option<Type>,
    given: &[Type],
) -> Result<&'static Signature, ExpressionError> {
    let mut named = FUNCTIONS.iter().filter(|signature| signature.name == name).peekable();
    if named.peek().is_none() {
        return Err(ExpressionError::UnknownFunction(name.to_owned()));
    }
    let takes = |signature: &&Signature| {
        let is_called_so = match (signature.receiver, receiver) {
            (None, None) => true,
            (Some(expected), Some(found)) => expected.agrees_with(found),
            (None, Some(_)) | (Some(_), None) => false,
        };
        let is_pattern = |expected: &Type| *expected == Type::Pattern;
        is_called_so
            && signature.arguments.len() == given.len()
            && signature.arguments.iter().zip(given).all(|(expected, found)| {
                expected.agrees_with(*found) || (is_pattern(expected) && found.agrees_with(Type::String))
            })
    };
    named.find(takes).ok_or_else(|| {
        let all: Vec<Type> = receiver.into_iter().chain(given.iter().copied()).collect();
        arguments(name, &all)
    })
}

pub(super) fn arguments(function: &str, types: &[Type]) -> ExpressionError {
    let found = match types {
        [] => "no argument".to_owned(),
        types => types.iter().map(|found| found.name()).collect::<Vec<_>>().join(" and "),
    };
    ExpressionError::Arguments { function: function.to_owned(), found }
}

//! The paths that an expression names, each one look-up.

use cel::common::value::Val;

use super::Parameters;
use super::error::ExpressionError;
use super::signature::Type;
use crate::session::ClaimPath;

/// The names that an expression starts from.
pub(super) const ROOTS: [&str; 5] = ["auth", "token", "request", "params", "context"];
const REQUEST: &str = "method, scheme, host, path, query, headers, time, source";

/// What a name in a program stands for; the program calls it `@` and its number.
pub(super) enum Reference {
    /// A value that was known when the expression was compiled.
    Constant(Box<dyn Val>),
    /// The value at a place, and the path as it was written.
    Value(Place, String),
    /// Whether something is at a place; `within` has to be there, whatever is in it.
    Presence { place: Place, within: Option<(Place, String)> },
}

/// A place in the facts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Auth,
    Token,
    Claim(ClaimPath),
    Request(Field),
    Headers,
    /// In lower case.
    Header(String),
    Params,
    Param(String),
    Context,
    Extension(String),
    /// A namespace, and the way on from there.
    RouteMetadata(Vec<String>),
}

/// A part of the request that is always there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Method,
    Scheme,
    Host,
    Path,
    Query,
    Time,
    SourceAddress,
    SourcePrincipal,
}

impl Reference {
    /// The number of a name in a program.
    pub(super) fn index(name: &str) -> Option<usize> {
        name.strip_prefix('@')?.parse().ok()
    }

    /// Whether it is answered from the matcher's parameters.
    pub(super) fn is_parameter(&self) -> bool {
        match self {
            Self::Constant(_) => false,
            Self::Value(place, _) | Self::Presence { place, .. } => {
                matches!(place, Place::Params | Place::Param(_))
            }
        }
    }

    /// The path as it was written, where it can be shown with its value: no header that carries a credential.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Constant(_) | Self::Value(Place::Headers, _) => None,
            Self::Value(Place::Header(name), _) if is_credential(name) => None,
            Self::Value(_, text) => Some(text),
            Self::Presence { within, .. } => within.as_ref().map(|(_, text)| text.as_str()),
        }
    }
}

fn is_credential(header: &str) -> bool {
    ["cookie", "authorization", "proxy-authorization"].contains(&header)
}

impl Place {
    /// The place of a path, and the type of what is there.
    pub(super) fn of(
        root: &str,
        steps: &[&str],
        parameters: &Parameters,
    ) -> Result<(Self, Type), ExpressionError> {
        match root {
            "auth" => Self::in_auth(steps),
            "token" => match steps {
                [] => Ok((Self::Token, Type::Map)),
                steps => Self::claim("token", steps, Type::Dyn),
            },
            "request" => Self::in_request(steps),
            "params" => Self::in_params(steps, parameters),
            _ => Self::in_context(steps),
        }
    }

    fn in_auth(steps: &[&str]) -> Result<(Self, Type), ExpressionError> {
        match steps {
            [] => Ok((Self::Auth, Type::Map)),
            ["user"] => Self::claim("auth", steps, Type::Map),
            ["user", ..] => Self::claim("auth", steps, Type::Dyn),
            ["expires" | "provider"] => Self::claim("auth", steps, Type::String),
            _ => Err(unknown("auth", steps, "auth.user, auth.expires and auth.provider")),
        }
    }

    fn claim(root: &str, steps: &[&str], found: Type) -> Result<(Self, Type), ExpressionError> {
        let whole: Vec<&str> = [root].iter().chain(steps).copied().collect();
        match ClaimPath::of_steps(&whole) {
            Ok(path) => Ok((Self::Claim(path), found)),
            Err(_) => {
                Err(unknown(root, steps, "auth.user, auth.expires, auth.provider and the claims of token"))
            }
        }
    }

    fn in_request(steps: &[&str]) -> Result<(Self, Type), ExpressionError> {
        let text = |field| Ok((Self::Request(field), Type::String));
        match steps {
            [] => Err(ExpressionError::OnlyRoot("request")),
            ["method"] => text(Field::Method),
            ["scheme"] => text(Field::Scheme),
            ["host"] => text(Field::Host),
            ["path"] => text(Field::Path),
            ["query"] => text(Field::Query),
            ["time"] => Ok((Self::Request(Field::Time), Type::Timestamp)),
            ["headers"] => Ok((Self::Headers, Type::Map)),
            ["headers", name] => Ok((Self::Header(name.to_ascii_lowercase()), Type::String)),
            ["source"] => Err(ExpressionError::OnlyRoot("request.source")),
            ["source", "address"] => text(Field::SourceAddress),
            ["source", "principal"] => text(Field::SourcePrincipal),
            ["source", ..] => {
                Err(unknown("request", steps, "request.source.address and request.source.principal"))
            }
            _ => Err(unknown("request", steps, REQUEST)),
        }
    }

    fn in_params(steps: &[&str], parameters: &Parameters) -> Result<(Self, Type), ExpressionError> {
        let [name] = steps else {
            return match steps {
                [] => Ok((Self::Params, Type::Map)),
                _ => Err(unknown("params", steps, "one name behind `params`")),
            };
        };
        match parameters.0.iter().find(|(known, _)| known == name) {
            Some((_, true)) => Ok((Self::Param((*name).to_owned()), Type::Strings)),
            Some((_, false)) => Ok((Self::Param((*name).to_owned()), Type::String)),
            None => {
                let known: Vec<&str> = parameters.0.iter().map(|(known, _)| known.as_str()).collect();
                let known = if known.is_empty() { "no parameter here".to_owned() } else { known.join(", ") };
                Err(unknown("params", steps, &known))
            }
        }
    }

    fn in_context(steps: &[&str]) -> Result<(Self, Type), ExpressionError> {
        match steps {
            [] => Ok((Self::Context, Type::Map)),
            ["route_metadata", steps @ ..] => {
                let steps = steps.iter().map(|step| (*step).to_owned()).collect();
                Ok((Self::RouteMetadata(steps), Type::Dyn))
            }
            [name] => Ok((Self::Extension((*name).to_owned()), Type::String)),
            _ => Err(unknown("context", steps, "the names of context extensions, and `route_metadata`")),
        }
    }
}

fn unknown(root: &str, steps: &[&str], known: &str) -> ExpressionError {
    ExpressionError::UnknownName { name: format!("{root}.{}", steps.join(".")), known: known.to_owned() }
}

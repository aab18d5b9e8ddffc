//! The operators, and the types that they take.

use cel::common::ast::operators;

use super::signature::Type;

/// An operator does not take operands of these types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mismatch;

/// The result of an operator; `None` where the name is none.
pub(super) fn operator(name: &str, types: &[Type]) -> Option<Result<Type, Mismatch>> {
    let fits = |fits: bool, result: Type| Some(fits.then_some(result).ok_or(Mismatch));
    let is_bool = |found: Type| found.agrees_with(Type::Bool);
    match (name, types) {
        (operators::LOGICAL_AND | operators::LOGICAL_OR, [left, right]) => {
            fits(is_bool(*left) && is_bool(*right), Type::Bool)
        }
        (operators::LOGICAL_NOT, [operand]) => fits(is_bool(*operand), Type::Bool),
        (operators::NOT_STRICTLY_FALSE, [_]) => fits(true, Type::Bool),
        (operators::CONDITIONAL, [condition, one, other]) => fits(is_bool(*condition), one.or(*other)),
        (operators::EQUALS | operators::NOT_EQUALS, [left, right]) => {
            fits(left.is_comparable_with(*right), Type::Bool)
        }
        (
            operators::LESS | operators::LESS_EQUALS | operators::GREATER | operators::GREATER_EQUALS,
            [left, right],
        ) => {
            let is_ordered =
                !left.is_list() && !matches!(left, Type::Map | Type::Ip | Type::Cidr | Type::Null);
            let agree = left.agrees_with(*right) || (left.is_number() && right.is_number());
            fits(is_ordered && agree, Type::Bool)
        }
        (operators::IN, [element, container]) => fits(is_member(*element, *container), Type::Bool),
        (operators::INDEX, [container, key]) => Some(index(*container, *key).ok_or(Mismatch)),
        (operators::NEGATE, [operand]) => {
            fits(matches!(operand, Type::Dyn | Type::Int | Type::Double), *operand)
        }
        (
            operators::ADD
            | operators::SUBSTRACT
            | operators::MULTIPLY
            | operators::DIVIDE
            | operators::MODULO,
            [left, right],
        ) => Some(arithmetic(name, *left, *right).ok_or(Mismatch)),
        _ => None,
    }
}

fn is_member(element: Type, container: Type) -> bool {
    match container {
        Type::Dyn | Type::List => true,
        Type::Strings | Type::Map => element.agrees_with(Type::String),
        Type::Cidr => element.agrees_with(Type::String) || element == Type::Ip,
        _ => false,
    }
}

fn index(container: Type, key: Type) -> Option<Type> {
    match container {
        Type::Dyn => Some(Type::Dyn),
        Type::Map => key.agrees_with(Type::String).then_some(Type::Dyn),
        Type::List | Type::Strings => {
            (key == Type::Dyn || key.is_number()).then(|| container.element()).flatten()
        }
        _ => None,
    }
}

fn arithmetic(name: &str, left: Type, right: Type) -> Option<Type> {
    match (left, right) {
        (Type::Timestamp, Type::Timestamp) if name == operators::SUBSTRACT => Some(Type::Duration),
        (Type::Timestamp, Type::Duration) if [operators::ADD, operators::SUBSTRACT].contains(&name) => {
            Some(Type::Timestamp)
        }
        (Type::Duration, Type::Timestamp) if name == operators::ADD => Some(Type::Timestamp),
        (Type::Duration, Type::Duration) if [operators::ADD, operators::SUBSTRACT].contains(&name) => {
            Some(Type::Duration)
        }
        (Type::String | Type::Bytes, _) | (_, Type::String | Type::Bytes) => {
            (name == operators::ADD && left.agrees_with(right)).then(|| left.or(right))
        }
        (left, right) if left.is_list() || right.is_list() => {
            (name == operators::ADD && left.agrees_with(right)).then_some(Type::List)
        }
        (left, right) if left == Type::Dyn || right == Type::Dyn => Some(Type::Dyn),
        (left, right) => (left.is_number() && left == right).then_some(left),
    }
}

//! From what was parsed to what is evaluated: names and types are checked, paths become references, constants are
//! made once, and what is repeated is metered.

use cel::common::ast::{
    CallExpr, ComprehensionExpr, EntryExpr, Expr, IdedEntryExpr, IdedExpr, ListExpr, LiteralValue,
    MapEntryExpr, MapExpr, SelectExpr, operators,
};
use cel::common::types::CelInt;
use cel::common::value::CowVal;
use cel::{Context, ExecutionError, Program};

use super::cost::{BUDGET, ITERATE, SPEND};
use super::error::ExpressionError;
use super::operator::operator;
use super::pattern::{MATCHES, Pattern};
use super::reference::{Place, ROOTS, Reference};
use super::signature::{Literals, Type, arguments, signature};
use super::tree::{call_of, contains_comprehension, global, ident, literal_text, size};
use super::{ENVIRONMENT, Parameters};

/// The deepest nesting: each level takes a frame of the stack when it is evaluated.
const MAX_DEPTH: usize = 96;

/// A checked expression.
pub(super) struct Lowered {
    pub(super) program: IdedExpr,
    pub(super) references: Vec<Reference>,
    pub(super) result: Type,
    pub(super) is_metered: bool,
}

pub(super) fn lower(parsed: &Program, parameters: &Parameters) -> Result<Lowered, ExpressionError> {
    let mut lowering =
        Lowering { parameters, references: Vec::new(), scope: Vec::new(), depth: 0, bodies: 0 };
    let (program, result) = lowering.expression(parsed.expression())?;
    let is_metered = contains_comprehension(parsed.expression());
    Ok(Lowered { program, references: lowering.references, result, is_metered })
}

struct Lowering<'p> {
    parameters: &'p Parameters,
    references: Vec<Reference>,
    /// The variables of comprehensions around, the innermost last.
    scope: Vec<(String, Type)>,
    depth: usize,
    /// How many comprehensions' bodies are around.
    bodies: usize,
}

type Typed = (IdedExpr, Type);

impl Lowering<'_> {
    fn expression(&mut self, parsed: &IdedExpr) -> Result<Typed, ExpressionError> {
        if self.depth >= MAX_DEPTH {
            return Err(ExpressionError::TooDeep(MAX_DEPTH));
        }
        self.depth += 1;
        let lowered = self.at_depth(parsed);
        self.depth -= 1;
        lowered
    }

    fn at_depth(&mut self, parsed: &IdedExpr) -> Result<Typed, ExpressionError> {
        if let Some((root, steps)) = self.path(parsed) {
            let (place, found) = Place::of(root, &steps, self.parameters)?;
            let text = spelled(root, &steps);
            return Ok((self.reference(Reference::Value(place, text), found, parsed.id), found));
        }
        let id = parsed.id;
        match &parsed.expr {
            Expr::Literal(literal) => Ok((parsed.clone(), Type::of(literal))),
            Expr::Ident(name) => self.variable(name, id),
            Expr::Select(select) => self.select(select, id),
            Expr::Call(call) => self.call(call, id),
            Expr::List(list) => self.list(list, id),
            Expr::Map(map) => self.map(map, id),
            Expr::Comprehension(comprehension) => self.comprehension(comprehension, id),
            Expr::Struct(_) | Expr::Unspecified => Err(ExpressionError::Message),
        }
    }

    /// The root and the steps of a path, as far as they are known before there are facts.
    fn path<'e>(&self, parsed: &'e IdedExpr) -> Option<(&'e str, Vec<&'e str>)> {
        match &parsed.expr {
            Expr::Ident(name) if self.is_root(name) => Some((name, Vec::new())),
            Expr::Select(SelectExpr { operand, field, test: false }) => {
                let (root, mut steps) = self.path(operand)?;
                steps.push(field);
                Some((root, steps))
            }
            Expr::Call(CallExpr { func_name, target: None, args }) if func_name == operators::INDEX => {
                let [operand, key] = args.as_slice() else { return None };
                let Expr::Literal(LiteralValue::String(key)) = &key.expr else { return None };
                let (root, mut steps) = self.path(operand)?;
                steps.push(key.inner());
                Some((root, steps))
            }
            _ => None,
        }
    }

    fn is_root(&self, name: &str) -> bool {
        ROOTS.contains(&name) && !self.scope.iter().any(|(known, _)| known == name)
    }

    /// A name for what is referred to, charged by its size where it is read more than once.
    fn reference(&mut self, reference: Reference, found: Type, id: u64) -> IdedExpr {
        self.references.push(reference);
        let name = format!("@{}", self.references.len() - 1);
        self.charged(IdedExpr { id, expr: Expr::Ident(name) }, found)
    }

    fn charged(&self, read: IdedExpr, found: Type) -> IdedExpr {
        if self.bodies == 0 || found.is_scalar() {
            return read;
        }
        global(SPEND, vec![ident(BUDGET), read])
    }

    fn variable(&mut self, name: &str, id: u64) -> Result<Typed, ExpressionError> {
        let known = self.scope.iter().rev().find(|(known, _)| known == name);
        let Some((_, found)) = known else {
            let known = ROOTS.join(", ");
            return Err(ExpressionError::UnknownName { name: name.to_owned(), known });
        };
        let read = IdedExpr { id, expr: Expr::Ident(name.to_owned()) };
        // What a comprehension collects is recognised by its shape.
        let is_collected = name.starts_with('@');
        Ok((if is_collected { read } else { self.charged(read, *found) }, *found))
    }

    fn select(&mut self, select: &SelectExpr, id: u64) -> Result<Typed, ExpressionError> {
        let SelectExpr { operand, field, test } = select;
        if *test && let Some((root, steps)) = self.path(operand) {
            let whole: Vec<&str> = steps.iter().copied().chain([field.as_str()]).collect();
            let (place, _) = Place::of(root, &whole, self.parameters)?;
            let within = match Place::of(root, &steps, self.parameters) {
                Ok((within @ (Place::Claim(_) | Place::RouteMetadata(_)), _)) => {
                    Some((within, spelled(root, &steps)))
                }
                _ => None,
            };
            return Ok((self.reference(Reference::Presence { place, within }, Type::Bool, id), Type::Bool));
        }
        let (operand, found) = self.expression(operand)?;
        if !matches!(found, Type::Dyn | Type::Map) {
            return Err(arguments(&format!(".{field}"), &[found]));
        }
        let select = SelectExpr { operand: Box::new(operand), field: field.clone(), test: *test };
        Ok((IdedExpr { id, expr: Expr::Select(select) }, if *test { Type::Bool } else { Type::Dyn }))
    }

    fn call(&mut self, call: &CallExpr, id: u64) -> Result<Typed, ExpressionError> {
        let receiver = match &call.target {
            Some(target) => Some(self.expression(target)?),
            None => None,
        };
        let given: Vec<Typed> =
            call.args.iter().map(|argument| self.expression(argument)).collect::<Result<_, _>>()?;
        let types: Vec<Type> = given.iter().map(|(_, found)| *found).collect();
        let name = call.func_name.as_str();
        if receiver.is_none()
            && let Some(result) = operator(name, &types)
        {
            let result = result.map_err(|_| arguments(name.trim_matches(['_', '@']), &types))?;
            let args = given.into_iter().map(|(argument, _)| argument).collect();
            return Ok((IdedExpr { id, expr: call_of(name, None, args) }, result));
        }
        let signature = signature(name, receiver.as_ref().map(|(_, found)| *found), &types)?;
        match signature.literals {
            Literals::Constant => self.matches(receiver, call, id),
            Literals::Arguments if call.args.iter().any(|argument| literal_text(argument).is_none()) => {
                Err(ExpressionError::NotLiteral(name.to_owned()))
            }
            Literals::Arguments | Literals::None => {
                let is_constant = receiver.is_none()
                    && ["ip", "cidr", "timestamp", "duration"].contains(&name)
                    && call.args.iter().all(|argument| literal_text(argument).is_some());
                let args = given.into_iter().map(|(argument, _)| argument).collect();
                let target = receiver.map(|(target, _)| Box::new(target));
                let lowered = IdedExpr { id, expr: call_of(name, target, args) };
                let lowered =
                    if is_constant { self.constant(&lowered, call, signature.result)? } else { lowered };
                Ok((lowered, signature.result))
            }
        }
    }

    /// A call of literals, made into its value.
    fn constant(
        &mut self,
        lowered: &IdedExpr,
        call: &CallExpr,
        found: Type,
    ) -> Result<IdedExpr, ExpressionError> {
        let context = Context::with_env(ENVIRONMENT.clone());
        let value = cel::Value::resolve_val(lowered, &context).map(CowVal::into_owned).map_err(|error| {
            let text = call.args.first().and_then(literal_text).unwrap_or_default();
            let reason = match error {
                ExecutionError::FunctionError { message, .. } => message,
                _ => "cannot be read".to_owned(),
            };
            ExpressionError::BadLiteral(format!("{}(\"{text}\"): {reason}", call.func_name))
        })?;
        Ok(self.reference(Reference::Constant(value), found, lowered.id))
    }

    /// `text.matches("…")`: the expression is compiled here, and answers in linear time.
    fn matches(
        &mut self,
        receiver: Option<Typed>,
        call: &CallExpr,
        id: u64,
    ) -> Result<Typed, ExpressionError> {
        let text = call.args.first().and_then(literal_text);
        let (Some(text), Some((target, _))) = (text, receiver) else {
            return Err(ExpressionError::NotLiteral(call.func_name.clone()));
        };
        let pattern = Reference::Constant(Box::new(Pattern::compile(text)?));
        let pattern = self.reference(pattern, Type::Pattern, id);
        Ok((global(MATCHES, vec![target, pattern]), Type::Bool))
    }

    fn list(&mut self, list: &ListExpr, id: u64) -> Result<Typed, ExpressionError> {
        let mut found = Type::Strings;
        let mut elements = Vec::with_capacity(list.elements.len());
        for element in &list.elements {
            let (element, of_element) = self.expression(element)?;
            elements.push(element);
            found = if of_element == Type::String { found } else { Type::List };
        }
        let found = if elements.is_empty() { Type::List } else { found };
        let list = ListExpr { elements, optional_indices: list.optional_indices.clone() };
        Ok((IdedExpr { id, expr: Expr::List(list) }, found))
    }

    fn map(&mut self, map: &MapExpr, id: u64) -> Result<Typed, ExpressionError> {
        let mut entries = Vec::with_capacity(map.entries.len());
        for IdedEntryExpr { id, expr } in &map.entries {
            let EntryExpr::MapEntry(MapEntryExpr { key, value, optional }) = expr else {
                return Err(ExpressionError::Message);
            };
            let (key, _) = self.expression(key)?;
            let (value, _) = self.expression(value)?;
            let entry = MapEntryExpr { key, value, optional: *optional };
            entries.push(IdedEntryExpr { id: *id, expr: EntryExpr::MapEntry(entry) });
        }
        Ok((IdedExpr { id, expr: Expr::Map(MapExpr { entries }) }, Type::Map))
    }

    fn comprehension(&mut self, parsed: &ComprehensionExpr, id: u64) -> Result<Typed, ExpressionError> {
        let (iter_range, of_range) = self.expression(&parsed.iter_range)?;
        let element = of_range.element().ok_or(ExpressionError::NotIterable(of_range.name()))?;
        let (accu_init, of_accu) = self.expression(&parsed.accu_init)?;
        let variables = [Some(&parsed.iter_var), parsed.iter_var2.as_ref()];
        let taken = variables.into_iter().flatten().find(|name| ROOTS.contains(&name.as_str()));
        if let Some(name) = taken {
            return Err(ExpressionError::TakenName(name.clone()));
        }
        let outer = self.scope.len();
        self.scope.push((parsed.accu_var.clone(), of_accu));
        self.scope.push((parsed.iter_var.clone(), element));
        self.scope.extend(parsed.iter_var2.iter().map(|name| (name.clone(), Type::Dyn)));
        self.bodies += 1;
        let (loop_cond, _) = self.expression(&parsed.loop_cond)?;
        let (loop_step, _) = self.expression(&parsed.loop_step)?;
        self.bodies -= 1;
        let (result, found) = self.expression(&parsed.result)?;
        self.scope.truncate(outer);
        let turn = i64::try_from(size(&loop_cond) + size(&loop_step)).unwrap_or(i64::MAX);
        let turn = IdedExpr { id: 0, expr: Expr::Literal(LiteralValue::Int(CelInt::from(turn))) };
        let comprehension = ComprehensionExpr {
            iter_range: global(ITERATE, vec![ident(BUDGET), iter_range, turn]),
            iter_var: parsed.iter_var.clone(),
            iter_var2: parsed.iter_var2.clone(),
            accu_var: parsed.accu_var.clone(),
            accu_init,
            loop_cond,
            loop_step,
            result,
        };
        Ok((IdedExpr { id, expr: Expr::Comprehension(Box::new(comprehension)) }, found))
    }
}

/// A path as a person would write it.
fn spelled(root: &str, steps: &[&str]) -> String {
    let is_name = |step: &str| {
        !step.is_empty() && step.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    steps.iter().fold(root.to_owned(), |path, step| {
        if is_name(step) { format!("{path}.{step}") } else { format!("{path}[{step:?}]") }
    })
}

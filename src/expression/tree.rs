//! Pieces of the `cel` crate's syntax tree: made, and measured.

use cel::common::ast::{CallExpr, EntryExpr, Expr, IdedExpr, LiteralValue};

pub(super) fn literal_text(expression: &IdedExpr) -> Option<&str> {
    match &expression.expr {
        Expr::Literal(LiteralValue::String(text)) => Some(text.inner()),
        _ => None,
    }
}

pub(super) fn ident(name: &str) -> IdedExpr {
    IdedExpr { id: 0, expr: Expr::Ident(name.to_owned()) }
}

pub(super) fn call_of(name: &str, target: Option<Box<IdedExpr>>, args: Vec<IdedExpr>) -> Expr {
    Expr::Call(CallExpr { func_name: name.to_owned(), target, args })
}

pub(super) fn global(name: &str, args: Vec<IdedExpr>) -> IdedExpr {
    IdedExpr { id: 0, expr: call_of(name, None, args) }
}

fn children(expression: &IdedExpr) -> Vec<&IdedExpr> {
    match &expression.expr {
        Expr::Call(call) => call.target.as_deref().into_iter().chain(&call.args).collect(),
        Expr::Select(select) => vec![&select.operand],
        Expr::List(list) => list.elements.iter().collect(),
        Expr::Map(map) => map
            .entries
            .iter()
            .flat_map(|entry| match &entry.expr {
                EntryExpr::MapEntry(entry) => vec![&entry.key, &entry.value],
                EntryExpr::StructField(field) => vec![&field.value],
            })
            .collect(),
        Expr::Comprehension(inner) => {
            vec![&inner.iter_range, &inner.accu_init, &inner.loop_cond, &inner.loop_step, &inner.result]
        }
        Expr::Ident(_) | Expr::Literal(_) | Expr::Struct(_) | Expr::Unspecified => Vec::new(),
    }
}

pub(super) fn size(expression: &IdedExpr) -> usize {
    1 + children(expression).into_iter().map(size).sum::<usize>()
}

pub(super) fn contains_comprehension(expression: &IdedExpr) -> bool {
    matches!(expression.expr, Expr::Comprehension(_))
        || children(expression).into_iter().any(contains_comprehension)
}

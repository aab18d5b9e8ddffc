//! The conditions that an expression is joined from, for an explanation: `a && (b || !c)` is `a`, `b` and `c`.

use super::Expression;

/// One of them, compiled by itself.
pub(super) struct Part {
    source: String,
    expression: Box<Expression>,
}

impl Part {
    pub(super) fn new(source: &str, expression: Expression) -> Self {
        Self { source: source.to_owned(), expression: Box::new(expression) }
    }

    pub(super) fn source(&self) -> &str {
        &self.source
    }

    pub(super) fn expression(&self) -> &Expression {
        &self.expression
    }

    /// The texts of the parts of a sound expression; none where it is a single one.
    pub(super) fn split(source: &str) -> Vec<&str> {
        let mut found = Vec::new();
        collect(source, &mut found);
        if found.len() == 1 { Vec::new() } else { found }
    }
}

fn collect<'s>(source: &'s str, found: &mut Vec<&'s str>) {
    let source = source.trim();
    for operator in ["||", "&&"] {
        let operands = operands(source, operator);
        if operands.len() > 1 {
            for operand in operands {
                collect(operand, found);
            }
            return;
        }
    }
    if let Some(negated) = source.strip_prefix('!') {
        return collect(negated, found);
    }
    match source.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')) {
        Some(inner) if is_balanced(inner) => collect(inner, found),
        _ => found.push(source),
    }
}

/// What stands between the operators at the outermost level; all of it where a `?` makes a choice there.
fn operands<'s>(source: &'s str, operator: &str) -> Vec<&'s str> {
    let mut operands = Vec::new();
    let mut start = 0;
    let mut chooses = false;
    walk(source, |at, depth| {
        let rest = source.get(at..).unwrap_or_default();
        chooses |= depth == 0 && rest.starts_with('?');
        if depth == 0 && rest.starts_with(operator) && at >= start {
            operands.extend(source.get(start..at));
            start = at + operator.len();
        }
    });
    operands.extend(source.get(start..));
    if chooses { vec![source] } else { operands }
}

/// Whether no bracket closes in this part of a sound expression that was not opened in it.
fn is_balanced(text: &str) -> bool {
    let mut lowest = 0;
    walk(text, |_, depth| lowest = lowest.min(depth));
    lowest >= 0
}

/// Visits each character outside quotes and comments, with the depth of brackets around it.
fn walk(source: &str, mut visit: impl FnMut(usize, i32)) {
    let mut depth = 0;
    let mut quote: Option<char> = None;
    let mut is_escaped = false;
    for (at, c) in source.char_indices() {
        match quote {
            Some(_) if is_escaped => is_escaped = false,
            Some(_) if c == '\\' => is_escaped = true,
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None => {
                if matches!(c, ')' | ']' | '}') {
                    depth -= 1;
                }
                visit(at, depth);
                match c {
                    '"' | '\'' => quote = Some(c),
                    '(' | '[' | '{' => depth += 1,
                    _ => {}
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Part;

    #[test]
    fn an_expression_is_split_where_it_is_joined() {
        for (source, parts) in [
            ("a", vec![]),
            ("a && b", vec!["a", "b"]),
            ("a && (b || !c)", vec!["a", "b", "c"]),
            ("(a) && (b == 1)", vec!["a", "b == 1"]),
            ("(a || b) && (c || d)", vec!["a", "b", "c", "d"]),
            (
                "\"x && y\" in auth.user.roles || 'a\\'||b' == c",
                vec!["\"x && y\" in auth.user.roles", "'a\\'||b' == c"],
            ),
            ("l.exists(x, x == 1 || x == 2) && b", vec!["l.exists(x, x == 1 || x == 2)", "b"]),
            ("a ? b && c : d", vec![]),
            ("!(a && b)", vec!["a", "b"]),
        ] {
            assert_eq!(Part::split(source), parts, "{source}");
        }
    }
}

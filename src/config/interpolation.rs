//! `${NAME}` and `${NAME:-default}` in the strings of a configuration.

use config::{Value, ValueKind};

use super::environment::Environment;
use super::error::Problems;

/// Replaces variables in every string of the tree; `$${` stands for the text `${`. What a variable holds is not
/// looked at again.
pub(super) fn interpolate(mut tree: Value, environment: &Environment, problems: &mut Problems) -> Value {
    walk(&mut tree, "", environment, problems);
    tree
}

fn walk(value: &mut Value, path: &str, environment: &Environment, problems: &mut Problems) {
    match &mut value.kind {
        ValueKind::String(text) if text.contains("${") => match expand(text, environment) {
            Ok(expanded) => *text = expanded,
            Err(error) => problems.error(path, error),
        },
        ValueKind::Table(table) => {
            for (key, value) in table {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                walk(value, &path, environment, problems);
            }
        }
        ValueKind::Array(items) => {
            for (at, item) in items.iter_mut().enumerate() {
                walk(item, &format!("{path}[{at}]"), environment, problems);
            }
        }
        ValueKind::Nil
        | ValueKind::Boolean(_)
        | ValueKind::I64(_)
        | ValueKind::I128(_)
        | ValueKind::U64(_)
        | ValueKind::U128(_)
        | ValueKind::Float(_)
        | ValueKind::String(_) => {}
    }
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
enum InterpolationError {
    #[error("the environment variable `{0}` is not set; set it, or give a default with `${{{0}:-…}}`")]
    Unset(String),
    /// What stands there is not repeated: it can be a part of a secret.
    #[error(
        "`${{` in it begins no variable: write `${{NAME}}` or `${{NAME:-default}}`, or `$${{` for itself"
    )]
    Malformed,
}

fn expand(text: &str, environment: &Environment) -> Result<String, InterpolationError> {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        if let Some(before) = before.strip_suffix('$') {
            expanded.push_str(before);
            expanded.push_str("${");
            rest = after;
            continue;
        }
        expanded.push_str(before);
        let (reference, tail) = after.split_once('}').ok_or(InterpolationError::Malformed)?;
        let (name, default) = match reference.split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (reference, None),
        };
        if !is_name(name) {
            return Err(InterpolationError::Malformed);
        }
        // `:-` takes its default for an empty variable too, as in a shell.
        let value = match default {
            Some(default) => environment.get(name).unwrap_or(default),
            None => environment.get_set(name).ok_or_else(|| InterpolationError::Unset(name.to_owned()))?,
        };
        expanded.push_str(value);
        rest = tail;
    }
    expanded.push_str(rest);
    Ok(expanded)
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::{Environment, InterpolationError, expand};

    #[test]
    fn variables_are_replaced_once_and_a_missing_one_is_an_error() {
        let environment = Environment::from([("A", "1"), ("EMPTY", ""), ("NESTED", "${A}")]);
        for (text, expected) in [
            ("plain $ } text", "plain $ } text"),
            ("${A}-${A}", "1-1"),
            ("${B:-x:-y}", "x:-y"),
            ("${B:-}", ""),
            ("${EMPTY:-x}", "x"),
            ("${EMPTY}", ""),
            ("${NESTED}", "${A}"),
            ("$${A}", "${A}"),
            ("é${A}é", "é1é"),
        ] {
            assert_eq!(expand(text, &environment).as_deref(), Ok(expected), "{text}");
        }
        assert_eq!(expand("${B}", &environment), Err(InterpolationError::Unset("B".to_owned())));
        for text in ["${", "${A", "${}", "${my-name}", "${1A}"] {
            assert_eq!(expand(text, &environment), Err(InterpolationError::Malformed), "{text}");
        }
    }
}

//! From the merged tree to the configuration as written, with every mistake that stands in the way.

use config::{Value, ValueKind};
use serde_path_to_error::Segment;

use super::error::Problems;
use super::raw::RawConfig;

/// Reads the tree. Each mistake is noted and taken out of the tree, so that the next one is found as well.
pub(super) fn parse(mut tree: Value, problems: &mut Problems) -> RawConfig {
    loop {
        match serde_path_to_error::deserialize::<_, RawConfig>(tree.clone()) {
            Ok(raw) => return raw,
            Err(error) => {
                let mistake = Mistake::of(&error);
                problems.error(&mistake.path, &mistake.message);
                if !prune(&mut tree, &mistake.keys) {
                    return RawConfig::default();
                }
            }
        }
    }
}

/// A key of the tree, or a place in one of its lists.
#[derive(Debug)]
enum Key {
    Name(String),
    At(usize),
}

struct Mistake {
    path: String,
    message: String,
    keys: Vec<Key>,
}

impl Mistake {
    fn of(error: &serde_path_to_error::Error<config::ConfigError>) -> Self {
        let message = error.inner().to_string();
        let mut keys: Vec<Key> = error
            .path()
            .iter()
            .filter_map(|segment| match segment {
                Segment::Map { key } => Some(Key::Name(key.clone())),
                Segment::Seq { index } => Some(Key::At(*index)),
                Segment::Enum { .. } | Segment::Unknown => None,
            })
            .collect();
        if let Some(unknown) = unknown_field(&message)
            && !matches!(keys.last(), Some(Key::Name(last)) if last == unknown)
        {
            keys.push(Key::Name(unknown.to_owned()));
        }
        let path = render(&keys);
        // A value in the wrong place can be a secret.
        let hides_value = keys.iter().any(|key| matches!(key, Key::Name(name) if name.contains("secret")));
        let message = if hides_value && unknown_field(&message).is_none() {
            "is not of the type that is expected here".to_owned()
        } else {
            message
        };
        Self { path, message, keys }
    }
}

/// The name in serde's message ``unknown field `x`, expected …``; its path ends at the parent.
fn unknown_field(message: &str) -> Option<&str> {
    message.split_once("unknown field `")?.1.split('`').next()
}

fn render(keys: &[Key]) -> String {
    let mut path = String::new();
    for key in keys {
        match key {
            Key::Name(name) if path.is_empty() => path.push_str(name),
            Key::Name(name) => path.extend([".", name]),
            Key::At(at) => path.extend(["[", &at.to_string(), "]"]),
        }
    }
    if path.is_empty() { "the configuration".to_owned() } else { path }
}

/// Takes the innermost named key of the path out of the tree; false where there is none to take.
fn prune(tree: &mut Value, keys: &[Key]) -> bool {
    let named = keys.iter().rposition(|key| matches!(key, Key::Name(_)));
    let Some((Key::Name(last), parents)) = named.and_then(|at| keys.get(..=at)?.split_last()) else {
        return false;
    };
    let mut value = tree;
    for key in parents {
        let child = match (key, &mut value.kind) {
            (Key::Name(name), ValueKind::Table(table)) => table.get_mut(name),
            (Key::At(at), ValueKind::Array(items)) => items.get_mut(*at),
            _ => None,
        };
        let Some(child) = child else { return false };
        value = child;
    }
    match &mut value.kind {
        ValueKind::Table(table) => table.shift_remove(last).is_some(),
        _ => false,
    }
}

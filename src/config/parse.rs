//! From the merged tree to the configuration as written, with every mistake that stands in the way.

use config::{Map, Value, ValueKind};
use serde_path_to_error::Segment;

use super::error::Problems;
use super::raw::RawConfig;

/// Reads the tree. Each mistake is noted and taken out of the tree, so that the next one is found as well.
pub(super) fn parse(mut tree: Value, problems: &mut Problems) -> RawConfig {
    let mut attempts: Vec<String> = Vec::new();
    loop {
        match serde_path_to_error::deserialize::<_, RawConfig>(tree.clone()) {
            Ok(raw) => return raw,
            Err(error) => {
                let mistake = Mistake::of(&error);
                let attempt = attempts.iter().filter(|path| **path == mistake.path).count();
                problems.error(&mistake.path, mistake.message);
                if !mend(&mut tree, &mistake.keys, attempt) {
                    return RawConfig::default();
                }
                attempts.push(mistake.path);
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
        let message = words(&error.inner().to_string());
        let mut keys: Vec<Key> = error
            .path()
            .iter()
            .filter_map(|segment| match segment {
                Segment::Map { key } => Some(Key::Name(key.clone())),
                Segment::Seq { index } => Some(Key::At(*index)),
                Segment::Enum { .. } | Segment::Unknown => None,
            })
            .collect();
        let unknown = message.split_once("unknown field `").and_then(|(_, rest)| rest.split('`').next());
        if let Some(unknown) = unknown
            && !matches!(keys.last(), Some(Key::Name(last)) if last == unknown)
        {
            keys.push(Key::Name(unknown.to_owned()));
        }
        let is_kind = matches!(keys.last(), Some(Key::Name(name)) if name == "kind");
        let holds_value = message.starts_with("unknown variant") && path_starts_with(&keys, "sessions");
        let message =
            if holds_value && !is_kind { "is not what is expected here".to_owned() } else { message };
        Self { path: render(&keys), message, keys }
    }
}

fn path_starts_with(keys: &[Key], section: &str) -> bool {
    matches!(keys.first(), Some(Key::Name(name)) if name == section)
}

/// What the `config` crate says, without the key, which it spells in its own way, and without the value, which can
/// be a secret in the wrong place.
fn words(message: &str) -> String {
    if let Some((_, key)) = message.split_once("missing configuration field ") {
        let name = key.split(['.', '[', ']', '"']).rfind(|part| !part.is_empty());
        return format!("`{}` is missing", name.unwrap_or_default());
    }
    let message = message.split(" for key `").next().unwrap_or_default();
    match message.rsplit_once(", expected ") {
        // As in ``invalid type: integer `7`, expected a map``: the value stands in quotes of one kind or the other.
        Some((found, expected)) if found.starts_with("invalid ") => {
            let kind = found.split(['"', '`']).next().unwrap_or_default().trim_end();
            format!("{kind}, expected {expected}")
        }
        _ => message.to_owned(),
    }
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

/// Makes the tree readable at a place that is not: an item of a list is replaced by the next thing that could stand
/// there, so that the others keep their places; anything else is taken out. False where nothing can be done.
fn mend(tree: &mut Value, keys: &[Key], attempt: usize) -> bool {
    match (keys.last(), stand_in(attempt)) {
        (Some(Key::At(_)), Some(stand_in)) => at(tree, keys).map(|item| item.kind = stand_in).is_some(),
        _ => take_out(tree, keys),
    }
}

/// A rule without keys, a matcher or another text, an item of `has` or `missing`.
fn stand_in(attempt: usize) -> Option<ValueKind> {
    let text = |text: &str| Value::new(None, text);
    match attempt {
        0 => Some(ValueKind::Table(Map::new())),
        1 => Some(text("/").kind),
        2 => {
            let pairs = [("type", "header"), ("key", "x")];
            let pairs = pairs.map(|(key, value)| (key.to_owned(), text(value)));
            Some(ValueKind::Table(pairs.into_iter().collect()))
        }
        _ => None,
    }
}

/// Takes out the innermost named key of a path.
fn take_out(tree: &mut Value, keys: &[Key]) -> bool {
    let named = keys.iter().rposition(|key| matches!(key, Key::Name(_)));
    let Some((Key::Name(last), parents)) = named.and_then(|at| keys.get(..=at)?.split_last()) else {
        return false;
    };
    match at(tree, parents).map(|parent| &mut parent.kind) {
        Some(ValueKind::Table(table)) => table.shift_remove(last).is_some(),
        _ => false,
    }
}

fn at<'t>(tree: &'t mut Value, keys: &[Key]) -> Option<&'t mut Value> {
    keys.iter().try_fold(tree, |value, key| match (key, &mut value.kind) {
        (Key::Name(name), ValueKind::Table(table)) => table.get_mut(name),
        (Key::At(at), ValueKind::Array(items)) => items.get_mut(*at),
        _ => None,
    })
}

//! The configuration as it may be shown: as written, before variables are put in, and without what can be a secret.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use config::{Value, ValueKind};

use crate::program::Shown;

const HIDDEN: &str = "[redacted]";
/// Keys whose values are secrets, or can be: a `value` is what a request has to have.
const SECRET_KEYS: [&str; 3] = ["secret", "value", "password"];
/// How many bytes of the hash tell configurations apart.
const HASH_BYTES: usize = 9;

pub(super) fn of(tree: &Value) -> Shown {
    let mut tree = tree.clone();
    redact(&mut tree, "", false);
    let shown: serde_json::Value = tree.try_deserialize().unwrap_or_default();
    let text = yaml(&shown, 0);
    let digest = digest(&SHA256, text.as_bytes());
    let hash = URL_SAFE_NO_PAD.encode(digest.as_ref().get(..HASH_BYTES).unwrap_or_default());
    Shown { text, hash }
}

fn redact(value: &mut Value, parent: &str, is_secret: bool) {
    match &mut value.kind {
        ValueKind::String(text) if is_secret => {
            if !is_variable(text) {
                HIDDEN.clone_into(text);
            }
        }
        ValueKind::String(text) => *text = without_credentials(text),
        ValueKind::Table(table) => {
            for (key, value) in table.iter_mut() {
                // The headers for a collector authenticate; those of an answer are for everybody.
                let authenticates = (parent, key.as_str()) == ("otlp", "headers");
                let is_secret = is_secret || authenticates || SECRET_KEYS.contains(&key.as_str());
                redact(value, key, is_secret);
            }
        }
        ValueKind::Array(items) => items.iter_mut().for_each(|item| redact(item, parent, is_secret)),
        ValueKind::Nil => {}
        ValueKind::Boolean(_)
        | ValueKind::I64(_)
        | ValueKind::I128(_)
        | ValueKind::U64(_)
        | ValueKind::U128(_)
        | ValueKind::Float(_) => {
            if is_secret {
                value.kind = ValueKind::String(HIDDEN.to_owned());
            }
        }
    }
}

/// `${NAME}` and nothing else: the name of a variable is no secret.
fn is_variable(text: &str) -> bool {
    let name = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
    name.is_some_and(|name| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'))
}

/// A URL without its user, its password and its query.
fn without_credentials(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let (rest, query) = rest.split_once('?').map_or((rest, ""), |(rest, _)| (rest, "?[redacted]"));
    match rest.rsplit_once('@') {
        Some((_, rest)) => format!("{scheme}://{HIDDEN}@{rest}{query}"),
        None => format!("{scheme}://{rest}{query}"),
    }
}

/// In block style; texts in the quotes of JSON, which are YAML's too.
fn yaml(value: &serde_json::Value, depth: usize) -> String {
    use serde_json::Value as Json;
    let indent = "  ".repeat(depth);
    match value {
        Json::Object(members) if !members.is_empty() => members
            .iter()
            .map(|(key, value)| match value {
                Json::Object(inner) if !inner.is_empty() => {
                    format!("{indent}{key}:\n{}", yaml(value, depth + 1))
                }
                Json::Array(inner) if !inner.is_empty() => {
                    format!("{indent}{key}:\n{}", yaml(value, depth + 1))
                }
                _ => format!("{indent}{key}: {}", yaml(value, depth)),
            })
            .collect(),
        Json::Array(items) if !items.is_empty() => {
            let lines: Vec<String> = items.iter().map(|item| format!("{indent}- {item}\n")).collect();
            lines.concat()
        }
        other => format!("{other}\n"),
    }
}

#[cfg(test)]
mod tests {
    use config::{Config, File, FileFormat};

    use super::of;

    #[test]
    fn nothing_that_can_be_a_secret_is_shown() {
        let text = r#"
            sessions:
              web: { kind: authjs, secret: hunter2-hunter2-hunter2 }
              old: { kind: nextauth, secret: ["${OLD_SECRET}", "${X:-hunter2}", 4815162342] }
              db: { kind: database, url: "postgres://app:hunter2/@x@db/app?password=hunter2" }
            rules: [{ matcher: [{ source: /ops, missing: [{ type: header, key: x-ops, value: hunter2 }] }] }]
            telemetry: { otlp: { endpoint: "http://collector:4317", headers: { authorization: hunter2 } } }
            revocation: { redis: "redis://:hunter2@cache:6379", secret_file: /run/secrets/revoke }
        "#;
        let tree =
            Config::builder().add_source(File::from_str(text, FileFormat::Yaml)).build().expect("YAML").cache;
        let shown = of(&tree).text;
        assert!(!shown.contains("hunter2") && !shown.contains("4815162342"), "{shown}");
        for kept in [
            "${OLD_SECRET}",
            "@db/app",
            "@cache:6379",
            "http://collector:4317",
            "/run/secrets/revoke",
            "x-ops",
        ] {
            assert!(shown.contains(kept), "{kept}: {shown}");
        }
    }

    #[test]
    fn a_secret_does_not_change_the_hash() {
        let hash = |text: &str| {
            let file = File::from_str(text, FileFormat::Yaml);
            of(&Config::builder().add_source(file).build().expect("YAML").cache).hash
        };
        let [one, other, rule] =
            ["{secret: a, access: public}", "{secret: b, access: public}", "{secret: a, access: deny}"]
                .map(hash);
        assert_eq!(one, other);
        assert_ne!(one, rule);
    }
}

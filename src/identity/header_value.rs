//! A claim as the value of a header: always legal, and readable back with any percent-decoder.

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::Value;

/// Control characters and all beyond ASCII are not legal, and `%` has to be told from an escape.
const ESCAPED: &AsciiSet = &CONTROLS.add(b'%');
/// At its ends a value loses its spaces on the way.
const ESCAPED_AT_ENDS: &AsciiSet = &ESCAPED.add(b' ');

/// The text of a claim: strings as they are, numbers and booleans as JSON writes them, the parts of a list joined
/// with the separator, an object as JSON. `None` for what says nothing: null, and empty text.
pub(super) fn header_value(claim: &Value, separator: &str) -> Option<String> {
    let text = match claim {
        Value::Null => return None,
        Value::String(text) => encode(text),
        Value::Array(items) => {
            let parts: Vec<String> = items.iter().filter_map(|item| header_value(item, separator)).collect();
            parts.join(separator)
        }
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => encode(&claim.to_string()),
    };
    Some(text).filter(|text| !text.is_empty())
}

fn encode(text: &str) -> String {
    let inner = text.trim_matches(' ');
    if inner.len() == text.len() {
        return utf8_percent_encode(text, ESCAPED).to_string();
    }
    let (before, rest) = text.split_at(text.len() - text.trim_start_matches(' ').len());
    // `rest` begins with `inner`.
    let (_, after) = rest.split_at(inner.len());
    format!(
        "{}{}{}",
        utf8_percent_encode(before, ESCAPED_AT_ENDS),
        utf8_percent_encode(inner, ESCAPED),
        utf8_percent_encode(after, ESCAPED_AT_ENDS)
    )
}

#[cfg(test)]
mod tests {
    use super::header_value;
    use percent_encoding::percent_decode_str;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn a_claim_becomes_one_legal_value() {
        for (claim, value) in [
            (json!("ada@example.com"), Some("ada@example.com")),
            (json!("a b, c"), Some("a b, c")),
            (json!("Zoë\r\nx-admin: 1"), Some("Zo%C3%AB%0D%0Ax-admin: 1")),
            (json!("100%"), Some("100%25")),
            (json!(" a "), Some("%20a%20")),
            (json!("  "), Some("%20%20")),
            (json!(42), Some("42")),
            (json!(true), Some("true")),
            (json!(["admin", "editor", 7]), Some("admin,editor,7")),
            (json!({"a": "é"}), Some(r#"{"a":"%C3%A9"}"#)),
            (json!(null), None),
            (json!(""), None),
            (json!([]), None),
        ] {
            assert_eq!(header_value(&claim, ",").as_deref(), value, "{claim}");
        }
    }

    proptest! {
        #[test]
        fn any_text_becomes_visible_ascii_and_decodes_to_itself(text in any::<String>()) {
            let value = header_value(&json!(text), ",").unwrap_or_default();
            prop_assert!(value.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
            prop_assert_eq!(value.trim(), value.as_str());
            prop_assert_eq!(percent_decode_str(&value).decode_utf8().expect("UTF-8"), text);
        }
    }
}

//! JSON as JavaScript reads and writes it: what `JSON.stringify(JSON.parse(text))` makes of a text, byte for byte.

use std::fmt;

use indexmap::IndexMap;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Number, Value};

/// A value whose members keep their order. A text with half a surrogate pair is refused by the parser.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Js {
    Null,
    Bool(bool),
    Number(f64),
    String(String),
    Array(Vec<Js>),
    Object(IndexMap<String, Js>),
}

impl Js {
    pub(super) fn stringify(&self) -> String {
        let mut text = String::new();
        self.write(&mut text);
        text
    }

    fn write(&self, out: &mut String) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(bool) => out.push_str(if *bool { "true" } else { "false" }),
            Self::Number(number) => out.push_str(ryu_js::Buffer::new().format(*number)),
            Self::String(text) => out.push_str(&quoted(text)),
            Self::Array(items) => {
                out.push('[');
                for (at, item) in items.iter().enumerate() {
                    out.push_str(if at > 0 { "," } else { "" });
                    item.write(out);
                }
                out.push(']');
            }
            Self::Object(members) => {
                out.push('{');
                for (at, (name, value)) in in_order(members).into_iter().enumerate() {
                    out.push_str(if at > 0 { "," } else { "" });
                    out.push_str(&quoted(name));
                    out.push(':');
                    value.write(out);
                }
                out.push('}');
            }
        }
    }

    pub(super) fn into_value(self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(bool) => Value::Bool(bool),
            Self::Number(number) => number_of(number),
            Self::String(text) => Value::String(text),
            Self::Array(items) => items.into_iter().map(Self::into_value).collect(),
            Self::Object(members) => {
                Value::Object(members.into_iter().map(|(name, value)| (name, value.into_value())).collect())
            }
        }
    }
}

/// A whole number where it is one that a double holds exactly.
fn number_of(number: f64) -> Value {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    #[expect(clippy::cast_possible_truncation, reason = "whole, and within what an i64 holds")]
    if number.fract() == 0.0 && number.abs() <= EXACT {
        return Value::from(number as i64);
    }
    Number::from_f64(number).map_or(Value::Null, Value::Number)
}

/// ECMA-262, `QuoteJSONString`: the escapes are those of `serde_json`.
fn quoted(text: &str) -> String {
    // Text always serialises.
    serde_json::to_string(text).unwrap_or_default()
}

/// ECMA-262, `OrdinaryOwnPropertyKeys`: array indices by their number, then the others as they came.
fn in_order(members: &IndexMap<String, Js>) -> Vec<(&String, &Js)> {
    let mut ordered: Vec<(&String, &Js)> = members.iter().collect();
    ordered.sort_by_key(|(name, _)| array_index(name).map_or((1, 0), |index| (0, index)));
    ordered
}

/// A whole number below 2^32 - 1 in its plain form.
fn array_index(name: &str) -> Option<u32> {
    let index: u32 = name.parse().ok()?;
    (index != u32::MAX && index.to_string() == name).then_some(index)
}

impl<'de> Deserialize<'de> for Js {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(JsVisitor)
    }
}

struct JsVisitor;

impl<'de> Visitor<'de> for JsVisitor {
    type Value = Js;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Js, E> {
        Ok(Js::Null)
    }

    fn visit_bool<E: Error>(self, bool: bool) -> Result<Js, E> {
        Ok(Js::Bool(bool))
    }

    #[expect(clippy::cast_precision_loss, reason = "JavaScript has doubles only, and loses as much")]
    fn visit_i64<E: Error>(self, number: i64) -> Result<Js, E> {
        Ok(Js::Number(number as f64))
    }

    #[expect(clippy::cast_precision_loss, reason = "JavaScript has doubles only, and loses as much")]
    fn visit_u64<E: Error>(self, number: u64) -> Result<Js, E> {
        Ok(Js::Number(number as f64))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Js, E> {
        Ok(Js::Number(number))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Js, E> {
        Ok(Js::String(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Js, A::Error> {
        let mut array = Vec::new();
        while let Some(item) = items.next_element()? {
            array.push(item);
        }
        Ok(Js::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Js, A::Error> {
        let mut object = IndexMap::new();
        while let Some((name, value)) = members.next_entry()? {
            object.insert(name, value);
        }
        Ok(Js::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::Js;

    /// What Node 20 makes of each of these.
    #[test]
    fn a_text_is_written_again_as_javascript_writes_it() {
        for (text, written) in [
            (r#"{ "b" : 1, "a" : [ true , null ] }"#, r#"{"b":1,"a":[true,null]}"#),
            (
                r#"{"b":1,"10":2,"2":3,"02":4,"4294967295":5,"-1":6}"#,
                r#"{"2":3,"10":2,"b":1,"02":4,"4294967295":5,"-1":6}"#,
            ),
            (r#"{"a":1,"b":2,"a":3}"#, r#"{"a":3,"b":2}"#),
            (r#""\u00fc\/\u2028\u007f""#, "\"ü/\u{2028}\u{7f}\""),
            (r#""\u0000\b\t\u001F\"\\""#, r#""\u0000\b\t\u001f\"\\""#),
            ("1.0", "1"),
            ("-0.0", "0"),
            ("1e21", "1e+21"),
            ("123456789012345678", "123456789012345680"),
            ("1e-7", "1e-7"),
            ("0.000001", "0.000001"),
            ("5e-324", "5e-324"),
        ] {
            assert_eq!(serde_json::from_str::<Js>(text).unwrap().stringify(), written, "{text}");
        }
        for text in [r#""\ud800""#, "NaN", "[1,]", "1e999"] {
            assert!(serde_json::from_str::<Js>(text).is_err(), "{text}");
        }
    }
}

//! `schema`: a JSON Schema that accepts what the program accepts, and refuses unknown keys.

use config::{Config, File, FileFormat};
use serde_json::{Value, json};

use crate::{Desk, SECRET};

fn schema() -> Value {
    Desk::new().run(&[], &["schema"]).json()
}

/// A document with its variables replaced, as an editor would see it.
fn document(yaml: &str) -> Value {
    let text = yaml.replace("${AUTH_SECRET}", SECRET).replace("${AUTH_URL}", "https://app.example.com");
    Config::builder()
        .add_source(File::from_str(&text, FileFormat::Yaml))
        .build()
        .unwrap()
        .try_deserialize()
        .unwrap()
}

/// What is wrong with a document, by the part of JSON Schema 2020-12 that our schema is written in.
fn faults(root: &Value, schema: &Value, value: &Value, path: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut fault = |is_fault: bool, keyword: &str| {
        if is_fault {
            found.push(format!("{path}: {keyword}"));
        }
    };
    let rules = schema.as_object().expect("a schema is an object here");
    let mut deeper = Vec::new();
    let alternatives = |options: &Value| {
        let fits = |option: &&Value| faults(root, option, value, path).is_empty();
        options.as_array().unwrap().iter().filter(fits).count()
    };
    for (keyword, rule) in rules {
        match keyword.as_str() {
            "$schema" | "$defs" | "title" | "description" | "default" | "format" => {}
            "$ref" => {
                let place = rule.as_str().unwrap().strip_prefix('#').unwrap();
                deeper.extend(faults(root, root.pointer(place).expect("a definition"), value, path));
            }
            "type" => {
                let types: Vec<&str> = match rule {
                    Value::Array(types) => types.iter().map(|name| name.as_str().unwrap()).collect(),
                    one => vec![one.as_str().unwrap()],
                };
                fault(!types.contains(&kind_of(value)), "type");
            }
            "const" => fault(rule != value, "const"),
            "enum" => fault(!rule.as_array().unwrap().contains(value), "enum"),
            "pattern" => {
                assert_eq!(rule, "^/", "a pattern that this test does not know");
                fault(value.as_str().is_some_and(|text| !text.starts_with('/')), "pattern");
            }
            "minimum" => {
                fault(value.as_f64().is_some_and(|number| number < rule.as_f64().unwrap()), "minimum");
            }
            "maximum" => {
                fault(value.as_f64().is_some_and(|number| number > rule.as_f64().unwrap()), "maximum");
            }
            "anyOf" => fault(alternatives(rule) == 0, "anyOf"),
            "oneOf" => fault(alternatives(rule) != 1, "oneOf"),
            "required" => {
                let names = rule.as_array().unwrap().iter().map(|name| name.as_str().unwrap());
                let missing = value
                    .as_object()
                    .is_some_and(|object| names.clone().any(|name| !object.contains_key(name)));
                fault(missing, "required");
            }
            "items" => {
                for (at, item) in value.as_array().into_iter().flatten().enumerate() {
                    deeper.extend(faults(root, rule, item, &format!("{path}[{at}]")));
                }
            }
            "properties" => {
                for (name, member) in value.as_object().into_iter().flatten() {
                    if let Some(schema) = rule.get(name) {
                        deeper.extend(faults(root, schema, member, &format!("{path}.{name}")));
                    }
                }
            }
            "additionalProperties" => {
                let known = rules.get("properties");
                for (name, member) in value.as_object().into_iter().flatten() {
                    if known.is_some_and(|known| known.get(name).is_some()) {
                        continue;
                    }
                    match rule {
                        Value::Bool(is_allowed) => fault(!is_allowed, &format!("unknown key {name}")),
                        schema => deeper.extend(faults(root, schema, member, &format!("{path}.{name}"))),
                    }
                }
            }
            unknown => panic!("a keyword that this test does not know: {unknown}"),
        }
    }
    found.extend(deeper);
    found
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

#[test]
fn the_schema_says_what_it_is() {
    let schema = schema();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    assert_eq!(schema["type"], "object");
    let sections: Vec<&String> = schema["properties"].as_object().unwrap().keys().collect();
    assert_eq!(
        sections,
        [
            "listen",
            "sessions",
            "login",
            "rules",
            "default",
            "next",
            "identity",
            "revocation",
            "forward_auth",
            "telemetry"
        ]
    );
}

#[test]
fn the_schema_accepts_what_is_shipped_and_documented() {
    let schema = schema();
    let readme = include_str!("../../README.md");
    let documented =
        readme.split_once("## Configuration").unwrap().1.split_once("```yaml config\n").unwrap().1;
    for (name, yaml) in [
        ("deploy/sessiongate.yaml", include_str!("../../deploy/sessiongate.yaml")),
        ("README.md", documented.split_once("```").unwrap().0),
    ] {
        let faults = faults(&schema, &schema, &document(yaml), "");
        assert!(faults.is_empty(), "{name}: {faults:?}");
    }
    assert!(faults(&schema, &schema, &json!({}), "").is_empty(), "no key is required");
}

#[test]
fn the_schema_refuses_what_the_program_refuses() {
    let schema = schema();
    for (document, place) in [
        (json!({"revocation": {"on_outage": "hope"}}), ".revocation"),
        (json!({"listen": {"http": 9192}}), ".listen"),
        (json!({"sessions": {"web": {"refresh": "often"}}}), ".sessions"),
        (json!({"sessions": {"web": {"kind": "saml"}}}), ".sessions"),
        (json!({"sessions": {"web": {"max_token_bytes": "1"}}}), ".sessions"),
        (json!({"rules": [{"condition": true}]}), ".rules"),
        (json!({"rules": [{"access": "nobody"}]}), ".rules"),
        (json!({"rules": [{"matcher": {"source": "/a"}}]}), ".rules"),
        (json!({"rules": [{"matcher": "a"}]}), ".rules"),
        (json!({"rules": [{"matcher": [{"has": []}]}]}), ".rules"),
        (json!({"rules": [{"matcher": [{"source": "/a", "regexp": "a"}]}]}), ".rules"),
        (json!({"rules": [{"matcher": [{"source": "/a", "locale": true}]}]}), ".rules"),
        (
            json!({"rules": [{"matcher": [{"source": "/a", "has": [{"type": "path", "key": "a"}]}]}]}),
            ".rules",
        ),
        (json!({"rules": [{"on_deny": "forbid"}]}), ".rules"),
        (json!({"rules": [{"on_deny": {"body": "no"}}]}), ".rules"),
        (json!({"default": {"matcher": "/a"}}), ".default"),
        (json!({"next": {"i18n": {"locale": "en"}}}), ".next"),
        (json!({"identity": {"assertion": {"ttl": 60}}}), ".identity"),
        (json!({"identity": {"headers": {"x-a": {"claims": "sub"}}}}), ".identity"),
        (json!({"identity": {"dynamic_metadata": [7]}}), ".identity"),
        (json!({"telemetry": {"format": "xml"}}), ".telemetry"),
    ] {
        let faults = faults(&schema, &schema, &document, "");
        assert!(faults.iter().any(|fault| fault.starts_with(place)), "{document}: {faults:?}");
    }
}

//! The matcher cases once more, through a whole gate: a rule that guards what the matcher hits, all else public.
//!
//! The gate may be stricter than Next.js where a path can be read in several ways, and never more lenient.

use std::borrow::Cow;
use std::fs;
use std::time::SystemTime;

use serde_json::{Value, json};
use sessiongate::config::{self, Environment};
use sessiongate::gate::Gate;
use sessiongate::policy::decision::Decision;
use sessiongate::request::path::RequestPath;
use sessiongate::request::{Headers, HttpRequest, Repeats, RequestParts};

/// What makes a path readable in several ways, or a form of another page.
const ODD: [&str; 10] = ["%", ";", "//", "\\", "/.", "#", "/_next", ".rsc", ".segments", ".json"];

fn gate(case: &Value) -> Gate {
    let mut rule = json!({"access": "session"});
    if !case["matcher"].is_null() {
        rule["matcher"] = case["matcher"].clone();
    }
    let configuration = json!({
        "sessions": {"web": {"kind": "authjs", "secret": "0123456789abcdef0123456789abcdef"}},
        "rules": [rule],
        "default": {"access": "public"},
        "next": next(&case["nextConfig"]),
    });
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sessiongate.yaml");
    fs::write(&file, configuration.to_string().replace("${", "$${")).unwrap();
    match config::load(Some(&file), &Environment::default()) {
        Ok(settings) => settings.program.gate,
        Err(error) => panic!("{}: {error}", case["id"]),
    }
}

/// `next.config` in the words of our configuration.
fn next(config: &Value) -> Value {
    let mut next = json!({});
    for (theirs, ours) in [("basePath", "base_path"), ("trailingSlash", "trailing_slash")] {
        if let Some(value) = config.get(theirs) {
            next[ours] = value.clone();
        }
    }
    if let Some(i18n) = config.get("i18n") {
        let text = i18n.to_string().replace("defaultLocale", "default_locale");
        next["i18n"] = serde_json::from_str(&text).unwrap();
    }
    next
}

fn passes(gate: &Gate, request: &Value) -> bool {
    let target = request["path"].as_str().unwrap();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let fields = request["headers"].as_object().unwrap().iter();
    let fields = fields.map(|(name, value)| (Cow::from(name), Cow::from(value.as_str().unwrap())));
    let request = HttpRequest::new(RequestParts {
        method: request["method"].as_str().unwrap(),
        scheme: "https",
        host: request["headers"]["host"].as_str().unwrap_or_default(),
        path: RequestPath::parse(path).unwrap(),
        query,
        headers: Headers::new(fields.collect(), Repeats::Separate),
        now: SystemTime::now(),
    });
    matches!(crate::decide(gate, &request), Decision::Allow(_))
}

#[test]
fn whatever_runs_in_next_needs_a_session_and_nothing_else_does_but_odd_paths() {
    let file: Value = serde_json::from_str(include_str!("matchers.json")).unwrap();
    let (mut equal, mut stricter) = (0, 0);
    for case in file["cases"].as_array().unwrap() {
        let gate = gate(case);
        for request in case["requests"].as_array().unwrap() {
            let path = request["path"].as_str().unwrap();
            let is_guarded = !passes(&gate, request);
            if is_guarded == request["expect"].as_bool().unwrap() {
                equal += 1;
            } else {
                assert!(is_guarded, "{}: {path} passes, and does not in Next.js", case["id"]);
                assert!(ODD.iter().any(|odd| path.contains(odd)), "{}: {path} is guarded", case["id"]);
                stricter += 1;
            }
        }
    }
    println!(
        "matchers.json through a gate: {equal} equal, {stricter} stricter for an odd path, 0 more lenient"
    );
}

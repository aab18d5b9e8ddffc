//! What the gate promises, asked through [`Gate::check`] with whole configurations.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::type_complexity,
    reason = "a test that panics has failed, which is what it is for"
)]

mod answers;
mod assertion;
mod conditions;
mod conflicts;
mod identity;
mod jwt;
mod matchers;
mod messages;
mod readings;
mod refresh;
mod routes;

use std::borrow::Cow;
use std::fs;
use std::time::{Duration, SystemTime};

use futures_util::FutureExt as _;
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use sessiongate::config::{self, Environment};
use sessiongate::gate::Gate;
use sessiongate::policy::decision::Decision;
use sessiongate::request::path::RequestPath;
use sessiongate::request::{Headers, HttpRequest, Repeats, RequestParts};
use sessiongate::session::Provider;

const SECRET: &str = "gate-test-secret-gate-test-secret";

/// A gate with a provider `web` and what the YAML says besides.
fn gate(yaml: &str) -> Gate {
    gate_of(&format!("sessions: {{ web: {{ kind: authjs, secret: {SECRET} }} }}\n{yaml}"))
}

/// A gate of this whole configuration.
fn gate_of(yaml: &str) -> Gate {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sessiongate.yaml");
    fs::write(&file, yaml).unwrap();
    match config::load(Some(&file), &Environment::default()) {
        Ok(settings) => settings.program.gate,
        Err(error) => panic!("{error}"),
    }
}

/// A request target and headers, sent to `app.example.com` over https.
fn request<'a>(method: &'a str, target: &'a str, headers: &'a [(&'a str, &'a str)]) -> HttpRequest<'a> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let fields = headers.iter().map(|(name, value)| (Cow::from(*name), Cow::from(*value)));
    let host = headers.iter().find(|(name, _)| *name == "host").map_or("app.example.com", |(_, host)| host);
    HttpRequest::new(RequestParts {
        method,
        scheme: "https",
        host,
        path: RequestPath::parse(path).unwrap(),
        query,
        headers: Headers::new(fields.collect(), Repeats::Separate),
        now: SystemTime::now(),
    })
}

/// The decision, for which no store has to be waited for.
fn decide<'g>(gate: &'g Gate, request: &HttpRequest<'_>) -> Decision<'g> {
    gate.check(request).now_or_never().expect("no store is asked")
}

/// A valid session's cookie header.
fn session_cookie(gate: &Gate, claims: Value) -> String {
    let Value::Object(claims) = claims else { panic!("claims are an object") };
    format!("authjs.session-token={}", token(gate, claims))
}

fn token(gate: &Gate, claims: Map<String, Value>) -> String {
    let Provider::AuthJs(provider) = gate.sessions.iter().next().unwrap().1 else { panic!("not Auth.js") };
    provider.mint("authjs.session-token", claims, Duration::from_hours(1), SystemTime::now()).unwrap()
}

fn ada(gate: &Gate) -> String {
    session_cookie(gate, json!({"sub": "42", "name": "Ada", "email": "ada@example.com"}))
}

/// Any JSON, `"admin"` often.
fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        Just(json!("admin")),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map("[a-z]{1,4}", inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

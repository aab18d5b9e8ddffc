//! What the door adds to a check: limits, metrics, and how the decision is told; beside the check without a door.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that panics has failed, which is what it is for"
)]

use std::fs;
use std::hint::black_box;
use std::time::{Duration, SystemTime};

use criterion::{Criterion, criterion_group, criterion_main};
use prost::Message as _;
use serde_json::json;
use sessiongate::config::{self, Environment};
use sessiongate::envoy::attribute_context::{HttpRequest, Request};
use sessiongate::envoy::codec::Asked;
use sessiongate::envoy::service::AuthorizationService;
use sessiongate::envoy::{AttributeContext, CheckRequest, request, response};
use sessiongate::program::{Doors, Program};
use sessiongate::session::Provider;

const COOKIE: &str = "__Secure-authjs.session-token";
const SECRET: &str = "bench-secret-bench-secret-bench-secret";
const PATIENCE: Duration = Duration::from_secs(1);

/// A program that tells so.
fn program(telemetry: &str) -> Program {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("sessiongate.yaml");
    let text = format!("sessions: {{ web: {{ kind: authjs, secret: {SECRET} }} }}\ntelemetry: {telemetry}\n");
    fs::write(&file, text).expect("a file");
    let settings =
        config::load(Some(&file), &Environment::default()).unwrap_or_else(|error| panic!("{error}"));
    Program::new(settings.program).expect("a program")
}

fn message(program: &Program) -> Asked {
    let Some((_, Provider::AuthJs(provider))) = program.gate.sessions.iter().next() else {
        panic!("not Auth.js")
    };
    let serde_json::Value::Object(claims) = json!({"sub": "42", "name": "Ada", "email": "ada@example.com"})
    else {
        unreachable!("an object")
    };
    let token = provider.mint(COOKIE, claims, Duration::from_hours(1), SystemTime::now()).expect("a token");
    let headers = [
        ("accept", "text/html,application/xhtml+xml,*/*;q=0.8".to_owned()),
        ("user-agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0.0.0".to_owned()),
        ("cookie", format!("theme=dark; {COOKIE}={token}")),
        ("x-request-id", "a7b0c1de-3a5f-4f2e-9a51-0d8f6c2b4e11".to_owned()),
    ];
    let http = HttpRequest {
        method: "GET".to_owned(),
        scheme: "https".to_owned(),
        host: "app.example.com".to_owned(),
        path: "/orders/7?page=2".to_owned(),
        headers: headers.map(|(name, value)| (name.to_owned(), value)).into(),
        ..HttpRequest::default()
    };
    let request = Request { http: Some(http) };
    let attributes = Some(AttributeContext { request: Some(request), ..AttributeContext::default() });
    CheckRequest { attributes }.encode_to_vec().into()
}

fn door(c: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let _entered = runtime.enter();
    let mut group = c.benchmark_group("door");
    let plain = program("{ log: info }");
    let asked = message(&plain);
    group.bench_function("no door", |b| {
        b.iter(|| {
            let message = black_box(&asked).read().expect("a message");
            let request = request::read(&message, SystemTime::now()).expect("a request");
            runtime.block_on(async { response::write(&plain.gate.check(&request).await) })
        });
    });
    let nowhere = "http://127.0.0.1:9";
    for (name, telemetry) in [
        ("log alone", "{ log: info }".to_owned()),
        ("decisions of all to a file", "{ decisions: { to: /dev/null, which: all } }".to_owned()),
        ("one trace in a hundred", format!("{{ otlp: {{ endpoint: '{nowhere}', sample: 0.01 }} }}")),
    ] {
        let service = AuthorizationService::new(Doors::new(program(&telemetry).into_current(), 1024));
        group.bench_function(name, |b| {
            b.iter(|| {
                let message = black_box(&asked).read().expect("a message");
                runtime.block_on(service.answer(&message, SystemTime::now(), PATIENCE, None))
            });
        });
    }
    group.finish();
}

criterion_group!(benches, door);
criterion_main!(benches);

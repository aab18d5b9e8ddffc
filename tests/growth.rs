//! Memory does not grow with the number of checks. Alone in its process, which it measures.

#![allow(clippy::unwrap_used, clippy::string_slice, reason = "a test that panics has failed")]

use std::fs;
use std::time::{Duration, SystemTime};

use prost::Message as _;
use serde_json::{Value, json};
use sessiongate::config::{self, Environment};
use sessiongate::envoy::attribute_context::{HttpRequest, Request};
use sessiongate::envoy::codec::Asked;
use sessiongate::envoy::service::AuthorizationService;
use sessiongate::envoy::{AttributeContext, CheckRequest, CheckResponse};
use sessiongate::program::{Doors, Program};
use sessiongate::session::Provider;

/// The resident memory of this process, in KiB (`proc(5)`, `VmRSS`).
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_ascii_whitespace().nth(1).unwrap().parse().unwrap()
}

fn message(path: String, cookie: String) -> Asked {
    let http = HttpRequest {
        method: "GET".to_owned(),
        host: "app.example.com".to_owned(),
        scheme: "https".to_owned(),
        path,
        headers: [("cookie".to_owned(), cookie)].into(),
        ..HttpRequest::default()
    };
    let request = Some(Request { http: Some(http) });
    let attributes = Some(AttributeContext { request, ..AttributeContext::default() });
    CheckRequest { attributes }.encode_to_vec().into()
}

/// How long the proxy waits.
const PATIENCE: Duration = Duration::from_secs(10);

#[test]
fn checks_leave_nothing_behind() {
    let environment = Environment::from([("AUTH_SECRET", "growth-test-secret-growth-test-secret")]);
    let program = Program::new(config::load(None, &environment).unwrap().program).unwrap();
    let mint = |user: u32| {
        let Value::Object(claims) = json!({"sub": user.to_string(), "name": "n".repeat(200)}) else {
            unreachable!()
        };
        let Provider::AuthJs(provider) = program.gate.sessions.iter().next().unwrap().1 else {
            panic!("not Auth.js")
        };
        let (age, now) = (Duration::from_hours(1), SystemTime::now());
        provider.mint("authjs.session-token", claims, age, now).unwrap()
    };
    let tokens: Vec<String> = (0..1_000).map(mint).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let service = AuthorizationService::new(Doors::new(program.into_current(), 8));
    let mut checks = 0_u32;
    let mut check = |rounds: u32| {
        for round in 0..rounds {
            for token in &tokens {
                let is_whole = round % 2 == 0;
                let token = if is_whole { token } else { &token[..token.len() - 2] };
                let path = format!("/page-{checks}/%61?q={checks}");
                let message = message(path, format!("authjs.session-token={token}"));
                let message = message.read().unwrap();
                let answer = runtime.block_on(service.answer(&message, SystemTime::now(), PATIENCE, None));
                let answer = CheckResponse::decode(answer.bytes()).unwrap();
                assert_eq!(answer.status.unwrap().code == 0, is_whole);
                checks += 1;
            }
        }
    };
    check(4);
    let before = resident();
    check(40);
    let grown = resident().saturating_sub(before);
    assert!(grown < 1024, "{grown} KiB more after 40,000 more checks");
}

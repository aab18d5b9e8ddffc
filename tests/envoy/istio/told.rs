//! What the gate is told of a request's headers over HTTP: all that it reads, and nothing else.

use std::collections::BTreeSet;
use std::net::{SocketAddr, TcpListener};

use axum::Router;
use axum::http::{HeaderMap, HeaderName, StatusCode};
use serde_json::{Value, json};

use super::{GATE, envoy, forged};
use crate::harness::collector::Collector;
use crate::harness::gate::Gate;
use crate::harness::http1::Call;
use crate::harness::polling::wait_until;
use crate::harness::runtime::runtime;
use crate::harness::session::{SECRET, signed_in};
use crate::harness::upstream::start_echo;

const ISTIOD: &str = include_str!("../../../deploy/istio/istiod.yaml");

/// What `includeRequestHeadersInCheck` lists: a header, and a request that is answered otherwise where it is not told.
const REASONS: [(&str, &str, &str); 9] = [
    ("cookie", "SESSION", "/orders"),
    ("accept", "text/html", "/orders"),
    ("sec-fetch-mode", "navigate", "/orders"),
    ("content-type", "application/grpc", "/pages/x"),
    ("rsc", "1", "/pages/x"),
    ("next-router-state-tree", "%5B%5D", "/pages/x"),
    ("next-action", "7f", "/pages/x"),
    ("x-forwarded-proto", "https", "/pages/x"),
    ("x-forwarded-for", "203.0.113.9", "/office"),
];
/// These change no answer. They join what is told of it: the log, and the trace.
const JOIN: [&str; 3] = ["x-request-id", "traceparent", "tracestate"];

#[test]
fn each_header_that_the_gate_is_told_over_http_is_told_for_a_reason() {
    let collector = Collector::start("grpc");
    let telemetry = format!("telemetry: {{ log: debug, otlp: 'http://{}' }}", collector.address);
    let configuration = GATE.replace("telemetry: { log: debug }", &telemetry);
    let mut gate = Gate::start("istio-headers", &configuration, &[("AUTH_SECRET", SECRET)]);
    let to = gate.http();
    for (name, value, path) in REASONS {
        let without = Call::get(&format!("/auth{path}"));
        let without = if path == "/office" { without.cookie(&signed_in()) } else { without };
        let with = without.clone().header(name, &value.replace("SESSION", &signed_in()));
        let [with, without] = [with, without].map(|call| {
            let answer = call.send(to);
            (answer.status, answer.header("location").map(ToOwned::to_owned))
        });
        assert_ne!(with, without, "{name}");
    }
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let call = Call::get("/auth/orders").header("x-request-id", "r-17").header("tracestate", "vendor=1");
    call.header("traceparent", &format!("00-{trace}-00f067aa0ba902b7-01")).send(to);
    wait_until("the check in its caller's trace", || {
        collector.spans().iter().any(|span| span.trace_id == trace)
    });
    wait_until("the request's name in the log", || gate.process.output().contains("\"request_id\":\"r-17\""));

    let reasons: BTreeSet<&str> = REASONS.iter().map(|(name, ..)| *name).chain(JOIN).collect();
    assert_eq!(listed(ISTIOD, "includeRequestHeadersInCheck:"), reasons);
}

/// The entries of a list in YAML, one a line.
fn listed<'y>(yaml: &'y str, key: &str) -> BTreeSet<&'y str> {
    let (_, list) = yaml.split_once(key).expect("the key");
    list.lines().skip(1).map_while(|line| line.trim().strip_prefix("- ")).collect()
}

/// What a gate that is asked over HTTP hears, it says to the client.
fn start_mirror() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.set_nonblocking(true).expect("a listener that does not block");
    let address = listener.local_addr().expect("an address");
    let says = |headers: HeaderMap| async move {
        let names: BTreeSet<&str> = headers.keys().map(HeaderName::as_str).collect();
        (StatusCode::FORBIDDEN, json!(names).to_string())
    };
    runtime().spawn(async move {
        let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
        axum::serve(listener, Router::new().fallback(says)).await.expect("it serves");
    });
    address
}

#[test]
fn envoy_tells_the_gate_over_http_what_is_listed_and_nothing_else_of_the_clients() {
    let mirror = start_mirror();
    let envoy = envoy("istio-mirror", &mirror.to_string(), mirror, start_echo(), &Value::Null);
    let listed = listed(ISTIOD, "includeRequestHeadersInCheck:");
    let call = listed.iter().fold(Call::get("/orders"), |call, name| call.header(name, "1"));
    let call = forged(call).header("authorization", "Bearer t").header("x-original-url", "/public/x");
    let call = call.header("x-forwarded-host", "ops.example.com").header("x-forwarded-uri", "/public/x");
    let answer = call.send(envoy.address("ingress-http"));
    let heard: BTreeSet<String> = serde_json::from_str(&answer.body).expect("names");
    let expected: BTreeSet<String> = listed
        .into_iter()
        .chain(["authorization", "content-length", "host"])
        .map(ToOwned::to_owned)
        .collect();
    let unexpected: Vec<&String> =
        heard.difference(&expected).filter(|name| !name.starts_with("x-envoy-")).collect();
    assert!(unexpected.is_empty() && heard.is_superset(&expected), "{heard:?}");
}

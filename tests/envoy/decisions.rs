//! How decisions are told: in a log of their own, and to a collector, joined to Envoy's own trace.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;

use serde_json::{Map, Value};

use crate::harness::collector::{Collector, Told};
use crate::harness::envoy::{Envoy, Listener};
use crate::harness::gate::{Gate, metric};
use crate::harness::http1::Call;
use crate::harness::logs;
use crate::harness::polling::{wait_for, wait_until};
use crate::harness::session::{SECRET, USER_ID, signed_in};
use crate::harness::upstream::{start_echo, start_grpc};

const RULES: &str = "listen: { grpc: '127.0.0.1:0', admin: '127.0.0.1:0' }\n\
    sessions: { web: { kind: authjs, secret: \"${AUTH_SECRET}\" } }\n\
    rules: [{ name: open, matcher: '/open/:path*', access: public }, { name: rest }]\n";

fn start(name: &str, telemetry: &str) -> (Gate, SocketAddr, Envoy) {
    let mut gate = Gate::start(name, &format!("{RULES}telemetry: {telemetry}\n"), &[("AUTH_SECRET", SECRET)]);
    let admin = gate.admin();
    let envoy = Envoy::start(
        &format!("envoy-{name}"),
        &[Listener::new("edge", &gate.address)],
        start_echo(),
        start_grpc(),
    );
    wait_until("Envoy to find the gate", || envoy.sees_healthy(&gate.address));
    (gate, admin, envoy)
}

fn lines(file: &PathBuf) -> Vec<Map<String, Value>> {
    let text = fs::read_to_string(file).unwrap_or_default();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

#[test]
fn each_decision_is_one_line_with_the_fields_that_were_promised_and_no_secret() {
    let file = logs::file("decisions", "jsonl");
    let (_gate, _, envoy) =
        start("gate-telling", &format!("{{ decisions: {{ to: '{}', which: all }} }}", file.display()));
    let session = signed_in();
    Call::page("/orders/7?card=visa-4711-0815").cookie(&session).send(envoy.address("edge"));
    Call::get("/api?token=x").cookie("authjs.session-token=stolen").send(envoy.address("edge"));
    Call::page("/open/x").send(envoy.address("edge"));
    wait_until("three lines", || lines(&file).len() == 3);
    let told = lines(&file);
    let fields = [
        "timestamp",
        "rule",
        "decision",
        "reason",
        "provider",
        "sub",
        "method",
        "host",
        "path",
        "request_id",
        "duration_us",
    ];
    for line in &told {
        assert_eq!(line.keys().map(String::as_str).collect::<Vec<_>>(), fields);
        assert!(line["duration_us"].is_u64() && !line["request_id"].as_str().expect("text").is_empty());
    }
    let say = |line: &Map<String, Value>| {
        ["rule", "decision", "reason", "provider", "sub", "method", "path"]
            .map(|key| line[key].as_str().expect("text").to_owned())
    };
    assert_eq!(say(&told[0]), ["rest", "allow", "session", "web", USER_ID, "GET", "/orders/7"]);
    assert_eq!(say(&told[1])[..3], ["rest", "deny", "malformed"]);
    assert_eq!(say(&told[2]), ["open", "allow", "public", "", "", "GET", "/open/x"]);
    let text = fs::read_to_string(&file).expect("a log");
    for secret in [SECRET, "stolen", "visa-4711-0815", session.split_once('=').expect("a cookie").1] {
        assert!(!text.contains(secret), "{secret}");
    }
}

#[test]
fn only_denials_are_told_unless_asked_for_and_people_can_be_hidden() {
    let file = logs::file("decisions-hidden", "jsonl");
    let telemetry = format!(
        "{{ decisions: '{}', redact: {{ path: omit, sub: hash, secret: log-key-7Yq2Zr9Lw4Xc8Vb3Nm5T }} }}",
        file.display()
    );
    let configuration = RULES.replace("{ name: rest }", "{ name: rest, condition: 'false' }");
    let gate = Gate::start(
        "gate-hiding",
        &format!("{configuration}telemetry: {telemetry}\n"),
        &[("AUTH_SECRET", SECRET)],
    );
    let envoy =
        Envoy::start("envoy-hiding", &[Listener::new("edge", &gate.address)], start_echo(), start_grpc());
    for path in ["/open/a", "/orders/7", "/orders/8"] {
        Call::get(path).cookie(&signed_in()).send(envoy.address("edge"));
    }
    wait_until("two lines", || lines(&file).len() == 2);
    let told = lines(&file);
    for line in &told {
        assert_eq!((line["reason"].as_str(), line["path"].as_str()), (Some("condition_not_met"), Some("")));
        let sub = line["sub"].as_str().expect("text");
        assert!(sub.len() == 22 && !sub.contains(USER_ID), "{sub}");
    }
    assert_eq!(told[0]["sub"], told[1]["sub"], "the same person is known as such");
    assert!(
        !gate.process.output().contains("/orders"),
        "nor does the log tell it: {}",
        gate.process.output()
    );
}

#[test]
fn a_log_that_nobody_reads_stops_no_check_and_its_lines_are_counted() {
    let pipe = logs::file("nobody-reads", "pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo").success());
    // Open, so that the writer finds a reader, which never reads.
    let _reader = fs::OpenOptions::new().read(true).write(true).open(&pipe).expect("a pipe");
    let (_gate, admin, envoy) =
        start("gate-unheard", &format!("{{ decisions: {{ to: '{}' }} }}", pipe.display()));
    let long = format!("/{}", "x".repeat(1000));
    let dropped =
        || metric(admin, "sessiongate_log_lines_dropped_total{log=\"decisions\"}").unwrap_or_default();
    let mut connection = Call::get(&long).keep(envoy.address("edge"));
    wait_until("lines to be dropped", || {
        for _ in 0..500 {
            assert_eq!(connection.ask(), 401);
        }
        dropped() > 0.0
    });
}

#[test]
fn each_check_is_a_span_in_envoys_own_trace() {
    for protocol in ["grpc", "http"] {
        let collector = Collector::start(protocol);
        let telemetry = format!(
            "{{ otlp: {{ endpoint: 'http://{}', protocol: {protocol}, headers: {{ x-key: k-1 }} }} }}",
            collector.address
        );
        let gate = Gate::start(
            "gate-traced",
            &format!("{RULES}telemetry: {telemetry}\n"),
            &[("AUTH_SECRET", SECRET)],
        );
        let collects = Collector::start("grpc");
        let listener = Listener { tracing: Some(collects.address), ..Listener::new("edge", &gate.address) };
        let envoy = Envoy::start("envoy-traced", &[listener], start_echo(), start_grpc());
        wait_until("Envoy to find the gate", || envoy.sees_healthy(&gate.address));
        assert!(
            Call::page("/orders/7?x=1").cookie(&signed_in()).send(envoy.address("edge")).reached_upstream()
        );
        let span = wait_for("the span of the check", || {
            collector.spans().into_iter().find(|span| span.name == "check")
        });
        let envoys = wait_for("Envoy's span of its question", || {
            collects.spans().into_iter().find(|other| other.span_id == span.parent_id)
        });
        assert_eq!(span.trace_id, envoys.trace_id, "{protocol}");
        for (key, value) in [
            ("sessiongate.rule", "rest"),
            ("sessiongate.decision", "allow"),
            ("sessiongate.reason", "session"),
            ("sessiongate.provider", "web"),
            ("enduser.id", USER_ID),
            ("url.path", "/orders/7"),
            ("http.request.method", "GET"),
        ] {
            assert_eq!(span.attributes.get(key).map(String::as_str), Some(value), "{protocol}: {span:?}");
        }
        assert_eq!(span.service, "sessiongate");
        assert!(collector.headers().iter().any(|(name, value)| name == "x-key" && value == "k-1"));
    }
}

#[test]
fn whoever_began_a_trace_says_whether_it_is_told() {
    let collector = Collector::start("grpc");
    let telemetry = format!("{{ otlp: {{ endpoint: 'http://{}', sample: 0 }} }}", collector.address);
    let (mut gate, _, envoy) = start("gate-sampling", &telemetry);
    let trace = |id: &str, flags: &str| format!("00-{id}-00f067aa0ba902b7-{flags}");
    let (told, untold) = ("4bf92f3577b34da6a3ce929d0e0e4736", "5bf92f3577b34da6a3ce929d0e0e4736");
    for parent in [Some(trace(untold, "00")), Some(trace(told, "01")), Some("nonsense".to_owned()), None] {
        let call = Call::get("/open/x");
        let call = parent.iter().fold(call, |call, parent| call.header("traceparent", parent));
        assert!(call.send(envoy.address("edge")).reached_upstream());
    }
    assert_eq!(gate.terminate().code(), Some(0));
    let ids: Vec<String> = collector.spans().into_iter().map(|Told { trace_id, .. }| trace_id).collect();
    assert_eq!(ids, [told], "what waits is sent before the end");
}

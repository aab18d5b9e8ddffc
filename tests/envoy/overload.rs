//! More than the gate was configured for, and clients that mean harm: bounded, denied, and nobody else's trouble.

use std::io::Read as _;
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::harness::envoy::{Envoy, Listener};
use crate::harness::frames::{
    CONTINUATION, DATA, END_HEADERS, Frames, HEADERS, PING, RST_STREAM, SETTINGS, check_headers, frame,
};
use crate::harness::gate::{Gate, metric};
use crate::harness::grpc::connect;
use crate::harness::held::{Held, tell};
use crate::harness::http1::Call;
use crate::harness::polling::wait_until;
use crate::harness::runtime::runtime;
use crate::harness::session::SECRET;
use crate::harness::upstream::{start_echo, start_grpc};

fn start(name: &str, limits: &str, sessions: &str) -> (Gate, SocketAddr) {
    let configuration = format!(
        "listen: {{ grpc: '127.0.0.1:0', http: '127.0.0.1:0', admin: '127.0.0.1:0', limits: {limits} }}\n\
         sessions: {{ web: {sessions} }}\nrules: [{{ name: open, matcher: '/open', access: public }}]\n"
    );
    let mut gate = Gate::start(name, &configuration, &[("AUTH_SECRET", SECRET)]);
    let admin = gate.admin();
    (gate, admin)
}

const AUTHJS: &str = "{ kind: authjs, secret: \"${AUTH_SECRET}\" }";

fn connections(admin: SocketAddr, result: &str) -> f64 {
    metric(admin, &format!("sessiongate_connections_total{{listener=\"grpc\",result=\"{result}\"}}"))
        .unwrap_or_default()
}

/// Of the process, in bytes: the most that it ever had.
fn peak_memory(gate: &Gate) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", gate.process.id())).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("its memory");
    line.trim().trim_end_matches(" kB").trim().parse::<u64>().expect("a number") * 1024
}

#[test]
fn past_the_limit_checks_are_answered_503_at_once_while_health_goes_on() {
    let held = Held::start();
    let (gate, admin) = start("gate-full", "{ checks: 2 }", &held.provider());
    let listener = Listener { gate_timeout: "20s", ..Listener::new("edge", &gate.address) };
    let envoy = Envoy::start("envoy-full", &[listener], start_echo(), start_grpc());
    wait_until("Envoy to find the gate", || envoy.sees_healthy(&gate.address));
    let ask = |token: u32| {
        let cookie = format!("authjs.session-token=0b6c0f4e-8d39-4d6f-9c59-5f6f6d0a9b0{token}");
        Call::get("/x").cookie(&cookie).send(envoy.address("edge"))
    };
    std::thread::scope(|scope| {
        let (first, second) = (scope.spawn(|| ask(1)), scope.spawn(|| ask(2)));
        let waiting = [held.asked(), held.asked()];
        for path in ["/open", "/x"] {
            let refused = Call::get(path).send(envoy.address("edge"));
            assert_eq!((refused.status, refused.header("retry-after")), (503, Some("1")), "{refused:?}");
            assert!(!refused.reached_upstream());
        }
        assert!(envoy.sees_healthy(&gate.address), "health is no check");
        assert_eq!(metric(admin, "sessiongate_checks_in_flight"), Some(2.0));
        assert_eq!(metric(admin, "sessiongate_unavailable_total{reason=\"overloaded\"}"), Some(2.0));
        waiting.into_iter().for_each(tell);
        assert!(
            first.join().expect("an answer").reached_upstream()
                && second.join().expect("an answer").reached_upstream()
        );
    });
    assert!(Call::get("/open").send(envoy.address("edge")).reached_upstream());
}

#[test]
fn a_check_whose_caller_has_given_up_stops() {
    let held = Held::start();
    let (gate, admin) = start("gate-abandoned", "{}", &held.provider());
    let listener = Listener { gate_timeout: "0.3s", ..Listener::new("edge", &gate.address) };
    let envoy = Envoy::start("envoy-hasty", &[listener], start_echo(), start_grpc());
    let answer = Call::get("/x")
        .cookie("authjs.session-token=0b6c0f4e-8d39-4d6f-9c59-5f6f6d0a9b01")
        .send(envoy.address("edge"));
    assert_eq!(
        (answer.status, answer.header("retry-after")),
        (503, Some("1")),
        "in time for Envoy: {answer:?}"
    );
    let _waiting = held.asked();
    assert_eq!(metric(admin, "sessiongate_checks_in_flight"), Some(0.0));
    assert_eq!(metric(admin, "sessiongate_unavailable_total{reason=\"deadline\"}"), Some(1.0));

    // A caller that is gone, without having said how long it waits.
    let mut frames = Frames::open(&gate.address, 65_535);
    let message =
        crate::grpc_server::framed_check("/x", "authjs.session-token=0b6c0f4e-8d39-4d6f-9c59-5f6f6d0a9b02");
    assert!(
        frames
            .send(&[frame(HEADERS, END_HEADERS, 1, &check_headers()), frame(DATA, 1, 1, &message)].concat())
    );
    let _waiting = held.asked();
    assert!(frames.send(&frame(RST_STREAM, 0, 1, &8_u32.to_be_bytes())));
    let aborted = || metric(admin, "sessiongate_checks_total{decision=\"aborted\",rule=\"\"}");
    wait_until("the check to stop", || aborted() == Some(1.0));
}

#[test]
fn connections_are_limited_in_number_and_in_the_time_that_they_may_be_silent() {
    let (gate, admin) =
        start("gate-crowded", "{ connections: 3, stall_timeout: 300ms, idle_timeout: 600ms }", AUTHJS);
    let begun = Instant::now();
    let silent: Vec<TcpStream> =
        (0..3).map(|_| TcpStream::connect(&gate.address).expect("a connection")).collect();
    wait_until("three connections", || connections(admin, "taken") == 3.0);
    let mut fourth = TcpStream::connect(&gate.address).expect("the system takes it");
    assert!(matches!(fourth.read(&mut [0]), Ok(0) | Err(_)), "it is closed at once");
    assert_eq!(connections(admin, "refused"), 1.0);
    assert_eq!(Call::get("/healthz").host("localhost").send(admin).body, "ok\n");
    for mut stream in silent {
        // The gate says its preface, and then that it is over.
        drop(stream.read_to_end(&mut Vec::new()));
    }
    assert!(begun.elapsed() >= Duration::from_millis(300));
    assert_eq!(connections(admin, "stalled"), 3.0);

    let mut idle = Frames::open(&gate.address, 65_535);
    assert!(
        idle.send(
            &[
                frame(HEADERS, END_HEADERS, 1, &check_headers()),
                frame(DATA, 1, 1, &crate::grpc_server::framed_check("/open", ""))
            ]
            .concat()
        )
    );
    assert!(idle.is_ended(), "answered once, and idle since");
    assert_eq!(connections(admin, "idle"), 1.0);
    let open = || metric(admin, "sessiongate_connections{listener=\"grpc\"}");
    wait_until("nobody to be connected", || open() == Some(0.0));
}

#[test]
fn a_client_that_sends_half_a_request_or_takes_no_answer_is_let_go() {
    let (gate, admin) = start("gate-slow-clients", "{ stall_timeout: 300ms }", AUTHJS);
    let mut half = Frames::open(&gate.address, 65_535);
    assert!(half.send(
        &[frame(HEADERS, END_HEADERS, 1, &check_headers()), frame(DATA, 0, 1, &[0, 0, 0, 16])].concat()
    ));
    let mut unread = Frames::open(&gate.address, 0);
    for stream in 0..50 {
        let (headers, message) = (check_headers(), crate::grpc_server::framed_check("/x", ""));
        let id = stream * 2 + 1;
        assert!(
            unread.send(&[frame(HEADERS, END_HEADERS, id, &headers), frame(DATA, 1, id, &message)].concat())
        );
    }
    assert!(half.is_ended() && unread.is_ended());
    assert_eq!(connections(admin, "stalled"), 2.0);
    let http = crate::harness::gate::address_of(&gate, "serving HTTP");
    let mut slowly = TcpStream::connect(http).expect("a connection");
    std::io::Write::write_all(&mut slowly, b"GET /auth HTTP/1.1\r\nhost: gate\r\nx-slow: ")
        .expect("it listens");
    let mut rest = Vec::new();
    assert!(slowly.read_to_end(&mut rest).is_ok_and(|_| !rest.starts_with(b"HTTP/1.1 2")), "{rest:?}");
}

#[test]
fn who_follows_the_health_of_the_gate_is_not_taken_for_a_slow_client() {
    let (gate, admin) = start("gate-watched", "{ stall_timeout: 200ms, idle_timeout: 300ms }", AUTHJS);
    let mut watch = runtime().block_on(async {
        let mut client = HealthClient::new(connect(&gate.address).await);
        client.watch(HealthCheckRequest::default()).await.expect("a stream").into_inner()
    });
    let status = runtime().block_on(watch.message()).expect("a status").expect("one").status();
    assert_eq!(status, ServingStatus::Serving);
    for silent in 1..=4 {
        // Each lasts for as long as a client may be silent.
        drop(TcpStream::connect(&gate.address).expect("a connection").read_to_end(&mut Vec::new()));
        assert_eq!(connections(admin, "stalled"), f64::from(silent));
    }
    gate.process.signal(rustix::process::Signal::TERM);
    let status = runtime().block_on(watch.message()).expect("still heard").expect("one").status();
    assert_eq!(status, ServingStatus::NotServing);
}

#[test]
fn floods_of_frames_end_their_own_connection_or_nothing() {
    let (gate, _) = start("gate-flooded", "{}", AUTHJS);
    let envoy =
        Envoy::start("envoy-flooded", &[Listener::new("edge", &gate.address)], start_echo(), start_grpc());
    wait_until("Envoy to find the gate", || envoy.sees_healthy(&gate.address));
    let before = peak_memory(&gate);
    let block = check_headers();
    let resets: Vec<u8> = (0..20_000_u32)
        .flat_map(|stream| {
            let id = stream * 2 + 1;
            [frame(HEADERS, END_HEADERS, id, &block), frame(RST_STREAM, 0, id, &8_u32.to_be_bytes())].concat()
        })
        .collect();
    let continued: Vec<u8> = std::iter::once(frame(HEADERS, 0, 1, &block))
        .chain((0..20_000).map(|_| frame(CONTINUATION, 0, 1, &[0, 1, b'a', 1, b'b'].repeat(100))))
        .flatten()
        .collect();
    let settings = frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 255, 255]).repeat(200_000);
    let pings = frame(PING, 0, 0, &[7; 8]).repeat(200_000);
    for (what, flood, ends) in [
        ("resets", resets, true),
        ("continuations", continued, true),
        ("settings", settings, false),
        ("pings", pings, false),
    ] {
        let mut attacker = Frames::open(&gate.address, 65_535);
        std::thread::scope(|scope| {
            let flooding = scope.spawn(move || {
                // Nothing of the answers is read: they have to be bounded, too.
                let is_taken = attacker.send(&flood);
                if ends { attacker.is_ended() } else { is_taken || attacker.is_ended() }
            });
            while !flooding.is_finished() {
                assert!(Call::get("/open").send(envoy.address("edge")).reached_upstream(), "{what}");
            }
            let is_over = flooding.join().expect("a flood");
            assert!(is_over || !ends, "{what}: the connection goes on");
        });
    }
    let grown = peak_memory(&gate).saturating_sub(before);
    assert!(grown < 16 << 20, "{grown} bytes more at the most");
}

#[test]
fn memory_stays_within_what_is_configured() {
    let limits = "{ connections: 64, buffered_bytes: 4194304, message_bytes: 1048576, stall_timeout: 60s }";
    let (gate, admin) = start("gate-bounded", limits, AUTHJS);
    let before = peak_memory(&gate);
    // 60 clients that each send a megabyte on each of four streams, and never its end: 240 megabytes.
    let mut clients: Vec<Frames> = (0..60).map(|_| Frames::open(&gate.address, 65_535)).collect();
    let block = check_headers();
    let begun = [&[0], &(1_u32 << 20).to_be_bytes()[..], &[0; 16_000]].concat();
    for client in &mut clients {
        for stream in [1, 3, 5, 7] {
            client.send(&frame(HEADERS, END_HEADERS, stream, &block));
            client.send(&frame(DATA, 0, stream, &begun));
        }
    }
    let buffered = || metric(admin, "sessiongate_buffered_bytes").expect("a figure");
    wait_until("the budget to be used", || buffered() > 3.5e6);
    // What comes on top is refused, and who is refused gives back what it held.
    let filler = frame(DATA, 0, 1, &[0; 16_000]);
    std::thread::scope(|scope| {
        for client in &mut clients {
            scope.spawn(|| (0..2).take_while(|_| client.send(&filler)).count());
        }
        for _ in 0..20 {
            assert!(buffered() <= 4_194_304.0);
        }
    });
    let grown = peak_memory(&gate).saturating_sub(before);
    // The budget, as it is read and as it is joined; and the windows of the connections.
    let bound = 2 * 4_194_304 + 64 * 256 * 1024;
    assert!(grown < bound, "{grown} bytes more, and {bound} are allowed");
    drop(clients);
    wait_until("all of it to be given back", || buffered() == 0.0);
}

//! `health`: exit 0 while the server serves, 1 with a reason when it does not, for whatever it listens on.

use std::fs;
use std::io::Write as _;
use std::net::TcpListener;
use std::thread;

use rustix::process::{Pid, Signal, kill_process};

use crate::serve::Server;
use crate::{Desk, Run};

const GRPC: &str = "SESSIONGATE__LISTEN__GRPC";

fn health(desk: &Desk, variables: &[(&str, &str)]) -> Run {
    desk.run(variables, &["health", "--timeout", "20s"])
}

/// Where a server listens, as it logs it.
fn address(server: &mut Server, message: &str) -> String {
    server.expect(message)["address"].as_str().expect("an address").to_owned()
}

#[test]
fn a_server_that_serves_is_found_wherever_it_listens() {
    let desk = Desk::new();
    let socket = format!("unix:{}", desk.path("gate.sock").display());
    for listens in ["127.0.0.1:0", "0.0.0.0:0", &socket] {
        let mut server = Server::start(&desk, &[(GRPC, listens)]);
        let address = address(&mut server, "serving");
        // No secret is needed to ask.
        assert_eq!(health(&desk, &[(GRPC, &address)]).expect_success(), "serving\n", "{listens}");
        assert_eq!(server.end(Signal::TERM).0, Some(0));
        let refused = health(&desk, &[(GRPC, &address)]).expect_failure();
        assert!(refused.contains("cannot connect: "), "{listens}: {refused}");
    }
}

#[test]
fn a_server_that_was_told_to_stop_does_not_serve_though_it_still_answers() {
    let desk = Desk::new();
    let mut server =
        Server::start(&desk, &[(GRPC, "127.0.0.1:0"), ("SESSIONGATE__LISTEN__DRAIN_DELAY", "2s")]);
    let address = address(&mut server, "serving");
    kill_process(Pid::from_child(&server.child), Signal::TERM).unwrap();
    server.expect("draining");
    let told = loop {
        let run = health(&desk, &[(GRPC, &address)]);
        if run.code != 0 {
            break run.expect_failure();
        }
    };
    assert_eq!(told, format!("{address}: it answers, and does not serve\n"));
    assert_eq!(server.end(Signal::TERM).0, Some(0));
}

#[test]
fn tls_is_spoken_and_a_listener_for_known_clients_leaves_it_to_the_admin_listener() {
    let desk = Desk::new();
    let made = rcgen::generate_simple_self_signed(["gate.example.com".to_owned()]).unwrap();
    desk.write("tls.crt", &made.cert.pem());
    desk.write("tls.key", &made.signing_key.serialize_pem());
    let configuration = |grpc: &str, rest: &str| {
        desk.write(
            "sessiongate.yaml",
            &format!("listen:\n  grpc: {grpc}\n  tls: {{ cert: tls.crt, key: tls.key }}\n{rest}"),
        );
    };
    configuration("127.0.0.1:0", "");
    let mut server = Server::start(&desk, &[]);
    let grpc = address(&mut server, "serving");
    assert_eq!(health(&desk, &[(GRPC, &grpc)]).expect_success(), "serving\n");
    let plain = [(GRPC, grpc.as_str()), ("SESSIONGATE__LISTEN__TLS", "off")];
    assert!(health(&desk, &plain).expect_failure().starts_with(&grpc), "it is not asked in plain text");
    drop(server);

    let known = "SESSIONGATE__LISTEN__TLS__CLIENT_CA";
    let admin = "SESSIONGATE__LISTEN__ADMIN";
    let mut server = Server::start(&desk, &[(known, "tls.crt"), (admin, "127.0.0.1:0")]);
    let admin_address = address(&mut server, "serving admin");
    let asked = [(known, "tls.crt"), (admin, admin_address.as_str())];
    assert_eq!(health(&desk, &asked).expect_success(), "serving\n");
    let told = health(&desk, &[(known, "tls.crt")]).expect_failure();
    assert!(
        told.contains("asks for a client certificate") && told.contains("admin: 127.0.0.1:9193"),
        "{told}"
    );
    assert_eq!(server.end(Signal::INT).0, Some(0));
    let told = health(&desk, &asked).expect_failure();
    assert!(told.contains("cannot connect: "), "{told}");
}

#[test]
fn what_answers_nothing_or_something_else_is_no_server_of_ours() {
    let desk = Desk::new();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap().to_string();
    let late = desk.run(&[(GRPC, &address)], &["health", "--timeout", "50ms"]).expect_failure();
    assert_eq!(late, format!("{address}: no answer within 50ms\n"));

    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = other.local_addr().unwrap().to_string();
    let answering = thread::spawn(move || {
        let (mut stream, _) = other.accept().unwrap();
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    });
    let told = health(&desk, &[(GRPC, &address)]).expect_failure();
    assert!(told.starts_with(&address) && told.contains("none of sessiongate"), "{told}");
    answering.join().unwrap();
}

#[test]
fn only_a_mistake_about_the_listeners_is_in_the_way() {
    let desk = Desk::new();
    let mut server = Server::start(&desk, &[(GRPC, "127.0.0.1:0")]);
    let address = address(&mut server, "serving");
    // The server keeps the configuration that it has when the next one is wrong elsewhere.
    let wrong = "sessions: { web: { kind: authjs, secret: '${UNSET}' } }\nrules: [{ access: nobody }]\n";
    desk.write("sessiongate.yaml", &format!("listen: {{ grpc: '{address}' }}\n{wrong}"));
    assert_eq!(health(&desk, &[]).expect_success(), "serving\n");
    for (listen, told) in [
        ("{ grpc: nowhere }", "listen.grpc: `nowhere` is not an address"),
        ("{ grpc: '127.0.0.1:0' }", "`127.0.0.1:0` leaves the port to the system"),
        ("{ gprc: '127.0.0.1:1' }", "listen.gprc"),
    ] {
        desk.write("sessiongate.yaml", &format!("listen: {listen}\n"));
        let stderr = health(&desk, &[]).expect_failure();
        assert!(stderr.contains(told), "{listen}: {stderr}");
    }
    fs::remove_file(desk.path("sessiongate.yaml")).unwrap();
    drop(server);
}

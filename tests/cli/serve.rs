//! `serve`: it says what it serves, ends when it is told to, and leaves nothing behind.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Child, ChildStderr, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::{Desk, SECRET};

/// A server under way, whose log is read line by line.
pub(crate) struct Server {
    pub(crate) child: Child,
    log: BufReader<ChildStderr>,
}

impl Server {
    pub(crate) fn start(desk: &Desk, variables: &[(&str, &str)]) -> Self {
        let mut command = desk.command(&[&[("AUTH_SECRET", SECRET)], variables].concat(), &["serve"]);
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let log = BufReader::new(child.stderr.take().unwrap());
        Self { child, log }
    }

    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.log.read_line(&mut line).unwrap();
        line
    }

    /// The next line of the log, which has this message.
    #[track_caller]
    pub(crate) fn expect(&mut self, message: &str) -> Value {
        let line = self.line();
        let record: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
        assert_eq!(record["message"], message, "{record}");
        record
    }

    /// Sends a signal, and reads the rest of the log and the exit code.
    pub(crate) fn end(mut self, signal: Signal) -> (Option<i32>, String) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
        let mut rest = String::new();
        self.log.read_to_string(&mut rest).unwrap();
        (self.child.wait().unwrap().code(), rest)
    }
}

/// A test that failed leaves no server behind.
impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn unix(path: &Path) -> String {
    format!("unix:{}", path.display())
}

#[test]
fn it_serves_on_the_port_that_it_logs_until_it_is_told_to_stop() {
    for signal in [Signal::TERM, Signal::INT] {
        let desk = Desk::new();
        let mut server = Server::start(&desk, &[("SESSIONGATE__LISTEN__GRPC", "127.0.0.1:0")]);
        let serving = server.expect("serving");
        assert_eq!(serving["level"], "INFO");
        let address = serving["address"].as_str().unwrap();
        assert!(!address.ends_with(":0"), "the port that was found: {address}");
        drop(TcpStream::connect(address).expect("it listens"));
        let (code, rest) = server.end(signal);
        assert_eq!(code, Some(0), "{signal:?}: {rest}");
        assert!(rest.contains(r#""message":"draining""#), "{signal:?}: {rest}");
        assert!(TcpStream::connect(address).is_err(), "{signal:?}: it still listens");
    }
}

#[test]
fn a_unix_socket_is_there_while_it_serves_and_gone_afterwards() {
    let desk = Desk::new();
    let socket = desk.path("gate.sock");
    // What a process that was killed leaves behind.
    drop(UnixListener::bind(&socket).unwrap());
    assert!(socket.exists() && UnixStream::connect(&socket).is_err());
    let mut server = Server::start(&desk, &[("SESSIONGATE__LISTEN__GRPC", &unix(&socket))]);
    assert_eq!(server.expect("serving")["address"], unix(&socket));
    drop(UnixStream::connect(&socket).expect("it listens"));

    // A second one finds it taken, and leaves it alone.
    let run = desk.run(&[("AUTH_SECRET", SECRET), ("SESSIONGATE__LISTEN__GRPC", &unix(&socket))], &["serve"]);
    assert!(run.expect_failure().contains("gate.sock is in use"), "it says which");
    drop(UnixStream::connect(&socket).expect("it still listens"));

    assert_eq!(server.end(Signal::TERM).0, Some(0));
    assert!(!socket.exists(), "the socket is left behind");
}

#[test]
fn a_file_that_is_no_socket_is_left_alone() {
    let desk = Desk::new();
    desk.write("notes", "to keep");
    let address = unix(&desk.path("notes"));
    let run = desk.run(&[("AUTH_SECRET", SECRET), ("SESSIONGATE__LISTEN__GRPC", &address)], &["serve"]);
    let stderr = run.expect_failure();
    assert!(stderr.contains("notes exists and is no socket"), "{stderr}");
    assert_eq!(fs::read_to_string(desk.path("notes")).unwrap(), "to keep");
}

#[test]
fn an_address_that_cannot_be_taken_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = (taken.local_addr().unwrap().to_string(), taken);
    let desk = Desk::new();
    let nowhere = unix(&desk.path("absent/gate.sock"));
    for address in [taken.0.as_str(), &nowhere] {
        let run = desk.run(&[("AUTH_SECRET", SECRET), ("SESSIONGATE__LISTEN__GRPC", address)], &["serve"]);
        let stderr = run.expect_failure();
        assert!(stderr.contains(&format!("cannot listen on {address}: ")), "{stderr}");
    }
}

#[test]
fn a_configuration_that_is_wrong_is_not_served() {
    let desk = Desk::with_config("listen: { grpc: 'unix:gate.sock' }\nrules: [{ access: nobody }]\n");
    let stderr = desk.run(&[("AUTH_SECRET", SECRET)], &["serve"]).expect_failure();
    assert!(stderr.contains("sessiongate.yaml: rules[0].access: "), "{stderr}");
    assert!(!desk.path("gate.sock").exists());
}

#[test]
fn warnings_are_logged_with_their_key_before_it_serves() {
    let desk = Desk::with_config(
        "sessions: { web: { kind: authjs, secret: sixteen-bytes-xx } }\nlisten: { grpc: '127.0.0.1:0' }\n",
    );
    let mut server = Server::start(&desk, &[]);
    let line = server.line();
    let warning: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(
        (&warning["level"], &warning["key"]),
        (&"WARN".into(), &"sessions.web.secret".into()),
        "{line}"
    );
    assert!(warning["message"].as_str().unwrap().contains("16 bytes"), "{line}");
    server.expect("serving");
    assert_eq!(server.end(Signal::TERM).0, Some(0));
}

#[test]
fn the_log_has_the_form_and_the_level_that_were_asked_for() {
    let desk = Desk::new();
    let text = [("SESSIONGATE__LISTEN__GRPC", "127.0.0.1:0"), ("SESSIONGATE__TELEMETRY__FORMAT", "text")];
    let mut server = Server::start(&desk, &text);
    let line = server.line();
    assert!(line.contains("serving") && !line.starts_with('{'), "{line}");
    assert_eq!(server.end(Signal::TERM).0, Some(0));

    let socket = desk.path("gate.sock");
    let address = unix(&socket);
    let quiet = [("SESSIONGATE__LISTEN__GRPC", address.as_str()), ("SESSIONGATE__TELEMETRY__LOG", "error")];
    let server = Server::start(&desk, &quiet);
    // Nothing tells that it serves but that it can be reached.
    while UnixStream::connect(&socket).is_err() {
        std::thread::yield_now();
    }
    assert_eq!(server.end(Signal::TERM), (Some(0), String::new()));
}

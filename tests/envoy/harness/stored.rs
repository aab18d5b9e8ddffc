//! A gate whose sessions a store keeps, and what it answers while the store is away.

use std::net::SocketAddr;

use super::envoy::{Envoy, Listener};
use super::gate::Gate;
use super::http1::{Answer, Call};
use super::polling::wait_until;
use super::session::COOKIE;
use super::upstream::{start_echo, start_grpc};

/// A gate with these sessions behind an Envoy.
pub struct Edge {
    gate: Gate,
    envoy: Envoy,
}

impl Edge {
    pub fn start(name: &str, sessions: &str) -> Self {
        let configuration = format!(
            "listen: {{ grpc: '127.0.0.1:0', admin: '127.0.0.1:0' }}\n\
             sessions:\n{sessions}\n\
             rules:\n  - {{ matcher: '/public/:path*', access: public }}\n  - {{ matcher: '/optional', access: optional }}\n\
             telemetry: {{ log: debug }}\n"
        );
        let gate = Gate::start(name, &configuration, &[]);
        let hasty = Listener { gate_timeout: "0.3s", ..Listener::new("hasty", &gate.address) };
        let listeners = [Listener::new("edge", &gate.address), hasty];
        let envoy = Envoy::start(&format!("{name}-envoy"), &listeners, start_echo(), start_grpc());
        Self { gate, envoy }
    }

    pub fn address(&self) -> SocketAddr {
        self.envoy.address("edge")
    }

    /// Through an Envoy that waits less than the gate would.
    pub fn ask_in_haste(&self, path: &str, token: &str) -> Answer {
        Call::page(path).cookie(&format!("{COOKIE}={token}")).send(self.envoy.address("hasty"))
    }

    pub fn ask(&self, path: &str, token: &str) -> Answer {
        Call::page(path).cookie(&format!("{COOKIE}={token}")).send(self.address())
    }

    /// 503 with the time to come back, for a page too; what needs no store is answered all the while.
    #[track_caller]
    pub fn assert_unavailable(&self, token: &str) {
        for path in ["/x", "/optional"] {
            let answer = self.ask(path, token);
            assert_eq!((answer.status, answer.reached_upstream()), (503, false), "{answer:?}");
            assert_eq!(answer.header("retry-after"), Some("1"), "{answer:?}");
            assert_eq!(answer.header("location"), None);
            assert!(answer.values("set-cookie").is_empty(), "a session that cannot be judged is not cleared");
        }
        assert!(self.ask("/public/x", token).reached_upstream());
        assert_eq!(Call::page("/x").send(self.address()).status, 307, "without a cookie no store is asked");
    }

    pub fn wait_until_back(&self, token: &str) {
        wait_until("sessions to be verified again", || self.ask("/x", token).reached_upstream());
    }

    pub fn assert_alive(&mut self) {
        assert!(self.gate.process.is_running());
    }
}

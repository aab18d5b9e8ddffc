//! The configuration changes while requests flow.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::process::Signal;

use crate::harness::canned::{Canned, answer};
use crate::harness::envoy::{Envoy, Listener};
use crate::harness::gate::{Gate, metric};
use crate::harness::held::{Held, tell};
use crate::harness::http1::Call;
use crate::harness::polling::wait_until;
use crate::harness::session::{COOKIE, OTHER_SECRET, SECRET, USER_ID, ada, signed_in, v5};
use crate::harness::upstream::{start_echo, start_grpc};

const LISTEN: &str = "listen: { grpc: '127.0.0.1:0', admin: '127.0.0.1:0' }\n";

struct Edge {
    gate: Gate,
    admin: SocketAddr,
    envoy: Envoy,
}

impl Edge {
    fn start(name: &str, configuration: &str) -> Self {
        let mut gate = Gate::start(name, configuration, &[("AUTH_SECRET", SECRET)]);
        let admin = gate.admin();
        let envoy = Envoy::start(
            &format!("envoy-{name}"),
            &[Listener::new("edge", &gate.address)],
            start_echo(),
            start_grpc(),
        );
        wait_until("Envoy to find the gate", || envoy.sees_healthy(&gate.address));
        Self { gate, admin, envoy }
    }

    fn edge(&self) -> SocketAddr {
        self.envoy.address("edge")
    }

    fn reloads(&self, result: &str) -> f64 {
        metric(self.admin, &format!("sessiongate_config_reloads_total{{result=\"{result}\"}}"))
            .expect("a count")
    }

    /// Writes another configuration, and waits until it is taken, or refused.
    fn change(&self, configuration: &str, result: &str) {
        let before = self.reloads(result);
        replace(&self.gate.file, configuration);
        wait_until("the configuration to be loaded", || self.reloads(result) > before);
    }
}

fn replace(file: &Path, text: &str) {
    let new = file.with_extension("new");
    fs::write(&new, text).expect("a file");
    fs::rename(new, file).expect("it takes the place of the other");
}

/// Two headers, which say the same in each version.
fn version(number: u32) -> String {
    format!(
        "{LISTEN}sessions: {{ web: {{ kind: authjs, secret: \"${{AUTH_SECRET}}\" }} }}\n\
         rules: [{{ name: all }}, {{ name: v{number}, matcher: /never }}]\n\
         identity: {{ headers: {{ x-auth-user-id: sub, x-auth-one: {{ cel: '\"v{number}\"' }}, x-auth-two: {{ cel: '\"v{number}\"' }} }} }}\n"
    )
}

#[test]
fn a_change_takes_effect_as_a_whole_while_requests_flow_and_none_is_denied() {
    let edge = Edge::start("gate-reloaded", &version(1));
    let (session, is_over) = (signed_in(), AtomicBool::new(false));
    let ask = || {
        let seen = Call::page("/x").cookie(&session).send(edge.edge()).upstream();
        assert_eq!(seen.values("x-auth-user-id"), [USER_ID]);
        let [one, two] = ["x-auth-one", "x-auth-two"].map(|name| seen.values(name).concat());
        assert_eq!(one, two, "of one configuration");
        one
    };
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    ask();
                }
            });
        }
        for number in 2..8 {
            edge.change(&version(number), "success");
            assert_eq!(ask(), format!("v{number}"));
        }
        is_over.store(true, Ordering::Relaxed);
    });
    let counted = metric(edge.admin, "sessiongate_checks_total{decision=\"allow\",rule=\"all\"}");
    assert!(counted.expect("a count") >= 7.0, "a rule's counter outlives the configuration");
    assert_eq!(edge.reloads("failure"), 0.0);
}

#[test]
fn a_bad_file_changes_nothing_and_a_hangup_loads_the_same_one_again() {
    let edge = Edge::start("gate-unchanged", &version(1));
    let shown =
        || Call::page("/x").cookie(&signed_in()).send(edge.edge()).upstream().values("x-auth-one").concat();
    for bad in [
        "rules: [",
        "rules: [{ matcher: no-slash }]",
        "sessions: { web: { kind: authjs, secret: short } }",
        "",
    ] {
        // Without a secret in the file the variable of the process stands, so that only the empty file is a mistake of another kind.
        let bad = if bad.is_empty() { "listen: 7" } else { bad };
        edge.change(bad, "failure");
        assert_eq!(shown(), "v1", "{bad}");
        assert_eq!(metric(edge.admin, "sessiongate_config_last_reload_successful"), Some(0.0));
    }
    wait_until("the log to say so", || {
        edge.gate.process.output().contains("the configuration stays as it was")
    });
    fs::remove_file(&edge.gate.file).expect("a file");
    wait_until("the missing file to be told", || edge.reloads("failure") >= 5.0);
    assert_eq!(shown(), "v1");
    edge.change(&version(2), "success");
    assert_eq!(shown(), "v2");
    assert_eq!(metric(edge.admin, "sessiongate_config_last_reload_successful"), Some(1.0));

    let before = edge.reloads("success");
    edge.gate.process.signal(Signal::HUP);
    wait_until("the same configuration to be loaded again", || edge.reloads("success") > before);

    edge.change(&version(3).replace("listen: {", "listen: { drain_timeout: 3s,"), "success");
    assert_eq!(shown(), "v3", "what is no listener is in effect");
    wait_until("the log to say so", || edge.gate.process.output().contains("takes a restart"));
}

#[test]
fn a_check_ends_under_the_configuration_with_which_it_began() {
    let held = Held::start();
    let configuration = |access: &str| {
        format!(
            "{LISTEN}sessions: {{ app: {} }}\nrules: [{{ name: all, access: {access} }}]\n",
            held.provider()
        )
    };
    let edge = Edge::start("gate-in-flight", &configuration("session"));
    let call = Call::get("/x").cookie("authjs.session-token=0b6c0f4e-8d39-4d6f-9c59-5f6f6d0a9b01");
    std::thread::scope(|scope| {
        let begun = scope.spawn(|| call.send(edge.edge()));
        let asked = held.asked();
        edge.change(&configuration("deny"), "success");
        assert_eq!(call.send(edge.edge()).status, 403, "the next check is decided by the next configuration");
        tell(asked);
        let answer = begun.join().expect("an answer");
        assert_eq!(answer.upstream().values("x-auth-user-id"), [USER_ID]);
    });
}

#[test]
fn what_did_not_change_keeps_its_memory_and_a_replaced_secret_is_used() {
    let session = r#"{"user":{"id":"u-1815"},"expires":"2099-01-01T00:00:00.000Z"}"#;
    let app = Canned::start(&answer("200 OK", "", session));
    let secret = tempfile::NamedTempFile::new().expect("a file");
    fs::write(secret.path(), SECRET).expect("a secret");
    let configuration = |more: &str| {
        format!(
            "{LISTEN}sessions:\n  web: {{ kind: authjs, secret_file: {} }}\n  app: {{ kind: endpoint, url: \"http://{}/s\", allow_http: true, cache: 1h, cookie: app }}\n\
             rules: [{{ name: all }}{more}]\n",
            secret.path().display(),
            app.address,
        )
    };
    let edge = Edge::start("gate-carried", &configuration(""));
    let stored = Call::get("/x").cookie("app=0b6c0f4e-8d39-4d6f-9c59-5f6f6d0a9b01");
    assert!(stored.send(edge.edge()).reached_upstream());
    assert_eq!(app.asked(), 1);
    edge.change(&configuration(", { name: more, matcher: /more }"), "success");
    assert!(stored.send(edge.edge()).reached_upstream());
    assert_eq!(app.asked(), 1, "the provider is the same, and remembers");

    let other =
        format!("{COOKIE}={}", crate::harness::mint::Token { secret: OTHER_SECRET, ..v5(ada()) }.mint());
    assert!(!Call::get("/x").cookie(&other).send(edge.edge()).reached_upstream());
    let before = edge.reloads("success");
    replace(secret.path(), &format!("{OTHER_SECRET}\n{SECRET}\n"));
    wait_until("the secret to be taken", || edge.reloads("success") > before);
    for cookie in [other, signed_in()] {
        assert!(Call::get("/x").cookie(&cookie).send(edge.edge()).reached_upstream());
    }
    for (place, count) in [("0", 1.0), ("1", 1.0)] {
        let counted =
            metric(edge.admin, &format!("sessiongate_tokens_total{{provider=\"web\",secret=\"{place}\"}}"));
        assert_eq!(counted, Some(count), "which secret is still in use");
    }
}

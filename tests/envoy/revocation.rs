//! A logout that logs out: a revoked session is refused on every route, by every replica, within a second.

use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::harness::envoy::{Envoy, Listener};
use crate::harness::gate::Gate;
use crate::harness::http1::{Answer, Call};
use crate::harness::logs;
use crate::harness::polling::{wait_for, wait_until};
use crate::harness::process::Process;
use crate::harness::servers::{Redis, free_port, wait_for_silence};
use crate::harness::session::{COOKIE, SECRET, ada, v5};
use crate::harness::upstream::{start_echo, start_grpc};

const ADMIN_SECRET: &str = "e2e-admin-secret-6Wd3Rf9Kt2Xm8Bz";

/// Two replicas behind one Envoy.
struct Edge {
    gates: [Gate; 2],
    envoy: Envoy,
    configuration: String,
}

impl Edge {
    fn start(name: &str, redis: &Redis, more: &str) -> Self {
        let configuration = format!(
            r#"
listen: {{ grpc: "127.0.0.1:0", admin: "127.0.0.1:0", drain_timeout: 1s }}
sessions: {{ web: {{ kind: authjs, secret: "{SECRET}", bearer: true }} }}
rules:
  - {{ matcher: "/api/auth/:path*", access: public }}
  - {{ matcher: "/public/:path*", access: public }}
  - {{ matcher: "/optional", access: optional }}
revocation: {{ redis: "{}", secret: "{ADMIN_SECRET}", timeout: 500ms, poll: 1s, {more} }}
"#,
            redis.url()
        );
        let gates = ["a", "b"].map(|replica| Gate::start(&format!("{name}-{replica}"), &configuration, &[]));
        let listeners = [Listener::new("a", &gates[0].address), Listener::new("b", &gates[1].address)];
        let envoy = Envoy::start(&format!("{name}-envoy"), &listeners, start_echo(), start_grpc());
        Self { gates, envoy, configuration }
    }

    fn ask(&self, replica: &str, path: &str, token: &str) -> Answer {
        Call::get(path).cookie(&format!("{COOKIE}={token}")).send(self.envoy.address(replica))
    }

    fn wait_until_passing(&self, token: &str) {
        for replica in ["a", "b"] {
            wait_until("the list to be known", || self.ask(replica, "/x", token).reached_upstream());
        }
    }

    fn wait_until_refused(&self, token: &str) {
        for replica in ["a", "b"] {
            wait_until("the revocation to be known", || self.ask(replica, "/x", token).status == 401);
        }
    }

    fn admin(&self) -> SocketAddr {
        wait_for("the address of the admin listener", || {
            let log = self.gates[0].process.output();
            let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            let mut serving = lines.filter(|line| line["message"] == "serving admin");
            serving.next()?["address"].as_str()?.parse().ok()
        })
    }

    /// Asks the admin listener to revoke something.
    fn post(&self, secret: &str, body: &Value) -> u16 {
        Call::new("POST", "/revocations")
            .header("authorization", &format!("Bearer {secret}"))
            .body("application/json", &body.to_string())
            .send(self.admin())
            .status
    }

    /// Runs `sessiongate revoke`.
    fn revoke(&self, arguments: &[&str]) -> bool {
        let file = logs::file("revoke", "yaml");
        std::fs::write(&file, &self.configuration).expect("a file");
        let mut command = Command::new(env!("CARGO_BIN_EXE_sessiongate"));
        command.arg("revoke").args(arguments).arg("--config").arg(file).status().expect("it runs").success()
    }
}

fn token(sub: &str) -> String {
    let mut claims = ada();
    claims["sub"] = json!(sub);
    v5(claims).mint()
}

#[test]
fn a_revoked_session_is_refused_on_every_route_but_those_that_sign_in_and_out() {
    let redis = Redis::start();
    let edge = Edge::start("revoked", &redis, "");
    let (revoked, other) = (token("u-revoked"), token("u-other"));
    edge.wait_until_passing(&revoked);
    assert!(edge.revoke(&["--sub", "u-revoked"]));
    edge.wait_until_refused(&revoked);
    for replica in ["a", "b"] {
        for path in
            ["/x", "/optional", "/public/x", "/api/auth/session", "/api/auth/csrf", "/api/auth/signinx"]
        {
            let answer = edge.ask(replica, path, &revoked);
            assert_eq!((answer.status, answer.reached_upstream()), (401, false), "{path}: {answer:?}");
            let cleared = answer.values("set-cookie");
            assert!(
                cleared.iter().any(|cookie| cookie.starts_with(&format!("{COOKIE}=; Max-Age=0"))),
                "{answer:?}"
            );
        }
        for path in ["/api/auth/signin", "/api/auth/signin/github", "/api/auth/callback/github?code=1"] {
            let seen = edge.ask(replica, path, &revoked).upstream();
            assert!(seen.values("cookie").is_empty(), "{path}: a new session begins without the revoked one");
        }
        let seen = edge.ask(replica, "/api/auth/signout", &revoked).upstream();
        assert_eq!(seen.values("cookie"), [format!("{COOKIE}={revoked}")], "it reads whose session it ends");
        assert!(edge.ask(replica, "/api/auth/signin/..%2fsession", &revoked).status == 401);
        for path in ["/x", "/public/x", "/api/auth/session"] {
            assert!(edge.ask(replica, path, &other).reached_upstream(), "{path}");
        }
        let bearer = Call::get("/x").header("authorization", &format!("Bearer {revoked}"));
        assert_eq!(bearer.send(edge.envoy.address(replica)).status, 401);
    }
    // What was written while nobody listened is found when the whole list is read, and what is no entry is left out.
    for member in ["nonsense", "sub:soon:u-other", "token:00", "sub:99999999999999999999:u-other"] {
        redis.ask(&["ZADD", "sessiongate:revocations", "99999999999999", member]);
    }
    let missed = token("u-missed");
    redis.ask(&["ZADD", "sessiongate:revocations", "99999999999999", "sub:9999999999999:u-missed"]);
    edge.wait_until_refused(&missed);
    assert!(edge.ask("a", "/x", &other).reached_upstream());
    // Who signs in again has a session that was issued later.
    wait_until("a new session", || edge.ask("a", "/x", &token("u-revoked")).reached_upstream());
    assert_eq!(edge.ask("a", "/x", &revoked).status, 401);
}

#[test]
fn one_token_is_revoked_by_its_id_or_by_itself_through_the_admin_listener() {
    let redis = Redis::start();
    let edge = Edge::start("admin", &redis, "");
    let (by_token, kept) = (token("u-1"), token("u-1"));
    let mut claims = ada();
    claims["jti"] = json!("never-used-by-auth-js");
    edge.wait_until_passing(&by_token);
    for (secret, body, status) in [
        ("wrong", json!({"sub": "u-1"}), 401),
        ("", json!({"sub": "u-1"}), 401),
        (ADMIN_SECRET, json!({}), 400),
        (ADMIN_SECRET, json!({"sub": ""}), 400),
        (ADMIN_SECRET, json!({"sub": "u-1", "jti": "x"}), 400),
        (ADMIN_SECRET, json!({"sub": 7}), 400),
        (ADMIN_SECRET, json!({"user": "u-1"}), 400),
        (ADMIN_SECRET, json!({"token": by_token}), 204),
    ] {
        assert_eq!(edge.post(secret, &body), status, "{body}");
    }
    edge.wait_until_refused(&by_token);
    assert!(edge.ask("b", "/x", &kept).reached_upstream());
    let metrics = Call::get("/metrics").send(edge.admin()).body;
    let failures = r#"sessiongate_session_failures_total{provider="web",reason="revoked"}"#;
    assert!(metrics.contains(failures), "{metrics}");
    assert_eq!(Call::get("/readyz").send(edge.admin()).status, 200);
    assert_eq!(Call::get("/healthz").send(edge.admin()).status, 200);
}

#[test]
fn what_is_known_stays_enforced_while_redis_is_away_and_then_the_configuration_decides() {
    for (name, more, status) in [
        ("away-deny", "max_staleness: 2s, on_outage: deny", 503),
        ("away-allow", "max_staleness: 2s, on_outage: allow", 200),
    ] {
        let mut redis = Redis::start();
        let edge = Edge::start(name, &redis, more);
        let (revoked, other) = (token("u-revoked"), token("u-other"));
        edge.wait_until_passing(&other);
        assert!(edge.revoke(&["--sub", "u-revoked"]));
        edge.wait_until_refused(&revoked);
        redis.kill();
        wait_for_silence(redis.port);
        assert_eq!(edge.ask("a", "/x", &revoked).status, 401);
        if status == 503 {
            wait_until("the list to be too old", || edge.ask("a", "/x", &other).status == 503);
            assert_eq!(edge.ask("a", "/x", &other).header("retry-after"), Some("1"));
            assert!(edge.ask("a", "/public/x", &other).reached_upstream());
        } else {
            assert!(edge.ask("a", "/x", &other).reached_upstream());
        }
        assert_eq!(edge.ask("a", "/x", &revoked).status, 401, "what is known stays enforced");
        assert_eq!(edge.post(ADMIN_SECRET, &json!({"sub": "u-other"})), 503);
        redis.begin();
        edge.wait_until_passing(&other);
        assert!(edge.revoke(&["--sub", "u-other"]));
        edge.wait_until_refused(&other);
    }
}

/// The example application, which tells the admin listener of each sign-out.
struct Application {
    _process: Process,
    address: SocketAddr,
}

impl Application {
    fn start(revocations: &str) -> Self {
        let (place, port) =
            (Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/authjs-express"), free_port());
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let mut command = Command::new("node");
        command.arg("server.mjs").current_dir(place).envs([
            ("AUTH_SECRET", SECRET),
            ("AUTH_URL", &format!("http://{address}")),
            ("DEMO_PASSWORD", "brass-lever-1843"),
            ("PORT", &port.to_string()),
            ("REVOCATIONS_URL", revocations),
            ("REVOCATION_SECRET", ADMIN_SECRET),
        ]);
        let process = Process::start("application", &mut command);
        wait_until("the application to listen", || TcpStream::connect(address).is_ok());
        Self { _process: process, address }
    }

    /// Sends a form of Auth.js with its CSRF token; the cookies that the browser then has.
    fn submit(&self, path: &str, form: &str, session: &str) -> Vec<String> {
        let host = self.address.to_string();
        let csrf = Call::get("/api/auth/csrf").host(&host).send(self.address);
        let token: Value = serde_json::from_str(&csrf.body).expect("JSON");
        let mut cookies = pairs(&csrf);
        cookies.extend((!session.is_empty()).then(|| session.to_owned()));
        let form = format!("{form}&csrfToken={}", token["csrfToken"].as_str().expect("a token"));
        let answer = Call::new("POST", path)
            .host(&host)
            .cookie(&cookies.join("; "))
            .body("application/x-www-form-urlencoded", &form)
            .send(self.address);
        assert_eq!(answer.status, 302, "{answer:?}");
        pairs(&answer)
    }
}

/// The cookies that an answer sets, as the browser sends them.
fn pairs(answer: &Answer) -> Vec<String> {
    let cookies = answer.values("set-cookie").into_iter();
    cookies.map(|cookie| cookie.split(';').next().expect("a pair").to_owned()).collect()
}

#[test]
fn signing_out_of_the_application_ends_the_session_everywhere() {
    let redis = Redis::start();
    let edge = Edge::start("sign-out", &redis, "");
    let application = Application::start(&format!("http://{}/revocations", edge.admin()));
    let form = "email=ada%40example.com&password=brass-lever-1843";
    let cookies = application.submit("/api/auth/callback/credentials", form, "");
    let session = cookies.iter().find(|cookie| cookie.starts_with(COOKIE)).expect("a session");
    let token = session.split_once('=').expect("a pair").1;
    edge.wait_until_passing(token);
    application.submit("/api/auth/signout", "callbackUrl=%2F", session);
    edge.wait_until_refused(token);
}

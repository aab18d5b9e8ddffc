//! Redis in all the ways it is run, and the keys of the real adapters.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::harness::envoy::{Envoy, Listener};
use crate::harness::gate::Gate;
use crate::harness::http1::{Answer, Call};
use crate::harness::polling::wait_until;
use crate::harness::servers::{Redis, Sentinel, free_port};
use crate::harness::session::COOKIE;
use crate::harness::upstream::{start_echo, start_grpc};

struct Edge {
    _gate: Gate,
    envoy: Envoy,
    configuration: String,
}

impl Edge {
    /// The same Redis keeps sessions and revocations.
    fn start(name: &str, url: &str, more: &str, tls: &str) -> Self {
        let configuration = format!(
            "listen: {{ grpc: '127.0.0.1:0' }}\n\
             sessions: {{ app: {{ kind: redis, url: '{url}', cache: 0s, {more} {tls} }} }}\n\
             revocation: {{ redis: '{url}', poll: 1s, on_outage: allow, {tls} }}\n"
        );
        let gate = Gate::start(name, &configuration, &[]);
        let listeners = [Listener::new("edge", &gate.address)];
        let envoy = Envoy::start(&format!("{name}-envoy"), &listeners, start_echo(), start_grpc());
        Self { _gate: gate, envoy, configuration }
    }

    fn ask(&self, token: &str) -> Answer {
        Call::page("/x").cookie(&format!("{COOKIE}={token}")).send(self.envoy.address("edge"))
    }

    /// A session passes, one that is not there does not, and one that is revoked does no longer.
    #[track_caller]
    fn assert_works(&self) {
        assert_eq!(self.ask("alive").upstream().values("x-auth-user-id"), ["u1"]);
        assert_eq!(self.ask("unknown").status, 307);
        self.revoke("alive");
        wait_until("the revocation to be known", || self.ask("alive").status == 307);
    }

    fn revoke(&self, token: &str) {
        let file = tempfile::NamedTempFile::new().expect("a file");
        fs::write(file.path(), &self.configuration).expect("a file");
        let mut command = Command::new(env!("CARGO_BIN_EXE_sessiongate"));
        let status = command.args(["revoke", "--token", token, "--config"]).arg(file.path()).status();
        assert!(status.expect("it runs").success());
    }
}

const USER: [&str; 3] = ["SET", "user:u1", r#"{"id":"u1","name":"Ada"}"#];
const SESSION: [&str; 3] = [
    "SET",
    "user:session:alive",
    r#"{"sessionToken":"alive","userId":"u1","expires":"2999-01-01T00:00:00.000Z"}"#,
];

#[test]
fn keys_of_the_real_adapters_are_sessions() {
    for (adapter, more) in
        [("upstash", "schema: upstash,"), ("unstorage", "schema: unstorage, prefix: 'app:',")]
    {
        let redis = Redis::start();
        let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/stores");
        let output =
            Command::new("node").args(["rows.mjs", adapter, &redis.url()]).current_dir(place).output();
        let output = output.expect("node runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let edge = Edge::start(adapter, &redis.url(), more, "");
        let seen = edge.ask("alive").upstream();
        assert_eq!(seen.values("x-auth-user-email"), ["zoe@example.com"], "{adapter}");
        assert_eq!(edge.ask("over").status, 307, "{adapter}");
    }
}

#[test]
fn behind_sentinels_the_new_master_is_asked_when_the_old_one_is_gone() {
    let mut master = Redis::start();
    let replica = Redis::with(&["--replicaof", "127.0.0.1", &master.port.to_string()]);
    master.ask(&USER);
    master.ask(&SESSION);
    let sentinel = Sentinel::watch(&master);
    let url = format!("redis+sentinel://127.0.0.1:{}/main", sentinel.port);
    let edge = Edge::start("sentinel", &url, "schema: upstash,", "");
    assert!(edge.ask("alive").reached_upstream());
    wait_until("the replica to have the session", || replica.ask(&["EXISTS", SESSION[1]]) == "1");
    master.kill();
    wait_until("the new master to be asked", || edge.ask("alive").reached_upstream());
    wait_until("the replica to be the master", || replica.ask(&["ROLE"]).starts_with("master"));
    edge.assert_works();
}

#[test]
fn in_a_cluster_each_key_is_found_at_its_node() {
    let nodes = [(); 3].map(|()| Redis::with(&["--cluster-enabled", "yes"]));
    let places = nodes.each_ref().map(|node| format!("127.0.0.1:{}", node.port));
    let mut create = Command::new("redis-cli");
    let created = create.args(["--cluster", "create"]).args(&places).arg("--cluster-yes").output();
    let created = created.expect("redis-cli runs");
    assert!(created.status.success(), "{}", String::from_utf8_lossy(&created.stdout));
    for node in &nodes {
        wait_until("the cluster to be whole", || node.ask(&["CLUSTER", "INFO"]).contains("cluster_state:ok"));
    }
    for command in [USER, SESSION] {
        let mut cli = Command::new("redis-cli");
        let written = cli.args(["-c", "-p", &nodes[0].port.to_string()]).args(command).output();
        assert_eq!(String::from_utf8_lossy(&written.expect("redis-cli runs").stdout).trim(), "OK");
    }
    let url = format!("redis+cluster://{}", places.join(","));
    Edge::start("cluster", &url, "schema: upstash,", "").assert_works();
}

#[test]
fn over_tls_the_servers_certificate_has_to_be_of_the_given_authority() {
    let folder = tempfile::tempdir().expect("a folder");
    let [key, certificate, other] = ["tls.key", "tls.crt", "other.crt"].map(|name| folder.path().join(name));
    for certificate in [&other, &certificate] {
        let mut make = Command::new("openssl");
        make.args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "2",
        ]);
        make.args(["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]);
        make.args(["-addext", "basicConstraints=critical,CA:FALSE"]);
        assert!(
            make.arg("-keyout")
                .arg(&key)
                .arg("-out")
                .arg(certificate)
                .output()
                .expect("openssl runs")
                .status
                .success()
        );
    }
    let port = free_port().to_string();
    let [key, certificate, other] = [&key, &certificate, &other].map(|file| file.to_str().expect("text"));
    let redis = Redis::with(&[
        "--tls-port",
        &port,
        "--tls-cert-file",
        certificate,
        "--tls-key-file",
        key,
        "--tls-ca-cert-file",
        certificate,
        "--tls-auth-clients",
        "no",
    ]);
    redis.ask(&USER);
    redis.ask(&SESSION);
    let url = format!("rediss://127.0.0.1:{port}");
    Edge::start("tls", &url, "schema: upstash,", &format!("ca_file: '{certificate}'")).assert_works();
    let edge = Edge::start("tls-other", &url, "schema: upstash,", &format!("ca_file: '{other}'"));
    assert_eq!(edge.ask("alive").status, 503);
}

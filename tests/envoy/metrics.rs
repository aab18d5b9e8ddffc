//! The metrics as those on call use them: scraped by a real Prometheus, each panel of the dashboard and each alert asked
//! of it.

use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use url::form_urlencoded::Serializer;

use crate::harness::envoy::{Envoy, Listener};
use crate::harness::gate::Gate;
use crate::harness::http1::Call;
use crate::harness::polling::{wait_for, wait_until};
use crate::harness::process::Process;
use crate::harness::servers::{Postgres, free_port};
use crate::harness::session::{SECRET, signed_in};
use crate::harness::upstream::{start_echo, start_grpc};

fn deployed(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy").join(file)
}

struct World {
    _gate: Gate,
    admin: SocketAddr,
    envoy: Envoy,
    _database: Postgres,
}

/// A gate that has seen a bit of everything.
fn world() -> World {
    let database = Postgres::start();
    let configuration = format!(
        "listen: {{ grpc: '127.0.0.1:0', admin: '127.0.0.1:0' }}\n\
         sessions:\n  web: {{ kind: authjs, secret: \"${{AUTH_SECRET}}\" }}\n  kept: {{ kind: database, url: \"{}\", schema: pg-adapter, cookie: kept }}\n\
         rules: [{{ name: open, matcher: /open, access: public }}, {{ name: closed, matcher: /closed, access: deny }}, {{ name: rest }}]\n",
        database.url()
    );
    let mut gate = Gate::start("gate-measured", &configuration, &[("AUTH_SECRET", SECRET)]);
    let admin = gate.admin();
    let envoy =
        Envoy::start("envoy-measured", &[Listener::new("edge", &gate.address)], start_echo(), start_grpc());
    wait_until("Envoy to find the gate", || envoy.sees_healthy(&gate.address));
    let world = World { _gate: gate, admin, envoy, _database: database };
    world.be_busy();
    world
}

impl World {
    fn be_busy(&self) {
        let send = |call: Call| call.send(self.envoy.address("edge")).status;
        let unknown = "kept=0b6c0f4e-8d39-4d6f-9c59-5f6f6d0a9b01";
        let statuses = [
            send(Call::get("/open")),
            send(Call::get("/closed")),
            send(Call::page("/rest")),
            send(Call::page("/rest").cookie(&signed_in())),
            send(Call::get("/rest").cookie("authjs.session-token=garbage")),
            send(Call::get("/rest").cookie(unknown)),
        ];
        assert_eq!(statuses, [200, 403, 307, 200, 401, statuses[5]]);
    }

    fn metrics(&self) -> String {
        Call::get("/metrics").host("localhost").send(self.admin).body
    }
}

#[test]
fn the_names_are_those_that_were_promised_and_no_client_chooses_a_label() {
    let world = world();
    let attack =
        Call::get("/rest/${jndi}?rule=x").host("evil\"} 1").header("cookie", "authjs.session-token=\"},x=\"");
    let _ = attack.send(world.envoy.address("edge"));
    let text = world.metrics();
    for line in [
        "sessiongate_checks_total{decision=\"allow\",rule=\"open\"} 1",
        "sessiongate_checks_total{decision=\"deny\",rule=\"closed\"} 1",
        "sessiongate_checks_total{decision=\"redirect\",rule=\"rest\"} 1",
        "sessiongate_sessions_total{provider=\"web\"} 1",
        "sessiongate_tokens_total{provider=\"web\",secret=\"0\"} 1",
        "sessiongate_config_reloads_total{result=\"success\"} 0",
        "sessiongate_config_reloads_total{result=\"failure\"} 0",
        "sessiongate_config_last_reload_successful 1",
        "sessiongate_session_cache_entries{provider=\"kept\"} ",
        "sessiongate_pool_connections{provider=\"kept\",state=\"idle\"} ",
        "sessiongate_panics_total 0",
        "sessiongate_ready 1",
        "# TYPE sessiongate_check_duration_seconds histogram",
        "sessiongate_check_duration_seconds_bucket{le=\"0.00001\"} ",
        "process_resident_memory_bytes ",
        "process_open_fds ",
    ] {
        assert!(text.contains(line), "{line}:\n{text}");
    }
    let build = text.lines().find(|line| line.starts_with("sessiongate_build_info{")).expect("a build");
    for label in ["version=", "commit=", "rustc=\"rustc "] {
        assert!(build.contains(label), "{build}");
    }
    let rules: BTreeSet<&str> =
        text.lines().filter_map(|line| line.split("rule=\"").nth(1)?.split('"').next()).collect();
    assert_eq!(rules, ["", "closed", "default", "open", "rest", "undecided"].into());
    let checked = checked_by_promtool(&text);
    assert!(checked.is_empty(), "{checked}");
}

/// What promtool has to say of the metrics, but for the names that others chose.
fn checked_by_promtool(text: &str) -> String {
    use std::io::Write as _;
    let mut child = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("promtool: run `make tools`");
    child.stdin.take().expect("piped").write_all(text.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    said.lines()
        .filter(|line| line.contains("sessiongate_") || line.contains("error"))
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn the_alert_rules_are_sound_and_fire_when_they_should() {
    for arguments in [
        ["check", "rules", "prometheus/sessiongate.rules.yaml"],
        ["test", "rules", "prometheus/sessiongate.rules.test.yaml"],
    ] {
        let file = deployed(arguments[2]);
        let output = Command::new("promtool").args(&arguments[..2]).arg(&file).output().expect("promtool");
        let said = [output.stdout, output.stderr].concat();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&said));
    }
}

#[test]
fn every_panel_and_every_alert_is_answered_by_a_real_prometheus() {
    let world = world();
    let prometheus = Prometheus::scraping(world.admin);
    wait_until("two scrapes", || {
        world.be_busy();
        let scraped = prometheus.ask("count_over_time(sessiongate_build_info[1m])");
        scraped[0]["value"][1]
            .as_str()
            .is_some_and(|count| count.parse::<f64>().is_ok_and(|count| count >= 3.0))
    });
    let dashboard = fs::read_to_string(deployed("grafana/sessiongate.json")).expect("a dashboard");
    let dashboard: Value = serde_json::from_str(&dashboard).expect("JSON");
    let queries = queries(&dashboard);
    assert!(queries.len() >= 20, "{} queries", queries.len());
    let mut empty = Vec::new();
    for query in &queries {
        let asked = query
            .replace("$instance", ".*")
            .replace("$__rate_interval", "10s")
            .replace("$__range", "1m")
            .replace("$__interval", "5s");
        if prometheus.ask(&asked).as_array().is_none_or(Vec::is_empty) {
            empty.push(query);
        }
    }
    // What has not happened has no figure: without TLS no certificate expires.
    let is_excused = |query: &str| {
        ["tls_certificate", "unavailable_total", "lines_dropped", "topk"]
            .iter()
            .any(|name| query.contains(name))
    };
    empty.retain(|query| !is_excused(query));
    assert!(empty.is_empty(), "no figures for {empty:#?}");

    let rules = wait_for("the alerts to be evaluated", || {
        let rules = prometheus.get("/api/v1/rules");
        let rules: Vec<Value> = rules["data"]["groups"]
            .as_array()?
            .iter()
            .flat_map(|group| group["rules"].as_array().cloned().unwrap_or_default())
            .collect();
        rules.iter().all(|rule| rule["health"] != "unknown").then_some(rules)
    });
    assert!(rules.len() >= 10);
    for rule in rules {
        assert_eq!(rule["health"], "ok", "{rule}");
    }
}

/// The expressions of all panels, in whatever row they stand.
fn queries(value: &Value) -> Vec<String> {
    match value {
        Value::Object(members) => {
            let own = members.get("expr").and_then(Value::as_str).map(ToOwned::to_owned);
            own.into_iter().chain(members.values().flat_map(queries)).collect()
        }
        Value::Array(items) => items.iter().flat_map(queries).collect(),
        _ => Vec::new(),
    }
}

struct Prometheus {
    address: SocketAddr,
    _process: Process,
    _folder: tempfile::TempDir,
}

impl Prometheus {
    fn scraping(admin: SocketAddr) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let configuration = serde_json::json!({
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [deployed("prometheus/sessiongate.rules.yaml")],
            "scrape_configs": [{"job_name": "sessiongate", "static_configs": [{"targets": [admin.to_string()]}]}],
        });
        let file = folder.path().join("prometheus.yml");
        fs::write(&file, configuration.to_string()).expect("a file");
        let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let mut command = Command::new("prometheus");
        command.arg(format!("--config.file={}", file.display()));
        command.arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()));
        command.arg(format!("--web.listen-address={address}")).arg("--log.level=warn");
        let process = Process::start("prometheus", &mut command);
        wait_until("Prometheus to listen", || std::net::TcpStream::connect(address).is_ok());
        let prometheus = Self { address, _process: process, _folder: folder };
        wait_until("Prometheus to be ready", || Call::get("/-/ready").send(prometheus.address).status == 200);
        prometheus
    }

    /// The result of a query, which has to be one.
    fn ask(&self, query: &str) -> Value {
        let query = Serializer::new(String::new()).append_pair("query", query).finish();
        let answer = self.get(&format!("/api/v1/query?{query}"));
        assert_eq!(answer["status"], "success", "{query}: {answer}");
        answer["data"]["result"].clone()
    }

    fn get(&self, path: &str) -> Value {
        let answer = Call::get(path).send(self.address);
        serde_json::from_str(&answer.body).unwrap_or_else(|error| panic!("{error}: {answer:?}"))
    }
}

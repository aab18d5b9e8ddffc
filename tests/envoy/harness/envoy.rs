//! Envoy 1.40, with a configuration that leaves a request as the client sent it: what the gate does is to be
//! seen, not what Envoy can do for it.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use super::http1::Call;
use super::logs;
use super::polling::{wait_for, wait_until};
use super::process::Process;

/// A listener with its filters.
#[derive(Clone, Debug)]
pub struct Listener {
    pub name: &'static str,
    /// The gate that it asks.
    pub gate: String,
    /// Envoy tells the gate the headers line by line.
    pub encode_raw_headers: bool,
    /// Envoy's own CORS filter answers before the gate is asked.
    pub cors_first: bool,
    /// How long Envoy waits for the gate.
    pub gate_timeout: &'static str,
    /// More keys of the filter that asks the gate.
    pub ext_authz: Value,
    /// Filters between the gate and the router.
    pub after: Vec<Value>,
    /// Routes before the usual ones.
    pub routes: Vec<Value>,
    /// The clusters that these routes name.
    pub clusters: Vec<(&'static str, SocketAddr)>,
    /// Filters of the connection, before HTTP is read.
    pub connection_filters: Vec<Value>,
    /// TLS towards clients.
    pub tls: Option<Value>,
    /// TLS towards the gate.
    pub gate_tls: Option<Value>,
    /// The filter that asks the gate over HTTP, in place of the one that does so over gRPC.
    pub http_service: Option<Value>,
    /// The collector that gets Envoy's own spans.
    pub tracing: Option<SocketAddr>,
}

impl Listener {
    pub fn new(name: &'static str, gate: &str) -> Self {
        let gate = gate.to_owned();
        Self {
            name,
            gate,
            encode_raw_headers: false,
            cors_first: false,
            gate_timeout: "5s",
            ext_authz: json!({}),
            after: Vec::new(),
            routes: Vec::new(),
            clusters: Vec::new(),
            connection_filters: Vec::new(),
            tls: None,
            gate_tls: None,
            http_service: None,
            tracing: None,
        }
    }
}

/// The origin that Envoy's CORS filter lets in.
pub const CORS_ORIGIN: &str = "https://partner.example.com";

/// An Envoy that is ready.
pub struct Envoy {
    _process: Process,
    admin: SocketAddr,
    listeners: BTreeMap<String, SocketAddr>,
    access_log: PathBuf,
}

impl Envoy {
    /// Starts Envoy between these listeners, their gates, and the two services.
    pub fn start(name: &str, listeners: &[Listener], echo: SocketAddr, grpc: SocketAddr) -> Self {
        Self::start_binary(&binary(), name, listeners, echo, grpc)
    }

    /// The same with another Envoy than the one that all tests use.
    pub fn start_binary(
        binary: &Path,
        name: &str,
        listeners: &[Listener],
        echo: SocketAddr,
        grpc: SocketAddr,
    ) -> Self {
        let access_log = logs::file(name, "access");
        let bootstrap = bootstrap(listeners, echo, grpc, &access_log.to_string_lossy());
        Self::start_process(binary, name, ("json", &format!("{bootstrap:#}")), access_log)
    }

    /// Starts Envoy with a configuration in YAML that a mesh or a gateway writes. It has an admin page and names the file
    /// of its access log `ACCESS_LOG`.
    pub fn start_configured(name: &str, configuration: &str) -> Self {
        let access_log = logs::file(name, "access");
        let configuration = configuration.replace("ACCESS_LOG", &access_log.to_string_lossy());
        Self::start_process(&binary(), name, ("yaml", &configuration), access_log)
    }

    fn start_process(binary: &Path, name: &str, (kind, text): (&str, &str), access_log: PathBuf) -> Self {
        let [configuration, admin_address] = [kind, "address"].map(|kind| logs::file(name, kind));
        fs::write(&configuration, text).expect("a configuration file");
        let mut command = Command::new(binary);
        command.arg("--config-path").arg(&configuration).arg("--admin-address-path").arg(&admin_address);
        command.args(["--concurrency", "1", "--disable-hot-restart", "--file-flush-interval-msec", "20"]);
        command.args(["--log-level", "warning"]);
        let mut process = Process::start(name, &mut command);
        let admin = wait_for("the address of Envoy's admin page", || {
            assert!(process.is_running(), "Envoy ended:\n{}", process.output());
            fs::read_to_string(&admin_address).ok()?.parse().ok()
        });
        wait_until("Envoy to be ready", || Call::get("/ready").send(admin).body.trim() == "LIVE");
        let listeners = addresses(&Call::get("/listeners?format=json").send(admin).body);
        Self { _process: process, admin, listeners, access_log }
    }

    pub fn address(&self, listener: &str) -> SocketAddr {
        self.listeners[listener]
    }

    /// Whether Envoy's own health check of the gate at this address succeeds.
    pub fn sees_healthy(&self, gate: &str) -> bool {
        let clusters = Call::get("/clusters?format=json").send(self.admin).body;
        let clusters: Value = serde_json::from_str(&clusters).expect("JSON");
        let name = gate_cluster(gate);
        let all = clusters["cluster_statuses"].as_array().expect("a list");
        let cluster = all.iter().find(|cluster| cluster["name"] == *name).expect("the gate's cluster");
        let status = &cluster["host_statuses"][0]["health_status"];
        status["eds_health_status"] == "HEALTHY" && status["failed_active_health_check"] != true
    }

    /// The line of the access log for a path that was asked for once.
    pub fn access_line(&self, path: &str) -> Value {
        wait_for(&format!("{path} in the access log"), || {
            let log = fs::read_to_string(&self.access_log).ok()?;
            // The last line may still be on its way.
            let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            lines.into_iter().find(|line| line["path"] == path)
        })
    }
}

/// The Envoy that all tests use.
pub fn binary() -> PathBuf {
    let chosen = std::env::var_os("SESSIONGATE_TEST_ENVOY").map(PathBuf::from);
    let installed = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(".tools/envoy/envoy/_bin/envoy");
    let binary = chosen.unwrap_or_else(installed);
    assert!(binary.exists(), "{} is not there: run `make tools`", binary.display());
    binary
}

/// From `/listeners?format=json`: each name with the port that it got.
fn addresses(listeners: &str) -> BTreeMap<String, SocketAddr> {
    let listeners: Value = serde_json::from_str(listeners).expect("JSON");
    let statuses = listeners["listener_statuses"].as_array().expect("a list of listeners");
    let address = |status: &Value| {
        let socket = &status["local_address"]["socket_address"];
        let text = format!("{}:{}", socket["address"].as_str()?, socket["port_value"]);
        Some((status["name"].as_str()?.to_owned(), text.parse().ok()?))
    };
    statuses.iter().map(|status| address(status).expect("a listener with its address")).collect()
}

fn bootstrap(listeners: &[Listener], echo: SocketAddr, grpc: SocketAddr, access_log: &str) -> Value {
    let gates: BTreeMap<&str, &Listener> =
        listeners.iter().map(|listener| (listener.gate.as_str(), listener)).collect();
    let mut clusters =
        vec![cluster("echo", &echo.to_string()), over_http2(cluster("grpc", &grpc.to_string()))];
    let named = listeners.iter().flat_map(|listener| &listener.clusters);
    clusters.extend(named.map(|(name, address)| cluster(name, &address.to_string())));
    let collectors = listeners.iter().filter_map(|listener| listener.tracing);
    clusters.extend(collectors.map(|address| over_http2(cluster("collector", &address.to_string()))));
    clusters.extend(gates.into_iter().map(|(gate, listener)| {
        if listener.http_service.is_some() {
            return cluster(&gate_cluster(gate), gate);
        }
        let mut cluster = over_http2(cluster(&gate_cluster(gate), gate));
        cluster["transport_socket"] = json!(listener.gate_tls);
        cluster["health_checks"] = json!([{
            "grpc_health_check": {"service_name": "envoy.service.auth.v3.Authorization"},
            "timeout": "1s", "interval": "0.05s", "no_traffic_interval": "0.05s",
            "unhealthy_threshold": 1, "healthy_threshold": 1,
        }]);
        cluster
    }));
    json!({
        "admin": {"address": socket("127.0.0.1:0")},
        "static_resources": {
            "listeners": listeners.iter().map(|each| listener(each, access_log)).collect::<Vec<_>>(),
            "clusters": clusters,
        },
    })
}

/// The name becomes the `:authority` of the checks, so that it can hold only what a host name can.
pub fn gate_cluster(address: &str) -> String {
    let name: String = address.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    format!("gate-{name}")
}

fn listener(listener: &Listener, access_log: &str) -> Value {
    let mut filters = vec![ext_authz(listener)];
    filters.extend(listener.after.iter().cloned());
    filters.push(filter("router", &json!({"@type": type_of("router", "Router")})));
    if listener.cors_first {
        filters.insert(0, filter("cors", &json!({"@type": type_of("cors", "Cors")})));
    }
    json!({
        "name": listener.name,
        "address": socket("127.0.0.1:0"),
        "listener_filters": listener.connection_filters,
        "filter_chains": [{"transport_socket": listener.tls, "filters": [{
            "name": "envoy.filters.network.http_connection_manager",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
                "stat_prefix": listener.name,
                // Large enough that it is the gate that has to say no.
                "max_request_headers_kb": 128,
                "common_http_protocol_options": {"max_headers_count": 1000},
                "upgrade_configs": [{"upgrade_type": "websocket"}],
                "route_config": {"virtual_hosts": [virtual_host(&listener.routes)]},
                "http_filters": filters,
                "access_log": [access_log_to(access_log)],
                "tracing": listener.tracing.map(|_| spans()),
            },
        }]}],
    })
}

fn spans() -> Value {
    let config = "type.googleapis.com/envoy.config.trace.v3.OpenTelemetryConfig";
    let service = json!({"envoy_grpc": {"cluster_name": "collector"}, "timeout": "1s"});
    json!({"spawn_upstream_span": true, "provider": {"name": "envoy.tracers.opentelemetry", "typed_config": {
        "@type": config, "service_name": "edge", "grpc_service": service,
    }}})
}

fn virtual_host(first: &[Value]) -> Value {
    let usual = [
        json!({"match": {"prefix": "/grpc.health.v1.Health/"}, "route": {"cluster": "grpc"}}),
        json!({"match": {"prefix": "/"}, "route": {"cluster": "echo"}}),
    ];
    let routes: Vec<&Value> = first.iter().chain(&usual).collect();
    json!({
        "name": "all",
        "domains": ["*"],
        "routes": routes,
        "typed_per_filter_config": {"envoy.filters.http.cors": {
            "@type": type_of("cors", "CorsPolicy"),
            "allow_origin_string_match": [{"exact": CORS_ORIGIN}],
            "allow_methods": "GET, POST",
        }},
    })
}

fn ext_authz(listener: &Listener) -> Value {
    let mut filter_config = json!({
            "@type": type_of("ext_authz", "ExtAuthz"),
            "transport_api_version": "V3",
            "grpc_service": {
                "envoy_grpc": {"cluster_name": gate_cluster(&listener.gate)},
                "timeout": listener.gate_timeout,
            },
            "failure_mode_allow": false,
            // What only an error gets, so that it cannot be taken for a decision of the gate.
            "status_on_error": {"code": "BadGateway"},
            "encode_raw_headers": listener.encode_raw_headers,
    });
    let keys = filter_config.as_object_mut().expect("keys");
    if let Some(http_service) = &listener.http_service {
        keys.remove("grpc_service");
        keys.insert("http_service".to_owned(), http_service.clone());
    }
    keys.extend(listener.ext_authz.as_object().expect("keys").clone());
    filter("ext_authz", &filter_config)
}

fn access_log_to(file: &str) -> Value {
    let told = |key: &str| format!("%DYNAMIC_METADATA(envoy.filters.http.ext_authz:{key})%");
    json!({
        "name": "envoy.access_loggers.file",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
            "path": file,
            "log_format": {"json_format": {
                "path": "%REQ(:PATH)%", "status": "%RESPONSE_CODE%", "details": "%RESPONSE_CODE_DETAILS%",
                "rule": told("rule"), "decision": told("decision"), "reason": told("reason"),
                "provider": told("provider"), "sub": told("sub"),
            }},
        },
    })
}

pub fn filter(name: &str, typed_config: &Value) -> Value {
    json!({"name": format!("envoy.filters.http.{name}"), "typed_config": typed_config})
}

pub fn type_of(filter: &str, message: &str) -> String {
    format!("type.googleapis.com/envoy.extensions.filters.http.{filter}.v3.{message}")
}

fn cluster(name: &str, address: &str) -> Value {
    let endpoints = json!([{"lb_endpoints": [{"endpoint": {"address": socket(address)}}]}]);
    json!({
        "name": name,
        "type": "STATIC",
        "connect_timeout": "1s",
        "load_assignment": {"cluster_name": name, "endpoints": endpoints},
    })
}

fn over_http2(mut cluster: Value) -> Value {
    const OPTIONS: &str = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
    cluster["typed_extension_protocol_options"] = json!({OPTIONS: {
        "@type": format!("type.googleapis.com/{OPTIONS}"),
        "explicit_http_config": {"http2_protocol_options": {}},
    }});
    cluster
}

/// `unix:/path` or `address:port`.
fn socket(address: &str) -> Value {
    if let Some(path) = address.strip_prefix("unix:") {
        return json!({"pipe": {"path": path}});
    }
    let address: SocketAddr = address.parse().unwrap_or_else(|error| panic!("{address}: {error}"));
    json!({"socket_address": {"address": address.ip().to_string(), "port_value": address.port()}})
}

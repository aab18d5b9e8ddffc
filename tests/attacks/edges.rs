//! What stands between a request and the service behind: each supported Envoy with its listeners, and the forward-auth
//! door with a real Caddy.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::corpus::{Door, GateName, folder};
use crate::harness::envoy::{Envoy, Listener, binary};
use crate::harness::gate::Gate;
use crate::harness::proxies::Proxy;
use crate::harness::upstream::{start_echo, start_grpc};

/// The Envoys beside the one that all tests use, as in tools/install.sh.
const OLDER: [&str; 4] = ["1.36.2", "1.37.0", "1.38.3", "1.39.3"];

/// The supported Envoys: versions and programs.
pub fn versions() -> Vec<(String, PathBuf)> {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join(".tools/envoys");
    let program = |version: &str| place.join(version).join("envoy/_bin/envoy");
    let older = OLDER.iter().map(|version| ((*version).to_owned(), program(version)));
    let all: Vec<_> = older.chain([(version_of(&binary()), binary())]).collect();
    for (version, program) in &all {
        assert!(program.exists(), "Envoy {version} is not there: run `make tools`");
    }
    all
}

/// Envoy says `…/envoy  version: commit/1.40.0/…`.
fn version_of(program: &Path) -> String {
    let output = Command::new(program).arg("--version").output().expect("Envoy runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let version = text.split_once("version:").and_then(|(_, build)| build.split('/').nth(1));
    version.unwrap_or_else(|| panic!("{text}")).to_owned()
}

/// sessiongate with each of the two configurations, and the services behind.
pub struct Gates {
    main: Gate,
    next: Gate,
    echo: SocketAddr,
    grpc: SocketAddr,
}

impl Gates {
    pub fn start() -> Self {
        let [main, next] =
            [("gate", "sessiongate.yaml"), ("gate-next", "sessiongate-next.yaml")].map(|(name, file)| {
                let configuration = fs::read_to_string(folder().join(file)).expect("a configuration");
                let any_port = "127.0.0.1:0";
                let ports =
                    [("SESSIONGATE__LISTEN__GRPC", any_port), ("SESSIONGATE__LISTEN__HTTP", any_port)];
                Gate::start(name, &configuration, &ports)
            });
        Self { main, next, echo: start_echo(), grpc: start_grpc() }
    }

    /// The forward-auth door, and a real proxy in front of it.
    pub fn over_http(&mut self) -> Edge {
        let forward_auth = self.main.http();
        let caddy = Proxy::caddy(forward_auth, self.echo);
        Edge {
            name: "over HTTP".to_owned(),
            envoy: None,
            forward_auth: Some(forward_auth),
            caddy: Some(caddy),
        }
    }
}

/// One of the ways to the service; what it does not have is not asked there.
pub struct Edge {
    name: String,
    envoy: Option<(Envoy, Vec<&'static str>)>,
    forward_auth: Option<SocketAddr>,
    caddy: Option<Proxy>,
}

const JOINED: &str = "headers joined";
const ONE_BY_ONE: &str = "headers one by one";
const NEXT_JOINED: &str = "next, headers joined";
const NEXT_ONE_BY_ONE: &str = "next, headers one by one";
const FAILING_OPEN: &str = "failing open";
const FAILING_OPEN_ONE_BY_ONE: &str = "failing open, headers one by one";
const PROXY_PROTOCOL: &str = "PROXY protocol";

impl Edge {
    /// An Envoy before sessiongate.
    pub fn before(gates: &Gates, version: &str, binary: &Path) -> Self {
        let (main, next) = (&gates.main.address, &gates.next.address);
        let one_by_one = |listener: Listener| Listener { encode_raw_headers: true, ..listener };
        let mut listeners = listeners_before(main);
        listeners.push(one_by_one(Listener::new(ONE_BY_ONE, main)));
        listeners.push(Listener::new(NEXT_JOINED, next));
        listeners.push(one_by_one(Listener::new(NEXT_ONE_BY_ONE, next)));
        listeners.push(one_by_one(failing_open(FAILING_OPEN_ONE_BY_ONE, main)));
        Self::start(version, binary, &listeners, gates.echo, gates.grpc)
    }

    /// An Envoy before a server that need not know everything that sessiongate does.
    pub fn before_stranger(address: &str, name: &str, binary: &Path) -> Self {
        Self::start(name, binary, &listeners_before(address), start_echo(), start_grpc())
    }

    fn start(name: &str, binary: &Path, listeners: &[Listener], echo: SocketAddr, grpc: SocketAddr) -> Self {
        let envoy = Envoy::start_binary(binary, &format!("envoy-{name}"), listeners, echo, grpc);
        let names = listeners.iter().map(|listener| listener.name).collect();
        Self { name: format!("Envoy {name}"), envoy: Some((envoy, names)), forward_auth: None, caddy: None }
    }

    /// The addresses at which a request by this door is asked here, each with a name for it.
    pub fn ways(&self, gate: GateName, door: Door) -> Vec<(String, SocketAddr)> {
        let listeners: &[&str] = match (door, gate) {
            (Door::Envoy, GateName::Main) => &[JOINED, ONE_BY_ONE],
            (Door::Envoy, GateName::Next) => &[NEXT_JOINED, NEXT_ONE_BY_ONE],
            (Door::FailingOpen, _) => &[FAILING_OPEN, FAILING_OPEN_ONE_BY_ONE],
            (Door::ProxyProtocol, _) => &[PROXY_PROTOCOL],
            (Door::ForwardAuth, _) => return over_http("forward-auth", self.forward_auth),
            (Door::Caddy, _) => {
                return over_http("Caddy", self.caddy.as_ref().map(|proxy| proxy.address));
            }
        };
        let Some((envoy, names)) = &self.envoy else { return Vec::new() };
        let here = listeners.iter().filter(|name| names.contains(name));
        here.map(|name| (format!("{}, {name}", self.name), envoy.address(name))).collect()
    }
}

fn over_http(name: &str, address: Option<SocketAddr>) -> Vec<(String, SocketAddr)> {
    address.map(|address| (name.to_owned(), address)).into_iter().collect()
}

/// What any `ext_authz` server can be asked through.
fn listeners_before(gate: &str) -> Vec<Listener> {
    let mut proxied = failing_open(PROXY_PROTOCOL, gate);
    proxied.connection_filters = vec![proxy_protocol()];
    proxied.ext_authz["metadata_context_namespaces"] = json!(["balancer"]);
    vec![Listener::new(JOINED, gate), failing_open(FAILING_OPEN, gate), proxied]
}

/// Where a check fails, this lets the request pass: nobody should, and a denial here is an answer of the gate.
fn failing_open(name: &'static str, gate: &str) -> Listener {
    Listener { ext_authz: json!({"failure_mode_allow": true}), ..Listener::new(name, gate) }
}

/// Tells the gate what the balancer says, as metadata of the connection.
fn proxy_protocol() -> Value {
    let kind = "type.googleapis.com/envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol";
    let told = json!({"metadata_namespace": "balancer", "key": "told"});
    json!({"name": "envoy.filters.listener.proxy_protocol", "typed_config": {
        "@type": kind, "rules": [{"tlv_type": 0xE0, "on_tlv_present": told}],
    }})
}

//! The gate, Envoy, Redis and the service behind, and what happens to them.

use std::fs;
use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::harness::certificates::{Authority, Mounted};
use crate::harness::envoy::{Envoy, Listener};
use crate::harness::gate::{Gate, metric};
use crate::harness::http1::Call;
use crate::harness::polling::wait_until;
use crate::harness::servers::Redis;
use crate::harness::session::{SECRET, signed_in};
use crate::harness::upstream::{start_echo, start_grpc};

/// Sessions that Redis keeps.
pub const KEPT: usize = 500;

pub struct World {
    gate: Gate,
    admin: SocketAddr,
    envoy: Envoy,
    redis: Redis,
    authority: Authority,
    files: Mounted,
    version: u32,
}

impl World {
    pub fn start() -> Self {
        let authority = Authority::new("soak");
        let redis = Redis::start();
        fill(&redis);
        let files = Mounted::new(
            &contents(&authority, &authority.server()).each_ref().map(|(n, t)| (*n, t.as_str())),
        );
        let mut gate =
            Gate::start("gate-soaked", &configuration(&files, &redis, 1), &[("AUTH_SECRET", SECRET)]);
        let admin = gate.admin();
        let listener = Listener {
            gate_tls: Some(towards_gate(&authority)),
            gate_timeout: "2s",
            ..Listener::new("edge", &gate.address)
        };
        let envoy = Envoy::start("envoy-soaked", &[listener], start_echo(), start_grpc());
        wait_until("the gate to let a session in", || {
            Call::page("/dashboard").cookie(&signed_in()).send(envoy.address("edge")).reached_upstream()
        });
        Self { gate, admin, envoy, redis, authority, files, version: 1 }
    }

    pub fn edge(&self) -> SocketAddr {
        self.envoy.address("edge")
    }

    /// Another configuration, which decides the same.
    pub fn reload(&mut self) {
        self.version += 1;
        let new = self.gate.file.with_extension("new");
        fs::write(&new, configuration(&self.files, &self.redis, self.version)).expect("a file");
        fs::rename(new, &self.gate.file).expect("it takes the place of the other");
    }

    pub fn replace_certificates(&self) {
        let contents = contents(&self.authority, &self.authority.server());
        self.files.replace(&contents.each_ref().map(|(name, text)| (*name, text.as_str())));
    }

    pub fn stop_redis(&mut self) {
        self.redis.kill();
    }

    pub fn start_redis(&mut self) {
        self.redis.begin();
        fill(&self.redis);
    }

    /// Resident, in bytes.
    pub fn memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.gate.process.id())).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("its memory");
        line.trim().trim_end_matches(" kB").trim().parse::<u64>().expect("a number") * 1024
    }

    pub fn files(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.gate.process.id())).expect("it runs").count()
    }

    pub fn reloads(&self, result: &str) -> f64 {
        metric(self.admin, &format!("sessiongate_config_reloads_total{{result=\"{result}\"}}"))
            .unwrap_or_default()
    }
}

fn contents(
    authority: &Authority,
    server: &crate::harness::certificates::Certificate,
) -> [(&'static str, String); 3] {
    [("tls.crt", server.cert.clone()), ("tls.key", server.key.clone()), ("ca.crt", authority.pem.clone())]
}

fn configuration(files: &Mounted, redis: &Redis, version: u32) -> String {
    let at = |name: &str| files.file(name).display().to_string();
    format!(
        "listen:\n  grpc: 127.0.0.1:0\n  admin: 127.0.0.1:0\n  tls: {{ cert: {}, key: {}, client_ca: {} }}\n\
         sessions:\n  web: {{ kind: authjs, secret: \"${{AUTH_SECRET}}\" }}\n  \
         kept: {{ kind: redis, url: \"{}\", schema: upstash, cookie: kept, cache: 2s, timeout: 500ms }}\n\
         rules:\n  - {{ name: open, matcher: \"/open/:path*\", access: public }}\n  \
         - {{ name: kept, matcher: \"/kept/:path*\", session: kept, on_deny: unauthorized }}\n  \
         - {{ name: web, session: web }}\n  - {{ name: v{version}, matcher: /never }}\n\
         telemetry: {{ log: \"warn,sessiongate::server=info\" }}\n",
        at("tls.crt"),
        at("tls.key"),
        at("ca.crt"),
        redis.url(),
    )
}

fn towards_gate(authority: &Authority) -> Value {
    let client = authority.workload("spiffe://soak/envoy");
    json!({
        "name": "envoy.transport_sockets.tls",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
            "common_tls_context": {
                "alpn_protocols": ["h2"],
                "tls_certificates": [{
                    "certificate_chain": {"inline_string": client.cert},
                    "private_key": {"inline_string": client.key},
                }],
                "validation_context": {"trusted_ca": {"inline_string": authority.pem}},
            },
        },
    })
}

/// A session and its user, as `@auth/upstash-redis-adapter` writes them.
fn fill(redis: &Redis) {
    let mut command = vec!["MSET".to_owned()];
    for number in 0..KEPT {
        let session = json!({"sessionToken": token(number), "userId": format!("r-{number}"), "expires": "2099-01-01T00:00:00.000Z"});
        let user = json!({"id": format!("r-{number}"), "email": format!("r{number}@example.com")});
        command.extend([format!("user:session:{}", token(number)), session.to_string()]);
        command.extend([format!("user:r-{number}"), user.to_string()]);
    }
    redis.ask(&command.iter().map(String::as_str).collect::<Vec<_>>());
}

pub fn token(number: usize) -> String {
    format!("0b6c0f4e-8d39-4d6f-9c59-{number:012}")
}

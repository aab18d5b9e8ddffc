//! A gate that can be started in strange circumstances, at the same address each time, and the Envoy before it.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use crate::harness::envoy::{Envoy, Listener};
use crate::harness::gate::{binary, metric};
use crate::harness::logs;
use crate::harness::polling::wait_until;
use crate::harness::process::Process;
use crate::harness::servers::free_port;
use crate::harness::session::SECRET;
use crate::harness::upstream::{start_echo, start_grpc};

/// Where the gate finds programs that start it in another way.
const PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";

/// What is special about a gate.
#[derive(Default)]
pub struct Circumstances {
    /// The program by which it is started, with its arguments.
    pub through: Vec<String>,
    pub variables: Vec<(&'static str, String)>,
    /// Keys of the configuration but `listen`.
    pub configuration: String,
    /// Keys of `listen.limits`.
    pub limits: &'static str,
}

pub struct World {
    name: &'static str,
    circumstances: Circumstances,
    folder: TempDir,
    pub admin: SocketAddr,
    pub file: PathBuf,
    gate: Option<Process>,
    envoy: Option<Envoy>,
}

impl World {
    pub fn start(name: &'static str, circumstances: Circumstances) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let admin = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let file = logs::file(name, "yaml");
        let mut world = Self { name, circumstances, folder, admin, file, gate: None, envoy: None };
        world.write(&world.circumstances.configuration);
        world.start_gate();
        let gate = world.address();
        let listener = Listener { gate_timeout: "1s", ..Listener::new("edge", &gate) };
        let envoy = Envoy::start(&format!("envoy-{name}"), &[listener], start_echo(), start_grpc());
        world.envoy = Some(envoy);
        world.wait_until_found();
        world
    }

    pub fn edge(&self) -> SocketAddr {
        self.envoy.as_ref().expect("it was started").address("edge")
    }

    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("gate.sock")
    }

    fn address(&self) -> String {
        format!("unix:{}", self.socket().display())
    }

    /// The configuration as it is written to the file.
    pub fn text(&self, rest: &str) -> String {
        let (address, admin, limits) = (self.address(), self.admin, self.circumstances.limits);
        format!("listen: {{ grpc: '{address}', admin: '{admin}', limits: {{ {limits} }} }}\n{rest}")
    }

    fn write(&self, rest: &str) {
        fs::write(&self.file, self.text(rest)).expect("a configuration file");
    }

    /// Puts another configuration in the place of the one that is there.
    pub fn replace(&self, rest: &str) {
        let new = self.file.with_extension("new");
        fs::write(&new, self.text(rest)).expect("a file");
        fs::rename(new, &self.file).expect("it takes the place of the other");
    }

    /// Starts the gate, or starts it again.
    pub fn start_gate(&mut self) {
        let Circumstances { through, variables, .. } = &self.circumstances;
        let mut words = through.iter().map(String::as_str).chain([binary(), "serve", "--config"]);
        let mut command = Command::new(words.next().expect("a program"));
        command.args(words).arg(&self.file).current_dir(logs::folder()).env_clear();
        command.envs([("PATH", PATH), ("AUTH_SECRET", SECRET)]);
        command.envs(variables.iter().map(|(name, value)| (name, value)));
        self.gate = Some(Process::start(self.name, &mut command));
    }

    pub fn wait_until_found(&self) {
        let envoy = self.envoy.as_ref().expect("it was started");
        wait_until("Envoy to find the gate", || envoy.sees_healthy(&self.address()));
    }

    /// Ends the gate at once.
    pub fn kill_gate(&mut self) {
        self.gate.take().expect("it runs").kill();
    }

    pub fn gate(&mut self) -> &mut Process {
        self.gate.as_mut().expect("it runs")
    }

    pub fn metric(&self, name: &str) -> f64 {
        metric(self.admin, name).unwrap_or_default()
    }

    pub fn reloads(&self, result: &str) -> f64 {
        self.metric(&format!("sessiongate_config_reloads_total{{result=\"{result}\"}}"))
    }
}

/// The rules that the requests in [`crate::kinds`] are for, with this provider of kept sessions.
pub fn with_store(provider: &str) -> String {
    format!(
        "sessions:\n  web: {{ kind: authjs, secret: \"${{AUTH_SECRET}}\" }}\n  kept: {provider}\n\
         rules:\n  - {{ name: open, matcher: \"/open/:path*\", access: public }}\n  \
         - {{ name: kept, matcher: \"/kept/:path*\", session: kept, on_deny: unauthorized }}\n  \
         - {{ name: web, session: web }}\n"
    )
}

/// The same without a store.
pub fn without_store() -> String {
    "sessions: { web: { kind: authjs, secret: \"${AUTH_SECRET}\" } }\n\
     rules: [{ name: open, matcher: \"/open/:path*\", access: public }, { name: web }]\n"
        .to_owned()
}

impl Circumstances {
    pub fn plain(configuration: String) -> Self {
        Self { configuration, ..Self::default() }
    }

    pub fn through<const N: usize>(self, words: [&str; N]) -> Self {
        Self { through: words.map(str::to_owned).to_vec(), ..self }
    }
}

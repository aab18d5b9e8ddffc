//! The program under test.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, ExitStatus};

use rustix::process::Signal;
use serde_json::Value;

use super::http1::Call;
use super::logs;
use super::process::Process;

/// A sessiongate that serves.
pub struct Gate {
    pub process: Process,
    /// `127.0.0.1:port`, or `unix:/path`.
    pub address: String,
    /// Its configuration; empty where there is no file.
    pub file: PathBuf,
}

impl Gate {
    /// Starts `sessiongate serve` with this configuration and nothing but these variables around it.
    pub fn start(name: &str, configuration: &str, variables: &[(&str, &str)]) -> Self {
        let file = logs::file(name, "yaml");
        fs::write(&file, configuration).expect("a configuration file");
        let mut gate =
            Self::serve(name, Command::new(binary()).args(["serve", "--config"]).arg(&file), variables);
        gate.file = file;
        gate
    }

    /// Starts `sessiongate serve` with nothing but variables.
    pub fn start_without_file(name: &str, variables: &[(&str, &str)]) -> Self {
        Self::serve(name, Command::new(binary()).arg("serve"), variables)
    }

    fn serve(name: &str, command: &mut Command, variables: &[(&str, &str)]) -> Self {
        // Where a measurement of coverage wants its counters.
        let profile = std::env::var_os("LLVM_PROFILE_FILE").map(|file| ("LLVM_PROFILE_FILE", file));
        let command = command.env_clear().envs(profile).envs(variables.iter().copied());
        let command = command.current_dir(logs::folder());
        let mut process = Process::start(name, command);
        let address = process.wait_for_output("its address", serving_address);
        Self { process, address, file: PathBuf::new() }
    }

    /// The address of the HTTP listener.
    pub fn http(&mut self) -> SocketAddr {
        let address = self.process.wait_for_output("its HTTP address", |log| address_in(log, "serving HTTP"));
        address.parse().expect("an address")
    }

    /// The address of the admin listener.
    pub fn admin(&mut self) -> SocketAddr {
        let address =
            self.process.wait_for_output("its admin address", |log| address_in(log, "serving admin"));
        address.parse().expect("an address")
    }

    /// Asks it to stop, as Kubernetes does.
    pub fn terminate(&mut self) -> ExitStatus {
        self.process.signal(Signal::TERM);
        self.process.wait()
    }
}

/// The address of a listener, by what the gate says when it serves.
pub fn address_of(gate: &Gate, message: &str) -> SocketAddr {
    address_in(&gate.process.output(), message).and_then(|text| text.parse().ok()).expect("an address")
}

/// The value of a metric, by its name with its labels as Prometheus writes them.
pub fn metric(admin: SocketAddr, name: &str) -> Option<f64> {
    let metrics = Call::get("/metrics").host("localhost").send(admin).body;
    let value = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    value.map(|value| value.parse().expect("a number"))
}

pub fn binary() -> &'static str {
    env!("CARGO_BIN_EXE_sessiongate")
}

/// The address in the log line that says it serves.
fn serving_address(log: &str) -> Option<String> {
    address_in(log, "serving")
}

fn address_in(log: &str, message: &str) -> Option<String> {
    log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()).find_map(|line| {
        let is_serving = line["message"] == message;
        is_serving.then(|| line["address"].as_str().map(ToOwned::to_owned)).flatten()
    })
}

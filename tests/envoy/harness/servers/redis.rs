//! Redis: a server alone, or one that a Sentinel watches.

use std::fs;
use std::process::Command;

use tempfile::TempDir;

use super::free_port;
use crate::harness::polling::wait_until;
use crate::harness::process::Process;

/// A Redis that can be stopped in the middle of what it does, killed and started again, with nothing kept.
pub struct Redis {
    pub port: u16,
    process: Option<Process>,
    folder: TempDir,
    settings: Vec<String>,
}

impl Redis {
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// Starts one with these settings besides.
    pub fn with(settings: &[&str]) -> Self {
        let mut redis = Self::at(free_port());
        redis.settings = settings.iter().map(|setting| (*setting).to_owned()).collect();
        redis.begin();
        redis
    }

    fn at(port: u16) -> Self {
        Self { port, process: None, folder: tempfile::tempdir().expect("a folder"), settings: Vec::new() }
    }

    /// Starts it, or starts it again.
    pub fn begin(&mut self) {
        let mut command = Command::new("redis-server");
        command.args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--port"]);
        command.arg(self.port.to_string()).arg("--dir").arg(self.folder.path()).args(&self.settings);
        self.process = Some(Process::start("redis", &mut command));
        wait_until("Redis to answer", || self.try_ask(&["PING"]).is_some_and(|answer| answer == "PONG"));
    }

    pub fn kill(&mut self) {
        self.process.take().expect("it runs").kill();
    }

    pub fn freeze(&self) {
        self.process.as_ref().expect("it runs").freeze();
    }

    pub fn thaw(&self) {
        self.process.as_ref().expect("it runs").thaw();
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// What `redis-cli` says to a command.
    pub fn ask(&self, command: &[&str]) -> String {
        self.try_ask(command).unwrap_or_else(|| panic!("Redis refused {command:?}"))
    }

    fn try_ask(&self, command: &[&str]) -> Option<String> {
        let mut cli = Command::new("redis-cli");
        let output = cli.args(["-p", &self.port.to_string()]).args(command).output().expect("redis-cli runs");
        let text = String::from_utf8(output.stdout).expect("text").trim().to_owned();
        (output.status.success() && !text.starts_with("ERR")).then_some(text)
    }
}

/// A Sentinel that watches a master by the name `main`, and moves on when it is away for a second.
pub struct Sentinel {
    pub port: u16,
    _process: Process,
    _folder: TempDir,
}

impl Sentinel {
    pub fn watch(master: &Redis) -> Self {
        let (folder, port) = (tempfile::tempdir().expect("a folder"), free_port());
        let file = folder.path().join("sentinel.conf");
        let settings = format!(
            "port {port}\nbind 127.0.0.1\nsentinel monitor main 127.0.0.1 {} 1\n\
             sentinel down-after-milliseconds main 1000\nsentinel failover-timeout main 5000\n",
            master.port
        );
        fs::write(&file, settings).expect("a configuration file");
        let mut command = Command::new("redis-server");
        let process =
            Process::start("sentinel", command.arg(&file).arg("--sentinel").current_dir(folder.path()));
        let sentinel = Self { port, _process: process, _folder: folder };
        wait_until("the Sentinel to know a replica", || {
            sentinel.master_field("num-slaves").as_deref() == Some("1")
        });
        sentinel
    }

    fn master_field(&self, name: &str) -> Option<String> {
        let mut cli = Command::new("redis-cli");
        let output = cli.args(["-p", &self.port.to_string(), "SENTINEL", "master", "main"]).output().ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        text.lines().skip_while(|line| *line != name).nth(1).map(ToOwned::to_owned)
    }
}

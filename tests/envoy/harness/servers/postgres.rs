//! `PostgreSQL`, with TLS or without.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::{as_user, data, free_port};
use crate::harness::polling::wait_until;
use crate::harness::process::Process;

/// A PostgreSQL with one database, `app`, of a user without a password.
pub struct Postgres {
    pub port: u16,
    process: Option<Process>,
    folder: TempDir,
    settings: Vec<String>,
}

impl Postgres {
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// One that speaks TLS with `server.crt`; `other.crt` is somebody else's.
    pub fn with_tls() -> Self {
        Self::with(&["-c", "ssl=on", "-c", "ssl_cert_file=../server.crt", "-c", "ssl_key_file=../server.key"])
    }

    fn with(settings: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut init = unprivileged(&tool("initdb"), &folder);
        init.args(["--auth=trust", "--username=app", "--encoding=UTF8", "--no-sync", "-D"])
            .arg(data(&folder));
        let done = init.output().expect("initdb runs");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        if !settings.is_empty() {
            for name in ["other", "server"] {
                make_certificate(&folder, name);
            }
        }
        let settings = settings.iter().map(|setting| (*setting).to_owned()).collect();
        let mut postgres = Self { port: free_port(), process: None, folder, settings };
        postgres.begin();
        postgres.run("postgres", "CREATE DATABASE app");
        postgres
    }

    /// Starts it, or starts it again.
    pub fn begin(&mut self) {
        let mut command = unprivileged(&tool("postgres"), &self.folder);
        command.args(["-h", "127.0.0.1", "-c", "fsync=off", "-c", "max_connections=20", "-p"]);
        command
            .arg(self.port.to_string())
            .arg("-k")
            .arg(self.folder.path())
            .arg("-D")
            .arg(data(&self.folder))
            .args(&self.settings);
        self.process = Some(Process::start("postgres", &mut command));
        wait_until("PostgreSQL to answer", || self.try_run("postgres", "SELECT 1").is_some());
    }

    /// Ends it at once, with all of its connections.
    pub fn kill(&mut self) {
        let mut process = self.process.take().expect("it runs");
        process.signal(Signal::QUIT);
        process.wait();
    }

    /// Stops it and every process that serves a connection.
    pub fn freeze(&self) {
        self.process.as_ref().expect("it runs").freeze();
        self.signal_children(Signal::STOP);
    }

    pub fn thaw(&self) {
        self.signal_children(Signal::CONT);
        self.process.as_ref().expect("it runs").thaw();
    }

    pub fn url(&self) -> String {
        format!("postgres://app@127.0.0.1:{}/app", self.port)
    }

    /// A file beside its data.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs statements in the database `app`; what they print, without decoration.
    pub fn sql(&self, statements: &str) -> String {
        self.run("app", statements)
    }

    fn run(&self, database: &str, statements: &str) -> String {
        self.try_run(database, statements).unwrap_or_else(|| panic!("PostgreSQL refused {statements}"))
    }

    fn try_run(&self, database: &str, statements: &str) -> Option<String> {
        let mut psql = Command::new(tool("psql"));
        psql.args(["-h", "127.0.0.1", "-U", "app", "-qAtX", "-v", "ON_ERROR_STOP=1", "-d", database, "-p"]);
        let output = psql.arg(self.port.to_string()).arg("-c").arg(statements).output().expect("psql runs");
        let text = String::from_utf8(output.stdout).expect("text").trim().to_owned();
        output.status.success().then_some(text)
    }

    fn signal_children(&self, signal: Signal) {
        let parent = self.process.as_ref().expect("it runs").id().to_string();
        for entry in fs::read_dir("/proc").expect("proc").flatten() {
            let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else {
                continue;
            };
            let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
            // After the command in its brackets: the state, then the parent (proc_pid_stat(5)).
            let is_child =
                stat.rsplit_once(") ").and_then(|(_, rest)| rest.split(' ').nth(1)) == Some(&parent);
            if let (true, Some(pid)) = (is_child, Pid::from_raw(pid)) {
                let _ = kill_process(pid, signal);
            }
        }
    }
}

/// A process that is stopped cannot be told to end its children.
impl Drop for Postgres {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            self.process = None;
            process.thaw();
            process.signal(Signal::QUIT);
            process.wait();
        }
    }
}

/// A key and a certificate for 127.0.0.1, signed by itself.
fn make_certificate(folder: &TempDir, name: &str) {
    let mut make = unprivileged(Path::new("openssl"), folder);
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
    make.args(["-keyout", &format!("{name}.key"), "-out", &format!("{name}.crt")]);
    let done = make.output().expect("openssl runs");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

/// The newest installed version of one of PostgreSQL's programs.
fn tool(name: &str) -> PathBuf {
    let mut versions: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .expect("PostgreSQL is installed: run `make tools`")
        .flatten()
        .map(|entry| entry.path().join("bin").join(name))
        .filter(|program| program.exists())
        .collect();
    versions.sort();
    versions.pop().unwrap_or_else(|| panic!("{name} is not installed: run `make tools`"))
}

fn unprivileged(program: &Path, folder: &TempDir) -> Command {
    as_user("postgres", program, folder)
}

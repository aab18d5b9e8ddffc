//! Real `PostgreSQL`, `MariaDB` and Redis, on free ports of the loopback interface, with their data in folders of their own.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::polling::{wait_for, wait_until};
use super::process::Process;

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

/// A `MariaDB` with one empty database, `app`, of a user without a password.
pub struct MariaDb {
    pub port: u16,
    _process: Process,
    _folder: TempDir,
}

impl MariaDb {
    pub fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut install = as_user("mysql", Path::new("mariadb-install-db"), &folder);
        install.args(["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db"]);
        install.arg(format!("--datadir={}", data(&folder).display()));
        let done = install.output().expect("mariadb-install-db runs: run `make tools`");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        let port = free_port();
        let mut command = as_user("mysql", Path::new("/usr/sbin/mariadbd"), &folder);
        command.args([
            "--no-defaults",
            "--bind-address=127.0.0.1",
            "--skip-name-resolve",
            "--innodb-flush-log-at-trx-commit=0",
        ]);
        let [data, socket, pid] = ["data", "db.sock", "db.pid"].map(|name| folder.path().join(name));
        command.arg(format!("--port={port}")).arg(format!("--datadir={}", data.display()));
        command.arg(format!("--socket={}", socket.display())).arg(format!("--pid-file={}", pid.display()));
        let mut process = Process::start("mariadb", &mut command);
        process
            .wait_for_output("that it is ready", |log| log.contains("ready for connections").then_some(()));
        let user = "CREATE DATABASE app; CREATE USER app@'127.0.0.1'; GRANT ALL ON app.* TO app@'127.0.0.1'";
        let mut client = Command::new("mariadb");
        client
            .args(["--no-defaults", "--user=root", "--execute", user])
            .arg(format!("--socket={}", socket.display()));
        let done = client.output().expect("mariadb runs");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        Self { port, _process: process, _folder: folder }
    }

    pub fn url(&self) -> String {
        format!("mysql://app@127.0.0.1:{}/app", self.port)
    }
}

/// A port that nobody listens on.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
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

fn data(folder: &TempDir) -> PathBuf {
    folder.path().join("data")
}

fn unprivileged(program: &Path, folder: &TempDir) -> Command {
    as_user("postgres", program, folder)
}

/// These servers refuse to run as root: then they run as the user that their package made.
fn as_user(name: &str, program: &Path, folder: &TempDir) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder.path());
    if rustix::process::getuid().is_root() {
        let (user, group) = (id("-u", name), id("-g", name));
        std::os::unix::fs::chown(folder.path(), Some(user), Some(group)).expect("root may");
        command.uid(user).gid(group);
    }
    command
}

fn id(which: &str, name: &str) -> u32 {
    let output = Command::new("id").args([which, name]).output().expect("id runs");
    String::from_utf8(output.stdout).expect("text").trim().parse().expect("the user that the package made")
}

/// Waits until nobody listens on a port of this machine.
pub fn wait_for_silence(port: u16) {
    wait_for("the port to be free", || {
        TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], port))).is_err().then_some(())
    });
}

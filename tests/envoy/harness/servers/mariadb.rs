//! `MariaDB`.

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use super::{as_user, data, free_port};
use crate::harness::process::Process;

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

//! Real `PostgreSQL`, `MariaDB` and Redis, on free ports of the loopback interface, with their data in folders of their
//! own.

mod mariadb;
mod postgres;
mod redis;

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

pub use self::mariadb::MariaDb;
pub use self::postgres::Postgres;
pub use self::redis::{Redis, Sentinel};
use super::polling::wait_for;

/// A port that nobody listens on.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

fn data(folder: &TempDir) -> PathBuf {
    folder.path().join("data")
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

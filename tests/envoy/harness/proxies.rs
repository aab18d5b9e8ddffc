//! Other proxies than Envoy, with the configurations of `deploy/` but for the addresses.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::http1::Call;
use super::logs;
use super::polling::wait_until;
use super::process::Process;
use super::servers::free_port;

/// A proxy that asks the gate over HTTP.
pub struct Proxy {
    pub address: SocketAddr,
    process: Process,
    _folder: tempfile::TempDir,
}

impl Proxy {
    pub fn nginx(gate: SocketAddr, service: SocketAddr) -> Self {
        start("nginx", gate, service, |folder| {
            let main = format!(
                "daemon off; pid {0}/pid; error_log stderr; worker_processes 1;\nevents {{}}\n\
                 http {{ access_log off; client_body_temp_path {0}/body; proxy_temp_path {0}/proxy;\n\
                 fastcgi_temp_path {0}/fastcgi; uwsgi_temp_path {0}/uwsgi; scgi_temp_path {0}/scgi;\n\
                 include sessiongate.conf; }}\n",
                folder.display()
            );
            fs::write(folder.join("nginx.conf"), main).expect("a configuration file");
            let mut command = Command::new("/usr/sbin/nginx");
            command.arg("-p").arg(folder).arg("-c").arg(folder.join("nginx.conf")).args(["-e", "stderr"]);
            command
        })
    }

    pub fn caddy(gate: SocketAddr, service: SocketAddr) -> Self {
        start("caddy", gate, service, |folder| {
            let mut command = Command::new("caddy");
            command.args(["run", "--adapter", "caddyfile", "--config"]).arg(folder.join("Caddyfile"));
            command.env("HOME", folder);
            command
        })
    }

    pub fn haproxy(gate: SocketAddr, service: SocketAddr) -> Self {
        start("haproxy", gate, service, |folder| {
            let mut command = Command::new("/usr/sbin/haproxy");
            command.arg("-db").arg("-f").arg(folder.join("haproxy.cfg")).current_dir(folder);
            command
        })
    }

    pub fn log(&self) -> String {
        self.process.output()
    }
}

/// Starts a proxy with the files of its folder in `deploy/`, with these addresses in the place of theirs.
fn start(name: &str, gate: SocketAddr, service: SocketAddr, command: impl FnOnce(&Path) -> Command) -> Proxy {
    let folder = tempfile::tempdir().expect("a folder");
    let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
    let deploy = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("deploy").join(name);
    for entry in fs::read_dir(deploy).expect("configurations") {
        let file = entry.expect("an entry").path();
        let text = fs::read_to_string(&file).expect("text");
        let text = text
            .replace("127.0.0.1:8080", &address.to_string())
            .replace("http://:8080", &format!("http://:{}", address.port()))
            .replace("127.0.0.1:9192", &gate.to_string())
            .replace("127.0.0.1:3000", &service.to_string());
        fs::write(folder.path().join(file.file_name().expect("a name")), text).expect("a file");
    }
    let mut command = command(folder.path());
    command.env("TMPDIR", logs::folder());
    let mut process = Process::start(name, &mut command);
    wait_until(&format!("{name} to listen"), || {
        assert!(process.is_running(), "{name} ended:\n{}", process.output());
        std::net::TcpStream::connect(address).is_ok()
    });
    // Once it answers, whatever it says.
    let _ = Call::get("/").send(address);
    Proxy { address, process, _folder: folder }
}

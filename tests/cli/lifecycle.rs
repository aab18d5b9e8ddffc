//! What a service manager, a package and a container expect of the program.

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::{Desk, SECRET};

/// What the service manager hears next.
fn heard(manager: &UnixDatagram) -> String {
    let mut message = [0; 1024];
    let length = manager.recv(&mut message).expect("a message in time");
    String::from_utf8_lossy(&message[..length]).into_owned()
}

#[test]
fn the_service_manager_hears_of_the_start_of_reloads_and_of_the_end() {
    let desk = Desk::new();
    let socket = desk.path("notify.sock");
    let manager = UnixDatagram::bind(&socket).expect("a socket");
    manager.set_read_timeout(Some(Duration::from_secs(20))).expect("a limit");
    let variables = [
        ("AUTH_SECRET", SECRET),
        ("SESSIONGATE__LISTEN__GRPC", "127.0.0.1:0"),
        ("SESSIONGATE__LISTEN__DRAIN_DELAY", "0s"),
        ("NOTIFY_SOCKET", socket.to_str().expect("text")),
    ];
    let mut child = desk.command(&variables, &["serve"]).stderr(Stdio::null()).spawn().expect("it starts");
    assert_eq!(heard(&manager), "READY=1\n");
    kill_process(Pid::from_child(&child), Signal::HUP).expect("it runs");
    let reloading = heard(&manager);
    assert!(reloading.starts_with("RELOADING=1\n") && reloading.contains("MONOTONIC_USEC="), "{reloading}");
    assert_eq!(heard(&manager), "READY=1\n");
    kill_process(Pid::from_child(&child), Signal::TERM).expect("it runs");
    assert_eq!(heard(&manager), "STOPPING=1\n");
    assert_eq!(child.wait().expect("a child").code(), Some(0));
}

/// As a container does at its strictest: another user, no capability, nothing of the disk writable.
const CONFINED: &str = "mount --bind / / && mount -o remount,bind,ro / && exec setpriv --reuid 65534 --regid 65534 \
    --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all \"$0\" serve";

#[test]
fn it_serves_without_root_without_capabilities_and_without_a_disk_to_write_to() {
    let desk = Desk::new();
    let program = desk.path("sessiongate");
    // Where the build lies nobody but its owner may look.
    fs::copy(env!("CARGO_BIN_EXE_sessiongate"), &program).expect("a copy");
    let folder = program.parent().expect("a folder");
    fs::set_permissions(folder, std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .expect("others may look");
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "private", "sh", "-c", CONFINED]).arg(&program);
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).current_dir("/");
    command.envs([
        ("AUTH_SECRET", SECRET),
        ("SESSIONGATE__LISTEN__GRPC", "127.0.0.1:0"),
        ("SESSIONGATE__LISTEN__DRAIN_DELAY", "0s"),
    ]);
    let mut child = command.stderr(Stdio::piped()).spawn().expect("unshare");
    let mut log = std::io::BufReader::new(child.stderr.take().expect("piped"));
    let mut line = String::new();
    std::io::BufRead::read_line(&mut log, &mut line).expect("a line");
    assert!(line.contains("\"serving\""), "{line}");
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).expect("it runs");
    for expected in
        ["Uid:\t65534", "CapEff:\t0000000000000000", "CapBnd:\t0000000000000000", "NoNewPrivs:\t1"]
    {
        assert!(status.contains(expected), "{expected}: {status}");
    }
    let limits = fs::read_to_string(format!("/proc/{}/limits", child.id())).expect("it runs");
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).expect("a limit");
    assert!(core.split_whitespace().nth(4) == Some("0"), "no core is dumped: {core}");
    kill_process(Pid::from_child(&child), Signal::TERM).expect("it runs");
    assert_eq!(child.wait().expect("a child").code(), Some(0));
}

#[test]
fn the_version_says_which_build_it_is() {
    let version = Desk::new().run(&[], &["--version"]).stdout;
    let build =
        version.strip_prefix(concat!("sessiongate ", env!("CARGO_PKG_VERSION"), " (")).expect("a version");
    assert!(build.trim_end().ends_with(')') && build.len() > 4, "{version}");
}

#[test]
fn completions_and_manual_pages_are_those_of_the_commands_that_there_are() {
    let desk = Desk::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = desk.run(&[], &["completions", shell]).stdout;
        for command in ["serve", "check", "validate", "completions"] {
            assert!(script.contains(command), "{shell}: {command}");
        }
    }
    let sourced = Command::new("bash")
        .args(["-c", "source /dev/stdin && complete -p sessiongate"])
        .stdin(Stdio::from(script_file(&desk)))
        .output()
        .expect("bash");
    assert!(sourced.status.success(), "{}", String::from_utf8_lossy(&sourced.stderr));
    let page = desk.run(&[], &["man"]).stdout;
    assert!(page.starts_with(".ie") && page.contains("sessiongate") && page.contains("serve"), "{page}");
    let folder = desk.path("man1");
    fs::create_dir(&folder).expect("a folder");
    assert_eq!(desk.run(&[], &["man", "--all", folder.to_str().expect("text")]).code, 0);
    assert!(folder.join("sessiongate-serve.1").exists() && folder.join("sessiongate.1").exists());
}

fn script_file(desk: &Desk) -> fs::File {
    let path = desk.path("completions.bash");
    fs::write(&path, desk.run(&[], &["completions", "bash"]).stdout).expect("a file");
    fs::File::open(path).expect("a file")
}

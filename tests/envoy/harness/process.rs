//! A child process: its output in a log, its end certain.

use std::fs::{self, File};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use super::polling::{wait_for, wait_until};
use super::{guardian, logs};

/// A process in a group of its own, all of which is killed when this is dropped, or when the run ends.
pub struct Process {
    child: Child,
    name: String,
    log: PathBuf,
}

impl Process {
    /// Starts a command. What it writes goes to a log of its own.
    pub fn start(name: &str, command: &mut Command) -> Self {
        let (log, file) = open_log(name);
        let errors = file.try_clone().expect("a second handle of the log");
        command.stdin(Stdio::null()).stdout(file).stderr(errors);
        Self::spawn(name, command, log)
    }

    /// Starts a command that is talked to. What it writes to standard error goes to a log.
    pub fn start_piped(name: &str, command: &mut Command) -> (Self, ChildStdin, ChildStdout) {
        let (log, file) = open_log(name);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(file);
        let mut process = Self::spawn(name, command, log);
        let stdin = process.child.stdin.take().expect("it was piped");
        let stdout = process.child.stdout.take().expect("it was piped");
        (process, stdin, stdout)
    }

    fn spawn(name: &str, command: &mut Command, log: PathBuf) -> Self {
        let program = command.get_program().to_string_lossy().into_owned();
        let child = command.process_group(0).spawn();
        let child =
            child.unwrap_or_else(|error| panic!("{program} does not start: {error}; run `make tools`"));
        guardian::lives(child.id());
        Self { child, name: name.to_owned(), log }
    }

    /// What the process has written so far.
    pub fn output(&self) -> String {
        fs::read(&self.log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }

    /// Waits until `find` finds something in what the process writes.
    pub fn wait_for_output<T>(&mut self, what: &str, find: impl Fn(&str) -> Option<T>) -> T {
        let found = wait_for(&format!("{} to write {what}", self.name), || match find(&self.output()) {
            Some(found) => Some(Some(found)),
            None => self.child.try_wait().expect("a child of ours").map(|_| find(&self.output())),
        });
        found.unwrap_or_else(|| panic!("{} ended without {what}; it wrote:\n{}", self.name, self.output()))
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("a child of ours").is_none()
    }

    /// Sends a signal to the process alone, not to its group.
    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).expect("the process is there");
    }

    /// How the process ended, once it does.
    pub fn wait(&mut self) -> ExitStatus {
        wait_for(&format!("{} to end", self.name), || self.child.try_wait().expect("a child of ours"))
    }

    /// Kills the process, as a machine that fails would.
    pub fn kill(mut self) {
        self.signal(Signal::KILL);
        let status = self.wait();
        assert_eq!(status.signal(), Some(9), "{} ended by itself: {status}", self.name);
    }

    /// Stops the process in the middle of what it does, as an overloaded machine would.
    pub fn freeze(&self) {
        self.signal(Signal::STOP);
        let stat = Path::new("/proc").join(self.child.id().to_string()).join("stat");
        // After the command in its brackets: the state, `T` when stopped (proc_pid_stat(5)).
        let is_stopped = || fs::read_to_string(&stat).is_ok_and(|stat| stat.contains(") T "));
        wait_until(&format!("{} to be stopped", self.name), is_stopped);
    }

    pub fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The group first: its id stays ours while the child is not waited for.
        let _ = kill_process_group(self.pid(), Signal::KILL);
        guardian::ended(self.child.id());
        let _ = self.child.wait();
    }
}

fn open_log(name: &str) -> (PathBuf, File) {
    let path = logs::file(name, "log");
    let file = File::create(&path).expect("a log");
    (path, file)
}

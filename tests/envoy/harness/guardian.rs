//! Ends the processes of a run when the run is gone, however it went.
//!
//! Rust drops no statics, and a process that is killed drops nothing. So one small shell holds the other end
//! of a pipe from this process, is told which process groups live, and kills them when the pipe closes.

use std::io::Write as _;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::{LazyLock, Mutex, PoisonError};

const SCRIPT: &str = r#"
trap '' INT TERM HUP
groups=' '
while read -r verb group; do
  case $verb in
    lives) groups="$groups$group " ;;
    ended) groups="${groups%% "$group" *} ${groups#* "$group" }" ;;
  esac
done
for group in $groups; do kill -s KILL -- "-$group"; done
"#;

static GUARDIAN: LazyLock<Mutex<ChildStdin>> = LazyLock::new(|| Mutex::new(start()));

#[expect(clippy::zombie_processes, reason = "it outlives this process")]
fn start() -> ChildStdin {
    let mut shell = Command::new("sh")
        .args(["-c", SCRIPT])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("a shell");
    shell.stdin.take().expect("it was piped")
}

/// This process group is to end with the run.
pub fn lives(group: u32) {
    tell("lives", group);
}

/// This process group is gone; told before its id can belong to somebody else.
pub fn ended(group: u32) {
    tell("ended", group);
}

fn tell(verb: &str, group: u32) {
    let mut guardian = GUARDIAN.lock().unwrap_or_else(PoisonError::into_inner);
    writeln!(guardian, "{verb} {group}").expect("the guardian reads");
}

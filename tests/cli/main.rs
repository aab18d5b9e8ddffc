//! The program as a person runs it: arguments, input, environment and files in; text and an exit code out.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test that panics has failed, which is what it is for"
)]

mod check;
mod defaults;
mod health;
mod import;
mod lifecycle;
mod output;
mod policy;
mod schema;
mod serve;
mod token;
mod validate;

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::{Map, Value};
use tempfile::TempDir;

const SECRET: &str = "k4Zp0Wq9sVb1Xn7Rt3Ym5Lc8Hd2Jf6Ga";
const OTHER_SECRET: &str = "another-secret-of-32-bytes-or-so";

/// A folder of its own to run in, without any variable of this process.
struct Desk(TempDir);

/// What a run of the program left behind.
#[derive(Debug)]
struct Run {
    code: i32,
    stdout: String,
    stderr: String,
}

impl Desk {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// A desk with a configuration in the file that is read without being named.
    fn with_config(yaml: &str) -> Self {
        let desk = Self::new();
        desk.write("sessiongate.yaml", yaml);
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn command(&self, variables: &[(&str, &str)], arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sessiongate"));
        // Where a measurement of coverage wants its counters.
        let profile = std::env::var_os("LLVM_PROFILE_FILE").map(|file| ("LLVM_PROFILE_FILE", file));
        command.args(arguments).env_clear().envs(profile).envs(variables.iter().copied());
        command.current_dir(&self.0);
        command
    }

    fn run(&self, variables: &[(&str, &str)], arguments: &[&str]) -> Run {
        self.run_with_input(variables, arguments, "")
    }

    fn run_with_input(&self, variables: &[(&str, &str)], arguments: &[&str], input: &str) -> Run {
        let mut command = self.command(variables, arguments);
        let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = pipes.spawn().unwrap();
        // A program that does not read its input may be gone by now.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        Run {
            code: output.status.code().expect("an exit code"),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }
}

impl Run {
    /// The standard output of a run that ended well.
    #[track_caller]
    fn expect_success(self) -> String {
        assert_eq!(self.code, 0, "{self:?}");
        self.stdout
    }

    /// Standard error of a run that found something wrong, and printed nothing else.
    #[track_caller]
    fn expect_failure(self) -> String {
        assert_eq!((self.code, self.stdout.as_str()), (1, ""), "{self:?}");
        assert!(!self.stderr.contains(SECRET) && !self.stderr.contains(OTHER_SECRET), "a secret: {self:?}");
        self.stderr
    }

    #[track_caller]
    fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// The claims of a person who signed in.
fn ada() -> Map<String, Value> {
    let Value::Object(claims) = serde_json::json!({"sub": "42", "name": "Zoë", "email": "ada@example.com"})
    else {
        unreachable!("it is an object")
    };
    claims
}

//! Tokens from the real Auth.js and NextAuth.js.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{ChildStdin, ChildStdout, Command};
use std::sync::{Mutex, OnceLock, PoisonError};

use serde_json::{Value, json};

use super::process::Process;

/// What a token is made of.
#[derive(Clone, Debug)]
pub struct Token {
    pub version: &'static str,
    pub secret: &'static str,
    /// For v5 the name of the cookie; v4 sessions have none.
    pub salt: &'static str,
    pub claims: Value,
    /// In seconds; negative for a token that is over.
    pub max_age: i64,
}

impl Token {
    /// The token, as Auth.js writes it.
    pub fn mint(&self) -> String {
        let Self { version, secret, salt, claims, max_age } = self;
        let mut request = json!({"op": "encode", "version": version, "secret": secret, "token": claims});
        request["maxAge"] = json!(max_age);
        if !salt.is_empty() {
            request["salt"] = json!(salt);
        }
        let minter = MINTER.get_or_init(|| Mutex::new(Minter::start()));
        let answer = minter.lock().unwrap_or_else(PoisonError::into_inner).ask(&request);
        answer["token"].as_str().unwrap_or_else(|| panic!("no token: {answer}")).to_owned()
    }
}

/// The claims of a token, as Auth.js reads them.
pub fn decode(version: &str, secret: &str, cookie: &str, token: &str) -> Value {
    let mut request = json!({"op": "decode", "version": version, "secret": secret, "token": token});
    if version == "v5" {
        request["salt"] = json!(cookie);
    }
    let minter = MINTER.get_or_init(|| Mutex::new(Minter::start()));
    minter.lock().unwrap_or_else(PoisonError::into_inner).ask(&request)["claims"].clone()
}

static MINTER: OnceLock<Mutex<Minter>> = OnceLock::new();

struct Minter {
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
    _process: Process,
}

impl Minter {
    fn start() -> Self {
        let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/authjs");
        for package in ["@auth/core", "next-auth"] {
            let missing = !place.join("node_modules").join(package).exists();
            assert!(!missing, "{package} is not in {}: run `make tools`", place.display());
        }
        let mut command = Command::new("node");
        let (process, questions, answers) =
            Process::start_piped("minter", command.arg("mint.mjs").current_dir(place));
        Self { questions, answers: BufReader::new(answers), _process: process }
    }

    fn ask(&mut self, request: &Value) -> Value {
        writeln!(self.questions, "{request}").expect("the minter reads");
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("the minter answers");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"))
    }
}

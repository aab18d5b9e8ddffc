//! The configuration as it is written: what is accepted, what it means, and what is said of each mistake.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test that panics has failed, which is what it is for"
)]

mod all_at_once;
mod documents;
mod environment;
mod listen;
mod meaning;
mod names;
mod shape;

use std::fs;
use std::path::PathBuf;

use sessiongate::config::{self, ConfigError, Environment, Problem, Settings};
use tempfile::TempDir;

const SECRET: &str = "k4Zp0Wq9sVb1Xn7Rt3Ym5Lc8Hd2Jf6Ga";

/// A sound `sessions`, for configurations that are about something else.
const SESSIONS: &str = "sessions: { web: { kind: authjs, secret: k4Zp0Wq9sVb1Xn7Rt3Ym5Lc8Hd2Jf6Ga } }\n";

/// A configuration file, which is gone when this is.
struct ConfigFile(TempDir);

impl ConfigFile {
    fn new(yaml: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("gate.yaml"), yaml).unwrap();
        Self(folder)
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("gate.yaml")
    }

    fn load(&self, environment: &Environment) -> Result<Settings, ConfigError> {
        config::load(Some(&self.path()), environment)
    }
}

fn load_with<const N: usize>(yaml: &str, variables: [(&str, &str); N]) -> Result<Settings, ConfigError> {
    ConfigFile::new(yaml).load(&Environment::from(variables))
}

fn load(yaml: &str) -> Result<Settings, ConfigError> {
    load_with(yaml, [])
}

/// What is wrong with a configuration, in the order in which it is told.
#[track_caller]
fn problems(yaml: &str) -> Vec<Problem> {
    problems_of(yaml, load(yaml))
}

#[track_caller]
fn problems_of(yaml: &str, loaded: Result<Settings, ConfigError>) -> Vec<Problem> {
    match loaded {
        Err(ConfigError::Invalid { problems, .. }) => problems,
        Err(ConfigError::Unreadable { message, .. }) => panic!("unreadable: {message}: {yaml}"),
        Ok(_) => panic!("accepted: {yaml}"),
    }
}

/// The paths of the keys that are wrong, sorted.
#[track_caller]
fn places(yaml: &str) -> Vec<String> {
    let mut places: Vec<String> = problems(yaml).into_iter().map(|problem| problem.path).collect();
    places.sort_unstable();
    places
}

#[track_caller]
fn told(loaded: Result<Settings, ConfigError>) -> String {
    loaded.expect_err("a mistake").to_string()
}

/// Asserts that the YAML, below a sound `sessions`, has exactly one mistake, told at `path` with `words`.
#[track_caller]
fn assert_one(yaml: &str, path: &str, words: &str) {
    assert_one_of(&format!("{SESSIONS}{yaml}"), path, words);
}

#[track_caller]
fn assert_one_of(yaml: &str, path: &str, words: &str) {
    let problems = problems(yaml);
    let [problem] = problems.as_slice() else { panic!("{yaml}: not one mistake: {problems:#?}") };
    assert_eq!(problem.path, path, "{yaml}: {problem}");
    assert!(problem.message.contains(words), "{yaml}: {problem}");
}

/// A provider with these keys besides a sound kind and secret.
fn provider(keys: &str) -> String {
    format!("sessions: {{ web: {{ kind: authjs, secret: {SECRET}, {keys} }} }}")
}

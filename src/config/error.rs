//! What is wrong with a configuration: all of it at once, each mistake with the path of its key.

use std::fmt;
use std::path::PathBuf;

use zeroize::Zeroizing;

use super::files::NamedFiles;

/// One mistake, or one warning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The path of the key, as in `rules[2].matcher[0]`.
    pub path: String,
    /// What is wrong, and what would be right.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.message)
    }
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read, or is not YAML.
    #[error("{file}: {message}")]
    Unreadable { file: String, message: String },
    /// It says something that cannot be.
    #[error("{}", list(.file.as_ref(), .problems))]
    Invalid { file: Option<PathBuf>, problems: Vec<Problem> },
}

fn list(file: Option<&PathBuf>, problems: &[Problem]) -> String {
    let file = file.map_or_else(|| "configuration".to_owned(), |file| file.display().to_string());
    let lines: Vec<String> = problems.iter().map(|problem| format!("{file}: {problem}")).collect();
    lines.join("\n")
}

/// A mistake was noted, so there is no value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Noted;

/// What was noted so far: mistakes, warnings, and the files that the configuration names.
#[derive(Debug, Default)]
pub(super) struct Problems {
    errors: Vec<Problem>,
    warnings: Vec<Problem>,
    pub(super) files: NamedFiles,
}

impl Problems {
    /// Notes a mistake. A second one for the same key, or one above or below it, is a consequence of the first and
    /// left out.
    pub(super) fn error(&mut self, path: impl Into<String>, message: impl fmt::Display) {
        let problem = Problem { path: path.into(), message: message.to_string() };
        let is_related =
            |known: &Problem| is_within(&known.path, &problem.path) || is_within(&problem.path, &known.path);
        if !self.errors.iter().any(is_related) {
            self.errors.push(problem);
        }
    }

    pub(super) fn warning(&mut self, path: impl Into<String>, message: impl fmt::Display) {
        self.warnings.push(Problem { path: path.into(), message: message.to_string() });
    }

    /// The value of a result, or its error noted.
    pub(super) fn ok<T, E: fmt::Display>(&mut self, path: &str, result: Result<T, E>) -> Option<T> {
        result.map_err(|error| self.error(path, error)).ok()
    }

    /// What a file holds that the key at `path` names, or why that is not known.
    pub(super) fn read(&mut self, path: &str, file: &str) -> Option<Zeroizing<Vec<u8>>> {
        let read = self.files.read(file.as_ref()).map_err(|error| format!("{file}: {error}"));
        self.ok(path, read)
    }

    /// The value, where nothing is wrong.
    pub(super) fn finish<T>(&mut self, file: Option<PathBuf>, value: Option<T>) -> Result<T, ConfigError> {
        match value {
            Some(value) if self.errors.is_empty() => Ok(value),
            _ => Err(ConfigError::Invalid { file, problems: std::mem::take(&mut self.errors) }),
        }
    }

    pub(super) fn take_warnings(&mut self) -> Vec<Problem> {
        std::mem::take(&mut self.warnings)
    }
}

/// Whether a key is another one or stands below it.
fn is_within(path: &str, parent: &str) -> bool {
    path.strip_prefix(parent).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[', ' ']))
}

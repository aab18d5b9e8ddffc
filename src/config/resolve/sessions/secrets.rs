//! Secrets of a provider: written in place, in a file, or in Auth.js's own variables.

use std::fs;

use zeroize::Zeroizing;

use super::Written;
use crate::config::error::Problems;
use crate::secret::Secret;

impl Written<'_> {
    /// The secrets as written, else those of Auth.js's variables.
    pub(super) fn secrets(&self, problems: &mut Problems) -> Option<Vec<Secret>> {
        let raw = &self.raw;
        if raw.secret.is_none() && raw.secret_file.is_none() {
            let own = &self.auth.secrets;
            let named = own.iter().map(|(name, secret)| ((*name).to_owned(), secret.clone())).collect();
            return self.checked(named, problems);
        }
        self.written_secrets(problems)
    }

    /// The secrets as written, and none of the environment's.
    pub(super) fn written_secrets(&self, problems: &mut Problems) -> Option<Vec<Secret>> {
        let written = match (&self.raw.secret, &self.raw.secret_file) {
            (Some(_), Some(_)) => {
                problems.error(self.key("secret_file"), "stands beside `secret`: keep one of them");
                return None;
            }
            (Some(secret), None) => secret.clone().with_paths(&self.key("secret")),
            (None, Some(file)) => from_file(&self.key("secret_file"), file, problems)?,
            (None, None) => Vec::new(),
        };
        self.checked(written, problems)
    }

    fn checked(&self, written: Vec<(String, String)>, problems: &mut Problems) -> Option<Vec<Secret>> {
        if written.is_empty() {
            let message = "is missing: write `secret: ${AUTH_SECRET}` or `secret_file`, or set AUTH_SECRET";
            problems.error(self.key("secret"), message);
            return None;
        }
        let allow_weak = self.raw.allow_weak_secret;
        let checked: Vec<Option<Secret>> =
            written.iter().map(|(path, text)| check(path, text, allow_weak, problems)).collect();
        checked.into_iter().collect()
    }
}

/// One secret a line, as a mounted Kubernetes secret holds them.
fn from_file(path: &str, file: &str, problems: &mut Problems) -> Option<Vec<(String, String)>> {
    let text = fs::read_to_string(file).map(Zeroizing::new).map_err(|error| format!("{file}: {error}"));
    let text = problems.ok(path, text)?;
    let secrets: Vec<_> = Secret::lines(&text)
        .enumerate()
        .map(|(at, line)| (format!("{path} ({file}, secret {})", at + 1), line.to_owned()))
        .collect();
    if secrets.is_empty() {
        problems.error(path, format!("{file} holds no secret"));
        return None;
    }
    Some(secrets)
}

fn check(path: &str, text: &str, allow_weak: bool, problems: &mut Problems) -> Option<Secret> {
    let (secret, warning) = problems.ok(path, Secret::check(text, allow_weak))?;
    if let Some(warning) = warning {
        problems.warning(path, warning);
    }
    Some(secret)
}

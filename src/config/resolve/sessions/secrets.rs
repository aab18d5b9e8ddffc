//! Secrets as the configuration gives them: written in place, or in a file, or in Auth.js's own variables.

use zeroize::Zeroizing;

use super::Written;
use crate::config::error::{Noted, Problems};
use crate::config::raw::OneOrMany;
use crate::secret::Secret;

/// The keys `secret` and `secret_file` of one section.
pub(in crate::config::resolve) struct Secrets<'w> {
    /// The path of the section.
    pub path: &'w str,
    pub secret: Option<&'w OneOrMany>,
    pub secret_file: Option<&'w str>,
    pub allow_weak: bool,
}

impl Secrets<'_> {
    /// The one secret, where there is one.
    pub(in crate::config::resolve) fn one(&self, problems: &mut Problems) -> Result<Option<Secret>, Noted> {
        if self.secret.is_none() && self.secret_file.is_none() {
            return Ok(None);
        }
        let mut secrets = self.read(problems).ok_or(Noted)?.into_iter();
        if let (Some(secret), None) = (secrets.next(), secrets.next()) {
            return Ok(Some(secret));
        }
        problems.error(format!("{}.secret", self.path), "must be one secret");
        Err(Noted)
    }

    /// The secrets, newest first; at least one.
    pub(in crate::config::resolve) fn read(&self, problems: &mut Problems) -> Option<Vec<Secret>> {
        let (secret, file) = (format!("{}.secret", self.path), format!("{}.secret_file", self.path));
        let written = match (self.secret, self.secret_file) {
            (Some(_), Some(_)) => {
                problems.error(file, "stands beside `secret`: keep one of them");
                return None;
            }
            (Some(written), None) => written.clone().with_paths(&secret),
            (None, Some(name)) => from_file(&file, name, problems)?,
            (None, None) => Vec::new(),
        };
        checked(&secret, &written, self.allow_weak, problems)
    }
}

impl Written<'_> {
    /// The secrets as written, else those of Auth.js's variables.
    pub(super) fn secrets(&self, problems: &mut Problems) -> Option<Vec<Secret>> {
        if self.raw.secret.is_some() || self.raw.secret_file.is_some() {
            return self.written_secrets(problems);
        }
        let own = self.auth.secrets.iter();
        let named: Vec<_> = own.map(|(name, secret)| ((*name).to_owned(), secret.clone())).collect();
        checked(&self.key("secret"), &named, self.raw.allow_weak_secret, problems)
    }

    /// The secrets as written, and none of the environment's.
    pub(super) fn written_secrets(&self, problems: &mut Problems) -> Option<Vec<Secret>> {
        let secrets = Secrets {
            path: &self.path,
            secret: self.raw.secret.as_ref(),
            secret_file: self.raw.secret_file.as_deref(),
            allow_weak: self.raw.allow_weak_secret,
        };
        secrets.read(problems)
    }
}

fn checked(
    path: &str,
    written: &[(String, String)],
    allow_weak: bool,
    problems: &mut Problems,
) -> Option<Vec<Secret>> {
    if written.is_empty() {
        let message = "is missing: write `secret: ${AUTH_SECRET}` or `secret_file`, or set AUTH_SECRET";
        problems.error(path, message);
        return None;
    }
    let checked: Vec<Option<Secret>> =
        written.iter().map(|(path, text)| check(path, text, allow_weak, problems)).collect();
    checked.into_iter().collect()
}

/// One secret a line, as a mounted Kubernetes secret holds them.
fn from_file(path: &str, file: &str, problems: &mut Problems) -> Option<Vec<(String, String)>> {
    let bytes = problems.read(path, file)?;
    let text = str::from_utf8(&bytes).map_err(|_| format!("{file} is not text in UTF-8"));
    let text = Zeroizing::new(problems.ok(path, text)?.to_owned());
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

//! Secrets as the configuration names them: zeroised when dropped, never printed, and not too easy to guess.

use std::fmt;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use zeroize::Zeroizing;

/// Under this many bytes a secret is refused.
const MIN_BYTES: usize = 16;
/// Under this many bytes a secret is accepted with a warning.
const GOOD_BYTES: usize = 32;

/// Secrets of documentation, tutorials and templates, in lower case, letters and digits only.
const WELL_KNOWN: &[&str] = &[
    "authsecret",
    "bettersecret",
    "changeit",
    "changeme",
    "changemeinproduction",
    "changethis",
    "changethissecret",
    "complexpassword",
    "complexpasswordatleast32characterslong",
    "devsecret",
    "developmentsecret",
    "examplesecret",
    "generateasecret",
    "generatedsecret",
    "iloveyou",
    "jwtsecret",
    "keyboardcat",
    "mysecret",
    "mysecretkey",
    "mysupersecret",
    "mysupersecretkey",
    "nextauthsecret",
    "opensslrandbase6432",
    "opensslrandbase6433",
    "opensslrandhex32",
    "password",
    "pleasechangeme",
    "pleasechangethissecret",
    "randomsecret",
    "replaceme",
    "replacewithyoursecret",
    "secret",
    "secretkey",
    "sessionsecret",
    "somerandomsecret",
    "somesecret",
    "supersecret",
    "supersecretkey",
    "supersecretkeyyoushouldnotcommittogithub",
    "supersecretpassword",
    "thisisanexample",
    "thisisasecret",
    "thisisasecretkey",
    "thisisasecretvaluewithatleast32characters",
    "thisisnotasecret",
    "topsecret",
    "yourauthsecret",
    "yourauthsecrethere",
    "yournextauthsecret",
    "yournextauthsecrethere",
    "yoursecret",
    "yoursecrethere",
    "yoursecretkey",
    "yoursecretkeyhere",
    "yoursupersecretkey",
    "yoursupersecretkeyhere",
];

/// A secret as UTF-8 text, used as it is written: never trimmed, never decoded.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

/// Why a secret is refused: for whoever wrote the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WeakSecret {
    #[error("is empty")]
    Empty,
    #[error("has {bytes} bytes, and under 16 it can be guessed; make one with `openssl rand -base64 32`")]
    Short { bytes: usize },
    #[error("is one that is known from documentation; make your own with `openssl rand -base64 32`")]
    WellKnown,
    #[error("repeats one character; make one with `openssl rand -base64 32`")]
    Repeated,
}

/// What is worth a warning about a secret that is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretWarning {
    #[error("has {bytes} bytes; 32 or more are recommended")]
    Short { bytes: usize },
    #[error("would be refused without `allow_weak_secret`: it {0}")]
    Weak(WeakSecret),
}

impl Secret {
    /// Takes a secret that is hard enough to guess, or, with `allow_weak`, any that is not empty.
    ///
    /// # Errors
    /// [`WeakSecret`] says what is wrong with it, never what it is.
    pub fn check(text: &str, allow_weak: bool) -> Result<(Self, Option<SecretWarning>), WeakSecret> {
        let warning = match weakness(text) {
            Some(weak) if weak == WeakSecret::Empty || !allow_weak => return Err(weak),
            Some(weak) => Some(SecretWarning::Weak(weak)),
            None if text.len() < GOOD_BYTES => Some(SecretWarning::Short { bytes: text.len() }),
            None => None,
        };
        Ok((Self(Zeroizing::new(text.to_owned())), warning))
    }

    /// The secrets of a file: one a line, newest first; blank lines do not count, `\r\n` ends a line too.
    pub fn lines(file: &str) -> impl Iterator<Item = &str> {
        file.lines().filter(|line| !line.trim().is_empty())
    }

    /// Whether this is what was sent, in constant time where both are equally long.
    #[must_use]
    pub fn is(&self, sent: &[u8]) -> bool {
        verify_slices_are_equal(self.0.as_bytes(), sent).is_ok()
    }

    /// The secret itself, for deriving keys from it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// In constant time for secrets of equal length.
impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        verify_slices_are_equal(self.0.as_bytes(), other.0.as_bytes()).is_ok()
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

fn weakness(text: &str) -> Option<WeakSecret> {
    let plain: Zeroizing<String> = Zeroizing::new(
        text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect(),
    );
    let first = text.chars().next();
    match text.len() {
        0 => Some(WeakSecret::Empty),
        _ if WELL_KNOWN.contains(&plain.as_str()) => Some(WeakSecret::WellKnown),
        bytes if bytes < MIN_BYTES => Some(WeakSecret::Short { bytes }),
        _ if text.chars().all(|c| Some(c) == first) => Some(WeakSecret::Repeated),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_that_can_be_guessed_are_refused_unless_weak_ones_are_allowed() {
        let table = [
            ("", WeakSecret::Empty),
            ("a", WeakSecret::Short { bytes: 1 }),
            ("fifteen-bytes-x", WeakSecret::Short { bytes: 15 }),
            ("secret", WeakSecret::WellKnown),
            ("Your-Secret-Key-Here", WeakSecret::WellKnown),
            ("complex_password_at_least_32_characters_long", WeakSecret::WellKnown),
            ("`openssl rand -base64 33`", WeakSecret::WellKnown),
            ("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", WeakSecret::Repeated),
        ];
        for (text, weak) in table {
            assert_eq!(Secret::check(text, false).err(), Some(weak), "{text}");
            let allowed = Secret::check(text, true);
            match weak {
                WeakSecret::Empty => assert_eq!(allowed.err(), Some(weak)),
                _ => assert_eq!(allowed.unwrap().1, Some(SecretWarning::Weak(weak)), "{text}"),
            }
        }
    }

    #[test]
    fn sixteen_bytes_pass_with_a_warning_and_thirty_two_without() {
        let text = "k4Zp0Wq9sVb1Xn7Rt3Ym5Lc8Hd2Jf6Ga";
        assert_eq!(Secret::check(text, false).unwrap().1, None);
        let warning = Secret::check("k4Zp0Wq9sVb1Xn7R", false).unwrap().1;
        assert_eq!(warning, Some(SecretWarning::Short { bytes: 16 }));
    }

    #[test]
    fn a_secret_is_used_as_it_is_written() {
        let text = " k4Zp0Wq9sVb1Xn7Rt3Ym5Lc8Hd2Jf6Ga%41\n";
        assert_eq!(Secret::check(text, false).unwrap().0.expose(), text);
    }

    #[test]
    fn a_file_holds_one_secret_a_line() {
        let file = "newest\r\n\n  \nolder one \noldest";
        assert_eq!(Secret::lines(file).collect::<Vec<_>>(), ["newest", "older one ", "oldest"]);
    }

    #[test]
    fn no_message_contains_the_secret() {
        let (secret, warning) = Secret::check("hunter2hunter2hunter2", false).unwrap();
        let weak = Secret::check("hunter2", false).unwrap_err();
        let said = format!("{secret:?} {warning:?} {} {weak:?} {weak}", warning.unwrap());
        assert!(!said.contains("hunter"), "{said}");
    }
}

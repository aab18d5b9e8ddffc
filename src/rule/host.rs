//! The hosts that a rule is for: exact names and `*.` wildcards.

use crate::request::host::host_name;

/// A host as a rule names it, compared without regard to case, port and final dot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostPattern {
    /// This host alone.
    Exact(String),
    /// Every host below this name, at any depth, as in Envoy's virtual hosts; not the name itself.
    Below(String),
}

/// What is wrong with a host in a rule; for whoever wrote it.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum HostPatternError {
    #[error("a host must not be empty")]
    Empty,
    #[error("`{0}`: `*` stands for the first labels only, as in `*.example.com`")]
    Wildcard(String),
    #[error("`{0}` is not a host name: write it without scheme and path, non-ASCII names in Punycode")]
    NotAName(String),
}

impl HostPattern {
    /// # Errors
    /// [`HostPatternError`] where the text is no host and no `*.` wildcard.
    pub fn parse(text: &str) -> Result<Self, HostPatternError> {
        let (is_wildcard, rest) = match text.strip_prefix("*.") {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let name = host_name(rest).to_ascii_lowercase();
        if name.is_empty() {
            return Err(HostPatternError::Empty);
        }
        if name.contains('*') {
            return Err(HostPatternError::Wildcard(text.to_owned()));
        }
        let is_name_byte = |byte: u8| byte.is_ascii_alphanumeric() || b"-._[]:".contains(&byte);
        if !name.bytes().all(is_name_byte) || rest.contains("//") {
            return Err(HostPatternError::NotAName(text.to_owned()));
        }
        Ok(if is_wildcard { Self::Below(name) } else { Self::Exact(name) })
    }

    /// Whether the pattern covers the host of a request.
    #[must_use]
    pub fn covers(&self, authority: &str) -> bool {
        let name = host_name(authority);
        match self {
            Self::Exact(exact) => name.eq_ignore_ascii_case(exact),
            Self::Below(parent) => {
                let at = name.len().saturating_sub(parent.len());
                name.as_bytes().split_at_checked(at).is_some_and(|(labels, tail)| {
                    let has_label = labels.len() > 1 && labels.ends_with(b".");
                    has_label && tail.eq_ignore_ascii_case(parent.as_bytes())
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{HostPattern, HostPatternError};

    #[test]
    fn a_host_pattern_covers_names_without_regard_to_case_port_and_final_dot() {
        for (pattern, authority, covered) in [
            ("api.example.com", "API.example.com.:8443", true),
            ("API.Example.com", "api.example.com", true),
            ("api.example.com", "xapi.example.com", false),
            ("api.example.com", "api.example.com.evil.test", false),
            ("*.example.com", "a.example.com", true),
            ("*.example.com", "a.b.EXAMPLE.com:1", true),
            ("*.example.com", "example.com", false),
            ("*.example.com", ".example.com", false),
            ("*.example.com", "badexample.com", false),
            ("[::1]", "[::1]:80", true),
            ("api.example.com", "", false),
        ] {
            let pattern = HostPattern::parse(pattern).expect("a host");
            assert_eq!(pattern.covers(authority), covered, "{pattern:?} {authority}");
        }
    }

    #[test]
    fn what_is_no_host_is_refused() {
        assert_eq!(HostPattern::parse(""), Err(HostPatternError::Empty));
        assert_eq!(HostPattern::parse("*."), Err(HostPatternError::Empty));
        for text in ["a.*.com", "*", "**.com", "*a.com"] {
            assert_eq!(HostPattern::parse(text), Err(HostPatternError::Wildcard(text.to_owned())));
        }
        for text in ["https://a.com", "a.com/path", "a b", "bücher.example"] {
            assert_eq!(HostPattern::parse(text), Err(HostPatternError::NotAName(text.to_owned())), "{text}");
        }
    }
}

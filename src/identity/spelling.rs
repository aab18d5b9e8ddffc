//! The names of our headers, and the spellings that an upstream may take for them.
//!
//! CGI, WSGI and their heirs fold `-` and `_` into one, and names have no case: a client's `X_Auth_User` can become
//! the variable that our `x-auth-user` becomes.

/// A header that we set: a lower-case name and all its foldable spellings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderName {
    /// The name itself first.
    spellings: Vec<Box<str>>,
}

/// What is wrong with the name of a header; for whoever wrote it.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderNameError {
    #[error("`{0}` is not a header name: use letters, digits and `-`")]
    NotAName(String),
    #[error("`{0}` must not be set: Envoy or HTTP itself gives it its meaning")]
    Reserved(String),
}

/// Past this many separators only two spellings are removed unseen: the name itself and all `_`.
const MAX_SEPARATORS: u32 = 4;

const RESERVED: [&str; 14] = [
    "host",
    "connection",
    "content-length",
    "content-type",
    "cookie",
    "expect",
    "keep-alive",
    "proxy-connection",
    "set-cookie",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "http2-settings",
];

impl HeaderName {
    /// # Errors
    /// [`HeaderNameError`] for a text that is no header name, and for one that must not be set.
    pub fn parse(text: &str) -> Result<Self, HeaderNameError> {
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        let starts_well = text.starts_with(|c: char| c.is_ascii_alphanumeric());
        if !starts_well || text.len() > 128 || !text.bytes().all(is_token) {
            return Err(HeaderNameError::NotAName(text.to_owned()));
        }
        let name = text.to_ascii_lowercase();
        if RESERVED.contains(&name.as_str()) || name.starts_with("x-envoy-") {
            return Err(HeaderNameError::Reserved(name));
        }
        Ok(Self { spellings: spellings_of(&name) })
    }

    /// A name from our own source, known to be one.
    pub(super) fn known(name: &'static str) -> Self {
        Self { spellings: spellings_of(name) }
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        self.spellings.first().map_or("", AsRef::as_ref)
    }

    /// The name itself, then the other spellings.
    pub(super) fn spellings(&self) -> impl Iterator<Item = &str> {
        self.spellings.iter().map(AsRef::as_ref)
    }

    /// Whether a name is this one to an upstream that folds case, `-` and `_`.
    #[must_use]
    pub fn folds_with(&self, sent: &str) -> bool {
        let own = self.as_str().as_bytes();
        own.len() == sent.len() && own.iter().zip(sent.bytes()).all(|(own, sent)| fold(*own) == fold(sent))
    }
}

fn fold(byte: u8) -> u8 {
    if byte == b'_' { b'-' } else { byte.to_ascii_lowercase() }
}

fn spellings_of(name: &str) -> Vec<Box<str>> {
    let separators: Vec<usize> =
        name.bytes().enumerate().filter(|(_, b)| fold(*b) == b'-').map(|(at, _)| at).collect();
    let mut spellings: Vec<Box<str>> = vec![Box::from(name)];
    let mut add = |underscored: &dyn Fn(usize) -> bool| {
        let spelling: String = name
            .char_indices()
            .map(|(at, c)| match separators.binary_search(&at) {
                Ok(nth) if underscored(nth) => '_',
                Ok(_) => '-',
                Err(_) => c,
            })
            .collect();
        if !spellings.iter().any(|known| **known == *spelling) {
            spellings.push(Box::from(spelling));
        }
    };
    match u32::try_from(separators.len()) {
        Ok(count) if count <= MAX_SEPARATORS => {
            for mask in 0..1_u32 << count {
                add(&|nth| mask >> nth & 1 == 1);
            }
        }
        _ => {
            add(&|_| false);
            add(&|_| true);
        }
    }
    spellings
}

#[cfg(test)]
mod tests {
    use super::{HeaderName, HeaderNameError};

    #[test]
    fn every_spelling_that_folds_into_a_name_is_known() {
        let name = HeaderName::parse("X-Auth-User").expect("a name");
        let spellings: Vec<&str> = name.spellings().collect();
        assert_eq!(spellings, ["x-auth-user", "x_auth-user", "x-auth_user", "x_auth_user"]);
        assert!(name.folds_with("X_AUTH-user"));
        assert!(!name.folds_with("x-auth-users"));
    }

    #[test]
    fn a_name_with_many_separators_keeps_its_list_short() {
        let name = HeaderName::parse("a-b-c-d-e-f-g").expect("a name");
        assert_eq!(name.spellings().count(), 2);
        assert!(name.folds_with("a_b-c_d-e_f-g"));
    }

    #[test]
    fn names_that_http_or_envoy_owns_are_refused() {
        for text in ["Host", "cookie", "x-envoy-internal", "transfer-encoding"] {
            assert!(matches!(HeaderName::parse(text), Err(HeaderNameError::Reserved(_))), "{text}");
        }
        for text in ["", ":path", "a b", "ä", "a\n", "-a", "_a"] {
            assert!(matches!(HeaderName::parse(text), Err(HeaderNameError::NotAName(_))), "{text}");
        }
    }
}

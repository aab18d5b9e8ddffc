//! What tells one session from every other, without being of use to anybody who learns it.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

const BYTES: usize = 64;

/// Two sessions have the same mark only where they have the same token.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Mark([u8; BYTES]);

impl Mark {
    /// The mark of a token that has been verified and ends in its authentication tag or signature, which nobody makes
    /// twice: the end of the token, since hashing all of it would cost more than the rest of a check.
    pub(in crate::session) fn of_sealed(token: &str) -> Self {
        let bytes = token.as_bytes();
        let (_, end) = bytes.split_at(bytes.len().saturating_sub(BYTES));
        Self::filled(end)
    }

    /// The mark of a token of any form.
    pub(in crate::session) fn of_token(token: &str) -> Self {
        Self::filled(digest(&SHA256, token.as_bytes()).as_ref())
    }

    fn filled(bytes: &[u8]) -> Self {
        let mut mark = [0; BYTES];
        for (filled, byte) in mark.iter_mut().zip(bytes) {
            *filled = *byte;
        }
        Self(mark)
    }

    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// A hash from which the token cannot be found, base64url: for the session of one provider.
    #[must_use]
    pub fn public_hash(&self, provider: &str) -> String {
        let mut text = Vec::with_capacity(provider.len() + 1 + BYTES);
        text.extend_from_slice(provider.as_bytes());
        text.push(0);
        text.extend_from_slice(&self.0);
        URL_SAFE_NO_PAD.encode(digest(&SHA256, &text).as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::Mark;

    #[test]
    fn tokens_that_end_differently_have_different_marks() {
        let long = "x".repeat(500);
        let [one, other] = ["a", "b"].map(|end| Mark::of_sealed(&format!("{long}{end}")));
        assert!(one != other && one == Mark::of_sealed(&format!("{long}a")));
        assert_ne!(one.public_hash("web"), one.public_hash("api"));
        assert!(Mark::of_token("a") != Mark::of_token("b"));
    }
}

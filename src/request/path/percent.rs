//! Percent escapes, decoded leniently as servers do and strictly as JavaScript does.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// Decodes each escape once; what is no escape stays, and invalid UTF-8 becomes U+FFFD. `None` when nothing
/// changes.
pub fn decode(text: &str) -> Option<String> {
    match percent_decode_str(text).into() {
        Cow::Borrowed(_) => None,
        Cow::Owned(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
    }
}

/// `decodeURIComponent` of ECMA-262, section 19.2.6.2: `None` where it throws, which is for an escape without
/// its two digits and for escapes that are no UTF-8.
#[must_use]
pub fn decode_uri_component(text: &str) -> Option<Cow<'_, str>> {
    let is_escape = |rest: &str| rest.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2;
    if !text.split('%').skip(1).all(is_escape) {
        return None;
    }
    percent_decode_str(text).decode_utf8().ok()
}

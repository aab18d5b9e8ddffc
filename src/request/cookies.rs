//! The Cookie headers of a request (RFC 6265, section 4.2), in order and with duplicates kept visible:
//! servers disagree about which of two equal names counts, so nothing here chooses.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use memchr::{memchr, memchr_iter};
use smallvec::SmallVec;

use super::{Headers, Repeats};

/// Browsers keep at most 180 cookies for a site.
const MAX_COOKIES: usize = 256;
/// Envoy refuses headers above 60 KiB unless it is told otherwise.
const MAX_BYTES: usize = 64 * 1024;

/// The cookies of a request, as sent: no percent-decoding, quotes kept.
pub struct Cookies<'a> {
    headers: SmallVec<[Cow<'a, str>; 1]>,
    pieces: SmallVec<[Piece; 16]>,
    has_joint: bool,
    is_complete: bool,
}

/// Where one `name=value` stands in one of the headers.
struct Piece {
    header: u16,
    name: Range<u32>,
    value: Range<u32>,
}

impl<'a> Cookies<'a> {
    /// Splits every Cookie header at `;`; several headers count as one, in their order (RFC 9113, 8.2.3).
    ///
    /// A piece without `=` is no cookie. Values are borrowed where the headers borrow them.
    #[must_use]
    pub fn parse(headers: &Headers<'a>) -> Self {
        let mut cookies =
            Self { headers: SmallVec::new(), pieces: SmallVec::new(), has_joint: false, is_complete: true };
        let mut bytes = 0;
        for header in headers.get_all("cookie") {
            bytes += header.len();
            cookies.is_complete = bytes <= MAX_BYTES && cookies.push(header);
            cookies.headers.push(header.clone());
            if !cookies.is_complete {
                break;
            }
        }
        cookies.has_joint =
            headers.repeats() == Repeats::Joined && cookies.headers.iter().any(|h| h.contains(','));
        cookies
    }

    /// Name and value of each cookie, in the order in which they were sent.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pieces.iter().map(|piece| (self.text(piece, &piece.name), self.text(piece, &piece.value)))
    }

    /// Whether all cookies are here: beyond 256 cookies or 64 KiB the rest is left unread, and nothing that
    /// depends on a cookie being absent may be believed.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// Whether a second Cookie header, which the proxy joined to another one with a comma, begins with the
    /// cookie `name` or one of its chunks `name.N`. Such a cookie is hidden inside the value of another one.
    #[must_use]
    pub fn joined_mentions(&self, name: &str) -> bool {
        self.has_joint
            && self.headers.iter().any(|header| {
                header.match_indices(',').any(|(comma, _)| {
                    header.get(comma + 1..).is_some_and(|rest| begins_with_cookie(trim(rest), name))
                })
            })
    }

    /// Reads the header that is kept next; false when there are more cookies than we keep.
    fn push(&mut self, header: &str) -> bool {
        let Ok(index) = u16::try_from(self.headers.len()) else { return false };
        let bytes = header.as_bytes();
        let mut start = 0;
        for end in memchr_iter(b';', bytes).chain([bytes.len()]) {
            let equals = bytes.get(start..end).and_then(|part| memchr(b'=', part));
            if let Some(equals) = equals.map(|at| start + at) {
                if self.pieces.len() == MAX_COOKIES {
                    return false;
                }
                self.pieces.push(Piece {
                    header: index,
                    name: trimmed(header, start..equals),
                    value: trimmed(header, equals + 1..end),
                });
            }
            start = end + 1;
        }
        true
    }

    fn text(&self, piece: &Piece, range: &Range<u32>) -> &str {
        self.headers
            .get(usize::from(piece.header))
            .and_then(|header| header.get(range.start as usize..range.end as usize))
            .unwrap_or_default()
    }
}

/// Names only: values are sessions.
impl fmt::Debug for Cookies<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(|(name, _)| name)).finish()
    }
}

fn begins_with_cookie(text: &str, name: &str) -> bool {
    let Some(mut rest) = text.strip_prefix(name) else { return false };
    if let Some(number) = rest.strip_prefix('.') {
        rest = number.trim_start_matches(|c: char| c.is_ascii_digit());
    }
    trim(rest).starts_with('=')
}

fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

/// The range without the spaces and tabs around it. A header has at most [`MAX_BYTES`], so it fits.
#[allow(clippy::cast_possible_truncation, reason = "a header has at most 64 KiB")]
fn trimmed(header: &str, range: Range<usize>) -> Range<u32> {
    let text = header.get(range.clone()).unwrap_or_default();
    let start = range.start + (text.len() - text.trim_start_matches([' ', '\t']).len());
    start as u32..(start + trim(text).len()) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers<'a>(values: &[&'a str], repeats: Repeats) -> Headers<'a> {
        Headers::new(values.iter().map(|v| ("Cookie".into(), (*v).into())).collect(), repeats)
    }

    #[test]
    fn pieces_are_split_trimmed_and_kept_in_order() {
        type Case<'c> = (&'c [&'c str], &'c [(&'c str, &'c str)]);
        let table: &[Case<'_>] = &[
            (&[], &[]),
            (&[""], &[]),
            (&["a=1"], &[("a", "1")]),
            (&["a=1;b=2; c=3"], &[("a", "1"), ("b", "2"), ("c", "3")]),
            (&[" \ta \t=  1 \t; ;; b="], &[("a", "1"), ("b", "")]),
            (&["a=1=2; =x; flag; a=3"], &[("a", "1=2"), ("", "x"), ("a", "3")]),
            (&["a=\"q\"; ä=ü"], &[("a", "\"q\""), ("ä", "ü")]),
            (&["a=1; b=2", "c=3"], &[("a", "1"), ("b", "2"), ("c", "3")]),
        ];
        for (values, expected) in table {
            let cookies = Cookies::parse(&headers(values, Repeats::Separate));
            assert_eq!(cookies.iter().collect::<Vec<_>>(), *expected, "{values:?}");
            assert!(cookies.is_complete());
        }
    }

    #[test]
    fn a_second_header_that_was_joined_with_a_comma_is_noticed() {
        let table = [
            ("a=1,sid=x", true),
            ("a=1, \tsid.12 =x", true),
            ("flag,sid=x", true),
            ("sid=x,sid=y", true),
            ("sid=x", false),
            ("a=1,sid_old=x", false),
            ("a=1,sid.x=y", false),
            ("a=1,sid", false),
            ("a=1,__Secure-sid=x", false),
        ];
        for (value, expected) in table {
            let joined = Cookies::parse(&headers(&[value], Repeats::Joined));
            assert_eq!(joined.joined_mentions("sid"), expected, "{value}");
            let separate = Cookies::parse(&headers(&[value], Repeats::Separate));
            assert!(!separate.joined_mentions("sid"), "{value}");
        }
    }

    #[test]
    fn more_than_we_keep_is_said_to_be_incomplete() {
        let crowd = vec!["a=1"; MAX_COOKIES + 1].join(";");
        let giant = format!("a={}", "x".repeat(MAX_BYTES));
        for value in [&crowd, &giant] {
            assert!(!Cookies::parse(&headers(&[value], Repeats::Separate)).is_complete());
        }
        let crowded = headers(&[&crowd], Repeats::Separate);
        let kept = Cookies::parse(&crowded).iter().filter(|cookie| *cookie == ("a", "1")).count();
        assert_eq!(kept, MAX_COOKIES);
        let full = vec!["a=1"; MAX_COOKIES].join(";");
        assert!(Cookies::parse(&headers(&[&full], Repeats::Separate)).is_complete());
    }

    #[test]
    fn debug_shows_no_value() {
        let cookies = Cookies::parse(&headers(&["sid=hunter2"], Repeats::Joined));
        assert_eq!(format!("{cookies:?}"), r#"{"sid"}"#);
    }
}

//! The `has` and `missing` items of a matcher.

use std::borrow::Cow;

use thiserror::Error;

use super::matcher::Verdict;
use super::matcher::ecma::{EcmaError, Pattern};
use super::matcher::raw::{ConditionKind, RawCondition};
use super::next::host_name;
use crate::request::path::decode_uri_component;
use crate::request::{Headers, HttpRequest, Repeats};

/// Most characters of a value.
const MAX_VALUE: usize = 4096;

/// Why a condition is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ConditionError {
    #[error("value has {length} characters; at most {max} are allowed")]
    TooLong { length: usize, max: usize },
    /// Next.js would build, and then fail with this on every request.
    #[error("value: Invalid regular expression: /^{value}$/: {reason}")]
    Value {
        #[source]
        reason: EcmaError,
        value: String,
    },
}

/// One item of `has` or `missing`.
#[derive(Debug)]
pub struct Condition {
    kind: ConditionKind,
    key: String,
    pattern: Option<Pattern>,
    /// An item of `missing`: it holds when the request is not as it says.
    negated: bool,
}

impl Condition {
    /// Compiles an item of `has`. Without a value, or with an empty one, it is enough that what it looks at is
    /// there and not empty. A value is a JavaScript regular expression between `^` and `$`, without a group
    /// around it: `a|b` is `^a|b$`, as in Next.js.
    ///
    /// # Errors
    /// When the value is no regular expression, or one that cannot be followed.
    pub fn has(item: &RawCondition) -> Result<Self, ConditionError> {
        let value = item.value.as_deref().filter(|value| !value.is_empty());
        let pattern = value.map(compile).transpose()?;
        Ok(Self { kind: item.kind, key: item.key.clone(), pattern, negated: false })
    }

    /// Compiles an item of `missing`.
    ///
    /// # Errors
    /// Those of [`Condition::has`].
    pub fn missing(item: &RawCondition) -> Result<Self, ConditionError> {
        Ok(Self { negated: true, ..Self::has(item)? })
    }

    /// Whether the request is as the condition asks: [`Verdict::Hit`] when it is.
    #[must_use]
    pub fn holds(&self, request: &HttpRequest<'_>) -> Verdict {
        let verdict = self.describes(request);
        if self.negated { !verdict } else { verdict }
    }

    fn describes(&self, request: &HttpRequest<'_>) -> Verdict {
        let value = match self.kind {
            ConditionKind::Header => header(request, &self.key),
            ConditionKind::Query => return self.query_describes(request),
            ConditionKind::Cookie => match cookie(request, &self.key) {
                // The cookie may be among those that were left unread.
                None if !request.cookies().is_complete() => return Verdict::Undecided,
                found => found,
            },
            ConditionKind::Host => Some(Cow::Owned(host_name(request.host))),
        };
        self.value_fits(value.as_deref().unwrap_or_default())
    }

    fn value_fits(&self, value: &str) -> Verdict {
        match &self.pattern {
            _ if value.is_empty() => Verdict::Miss,
            None => Verdict::Hit,
            Some(pattern) => pattern.is_match(value),
        }
    }

    /// Several values of one name count as present even when they are empty; the last one is compared.
    fn query_describes(&self, request: &HttpRequest<'_>) -> Verdict {
        let mut values = query_values(request, &self.key);
        let Some(first) = values.next() else { return Verdict::Miss };
        match (values.last(), &self.pattern) {
            (None, _) => self.value_fits(&first),
            (Some(_), None) => Verdict::Hit,
            (Some(last), Some(pattern)) => pattern.is_match(&last),
        }
    }
}

fn compile(value: &str) -> Result<Pattern, ConditionError> {
    let length = value.encode_utf16().count();
    if length > MAX_VALUE {
        return Err(ConditionError::TooLong { length, max: MAX_VALUE });
    }
    Pattern::compile(&format!("^{value}$"))
        .map_err(|reason| ConditionError::Value { reason, value: value.to_owned() })
}

/// A header as Node.js joins it. The host of an HTTP/2 request stands in `:authority`.
fn header<'r>(request: &'r HttpRequest<'_>, name: &str) -> Option<Cow<'r, str>> {
    if name.eq_ignore_ascii_case("host") {
        return Some(Cow::Borrowed(request.host));
    }
    joined(&request.headers, name)
}

/// Every value of a header as one, as Node.js joins them.
pub(crate) fn joined<'r>(headers: &'r Headers<'_>, name: &str) -> Option<Cow<'r, str>> {
    // The name is only needed until the values are collected.
    let values: Vec<&'r str> = headers
        .iter()
        .filter(|(field, _)| field.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
        .collect();
    let is_cookie = name.eq_ignore_ascii_case("cookie");
    match values.as_slice() {
        [] => None,
        [only] => Some(Cow::Borrowed(only)),
        [first, ..] if headers.repeats() == Repeats::Separate && is_single(name) => {
            Some(Cow::Borrowed(first))
        }
        several => Some(Cow::Owned(several.join(if is_cookie { "; " } else { ", " }))),
    }
}

/// Headers of which Node.js keeps the first when they are repeated (`http`, `message.headers`).
fn is_single(name: &str) -> bool {
    const SINGLE: [&str; 18] = [
        "age",
        "authorization",
        "content-length",
        "content-type",
        "etag",
        "expires",
        "from",
        "host",
        "if-modified-since",
        "if-unmodified-since",
        "last-modified",
        "location",
        "max-forwards",
        "proxy-authorization",
        "referer",
        "retry-after",
        "server",
        "user-agent",
    ];
    SINGLE.iter().any(|single| single.eq_ignore_ascii_case(name))
}

/// The first cookie of the name, without its quotes, percent-decoded where that is possible.
fn cookie<'r>(request: &'r HttpRequest<'_>, name: &str) -> Option<Cow<'r, str>> {
    let (_, value) = request.cookies().iter().find(|(cookie, _)| *cookie == name)?;
    let value = match value.strip_prefix('"') {
        // Whatever the last character is, it is taken for the closing quote.
        Some(rest) => rest.char_indices().next_back().map_or("", |(end, _)| rest.split_at(end).0),
        None => value,
    };
    Some(decode_uri_component(value).unwrap_or(Cow::Borrowed(value)))
}

/// The values of a query parameter, decoded as a form. A fragment ends the query, and one that starts in the
/// path leaves none.
fn query_values<'r>(request: &'r HttpRequest<'_>, name: &'r str) -> impl Iterator<Item = Cow<'r, str>> {
    let query = if request.path.as_sent().contains('#') { "" } else { request.query };
    let query = query.split('#').next().unwrap_or_default();
    query.split('&').filter(|pair| !pair.is_empty()).filter_map(move |pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (form_decoded(key) == name).then(|| form_decoded(value))
    })
}

fn form_decoded(text: &str) -> Cow<'_, str> {
    if !text.contains(['+', '%']) {
        return Cow::Borrowed(text);
    }
    let spaced = text.replace('+', " ");
    Cow::Owned(percent_encoding::percent_decode_str(&spaced).decode_utf8_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::request::RequestParts;
    use crate::request::path::RequestPath;

    fn item(kind: ConditionKind, key: &str, value: Option<&str>) -> RawCondition {
        RawCondition { kind, key: key.to_owned(), value: value.map(str::to_owned) }
    }

    fn request<'a>(query: &'a str, headers: &[(&'a str, &'a str)], repeats: Repeats) -> HttpRequest<'a> {
        let fields =
            headers.iter().map(|(name, value)| (Cow::Borrowed(*name), Cow::Borrowed(*value))).collect();
        HttpRequest::new(RequestParts {
            method: "GET",
            scheme: "https",
            host: "App.example.com:8443",
            path: RequestPath::parse("/a").unwrap(),
            query,
            headers: Headers::new(fields, repeats),
            now: SystemTime::UNIX_EPOCH,
        })
    }

    #[test]
    fn items_hold_as_in_next() {
        use ConditionKind::{Cookie, Header, Host, Query};
        let headers =
            [("X-A", "1"), ("x-empty", ""), ("cookie", "a=%31; a=2; q=\"x\"; bad=%zz; e="), ("x-a", "2")];
        let request = request("a=1&b=&b=&c=+%41&d=1&d=2&%65=x#f=1", &headers, Repeats::Separate);
        for (kind, key, value, holds) in [
            (Header, "x-a", None, true),
            (Header, "x-a", Some("1, 2"), true),
            (Header, "x-empty", None, false),
            (Header, "x-b", None, false),
            (Header, "host", Some("App.*"), true),
            (Cookie, "a", Some("1"), true),
            (Cookie, "A", None, false),
            (Cookie, "q", Some("x"), true),
            (Cookie, "bad", Some("%zz"), true),
            (Cookie, "e", Some(""), false),
            (Query, "a", Some("\\d"), true),
            (Query, "A", None, false),
            (Query, "b", None, true),
            (Query, "b", Some(".*"), true),
            (Query, "c", Some(" A"), true),
            (Query, "d", Some("1"), false),
            (Query, "d", Some("2"), true),
            (Query, "e", Some("x"), true),
            (Query, "f", None, false),
            (Host, "", Some("app\\.example\\.com"), true),
            (Host, "", Some("App.*"), false),
            (Host, "", Some("x|com"), true),
        ] {
            let item = item(kind, key, value);
            assert_eq!(Condition::has(&item).unwrap().holds(&request), holds.into(), "{item:?}");
            assert_eq!(
                Condition::missing(&item).unwrap().holds(&request),
                (!holds).into(),
                "missing {item:?}"
            );
        }
    }

    #[test]
    fn a_value_that_is_given_up_is_undecided_either_way() {
        let item = item(ConditionKind::Header, "x", Some("(?:(?=a)a+)+b"));
        let text = "a".repeat(40);
        let request = request("", &[("x", &text)], Repeats::Joined);
        assert_eq!(Condition::has(&item).unwrap().holds(&request), Verdict::Undecided);
        assert_eq!(Condition::missing(&item).unwrap().holds(&request), Verdict::Undecided);
    }

    #[test]
    fn a_value_that_is_no_regular_expression_is_refused() {
        for (value, reason) in [
            ("(?i)yes", "/^(?i)yes$/: Invalid group"),
            ("[z-a]", "Range out of order"),
            ("(", "Unterminated group"),
        ] {
            let refusal = Condition::has(&item(ConditionKind::Header, "x", Some(value))).unwrap_err();
            assert!(refusal.to_string().contains(reason), "{value}: {refusal}");
        }
        let long = "a".repeat(MAX_VALUE + 1);
        assert!(Condition::missing(&item(ConditionKind::Host, "", Some(&long))).is_err());
    }
}

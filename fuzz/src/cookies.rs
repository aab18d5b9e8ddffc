//! Cookie headers: read, joined into one session, and kept from upstreams without losing another cookie.
//!
//! The first line is `joined` or anything else; each further line is one Cookie header.

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use futures_util::FutureExt as _;
use sessiongate::gate::Gate;
use sessiongate::policy::decision::{Decision, Permit};
use sessiongate::request::cookies::Cookies;
use sessiongate::request::path::{RequestPath, decode_uri_component};
use sessiongate::request::{Headers, HttpRequest, Repeats, RequestParts};
use sessiongate::session::credential::{Credential, MAX_CHUNKS, Precedence};

use crate::world::{self, COOKIE, OLD_COOKIE, SECRET, SIGNING_SECRET, TOKENS};

/// Every visitor passes, and with a session its cookies are kept from the upstream.
static GATE: LazyLock<Gate> = LazyLock::new(|| {
    world::gate(&format!(
        "sessions:\n  web: {{ kind: authjs, secret: {SECRET} }}\n  \
         old: {{ kind: nextauth, secret: {SECRET}, allow_weak_secret: true }}\n  \
         machine: {{ kind: jwt, secret: {SIGNING_SECRET}, from: [{{ cookie: token }}] }}\n\
         default: {{ access: optional }}\nidentity: {{ strip_cookie: true, session_header: x-auth-session }}"
    ))
});

/// # Panics
/// Where a cookie is lost, made up, or chosen among several.
pub fn run(data: &[u8]) {
    let text = TOKENS.put_into(&String::from_utf8_lossy(data));
    let mut lines = text.split('\n');
    let repeats = if lines.next() == Some("joined") { Repeats::Joined } else { Repeats::Separate };
    let lines: Vec<&str> = lines.collect();
    let fields = lines.iter().map(|line| (Cow::from("cookie"), Cow::from(*line))).collect();
    let headers = Headers::new(fields, repeats);
    are_as_sent(&lines, &Cookies::parse(&headers));
    for precedence in [Precedence::First, Precedence::Last] {
        is_one_credential(&Cookies::parse(&headers), precedence);
    }
    is_decided(&lines, headers);
}

/// The cookies of a header as plainly as they can be read.
fn plainly<'h>(lines: impl IntoIterator<Item = &'h str>) -> Vec<(&'h str, &'h str)> {
    let pairs = lines.into_iter().flat_map(|line| line.split(';')).filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (trim(name), trim(value))).collect()
}

fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

fn are_as_sent(lines: &[&str], cookies: &Cookies<'_>) {
    let (found, sent): (Vec<_>, _) = (cookies.iter().collect(), plainly(lines.iter().copied()));
    if cookies.is_complete() {
        assert_eq!(found, sent);
    } else {
        assert!(found.len() <= 256 && sent.starts_with(&found), "what is read is no beginning");
        assert!(sent.len() > 256 || lines.iter().map(|line| line.len()).sum::<usize>() > 64 * 1024);
    }
}

/// A credential is one whole cookie, or all the chunks of one, and nothing is chosen between two.
fn is_one_credential(cookies: &Cookies<'_>, precedence: Precedence) {
    let name: Arc<str> = COOKIE.into();
    let Some(credential) = Credential::from_cookies(cookies, &name, precedence, usize::MAX) else { return };
    let Ok(tokens) = credential.tokens() else { return };
    let decoded = |value: &str| decode_uri_component(value).map_or_else(|| value.to_owned(), Cow::into_owned);
    let values = |name: &str| -> Vec<String> {
        cookies.iter().filter(|(sent, _)| *sent == name).map(|(_, value)| decoded(value)).collect()
    };
    let whole = values(COOKIE);
    if whole.iter().any(|value| !value.is_empty()) {
        assert!(whole.iter().all(|value| *value == tokens.token), "one of several");
        assert!(tokens.other.is_none());
        return;
    }
    let chunks: Vec<Vec<String>> = (0..MAX_CHUNKS).map(|n| values(&format!("{COOKIE}.{n}"))).collect();
    let joined = |pick: fn(&Vec<String>) -> Option<&String>| -> String {
        chunks.iter().filter_map(pick).map(String::as_str).collect()
    };
    let both = [joined(|values| values.first()), joined(|values| values.last())];
    let [token, other] =
        if precedence == Precedence::First { [&both[0], &both[1]] } else { [&both[1], &both[0]] };
    assert_eq!(tokens.token, **token);
    assert!(tokens.other.as_ref().is_none_or(|sent| sent == other));
}

fn is_decided(lines: &[&str], headers: Headers<'_>) {
    let request = HttpRequest::new(RequestParts {
        method: "GET",
        scheme: "https",
        host: "app.example.com",
        path: RequestPath::parse("/").expect("a path"),
        query: "",
        headers,
        now: world::now(),
    });
    match GATE.check(&request).now_or_never().expect("no store is asked") {
        Decision::Allow(permit) => {
            if let Some(session) = permit.verified_session() {
                assert!(TOKENS.are_genuine(session.claims()), "nobody made {:?}", session.claims());
                is_kept_from_the_upstream(lines, &permit);
            }
        }
        decision => panic!("everybody passes: {decision:?}"),
    }
}

fn is_kept_from_the_upstream(lines: &[&str], permit: &Permit<'_>) {
    let set = permit.upstream.set.iter().find(|(name, _)| *name == "cookie").map(|(_, value)| value.as_str());
    let is_removed = permit.upstream.remove.iter().any(|name| name == "cookie");
    assert!(set.is_some() != is_removed, "the session's cookie reaches the upstream");
    let fields: Vec<(&str, &[u8])> = lines.iter().map(|line| ("cookie", line.as_bytes())).collect();
    examine(&fields, set.unwrap_or_default());
}

/// Whether what the upstream gets is what was sent without our cookies, the others byte for byte and in their order.
///
/// # Panics
/// Where it is not.
pub fn examine(sent: &[(&str, &[u8])], kept: &str) {
    let lines: Vec<Cow<'_, str>> = sent
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case("cookie"))
        .map(|(_, value)| String::from_utf8_lossy(value))
        .collect();
    let pieces =
        |line: &str| -> Vec<String> { line.split(';').map(|piece| trim(piece).to_owned()).collect() };
    let is_other =
        |piece: &String| !piece.is_empty() && !is_ours(trim(piece.split('=').next().unwrap_or_default()));
    let expected: Vec<String> = lines.iter().flat_map(|line| pieces(line)).filter(is_other).collect();
    let found: Vec<String> = pieces(kept).into_iter().filter(|piece| !piece.is_empty()).collect();
    assert_eq!(found, expected);
}

/// Whether a cookie is a session's, or a part of one.
#[must_use]
pub fn is_ours(name: &str) -> bool {
    let names = [COOKIE, OLD_COOKIE, "token"];
    let bare = name.strip_prefix("__Secure-").filter(|name| !is_part(name, "token")).unwrap_or(name);
    names.iter().any(|ours| is_part(bare, ours))
}

/// `name`, or `name.N`.
fn is_part(name: &str, ours: &str) -> bool {
    match name.strip_prefix(ours) {
        Some("") => true,
        Some(rest) => rest.strip_prefix('.').is_some_and(|number| {
            number.bytes().all(|byte| byte.is_ascii_digit())
                && !number.is_empty()
                && (number == "0" || !number.starts_with('0'))
        }),
        None => false,
    }
}

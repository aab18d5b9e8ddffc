//! The HTTP door: what proxies write into headers, and what clients write beside it.
//!
//! A request as in [`crate::written`], whose target is where the proxy asks; `@peer` is the proxy's address.

use std::net::SocketAddr;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::request::Parts;
use http::{HeaderMap, Request, Version};
use serde_json::{Map, Value};
use sessiongate::forward_auth::ForwardAuth;

use crate::granted::may_be_open;
use crate::world::{self, OURS, TOKENS};
use crate::written::Written;

static DOOR: LazyLock<ForwardAuth> = LazyLock::new(|| ForwardAuth::new(world::doors()));

/// # Panics
/// Where the answer breaks a promise.
pub fn run(data: &[u8]) {
    let written = Written::parse(data);
    let Some(parts) = parts(&written) else { return };
    if !ForwardAuth::is_asked_at(parts.uri.path()) {
        return;
    }
    let told =
        |name: &str| written.extensions.iter().find(|(known, _)| known == name).map(|(_, value)| &**value);
    let peer: Option<SocketAddr> = told("peer").unwrap_or("127.0.0.1:9").parse().ok();
    let answer = world::runtime().block_on(DOOR.answer(&parts, peer));
    let (status, headers) = (answer.status().as_u16(), answer.headers());
    assert!([200, 307, 400, 401, 403].contains(&status), "{status}");
    if status == 200 {
        assert!(peer.is_some_and(|peer| peer.ip().to_canonical().is_loopback()), "{peer:?} is not trusted");
        is_justified(&parts, headers);
        are_ours_alone(&parts, headers);
    } else {
        assert!(OURS.iter().all(|name| !headers.contains_key(*name)), "a denial tells of a session");
    }
    if let Some(location) = headers.get("location") {
        // nginx knows no redirect in an answer to its question.
        assert!([307, 401].contains(&status), "{status}");
        let login = format!("{}/api/auth/signin?callbackUrl=", world::ORIGIN);
        assert!(location.to_str().is_ok_and(|location| location.starts_with(&login)), "{location:?}");
    }
}

fn parts(written: &Written) -> Option<Parts> {
    let mut request = Request::builder().method(&*written.method).uri(&*written.target);
    if written.is_raw {
        request = request.version(Version::HTTP_2);
    }
    for (name, value) in &written.headers {
        request = request.header(&**name, &**value);
    }
    Some(request.body(()).ok()?.into_parts().0)
}

/// Who passes has a session that somebody made, or asks for what is open, whoever of all that tell of it is right.
fn is_justified(parts: &Parts, headers: &HeaderMap) {
    let session = headers.get("x-auth-session").expect("set or emptied").as_bytes();
    if !session.is_empty() {
        let json = URL_SAFE_NO_PAD.decode(session).expect("base64url");
        let session: Map<String, Value> = serde_json::from_slice(&json).expect("JSON");
        let claims = session.get("claims").and_then(Value::as_object).expect("claims");
        assert!(TOKENS.are_genuine(claims), "nobody made a session of {claims:?}");
        return;
    }
    let targets = targets(parts);
    assert!(!targets.is_empty() && targets.iter().all(|target| may_be_open(target)), "{targets:?} is open");
}

/// Every target that the request names, by the kinds of proxy that there are.
fn targets(parts: &Parts) -> Vec<String> {
    let asked = parts.uri.path_and_query().map_or("", |asked| asked.as_str());
    if let Some(target) = asked.strip_prefix("/auth").filter(|target| target.starts_with('/')) {
        return vec![target.to_owned()];
    }
    let texts = |name: &str| -> Vec<String> {
        let values = parts.headers.get_all(name).iter();
        values
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
            .filter(|text| !text.is_empty())
            .collect()
    };
    let urls = texts("x-original-url").into_iter().map(|url| {
        let rest = url.split_once("://").map_or(&*url, |(_, rest)| rest);
        rest.find('/').map_or("", |at| &rest[at..]).to_owned()
    });
    urls.chain(texts("x-forwarded-uri")).collect()
}

/// Who copies the headers of the answer by name overwrites what the client sent; what has no such name is listed.
fn are_ours_alone(parts: &Parts, headers: &HeaderMap) {
    let removed =
        headers.get("x-envoy-auth-headers-to-remove").map_or("", |value| value.to_str().expect("ASCII"));
    let folded = |name: &str| name.to_ascii_lowercase().replace('_', "-");
    for name in OURS {
        assert_eq!(headers.get_all(name).iter().count(), 1, "{name}");
        for sent in parts.headers.keys().map(http::HeaderName::as_str).filter(|sent| folded(sent) == name) {
            let is_told = headers.contains_key(sent) || removed.split(',').any(|listed| listed == sent);
            assert!(is_told, "{sent} reaches the upstream");
        }
    }
}

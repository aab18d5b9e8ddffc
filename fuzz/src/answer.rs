//! What holds of every answer to Envoy, whatever was asked.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use prost::Message as _;
use prost_types::value::Kind;
use serde_json::{Map, Value};
use sessiongate::envoy::attribute_context::HttpRequest;
use sessiongate::envoy::{
    CheckRequest, CheckResponse, DeniedHttpResponse, HeaderAppendAction, HeaderValueOption, HttpResponse,
    OkHttpResponse,
};

use crate::granted::may_be_open;
use crate::world::{NOW, OPEN_RULES, ORIGIN, OURS, SECRET, SIGNING_SECRET, TOKENS};

/// # Panics
/// Where the answer breaks a promise.
pub fn examine(asked: &CheckRequest, answer: &CheckResponse) {
    let encoded = answer.encode_to_vec();
    assert_eq!(CheckResponse::decode(&*encoded).as_ref(), Ok(answer), "it does not survive the wire");
    for secret in [SECRET, SIGNING_SECRET] {
        let is_in = |bytes: &[u8]| bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
        // The fuzzer reads along, and can send one.
        assert!(!is_in(&encoded) || is_in(&asked.encode_to_vec()), "a secret is in the answer");
    }
    let code = answer.status.as_ref().expect("an answer without a status lets everybody in").code;
    for name in ["decision", "provider", "reason", "rule"] {
        told(answer, name);
    }
    match answer.http_response.as_ref().expect("an answer without an HTTP response") {
        HttpResponse::OkResponse(ok) => {
            assert_eq!((code, told(answer, "decision")), (0, "allow"));
            is_justified(asked, answer, ok);
            let sent = sent(asked);
            are_ours_alone(&sent, ok);
            are_legal(&ok.headers, &sent);
            are_legal(&ok.response_headers_to_add, &sent);
        }
        HttpResponse::DeniedResponse(denied) => {
            assert_ne!(code, 0, "a denial that Envoy takes for a pass");
            is_denial(denied, &[307, 400, 401, 403]);
            are_legal(&denied.headers, &[]);
        }
        // No rule asks a store, and time is not up.
        HttpResponse::ErrorResponse(_) => panic!("unavailable: {}", told(answer, "reason")),
    }
}

fn http(asked: &CheckRequest) -> Option<&HttpRequest> {
    asked.attributes.as_ref()?.request.as_ref()?.http.as_ref()
}

fn told<'a>(answer: &'a CheckResponse, name: &str) -> &'a str {
    let metadata = answer.dynamic_metadata.as_ref().expect("metadata");
    match metadata.fields.get(name).and_then(|value| value.kind.as_ref()) {
        Some(Kind::StringValue(text)) => text,
        other => panic!("{name}: {other:?}"),
    }
}

/// Who passes passes by an open rule, or by a session that somebody made who has the key.
fn is_justified(asked: &CheckRequest, answer: &CheckResponse, ok: &OkHttpResponse) {
    let http = http(asked).expect("nothing passes without a request");
    let extension = |name: &str| {
        asked.attributes.as_ref().and_then(|a| a.context_extensions.get(name)).map(String::as_str)
    };
    if let Some(least) = extension("sessiongate.access") {
        let reasons: &[&str] = match least {
            "public" => &["public", "anonymous", "session"],
            "optional" => &["anonymous", "session"],
            "session" => &["session"],
            _ => &[],
        };
        assert!(reasons.contains(&told(answer, "reason")), "the route asks for {least}");
    }
    match told(answer, "reason") {
        "public" | "anonymous" => {
            assert!(OPEN_RULES.contains(&told(answer, "rule")), "{} is not open", told(answer, "rule"));
            let named = extension("sessiongate.rule");
            let is_named = named.is_some_and(|named| OPEN_RULES.contains(&named));
            assert!(is_named || named.is_none() && may_be_open(&http.path), "{} is open", http.path);
            assert_eq!(told(answer, "provider"), "");
        }
        "session" => {
            assert!(["web", "old", "machine"].contains(&told(answer, "provider")));
            assert_ne!(told(answer, "rule"), "blocked");
            session_of(ok);
        }
        reason => panic!("{reason} is no reason to pass"),
    }
}

/// The session that the upstream is told: one that was made by us, and is alive.
fn session_of(ok: &OkHttpResponse) {
    let header = header(&ok.headers, "x-auth-session").expect("the session fits");
    let json = URL_SAFE_NO_PAD.decode(header).expect("base64url");
    let session: Map<String, Value> = serde_json::from_slice(&json).expect("JSON");
    let claims = session.get("claims").and_then(Value::as_object).expect("claims");
    assert!(TOKENS.are_genuine(claims), "nobody made a session of {claims:?}");
    let expires = claims.get("exp").and_then(Value::as_f64).expect("a number");
    #[allow(clippy::cast_precision_loss, reason = "a few seconds do not matter")]
    let now = NOW as f64;
    assert!(expires > now - 15.0, "a session that is over");
}

fn header<'h>(headers: &'h [HeaderValueOption], name: &str) -> Option<&'h str> {
    let headers = headers.iter().filter_map(|option| option.header.as_ref());
    headers.filter(|header| header.key == name).map(|header| &*header.value).next()
}

/// Headers as the gate reads them.
fn sent(asked: &CheckRequest) -> Vec<(&str, &[u8])> {
    let Some(http) = http(asked) else { return Vec::new() };
    match &http.header_map {
        Some(map) if !map.headers.is_empty() => map
            .headers
            .iter()
            .map(|header| {
                let raw = &*header.raw_value;
                (&*header.key, if raw.is_empty() { header.value.as_bytes() } else { raw })
            })
            .collect(),
        _ => http.headers.iter().map(|(name, value)| (&**name, value.as_bytes())).collect(),
    }
}

/// Each header that we could set is set or taken away, in every spelling that the client used.
fn are_ours_alone(sent: &[(&str, &[u8])], ok: &OkHttpResponse) {
    let is_set = |name: &str| {
        ok.headers
            .iter()
            .filter_map(|option| option.header.as_ref())
            .any(|h| h.key.eq_ignore_ascii_case(name))
    };
    let is_removed =
        |name: &str| ok.headers_to_remove.iter().any(|removed| removed.eq_ignore_ascii_case(name));
    for name in OURS {
        assert!(is_set(name) || is_removed(name), "{name} is neither set nor removed");
        for (spelling, _) in sent.iter().filter(|(sent, _)| folded(sent) == folded(name)) {
            assert!(is_set(spelling) || is_removed(spelling), "{spelling} reaches the upstream");
        }
    }
    for removed in &ok.headers_to_remove {
        assert!(!is_set(removed), "{removed} is set and removed");
        assert!(is_name(removed), "{removed:?} is no name");
        let is_ours = OURS.iter().any(|name| folded(name) == folded(removed)) || removed == "cookie";
        assert!(is_ours, "{removed} is none of ours");
    }
}

/// As an upstream may read a name.
fn folded(name: &str) -> String {
    name.to_ascii_lowercase().replace('_', "-")
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic() && !byte.is_ascii_uppercase())
}

/// Envoy answers 503 to one value that is not legal. The client's own cookies stay as they came.
fn are_legal(headers: &[HeaderValueOption], sent: &[(&str, &[u8])]) {
    for option in headers {
        let header = option.header.as_ref().expect("a header");
        let (name, value) = (&*header.key, &*header.value);
        assert!(is_name(name), "{name:?} is no name");
        assert!(header.raw_value.is_empty());
        let appends = option.append_action == HeaderAppendAction::AppendIfExistsOrAdd as i32;
        assert_eq!(option.append, Some(appends), "{name}: versions of Envoy would differ");
        assert!(!appends || name == "set-cookie", "{name} would stand beside the client's");
        if name == "cookie" {
            crate::cookies::examine(sent, value);
            continue;
        }
        assert!(value.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{name}: {value:?} is not legal");
        assert_eq!(value.trim_matches(' '), value, "{name}: spaces are lost on the way");
    }
}

fn is_denial(denied: &DeniedHttpResponse, statuses: &[i32]) {
    let status = denied.status.as_ref().expect("a status").code;
    assert!(statuses.contains(&status), "{status}");
    let location = header(&denied.headers, "location");
    assert_eq!(location.is_some(), status == 307);
    if let Some(location) = location {
        let callback = location.strip_prefix(&format!("{ORIGIN}/api/auth/signin?callbackUrl="));
        let callback = callback.unwrap_or_else(|| panic!("{location} is not the login"));
        assert!(callback.starts_with("https%3A%2F%2Fapp.example.com%2F"), "{callback} leads elsewhere");
        assert!(!callback.contains(['&', '#', '?', '/', '\\']), "{callback} is not one parameter");
    }
    for option in denied.headers.iter().filter_map(|option| option.header.as_ref()) {
        if option.key == "set-cookie" {
            let name = option.value.split('=').next().unwrap_or_default();
            assert!(crate::cookies::is_ours(name), "{name} is no cookie of ours");
            assert!(option.value.contains("=; Max-Age=0; Path=/; HttpOnly;"), "{}", option.value);
        }
    }
}

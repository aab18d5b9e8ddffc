//! Signed tokens: any text, and tokens that are signed with the right key around anything.
//!
//! As text, a token as it is; after a zero byte a first line that is the token's header, and then the payload.

use std::borrow::Cow;
use std::sync::LazyLock;

use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use futures_util::FutureExt as _;
use serde_json::{Map, Value};
use sessiongate::gate::Gate;
use sessiongate::request::path::RequestPath;
use sessiongate::request::{Headers, HttpRequest, Repeats, RequestParts};
use sessiongate::session::Session;

use crate::world::{self, NOW, SIGNING_SECRET, TOKENS, signed};

const LEEWAY: f64 = 15.0;

static KEY: LazyLock<EcdsaKeyPair> =
    LazyLock::new(|| EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key"));

/// One provider for each kind of key.
static GATE: LazyLock<Gate> = LazyLock::new(|| {
    let der: PublicKeyX509Der<'_> = KEY.public_key().as_der().expect("a public key");
    let pem = STANDARD.encode(der.as_ref());
    world::gate(&format!(
        "sessions:\n  secret:\n    kind: jwt\n    secret: {SIGNING_SECRET}\n    algorithms: [HS256, HS384]\n    \
         issuer: https://issuer.example.com\n    audience: [orders]\n  \
         pair:\n    kind: jwt\n    algorithms: [ES256]\n    max_age: 1h\n    public_key: |\n      \
         -----BEGIN PUBLIC KEY-----\n      {pem}\n      -----END PUBLIC KEY-----\n"
    ))
});

/// # Panics
/// Where a token is taken for what it is not.
pub fn run(data: &[u8]) {
    if let Some((0, parts)) = data.split_first() {
        let mut parts = parts.splitn(2, |byte| *byte == b'\n');
        let (header, payload) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        is_genuine(&signed(header, payload), "HS256", header, payload);
        is_genuine(&signed_by_pair(header, payload), "ES256", header, payload);
        return;
    }
    let token = TOKENS.put_into(&String::from_utf8_lossy(data));
    if let Some(session) = session_of(&token) {
        assert!(TOKENS.are_genuine(session.claims()), "nobody signed {token}");
    }
}

fn is_genuine(token: &str, algorithm: &str, header: &[u8], payload: &[u8]) {
    if let Some(session) = session_of(token) {
        is_what_it_says(&session, header, payload, algorithm);
        is_sealed(token, payload);
    }
}

fn signed_by_pair(header: &[u8], payload: &[u8]) -> String {
    let input = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
    let signature = KEY.sign(&SystemRandom::new(), input.as_bytes()).expect("a signature");
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn session_of(token: &str) -> Option<Session> {
    let value = format!("Bearer {token}");
    let headers = vec![(Cow::from("authorization"), Cow::from(value))];
    let request = HttpRequest::new(RequestParts {
        method: "GET",
        scheme: "https",
        host: "app.example.com",
        path: RequestPath::parse("/").expect("a path"),
        query: "",
        headers: Headers::new(headers, Repeats::Separate),
        now: world::now(),
    });
    let decision = GATE.check(&request).now_or_never().expect("no store is asked");
    decision.verified_session().cloned()
}

fn is_what_it_says(session: &Session, header: &[u8], payload: &[u8], algorithm: &str) {
    let header: Map<String, Value> = serde_json::from_slice(header).expect("a JSON object");
    assert_eq!(header.get("alg").and_then(Value::as_str), Some(algorithm), "the token chose");
    assert!(header.get("crit").is_none_or(Value::is_null), "an extension that nobody knows");
    let claims = session.claims();
    assert_eq!(serde_json::from_slice::<Map<String, Value>>(payload).ok().as_ref(), Some(claims));
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let number = |name: &str| claims.get(name).map(|value| value.as_f64().expect("a number"));
    #[allow(clippy::cast_precision_loss, reason = "a few seconds do not matter")]
    let now = NOW as f64;
    assert!(number("exp").expect("an expiry") + LEEWAY > now);
    assert!(number("nbf").is_none_or(|from| from <= now + LEEWAY));
    assert!(text("sub").is_some_and(|subject| !subject.is_empty()));
    match &**session.provider() {
        "secret" => {
            assert_eq!((algorithm, text("iss")), ("HS256", Some("https://issuer.example.com")));
            let audience = claims.get("aud").expect("an audience");
            let names = audience.as_array().cloned().unwrap_or_else(|| vec![audience.clone()]);
            assert!(names.contains(&Value::from("orders")) && names.iter().all(Value::is_string));
        }
        "pair" => {
            assert_eq!(algorithm, "ES256");
            assert!(now - number("iat").expect("its beginning") < 3600.0 + LEEWAY);
        }
        other => panic!("{other}"),
    }
}

/// One other character anywhere, and it is no token any more.
fn is_sealed(token: &str, payload: &[u8]) {
    let place =
        payload.iter().fold(7_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(*byte)));
    let mut forged = token.as_bytes().to_vec();
    let place = place % forged.len();
    forged[place] = if forged[place] == b'A' { b'B' } else { b'A' };
    let forged = String::from_utf8(forged).expect("ASCII");
    assert!(session_of(&forged).is_none(), "{forged} is a session");
}

//! Encrypted tokens: any text, and tokens that are sealed with the right key around anything.
//!
//! As text, a token as it is; after a zero byte a first line that is the token's header, in which `KID` stands for the
//! right key's, and then the payload.

use std::sync::LazyLock;

use aws_lc_rs::digest;
use aws_lc_rs::hkdf;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};
use sessiongate::gate::Gate;
use sessiongate::session::authjs::{AuthJs, MAX_TOKEN_BYTES};
use sessiongate::session::jwe::{Buffer, Compact, Encryption, Key};

use crate::world::{self, COOKIE, NOW, SECRET, TOKENS};

static GATE: LazyLock<Gate> = LazyLock::new(|| {
    world::gate(&format!("sessions: {{ web: {{ kind: authjs, secret: {SECRET}, cookie: {COOKIE} }} }}"))
});

/// The same keys, derived here once more (RFC 5869, RFC 7638).
static KEYS: LazyLock<[Sealing; 2]> =
    LazyLock::new(|| [Encryption::A256CbcHs512, Encryption::A256Gcm].map(Sealing::derive));

struct Sealing {
    key: Key,
    kid: String,
}

struct Length(usize);

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

impl Sealing {
    fn derive(encryption: Encryption) -> Self {
        let mut bytes = vec![0; encryption.key_len()];
        let info = format!("Auth.js Generated Encryption Key ({COOKIE})");
        hkdf::Salt::new(hkdf::HKDF_SHA256, COOKIE.as_bytes())
            .extract(SECRET.as_bytes())
            .expand(&[info.as_bytes()], Length(bytes.len()))
            .and_then(|material| material.fill(&mut bytes))
            .expect("a key");
        let algorithm = if bytes.len() == 64 { &digest::SHA512 } else { &digest::SHA256 };
        let jwk = format!(r#"{{"k":"{}","kty":"oct"}}"#, URL_SAFE_NO_PAD.encode(&bytes));
        let kid = URL_SAFE_NO_PAD.encode(digest::digest(algorithm, jwk.as_bytes()));
        Self { key: Key::new(encryption, &bytes).expect("a key"), kid }
    }
}

/// # Panics
/// Where a token is taken for what it is not.
pub fn run(data: &[u8]) {
    let provider = world::authjs(&GATE, "web");
    match data.split_first() {
        Some((0, parts)) => sealed(provider, parts),
        _ => as_sent(provider, &String::from_utf8_lossy(data)),
    }
}

/// Nobody but us makes a token that opens.
fn as_sent(provider: &AuthJs, text: &str) {
    let token = TOKENS.put_into(text);
    if let Ok(claims) = provider.decode(&token) {
        let is_known = TOKENS.is_one(&token) || world::CONFORMANCE.contains(&token);
        assert!(is_known, "nobody made {token}: {claims:?}");
        assert!(token.len() <= MAX_TOKEN_BYTES);
    }
    if let Ok(compact) = Compact::parse(&token, MAX_TOKEN_BYTES) {
        if let Ok(header) = compact.header(&[Encryption::A256Gcm]) {
            assert_eq!(
                header.members.get("enc"),
                Some(&Value::from("A256GCM")),
                "what is allowed is ours to say"
            );
        }
        let mut buffer = Buffer::new();
        for sealing in KEYS.iter() {
            let _ = sealing.key.open(&compact, &mut buffer);
        }
    }
}

fn sealed(provider: &AuthJs, parts: &[u8]) {
    let mut parts = parts.splitn(2, |byte| *byte == b'\n');
    let (header, payload) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    for sealing in KEYS.iter() {
        let header = String::from_utf8_lossy(header).replace("KID", &sealing.kid).into_bytes();
        let text = URL_SAFE_NO_PAD.encode(&header);
        let token = sealing.key.seal(&text, payload).expect("a token");
        let opened = provider.decode(&token);
        if let Ok(claims) = &opened {
            is_allowed(&header, sealing);
            is_what_it_says(claims, payload);
            is_alive(provider, claims);
            is_sealed(provider, &token, payload);
        } else if is_as_auth_js_writes(&header, sealing)
            && serde_json::from_slice::<Map<String, Value>>(payload).is_ok()
        {
            panic!("refused: {opened:?}");
        }
    }
}

/// Only `dir` with the right key and its own encryption, nothing critical, nothing compressed.
fn is_allowed(header: &[u8], sealing: &Sealing) {
    let header: Map<String, Value> = serde_json::from_slice(header).expect("a JSON object");
    let text = |name: &str| header.get(name).and_then(Value::as_str);
    assert_eq!(text("alg"), Some("dir"));
    assert_eq!(text("enc"), Some(sealing.key.encryption().name()));
    assert!(!header.contains_key("zip") && !header.contains_key("crit"));
    assert!(header.get("kid").is_none_or(|kid| kid == &sealing.kid), "another key's");
}

fn is_what_it_says(claims: &Map<String, Value>, payload: &[u8]) {
    let payload = payload.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(payload);
    assert_eq!(serde_json::from_slice::<Map<String, Value>>(payload).ok().as_ref(), Some(claims));
}

/// A session ends, and tells whose it is in numbers that are numbers.
fn is_alive(provider: &AuthJs, claims: &Map<String, Value>) {
    let Ok(expires) = provider.check(claims, world::now()) else { return };
    #[allow(clippy::cast_precision_loss, reason = "a few seconds do not matter")]
    let now = NOW as f64;
    assert!(expires.is_finite() && expires > now - 15.0);
    assert_eq!(claims.get("exp").and_then(Value::as_f64), Some(expires));
    assert!(claims.get("nbf").is_none_or(|nbf| nbf.as_f64().is_some_and(|nbf| nbf <= now + 15.0)));
    assert!(claims.get("iat").is_none_or(Value::is_number));
}

/// One other character anywhere, and it is no token any more.
fn is_sealed(provider: &AuthJs, token: &str, payload: &[u8]) {
    let at =
        payload.iter().fold(payload.len(), |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(*byte)));
    let mut forged = token.as_bytes().to_vec();
    let place = at % forged.len();
    forged[place] = if forged[place] == b'A' { b'B' } else { b'A' };
    let forged = String::from_utf8(forged).expect("ASCII");
    assert!(provider.decode(&forged).is_err(), "{forged} opens");
}

fn is_as_auth_js_writes(header: &[u8], sealing: &Sealing) -> bool {
    let name = sealing.key.encryption().name();
    header == format!(r#"{{"alg":"dir","enc":"{name}","kid":"{}"}}"#, sealing.kid).as_bytes()
}

//! Tokens that no honest library would make, sealed with the true keys: whoever refuses them does so for what they say.

use aws_lc_rs::{digest, hkdf};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use josekit::jwe::{self, JweHeader};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use crate::harness::session::{COOKIE, SECRET};

/// The secret of the provider `machine` in `sessiongate.yaml`.
const MACHINE_SECRET: &str = "e2e-machine-secret-5Tq8Wd2Kx7Rb3Lm9Pz";
const ENCRYPTION: &str = "A256CBC-HS512";
const KEY_BYTES: usize = 64;

/// A v5 session with these claims and no others.
pub fn session(claims: &Value) -> String {
    jwe::serialize_compact(claims.to_string().as_bytes(), &header(), &encrypter()).expect("a token")
}

/// The same, compressed, as RFC 7516 allows.
pub fn compressed(claims: &Value) -> String {
    let mut header = header();
    header.set_compression("DEF");
    jwe::serialize_compact(claims.to_string().as_bytes(), &header, &encrypter()).expect("a token")
}

/// A token whose own header asks for its key to be made from a password.
pub fn by_password(claims: &Value, password: &str) -> String {
    let mut header = JweHeader::new();
    header.set_content_encryption(ENCRYPTION);
    let encrypter = jwe::PBES2_HS512_A256KW.encrypter_from_bytes(password).expect("a password");
    jwe::serialize_compact(claims.to_string().as_bytes(), &header, &encrypter).expect("a token")
}

/// The same token, which asks for so many rounds.
pub fn with_count(token: &str, rounds: i32) -> String {
    let (header, rest) = token.split_once('.').expect("a token");
    let header = URL_SAFE_NO_PAD.decode(header).expect("base64url");
    let mut header: Value = serde_json::from_slice(&header).expect("JSON");
    header["p2c"] = json!(rounds);
    format!("{}.{rest}", URL_SAFE_NO_PAD.encode(header.to_string()))
}

/// A token of `machine` with these claims.
pub fn signed(claims: &Value) -> String {
    let key = EncodingKey::from_secret(MACHINE_SECRET.as_bytes());
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &key).expect("a token")
}

fn header() -> JweHeader {
    let mut header = JweHeader::new();
    header.set_content_encryption(ENCRYPTION);
    header.set_key_id(thumbprint(&key()));
    header
}

fn encrypter() -> impl jwe::JweEncrypter {
    jwe::Dir.encrypter_from_bytes(key()).expect("a key")
}

struct Length(usize);

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

/// As Auth.js derives it from the secret and the cookie's name.
fn key() -> [u8; KEY_BYTES] {
    let info = format!("Auth.js Generated Encryption Key ({COOKIE})");
    let mut key = [0; KEY_BYTES];
    let extracted = hkdf::Salt::new(hkdf::HKDF_SHA256, COOKIE.as_bytes()).extract(SECRET.as_bytes());
    let parts = [info.as_bytes()];
    extracted.expand(&parts, Length(KEY_BYTES)).and_then(|okm| okm.fill(&mut key)).expect("a key");
    key
}

/// RFC 7638, with the hash that is as long as the key.
fn thumbprint(key: &[u8]) -> String {
    let jwk = format!(r#"{{"k":"{}","kty":"oct"}}"#, URL_SAFE_NO_PAD.encode(key));
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA512, jwk.as_bytes()))
}

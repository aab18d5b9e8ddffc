//! Who is signed in, and the cookies that say so.

use serde_json::{Value, json};

use super::mint::Token;

/// Secrets that no log may hold.
pub const SECRET: &str = "e2e-v5-secret-2Jx0vQ7mNf4Wc9Rk5LbTz";
pub const V4_SECRET: &str = "e2e-v4-secret-8HsYp3DgUa6Vn1Eq0MiXo";
pub const OTHER_SECRET: &str = "e2e-other-secret-Zk4Bt7Jw2Fy9Cd5Ls";

pub const COOKIE: &str = "authjs.session-token";
pub const V4_COOKIE: &str = "next-auth.session-token";

/// The chunks that Auth.js cuts a long token into, in characters.
const V5_CHUNK: usize = 3936;
const V4_CHUNK: usize = 3933;

pub const USER_ID: &str = "u-1815";
pub const EMAIL: &str = "ada.lovelace@engine.example";
const MONTH: i64 = 30 * 24 * 60 * 60;

/// The claims of the user of these tests.
pub fn ada() -> Value {
    json!({"sub": USER_ID, "name": "Ada Lovelace", "email": EMAIL, "picture": null, "roles": ["admin", "editor"]})
}

/// A v5 session of these claims, minted with the gate's secret for its cookie.
pub fn v5(claims: Value) -> Token {
    Token { version: "v5", secret: SECRET, salt: COOKIE, claims, max_age: MONTH }
}

/// A v4 session of these claims, minted with the gate's secret.
pub fn v4(claims: Value) -> Token {
    Token { version: "v4", secret: V4_SECRET, salt: "", claims, max_age: MONTH }
}

/// `name=token` for a v5 session of the user.
pub fn signed_in() -> String {
    format!("{COOKIE}={}", v5(ada()).mint())
}

/// The claims with a text that makes the token about as long as `bytes`.
pub fn padded(mut claims: Value, bytes: usize) -> Value {
    // Encrypted text is written in base64: four characters for three bytes.
    claims["padding"] = json!("x".repeat(bytes * 3 / 4));
    claims
}

/// `name.0=…`, `name.1=…`, as Auth.js v5 splits a token that is too long for one cookie.
pub fn chunks(name: &str, token: &str) -> Vec<String> {
    split(name, token, V5_CHUNK)
}

/// The same for NextAuth.js v4.
pub fn v4_chunks(name: &str, token: &str) -> Vec<String> {
    split(name, token, V4_CHUNK)
}

fn split(name: &str, token: &str, size: usize) -> Vec<String> {
    let parts = token.as_bytes().chunks(size).map(|part| String::from_utf8_lossy(part));
    parts.enumerate().map(|(at, part)| format!("{name}.{at}={part}")).collect()
}

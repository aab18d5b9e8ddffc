//! The credentials that a case names: `${signed_in}` is a Cookie's content, `${signed_in.token}` the bare token. Honest
//! ones are made by the real Auth.js and NextAuth.js, the others by `sealed`.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};

use crate::harness::mint::Token;
use crate::harness::session::{COOKIE, OTHER_SECRET, SECRET, USER_ID, V4_COOKIE, ada, chunks, v4, v5};
use crate::sealed;

/// A token, and the cookie that it belongs into.
#[derive(Clone, Debug)]
struct Credential {
    cookie: &'static str,
    token: String,
}

/// A header line, with credentials for their names.
pub fn filled(line: &str) -> String {
    let mut filled = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("${") {
        let (name, behind) = after.split_once('}').unwrap_or_else(|| panic!("{line}: `${{` is not closed"));
        filled += before;
        filled += &match name.strip_suffix(".token") {
            Some(kind) => credential(kind).token,
            None => in_cookies(&credential(name)),
        };
        rest = behind;
    }
    filled + rest
}

/// As Auth.js puts a token into cookies.
fn in_cookies(Credential { cookie, token }: &Credential) -> String {
    match chunks(cookie, token).as_slice() {
        [_] => format!("{cookie}={token}"),
        parts => parts.join("; "),
    }
}

/// Made once a run.
fn credential(kind: &str) -> Credential {
    static MADE: Mutex<Option<HashMap<String, Credential>>> = Mutex::new(None);
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    let made = made.get_or_insert_default();
    made.entry(kind.to_owned()).or_insert_with(|| make(kind)).clone()
}

fn make(kind: &str) -> Credential {
    let cookie = if kind.starts_with("v4") { V4_COOKIE } else { COOKIE };
    Credential { cookie, token: token(kind) }
}

fn token(kind: &str) -> String {
    let with = |name: &str, value: Value| {
        let mut claims = claims();
        claims[name] = value;
        claims
    };
    match kind {
        // Sessions as Auth.js 5 writes them.
        "signed_in" => v5(ada()).mint(),
        "without_email" => v5(json!({"sub": USER_ID})).mint(),
        "eve" => v5(json!({"sub": "eve"})).mint(),
        "expired" => Token { max_age: -60, ..v5(ada()) }.mint(),
        "other_secret" => Token { secret: OTHER_SECRET, ..v5(ada()) }.mint(),
        // The same, made here: first an honest one, which shows that the making is right.
        "sealed" => sealed::session(&claims()),
        "exp_string" => sealed::session(&with("exp", json!("4102444800"))),
        "exp_list" => sealed::session(&with("exp", json!([4_102_444_800_u64]))),
        "exp_null" => sealed::session(&with("exp", Value::Null)),
        "exp_missing" => sealed::session(&ada()),
        "nbf_string" => sealed::session(&with("nbf", json!("4102444800"))),
        "zip" => sealed::compressed(&claims()),
        "zip_bomb" => sealed::compressed(&with("padding", json!("x".repeat(9 << 20)))),
        "pbes2" => sealed::by_password(&claims(), SECRET),
        "p2c_bomb" => sealed::with_count(&sealed::by_password(&claims(), SECRET), i32::MAX),
        // NextAuth.js 4, and what it put into the cookies of a sign-in under way before and since 4.24.5.
        "v4_signed_in" => v4(ada()).mint(),
        "v4_state" => v4(json!({"value": "kN2xT0aQ", "state": "kN2xT0aQ"})).mint(),
        "v4_state_value" => v4(json!({"value": "kN2xT0aQ"})).mint(),
        "v4_pkce" => v4(json!({"code_verifier": "kN2xT0aQ"})).mint(),
        "v4_nonce" => v4(json!({"nonce": "kN2xT0aQ"})).mint(),
        "v4_state_salted" => Token { salt: "next-auth.state", ..v4(json!({"value": "kN2xT0aQ"})) }.mint(),
        // Signed tokens of a machine.
        "jwt" => sealed::signed(&claims()),
        "jwt_exp_string" => sealed::signed(&with("exp", json!("4102444800"))),
        "jwt_exp_list" => sealed::signed(&with("exp", json!([4_102_444_800_u64]))),
        "jwt_exp_missing" => sealed::signed(&ada()),
        "jwt_expired_string" => sealed::signed(&with("exp", json!("1"))),
        "jwt_nbf_string" => sealed::signed(&with("nbf", json!("4102444800"))),
        "jwt_nbf_object" => sealed::signed(&with("nbf", json!({"at": 4_102_444_800_u64}))),
        "jwt_nbf_future" => sealed::signed(&with("nbf", json!(4_102_444_800_u64))),
        _ => panic!("no credential is called `{kind}`"),
    }
}

/// The user of these tests, until the year 2100.
fn claims() -> Value {
    let mut claims = ada();
    claims["exp"] = json!(4_102_444_800_u64);
    claims
}

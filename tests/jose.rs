//! Tokens against another implementation of JOSE, and the laws that hold for any token.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test that panics has failed, which is what it is for"
)]

use std::sync::{Arc, LazyLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::FutureExt as _;
use josekit::jwe::{self, JweHeader};
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Map, Value, json};
use sessiongate::request::path::RequestPath;
use sessiongate::request::{Headers, HttpRequest, Repeats, RequestParts};
use sessiongate::secret::Secret;
use sessiongate::session::authjs::{AuthJs, AuthJsOptions, MAX_TOKEN_BYTES, Version};
use sessiongate::session::jwe::{Buffer, Compact, Encryption, JweError, Key};
use sessiongate::session::{Accepted, Provider, Providers, SessionError};

const ENCRYPTIONS: [Encryption; 2] = [Encryption::A256CbcHs512, Encryption::A256Gcm];
const VERSIONS: [Version; 2] = [Version::V5, Version::V4];
const NOW: SystemTime = UNIX_EPOCH;

static PROVIDERS: LazyLock<[Providers; 2]> = LazyLock::new(|| {
    VERSIONS.map(|v| Providers::new(vec![(Arc::from("web"), Arc::new(Provider::AuthJs(provider(v))))]))
});

fn key_bytes(encryption: Encryption) -> Vec<u8> {
    (0..encryption.key_len()).map(|n| u8::try_from(n * 7 % 256).unwrap()).collect()
}

fn header_text(header: &Value) -> String {
    use base64::Engine;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(header.to_string())
}

fn open(key: &Key, token: &str) -> Result<Vec<u8>, JweError> {
    let token = Compact::parse(token, MAX_TOKEN_BYTES)?;
    token.header(&[key.encryption()])?;
    key.open(&token, &mut Buffer::new()).map(<[u8]>::to_vec)
}

fn seal(encryption: Encryption, payload: &[u8]) -> (Key, String) {
    let key = Key::new(encryption, &key_bytes(encryption)).unwrap();
    let header = header_text(&json!({"alg": "dir", "enc": encryption.name()}));
    let token = key.seal(&header, payload).unwrap();
    (key, token)
}

fn provider(version: Version) -> AuthJs {
    let options = AuthJsOptions {
        version,
        secrets: vec![Secret::check("k4Zp0Wq9sVb1Xn7Rt3Ym5Lc8Hd2Jf6Ga", false).unwrap().0],
        cookies: Vec::new(),
        salt: None,
        bearer: true,
        max_age: None,
        max_token_bytes: MAX_TOKEN_BYTES,
        refresh: None,
    };
    AuthJs::new(options).unwrap()
}

fn verify(version: Version, headers: Vec<(&str, String)>) -> Result<Map<String, Value>, SessionError> {
    let fields = headers.into_iter().map(|(name, value)| (name.to_owned().into(), value.into())).collect();
    let request = HttpRequest::new(RequestParts {
        method: "GET",
        scheme: "https",
        host: "app.example.com",
        path: RequestPath::parse("/").unwrap(),
        query: "",
        headers: Headers::new(fields, Repeats::Joined),
        now: NOW,
    });
    let providers = &PROVIDERS[usize::from(version == Version::V4)];
    providers
        .verify(&Accepted::All, &request)
        .now_or_never()
        .expect("no store is asked")
        .map(|s| s.claims().clone())
        .map_err(|failures| failures.reason())
}

#[test]
fn josekit_opens_what_we_seal() {
    for encryption in ENCRYPTIONS {
        for size in [0, 1, 15, 16, 17, 500, 4000] {
            let payload = vec![b'x'; size];
            let (_, token) = seal(encryption, &payload);
            let decrypter = jwe::Dir.decrypter_from_bytes(key_bytes(encryption)).unwrap();
            let (theirs, _) = jwe::deserialize_compact(&token, &decrypter).unwrap();
            assert_eq!(theirs, payload, "{encryption:?} {size}");
        }
    }
}

#[test]
fn we_open_what_josekit_seals() {
    for encryption in ENCRYPTIONS {
        for size in [1, 15, 16, 17, 500, 4000] {
            let payload = vec![b'x'; size];
            let mut header = JweHeader::new();
            header.set_content_encryption(encryption.name());
            let encrypter = jwe::Dir.encrypter_from_bytes(key_bytes(encryption)).unwrap();
            let token = jwe::serialize_compact(&payload, &header, &encrypter).unwrap();
            let key = Key::new(encryption, &key_bytes(encryption)).unwrap();
            assert_eq!(open(&key, &token), Ok(payload), "{encryption:?} {size}");
        }
    }
}

#[test]
fn headers_ask_for_nothing_that_is_not_allowed() {
    let allowed = [Encryption::A256CbcHs512];
    let enc = "A256CBC-HS512";
    let table = [
        (json!({"alg": "dir", "enc": enc}), Ok(())),
        (json!({"alg": "dir", "enc": enc, "typ": "JWT", "jku": "x"}), Ok(())),
        (json!({"alg": "dir", "enc": "A256GCM"}), Err(JweError::Algorithm)),
        (json!({"alg": "dir", "enc": [enc]}), Err(JweError::Algorithm)),
        (json!({"alg": "dir"}), Err(JweError::Algorithm)),
        (json!({"alg": "A256KW", "enc": enc}), Err(JweError::Algorithm)),
        (json!({"enc": enc}), Err(JweError::Algorithm)),
        (json!({"alg": "dir", "enc": enc, "zip": "DEF"}), Err(JweError::Algorithm)),
        (json!({"alg": "dir", "enc": enc, "crit": []}), Err(JweError::Algorithm)),
        (json!(["dir", enc]), Err(JweError::Malformed)),
    ];
    for (header, expected) in table {
        let token = format!("{}....", header_text(&header));
        let parsed = Compact::parse(&token, MAX_TOKEN_BYTES).unwrap();
        assert_eq!(parsed.header(&allowed).map(|_| ()), expected, "{header}");
    }
    let with_key = format!("{}.AA...", header_text(&json!({"alg": "dir", "enc": enc})));
    assert_eq!(Compact::parse(&with_key, MAX_TOKEN_BYTES).err(), Some(JweError::Algorithm));
}

#[test]
fn every_bit_of_a_token_counts() {
    for encryption in ENCRYPTIONS {
        let (key, token) = seal(encryption, br#"{"sub":"1"}"#);
        assert!(open(&key, &token).is_ok());
        for position in 0..token.len() {
            for bit in 0..7 {
                let mut changed = token.clone().into_bytes();
                changed[position] ^= 1 << bit;
                let changed = String::from_utf8(changed).unwrap();
                assert!(open(&key, &changed).is_err(), "{encryption:?} {position} {bit}");
            }
        }
        for position in 0..=token.len() {
            assert!(open(&key, &token[..position]).is_err() || position == token.len());
            for inserted in ["A", "=", " ", "."] {
                let longer = format!("{}{inserted}{}", &token[..position], &token[position..]);
                assert!(open(&key, &longer).is_err(), "{encryption:?} {inserted:?} at {position}");
            }
        }
    }
}

#[test]
fn minted_tokens_are_sessions_until_they_end_and_have_what_authjs_writes() {
    for version in VERSIONS {
        let provider = provider(version);
        for name in version.cookie_names() {
            let claims = Map::from_iter([("sub".to_owned(), json!("1")), ("exp".to_owned(), json!("never"))]);
            let token = provider.mint(name, claims, Duration::from_mins(1), NOW).unwrap();
            let found = verify(version, vec![("cookie", format!("{name}={token}"))]).unwrap();
            assert_eq!((&found["iat"], &found["exp"], &found["sub"]), (&json!(0), &json!(60), &json!("1")));
            let jti = found["jti"].as_str().unwrap();
            assert!(
                jti.len() == 36 && jti.as_bytes()[14] == b'4' && b"89ab".contains(&jti.as_bytes()[19]),
                "{jti}"
            );
            let header = Compact::parse(&token, MAX_TOKEN_BYTES).unwrap().header(&ENCRYPTIONS).unwrap();
            assert_eq!(header.members.contains_key("kid"), version == Version::V5);
            assert_eq!(header.encryption == Encryption::A256CbcHs512, version == Version::V5);
            assert_eq!(provider.check(&found, NOW + Duration::from_secs(74)), Ok(60.0));
            assert_eq!(provider.check(&found, NOW + Duration::from_secs(75)), Err(SessionError::Expired));
        }
    }
}

proptest! {
    #[test]
    fn what_is_sealed_is_opened(payload in prop::collection::vec(any::<u8>(), 0..3000)) {
        for encryption in ENCRYPTIONS {
            let (key, token) = seal(encryption, &payload);
            prop_assert_eq!(open(&key, &token), Ok(payload.clone()));
        }
    }

    #[test]
    fn a_changed_character_is_noticed(payload in ".{0,200}", at in any::<Index>(), to in any::<char>()) {
        for encryption in ENCRYPTIONS {
            let (key, token) = seal(encryption, payload.as_bytes());
            let at = at.index(token.len());
            let changed = format!("{}{to}{}", &token[..at], &token[at + 1..]);
            prop_assert!(changed == token || open(&key, &changed).is_err());
        }
    }

    #[test]
    fn a_token_in_chunks_is_found_in_any_order(size in 0..11_000_usize, order in any::<[Index; 4]>()) {
        for version in VERSIONS {
            let (provider, name) = (provider(version), version.cookie_names()[0]);
            let claims = Map::from_iter([("sub".to_owned(), json!("x".repeat(size)))]);
            let token = provider.mint(name, claims, Duration::from_mins(1), NOW).unwrap();
            let cookies = provider.cookies_for(name, &token);
            let mut cookies: Vec<_> = cookies.map(|(name, value)| format!("{name}={value}")).collect();
            for (n, index) in order.iter().enumerate().take(cookies.len()) {
                let other = index.index(cookies.len());
                cookies.swap(n, other);
            }
            prop_assert!(cookies.iter().all(|cookie| cookie.len() <= 4096));
            prop_assert_eq!(cookies.len(), token.len().div_ceil(version.chunk_size()));
            let found = verify(version, vec![("cookie", cookies.join("; "))]);
            prop_assert_eq!(found.unwrap()["sub"].as_str().unwrap().len(), size);
        }
    }

    #[test]
    fn no_text_is_a_session_and_none_panics(
        text in ".{0,300}",
        parts in "([a-zA-Z0-9_-]{0,20}\\.){0,6}",
        suffix in "(\\.[0-9]{0,3})?",
    ) {
        for version in VERSIONS {
            let name = version.cookie_names()[1];
            for value in [&text, &parts] {
                let requests = [
                    ("cookie", format!("{name}{suffix}={value}")),
                    ("cookie", value.clone()),
                    ("authorization", format!("Bearer {value}")),
                ];
                for header in requests {
                    prop_assert!(verify(version, vec![header]).is_err());
                }
            }
        }
    }
}

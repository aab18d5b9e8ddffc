//! The two faces of a session, and which of several credentials a request's session comes from.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::SystemTime;

use futures_util::FutureExt as _;
use serde_json::json;

use super::authjs::{AuthJs, AuthJsError, AuthJsOptions, MAX_TOKEN_BYTES, SealError, Version};
use super::*;
use crate::request::path::RequestPath;
use crate::request::{Headers, HttpRequest, Repeats, RequestParts};
use crate::secret::Secret;

const SECURE: &str = "__Secure-authjs.session-token";
const PLAIN: &str = "authjs.session-token";
const NOW: SystemTime = UNIX_EPOCH;
const HOUR: Duration = Duration::from_hours(1);

fn claims(value: Value) -> Claims {
    serde_json::from_value(value).unwrap()
}

fn session(value: Value) -> Session {
    let finding = Finding {
        source: Source::Header { name: "authorization".into(), prefix: "Bearer ".into() },
        bytes: 0,
    };
    Session::new(claims(value), 1_769_817_600.0, "web".into(), finding, Mark::of_token("t"))
}

fn options(version: Version, secrets: &[&str]) -> AuthJsOptions {
    AuthJsOptions {
        version,
        secrets: secrets.iter().map(|text| Secret::check(text, true).unwrap().0).collect(),
        cookies: Vec::new(),
        salt: None,
        bearer: true,
        max_age: None,
        max_token_bytes: MAX_TOKEN_BYTES,
        refresh: None,
    }
}

fn authjs(version: Version, secrets: &[&str]) -> AuthJs {
    AuthJs::new(options(version, secrets)).unwrap()
}

fn token(provider: &AuthJs, cookie: &str, sub: &str) -> String {
    provider.mint(cookie, claims(json!({ "sub": sub })), HOUR, NOW).unwrap()
}

fn request<'a>(fields: Vec<(Cow<'a, str>, Cow<'a, str>)>, repeats: Repeats) -> HttpRequest<'a> {
    HttpRequest::new(RequestParts {
        method: "GET",
        scheme: "https",
        host: "app.example.com",
        path: RequestPath::parse("/").unwrap(),
        query: "",
        headers: Headers::new(fields, repeats),
        now: NOW,
    })
}

/// The subject of the session in a request with these headers, or why there is none.
fn ask(provider: AuthJs, headers: &[(&str, String)], repeats: Repeats) -> Result<String, SessionError> {
    let providers = Providers::new(vec![(Arc::from("web"), Arc::new(Provider::AuthJs(provider)))]);
    let fields = headers.iter().map(|(name, value)| ((*name).into(), value.as_str().into())).collect();
    let request = request(fields, repeats);
    let session = providers
        .verify(&Accepted::All, &request)
        .now_or_never()
        .expect("no store is asked")
        .map_err(|failures| failures.reason())?;
    Ok(session.subject().unwrap().into_owned())
}

#[test]
fn paths_lead_to_both_faces() {
    let session = session(json!({
        "sub": "42", "name": "Ada", "email": "a@example.com", "picture": "/a.png", "jti": "j", "exp": 1,
        "roles": ["admin"], "user": {"email": "ada@example.com", "org": {"id": 7}}, "token": "t",
        "https://example.com/role": "r",
    }));
    let table = [
        ("sub", json!("42")),
        ("token.sub", json!("42")),
        ("token.token", json!("t")),
        ("token.email", json!("a@example.com")),
        ("token.user.org.id", json!(7)),
        ("https://example.com/role", json!("r")),
        ("auth.user.id", json!("42")),
        ("auth.user.image", json!("/a.png")),
        ("auth.user.email", json!("ada@example.com")),
        ("auth.user.org.id", json!(7)),
        ("auth.user.roles", json!(["admin"])),
        ("auth.expires", json!("2026-01-31T00:00:00.000Z")),
        ("auth.provider", json!("web")),
        ("auth.user", session.auth()["user"].clone()),
    ];
    for (path, expected) in table {
        let path = ClaimPath::parse(path).unwrap();
        assert_eq!(session.lookup(&path).as_deref(), Some(&expected), "{path}");
    }
    for missing in
        ["nobody", "token.sub.x", "auth.user.sub", "auth.user.picture", "auth.user.jti", "auth.user.user"]
    {
        assert_eq!(session.lookup(&ClaimPath::parse(missing).unwrap()), None, "{missing}");
    }
}

#[test]
fn texts_that_are_no_paths_are_refused_with_the_reason() {
    let table = [
        ("", ClaimPathError::Empty),
        ("token..a", ClaimPathError::EmptyStep),
        ("auth.user.", ClaimPathError::EmptyStep),
        ("token", ClaimPathError::OnlyFace("token")),
        ("auth", ClaimPathError::OnlyFace("auth")),
        ("auth.email", ClaimPathError::UnknownAuth),
        ("auth.expires.x", ClaimPathError::UnknownAuth),
    ];
    for (text, expected) in table {
        assert_eq!(ClaimPath::parse(text), Err(expected), "{text}");
    }
}

#[test]
fn the_user_is_made_of_claims_as_authjs_makes_it() {
    let table = [
        (json!({}), json!({})),
        (
            json!({"sub": "1", "id": "2", "iat": 1, "exp": 2, "nbf": 0, "iss": "i", "aud": "a"}),
            json!({"id": "1"}),
        ),
        (json!({"sub": null, "id": 2}), json!({"id": 2})),
        (json!({"picture": null}), json!({"image": null})),
        (json!({"picture": null, "image": "i"}), json!({"image": "i"})),
        (json!({"name": "a", "user": {"name": "b", "role": "c"}}), json!({"name": "b", "role": "c"})),
        (json!({"user": "text", "plan": {"seats": 3}}), json!({"user": "text", "plan": {"seats": 3}})),
    ];
    for (claims, user) in table {
        let session = session(claims.clone());
        assert_eq!(session.auth()["user"], user, "{claims}");
        for (name, value) in user.as_object().unwrap() {
            let path = ClaimPath::parse(&format!("auth.user.{name}")).unwrap();
            assert_eq!(session.lookup(&path).as_deref(), Some(value), "{claims} {path}");
        }
    }
}

#[test]
fn the_envelope_holds_both_faces() {
    let session = session(json!({"sub": "1", "exp": 2}));
    let envelope: Value = serde_json::from_str(&session.envelope()).unwrap();
    let expected = json!({
        "user": {"id": "1"},
        "expires": "2026-01-31T00:00:00.000Z",
        "provider": "web",
        "claims": {"sub": "1", "exp": 2},
    });
    assert_eq!(envelope, expected);
}

#[test]
fn an_end_that_no_calendar_knows_is_the_last_one_it_does() {
    let mut session = session(json!({}));
    for (expires, text) in [
        (1e300, "9999-12-31T23:59:59.000Z"),
        (-5.0, "1970-01-01T00:00:00.000Z"),
        (1.5, "1970-01-01T00:00:01.500Z"),
    ] {
        session.expires = expires;
        assert_eq!(session.expires_iso(), text);
    }
}

#[test]
fn one_request_has_one_session_or_none() {
    let secret = "k4Zp0Wq9sVb1Xn7Rt3Ym5Lc8Hd2Jf6Ga";
    let mint = |cookie, sub| token(&authjs(Version::V5, &[secret]), cookie, sub);
    let (ada, bob, secure) = (mint(PLAIN, "ada"), mint(PLAIN, "bob"), mint(SECURE, "eve"));
    let (ada_0, ada_1) = ada.split_at(100);
    let (bob_0, bob_1) = bob.split_at(100);
    let ok = |sub: &str| Ok(sub.to_owned());
    let conflict = Err(SessionError::Conflict);
    let table = [
        (format!("{PLAIN}={ada}"), ok("ada")),
        (format!("{PLAIN}={ada}; {PLAIN}={ada}"), ok("ada")),
        (format!("{PLAIN}={ada}; {PLAIN}={bob}"), conflict.clone()),
        (format!("{PLAIN}={ada}; {PLAIN}=garbage"), conflict.clone()),
        (format!("{PLAIN}={ada}; {PLAIN}="), conflict.clone()),
        (format!("{PLAIN}={ada}; {PLAIN}.0={bob_0}; {PLAIN}.1={bob_1}"), conflict.clone()),
        (format!("{PLAIN}={ada}; {PLAIN}.1={bob_1}"), ok("ada")),
        (format!("{PLAIN}={ada}; {PLAIN}.99=x; {PLAIN}_old=x; {PLAIN}.00=x; {PLAIN}.a=x"), ok("ada")),
        (format!("{PLAIN}.1={ada_1}; {PLAIN}.0={ada_0}"), ok("ada")),
        (format!("{PLAIN}.0={ada_0}; {PLAIN}.1={ada_1}; {PLAIN}.2="), ok("ada")),
        (format!("{PLAIN}.0={ada_0}; {PLAIN}.1={ada_1}; {PLAIN}.3=x"), Err(SessionError::Incomplete)),
        (format!("{PLAIN}.0={ada_0}; {PLAIN}.1={ada_1}; {PLAIN}.1=x"), ok("ada")),
        (format!("{PLAIN}.0={ada_0}; {PLAIN}.1=x; {PLAIN}.1={ada_1}"), Err(SessionError::Malformed)),
        (
            format!("{PLAIN}.0={ada_0}; {PLAIN}.1={ada_1}; {PLAIN}.0={bob_0}; {PLAIN}.1={bob_1}"),
            conflict.clone(),
        ),
        (format!("{PLAIN}={ada}; {SECURE}={secure}"), ok("eve")),
        (format!("{PLAIN}={ada}; {SECURE}=garbage"), ok("ada")),
        (format!("{PLAIN}={ada}; {SECURE}={secure}; {SECURE}=x"), conflict.clone()),
        (format!("{SECURE}={ada}"), Err(SessionError::UnknownKey)),
        ("a=1".to_owned(), Err(SessionError::Absent)),
    ];
    for (cookie, expected) in table {
        let headers = [("cookie", cookie.clone())];
        assert_eq!(ask(authjs(Version::V5, &[secret]), &headers, Repeats::Joined), expected, "{cookie}");
    }
    let joined = [("cookie", format!("a=1,{PLAIN}={ada}"))];
    assert_eq!(ask(authjs(Version::V5, &[secret]), &joined, Repeats::Joined), conflict);
    let apart = [("cookie", "a=1".to_owned()), ("Cookie", format!("{PLAIN}={ada}"))];
    assert_eq!(ask(authjs(Version::V5, &[secret]), &apart, Repeats::Separate), ok("ada"));
    let differ = [("cookie", format!("{PLAIN}={bob}")), ("cookie", format!("{PLAIN}={ada}"))];
    assert_eq!(ask(authjs(Version::V5, &[secret]), &differ, Repeats::Separate), conflict);
}

#[test]
fn a_bearer_token_counts_only_without_a_cookie() {
    let secret = "k4Zp0Wq9sVb1Xn7Rt3Ym5Lc8Hd2Jf6Ga";
    let provider = || authjs(Version::V5, &[secret]);
    let (ada, eve) = (token(&provider(), PLAIN, "ada"), token(&provider(), SECURE, "eve"));
    let bearer = |token: &str| ("authorization", format!("Bearer {token}"));
    let table = [
        (vec![bearer(&ada)], Ok("ada".to_owned())),
        (vec![bearer(&eve)], Ok("eve".to_owned())),
        (vec![bearer(&ada), ("cookie", format!("{PLAIN}="))], Ok("ada".to_owned())),
        (vec![bearer(&ada), ("cookie", format!("{PLAIN}=x"))], Err(SessionError::Malformed)),
        (vec![bearer(&ada), bearer(&eve)], Err(SessionError::Conflict)),
        (vec![bearer("%zz")], Err(SessionError::Malformed)),
        (vec![("authorization", format!("bearer {ada}"))], Err(SessionError::Absent)),
    ];
    for (headers, expected) in table {
        assert_eq!(ask(provider(), &headers, Repeats::Separate), expected, "{headers:?}");
    }
    let off = AuthJs::new(AuthJsOptions { bearer: false, ..options(Version::V5, &[secret]) }).unwrap();
    assert_eq!(ask(off, &[bearer(&ada)], Repeats::Separate), Err(SessionError::Absent));
}

#[test]
fn sizes_are_checked_before_any_work() {
    let provider = || authjs(Version::V5, &["secret"]);
    let chunks = |count: usize, size: usize| {
        let chunk = |n| format!("{PLAIN}.{n}={}", "x".repeat(size));
        (0..count).map(chunk).collect::<Vec<_>>().join(";")
    };
    let table = [
        (format!("{PLAIN}={}", "x".repeat(MAX_TOKEN_BYTES + 1)), SessionError::TooLarge),
        (format!("{PLAIN}={}", "x".repeat(MAX_TOKEN_BYTES)), SessionError::Malformed),
        (chunks(16, 1025), SessionError::TooLarge),
        (chunks(16, 1024), SessionError::Malformed),
        (chunks(17, 1), SessionError::TooLarge),
        (format!("{PLAIN}={}....", "x".repeat(1025)), SessionError::TooLarge),
        (format!("{PLAIN}={}....", "x".repeat(1024)), SessionError::Malformed),
    ];
    for (cookie, expected) in table {
        let headers = [("cookie", cookie)];
        assert_eq!(ask(provider(), &headers, Repeats::Separate), Err(expected), "{:.60}", headers[0].1);
    }
}

#[test]
fn v4_tries_every_secret_and_takes_the_last_of_two_chunks() {
    let (old, new) = ("old-4Zp0Wq9sVb1Xn7Rt3Ym5", "new-4Zp0Wq9sVb1Xn7Rt3Ym5");
    let name = Version::V4.cookie_names()[1];
    let ada = token(&authjs(Version::V4, &[old]), name, "ada");
    let rotated = || authjs(Version::V4, &[new, old]);
    let (ada_0, ada_1) = ada.split_at(100);
    for (cookie, expected) in [
        (format!("{name}={ada}"), Ok("ada".to_owned())),
        (format!("{name}.0={ada_0}; {name}.1=x; {name}.1={ada_1}"), Ok("ada".to_owned())),
        (format!("{name}.0={ada_0}; {name}.1={ada_1}; {name}.1=x"), Err(SessionError::Malformed)),
    ] {
        assert_eq!(ask(rotated(), &[("cookie", cookie)], Repeats::Separate), expected);
    }
}

#[test]
fn cookies_to_clear_are_those_that_hold_a_session_or_a_part_of_it() {
    let provider = authjs(Version::V5, &["secret"]);
    let sent = format!("a=1; {PLAIN}=x; {SECURE}.0=x; {SECURE}.41=; {PLAIN}=y; {PLAIN}_old=x; {PLAIN}.01=x");
    let request = request(vec![("cookie".into(), sent.into())], Repeats::Joined);
    let providers = Providers::new(vec![(Arc::from("web"), Arc::new(Provider::AuthJs(provider)))]);
    let expected = [PLAIN, &format!("{SECURE}.0"), &format!("{SECURE}.41")];
    assert_eq!(providers.cookies_present(&Accepted::All, &request), expected);
}

#[test]
fn a_provider_that_cannot_work_is_not_made() {
    let nameless =
        |name: &str| AuthJsOptions { cookies: vec![name.into()], ..options(Version::V5, &["secret"]) };
    let table = [
        (options(Version::V5, &[]), AuthJsError::NoSecret),
        (nameless(""), AuthJsError::CookieName),
        (nameless("a;b"), AuthJsError::CookieName),
    ];
    for (options, expected) in table {
        assert_eq!(AuthJs::new(options).err(), Some(expected));
    }
    let minted = authjs(Version::V5, &["secret"]).seal("other", &Claims::new());
    assert_eq!(minted, Err(SealError::UnknownCookie));
}

#[test]
fn debug_of_anything_shows_neither_claims_nor_tokens_nor_secrets() {
    let provider = authjs(Version::V5, &["hunter2"]);
    let token = token(&provider, PLAIN, "hunter2");
    let headers = Headers::new(vec![("cookie".into(), format!("{PLAIN}={token}").into())], Repeats::Joined);
    let cookies = crate::request::cookies::Cookies::parse(&headers);
    let name = Arc::from(PLAIN);
    let credential =
        credential::Credential::from_cookies(&cookies, &name, credential::Precedence::First, 9999);
    let session = session(json!({"sub": "hunter2"}));
    let said = format!("{provider:?} {headers:?} {cookies:?} {credential:?} {session:?}");
    assert!(!said.contains("hunter2") && !said.contains(token.rsplit('.').next().unwrap()), "{said}");
}

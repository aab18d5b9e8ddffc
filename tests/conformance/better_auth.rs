//! The cases of better-auth.json: what the real Better Auth accepts, and what the provider accepts.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use futures_util::FutureExt as _;
use serde_json::Value;
use sessiongate::request::path::RequestPath;
use sessiongate::request::{Headers, HttpRequest, Repeats, RequestParts};
use sessiongate::secret::Secret;
use sessiongate::session::better_auth::{BetterAuth, BetterAuthOptions, Strategy};
use sessiongate::session::{Accepted, Failures, Provider, Providers, Session, SessionError};

/// Where the provider means to be stricter, or reads another cookie, and why.
const DIFFERENT: &[(&str, &str)] = &[
    ("b010", "two values for one cookie are no session"),
    ("b013", "both forms of the cookies are read, whatever the protocol"),
    ("b029", "a whole cookie beside its chunks is two values for one cookie"),
    ("b044", "a whole cookie beside its chunks is two values for one cookie"),
    ("b059", "a whole cookie beside its chunks is two values for one cookie"),
    ("b072", "a token that does not say when it ends is none"),
];

fn verify(case: &Value) -> Result<Session, Failures> {
    let strategy = match case["strategy"].as_str() {
        Some("jwt") => Strategy::Jwt,
        Some("jwe") => Strategy::Jwe,
        _ => Strategy::Compact,
    };
    let secrets = case["secrets"].as_array().unwrap().iter();
    let options = BetterAuthOptions {
        secrets: secrets.map(|secret| Secret::check(secret.as_str().unwrap(), true).unwrap().0).collect(),
        cookie_prefix: case["cookie_prefix"].as_str().unwrap().to_owned(),
        cookie_cache: Some(strategy),
        version: case["version"].as_str().unwrap_or("1").to_owned(),
        max_token_bytes: 64 * 1024,
        store: None,
    };
    let provider = Provider::BetterAuth(BetterAuth::new("app", options).unwrap());
    let fields = case["headers"].as_object().unwrap().iter();
    let fields = fields.map(|(name, value)| (name.into(), value.as_str().unwrap().into())).collect();
    let request = HttpRequest::new(RequestParts {
        method: "GET",
        scheme: "https",
        host: "app.example.com",
        path: RequestPath::parse("/").unwrap(),
        query: "",
        headers: Headers::new(fields, Repeats::Separate),
        now: UNIX_EPOCH + Duration::from_millis(case["now_ms"].as_u64().unwrap()),
    });
    let providers = Providers::new(vec![(Arc::from("app"), Arc::new(provider))]);
    providers.verify(&Accepted::All, &request).now_or_never().expect("no store is asked")
}

/// Whether the outcome is that of the real package.
fn agrees(case: &Value, outcome: &Result<Session, Failures>) -> bool {
    if case["check"] == "session_token" {
        // The token alone proves no session, but a genuine one gets as far as the cookie cache.
        let is_genuine = matches!(outcome, Err(failures) if failures.reason() == SessionError::NotCached);
        return is_genuine != case["expect"].is_null();
    }
    match outcome {
        Ok(session) => {
            let user = &case["expect"]["user"];
            case["get_session"] == true
                && session.auth()["user"]["id"] == user["id"]
                && session.auth()["user"]["email"] == user["email"]
                && !session.claims().contains_key("token")
        }
        Err(_) => case["get_session"] == false,
    }
}

#[test]
fn what_better_auth_accepts_is_accepted_and_nothing_else() {
    let file: Value = serde_json::from_str(include_str!("better-auth.json")).unwrap();
    let cases = file["cases"].as_array().unwrap();
    let (mut equal, mut different, mut not_applicable) = (0, 0, 0);
    let mut surprises = Vec::new();
    for case in cases {
        let id = case["id"].as_str().unwrap();
        if case["check"] == "presence" {
            // A cookie that is only there is no session to anybody but that function.
            not_applicable += 1;
            continue;
        }
        let outcome = verify(case);
        let reason = DIFFERENT.iter().find(|(different, _)| *different == id);
        if agrees(case, &outcome) != reason.is_none() {
            surprises.push(format!("{id} {}: {outcome:?}", case["what"]));
        }
        *(if reason.is_some() { &mut different } else { &mut equal }) += 1;
    }
    assert!(surprises.is_empty(), "{surprises:#?}");
    println!(
        "better-auth.json: {equal} equal, {different} different by design, {not_applicable} not applicable"
    );
    assert_eq!(equal + different + not_applicable, cases.len());
}

//! Every case of sessions.json: which cookies and bearer tokens are a session, and with which claims.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use futures_util::FutureExt as _;
use serde_json::Value;
use sessiongate::request::path::RequestPath;
use sessiongate::request::{Headers, HttpRequest, Repeats, RequestParts};
use sessiongate::secret::Secret;
use sessiongate::session::authjs::{AuthJs, AuthJsOptions, MAX_TOKEN_BYTES, Version};
use sessiongate::session::{Accepted, Failures, Provider, Providers, Session};

/// What we do where upstream leaves a choice, and why.
const CHOICES: &[(&str, Answer, &str)] = &[
    ("s030", Answer::Reject, "a number that no double holds is no JSON that we read"),
    ("s111", Answer::Reject, "every claim that is checked is required: no exp, no session"),
    ("s196", Answer::Reject, "quotes are part of a cookie's value"),
    ("s223", Answer::Reject, "quotes are part of a chunk's value"),
    ("s227", Answer::Reject, "whole and chunked at once are two values for one session cookie"),
    ("s229", Answer::Reject, "a left-over chunk is part of the value, which is then no token"),
    ("s234", Answer::Accept, "a cookie that only starts with the name is not ours"),
    ("s237", Answer::Reject, "words are no chunk numbers"),
    ("s238", Answer::Accept, "a cookie that only starts with the name is not ours"),
    ("s239", Answer::Accept, "a chunk without a first one is no value, so it cannot end a session"),
    ("s241", Answer::Reject, "a chunk is name.N, not name.9.N"),
    ("s295", Answer::Reject, "alg comes from configuration: dir only"),
    ("s306", Answer::Reject, "whole and chunked at once are two values for one session cookie"),
    ("s312", Answer::Reject, "quotes are part of a cookie's value"),
    ("s316", Answer::Accept, "spaces around a cookie's name and value are no part of either (RFC 6265, 5.2)"),
    ("s323", Answer::Accept, "whoever rotates the secret of a v4 application lists both"),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Accept,
    Reject,
}

#[test]
fn every_session_case_is_decided_as_upstream_does() {
    let corpus: Value = serde_json::from_str(include_str!("sessions.json")).unwrap();
    let cases = corpus["cases"].as_array().unwrap();
    let wrong: Vec<String> = cases.iter().filter_map(|case| disagreement(case).err()).collect();
    println!("sessions.json: {} of {}", cases.len() - wrong.len(), cases.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for (id, ..) in CHOICES {
        assert!(cases.iter().any(|case| case["id"] == *id && case["policy"] != "equal"), "{id} is no choice");
    }
}

fn disagreement(case: &Value) -> Result<(), String> {
    let id = text(case, "id");
    for repeats in [Repeats::Separate, Repeats::Joined] {
        let outcome = verify(case, repeats);
        let answer = if outcome.is_ok() { Answer::Accept } else { Answer::Reject };
        let upstream = if case["expect"].is_null() { Answer::Reject } else { Answer::Accept };
        let chosen = CHOICES.iter().find(|(chosen, ..)| *chosen == id).map(|(_, answer, _)| *answer);
        let expected = match text(case, "policy") {
            "equal" => upstream,
            "may-reject" | "may-accept" => chosen.ok_or(format!("{id}: no choice made"))?,
            policy => return Err(format!("{id}: unknown policy {policy}")),
        };
        if answer != expected {
            return Err(format!(
                "{id} ({}): {answer:?} instead of {expected:?}: {outcome:?}",
                text(case, "what")
            ));
        }
        if let (Ok(session), Value::Object(claims)) = (&outcome, &case["expect"])
            && !same(&Value::Object(session.claims().clone()), &Value::Object(claims.clone()))
        {
            return Err(format!("{id}: other claims: {:?}", session.claims()));
        }
    }
    Ok(())
}

fn verify(case: &Value, repeats: Repeats) -> Result<Session, Failures> {
    let secrets = case["secrets"].as_array().unwrap();
    let provider = AuthJs::new(AuthJsOptions {
        version: if case["version"] == "v4" { Version::V4 } else { Version::V5 },
        secrets: secrets.iter().map(|s| Secret::check(s.as_str().unwrap(), true).unwrap().0).collect(),
        cookies: vec![text(case, "cookie_name").to_owned()],
        salt: case.get("salt").map(|salt| salt.as_str().unwrap().to_owned()),
        bearer: true,
        max_age: None,
        max_token_bytes: MAX_TOKEN_BYTES,
        refresh: None,
    });
    let providers = Providers::new(vec![(Arc::from("web"), Arc::new(Provider::AuthJs(provider.unwrap())))]);
    let headers = case["headers"].as_object().unwrap();
    let headers = headers.iter().map(|(name, value)| (name.into(), value.as_str().unwrap().into())).collect();
    let request = HttpRequest::new(RequestParts {
        method: "GET",
        scheme: "https",
        host: "app.example.com",
        path: RequestPath::parse("/").unwrap(),
        query: "",
        headers: Headers::new(headers, repeats),
        now: UNIX_EPOCH + Duration::from_secs(case["now"].as_u64().unwrap()),
    });
    providers.verify(&Accepted::All, &request).now_or_never().expect("no store is asked")
}

/// Equal where numbers are compared as JavaScript reads them.
fn same(ours: &Value, theirs: &Value) -> bool {
    match (ours, theirs) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        _ => ours == theirs,
    }
}

fn text<'c>(case: &'c Value, key: &str) -> &'c str {
    case[key].as_str().unwrap_or_default()
}

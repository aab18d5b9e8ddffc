//! A service behind sessiongate: who is calling is what the assertion says, a signed JWT in x-auth-assertion.
//! It answers with the claims that it verified, or with 401. The README.md one folder up says how to run it.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a service of one file has no logger")]

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use jsonwebtoken::jwk::{Jwk, JwkSet, KeyAlgorithm};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Map, Value, json};
use tokio::sync::Mutex;

const HEADER: &str = "x-auth-assertion";
const LONGEST: usize = 8192;

struct Verifier {
    issuer: String,
    audience: String,
    keys: Keys,
}

enum Refusal {
    NotValid(String),
    KeysUnavailable,
}

impl Verifier {
    /// The claims of an assertion that is signed, for this service, and of now.
    async fn verify(&self, token: &str) -> Result<Map<String, Value>, Refusal> {
        let not_valid = |error: jsonwebtoken::errors::Error| Refusal::NotValid(error.to_string());
        let kid = jsonwebtoken::decode_header(token).map_err(not_valid)?.kid;
        let jwk = self.keys.find(kid.as_deref().unwrap_or_default()).await?;
        // The key says which algorithm it is for. To go by the header is to let the sender choose.
        let algorithm = match jwk.common.key_algorithm {
            Some(KeyAlgorithm::EdDSA) => Algorithm::EdDSA,
            Some(KeyAlgorithm::ES256) => Algorithm::ES256,
            Some(KeyAlgorithm::RS256) => Algorithm::RS256,
            _ => return Err(Refusal::NotValid("unknown key".to_owned())),
        };
        let key = DecodingKey::from_jwk(&jwk).map_err(not_valid)?;
        let mut validation = Validation::new(algorithm);
        validation.set_issuer(&[&self.issuer]);
        // Without it, an assertion made for another service would do here.
        validation.set_audience(&[&self.audience]);
        // The library lets a claim pass that is missing, unless it is told.
        validation.set_required_spec_claims(&["exp", "nbf", "iss", "aud", "sub"]);
        validation.validate_nbf = true;
        validation.leeway = 5;
        let claims: Map<String, Value> =
            jsonwebtoken::decode(token, &key, &validation).map_err(not_valid)?.claims;
        match claims.get("sub") {
            Some(Value::String(_)) => Ok(claims),
            _ => Err(Refusal::NotValid("sub is not a string".to_owned())),
        }
    }
}

/// The JWKS. It is fetched with the first assertion, and again for a key ID that it does not hold, as after a
/// rotation.
struct Keys {
    url: String,
    client: reqwest::Client,
    fetched: Mutex<Option<(HashMap<String, Jwk>, Instant)>>,
}

impl Keys {
    async fn find(&self, kid: &str) -> Result<Jwk, Refusal> {
        let mut fetched = self.fetched.lock().await;
        let age = |at: &Instant| at.elapsed();
        if let Some((keys, at)) = &*fetched {
            if let Some(jwk) = keys.get(kid).filter(|_| age(at) < Duration::from_mins(5)) {
                return Ok(jwk.clone());
            }
            // A sender of made-up key IDs must not make this service fetch all the time.
            if age(at) < Duration::from_secs(10) {
                return Err(Refusal::NotValid("unknown key".to_owned()));
            }
        }
        let keys = self.fetch().await.map_err(|error| {
            eprintln!("JWKS: {error}");
            Refusal::KeysUnavailable
        })?;
        let found = keys.get(kid).cloned();
        *fetched = Some((keys, Instant::now()));
        found.ok_or_else(|| Refusal::NotValid("unknown key".to_owned()))
    }

    async fn fetch(&self) -> Result<HashMap<String, Jwk>, Box<dyn std::error::Error + Send + Sync>> {
        let body = self.client.get(&self.url).send().await?.error_for_status()?.bytes().await?;
        let set: JwkSet = serde_json::from_slice(&body)?;
        Ok(set.keys.into_iter().filter_map(|jwk| Some((jwk.common.key_id.clone()?, jwk))).collect())
    }
}

async fn whoami(State(verifier): State<Arc<Verifier>>, headers: HeaderMap) -> Response {
    // Every line of that name: get() would return the first of several. Some proxies join them.
    let mut tokens = headers.get_all(HEADER).iter().map(|value| value.to_str().unwrap_or_default());
    let token = tokens.next().unwrap_or_default();
    let problem = match token {
        "" => Some("no assertion"),
        token if tokens.next().is_some() || token.contains(',') => Some("more than one assertion"),
        token if token.len() > LONGEST => Some("assertion too long"),
        _ => None,
    };
    if let Some(problem) = problem {
        return answer(StatusCode::UNAUTHORIZED, json!({ "message": problem }));
    }
    match verifier.verify(token).await {
        Ok(claims) => {
            let [sub, sid, rule] = ["sub", "sid", "rule"].map(|name| claims.get(name).cloned());
            answer(StatusCode::OK, json!({ "sub": sub, "sid": sid, "rule": rule }))
        }
        Err(Refusal::NotValid(message)) => answer(StatusCode::UNAUTHORIZED, json!({ "message": message })),
        Err(Refusal::KeysUnavailable) => {
            answer(StatusCode::SERVICE_UNAVAILABLE, json!({ "message": "keys unavailable" }))
        }
    }
}

fn answer(status: StatusCode, content: Value) -> Response {
    (status, [(header::CACHE_CONTROL, "no-store")], Json(content)).into_response()
}

fn required(name: &str) -> Result<String, String> {
    std::env::var(name).map_err(|_| format!("{name} is not set"))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let client = reqwest::Client::builder()
        .timeout(Duration::from_secs(5))
        .redirect(reqwest::redirect::Policy::none())
        .build()?;
    let verifier = Verifier {
        issuer: required("ISSUER").unwrap_or_else(|_| "sessiongate".to_owned()),
        audience: required("AUDIENCE")?,
        keys: Keys { url: required("JWKS_URL")?, client, fetched: Mutex::new(None) },
    };
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{}", required("PORT")?)).await?;
    println!("listening on {}", listener.local_addr()?);
    let router = Router::new().fallback(whoami).with_state(Arc::new(verifier));
    axum::serve(listener, router).await?;
    Ok(())
}

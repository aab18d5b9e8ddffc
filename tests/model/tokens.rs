//! The tokens of sessions, as an application makes them.

use std::sync::LazyLock;
use std::time::{Duration, UNIX_EPOCH};

use jsonwebtoken::{EncodingKey, Header};
use serde_json::{Map, Value, json};
use sessiongate::config::{self, Environment};
use sessiongate::session::Provider;

use crate::configuration::secret_text;
use crate::world::{CHUNKS, Place, Role, Seconds, Secret, Session};

/// Makes a long session's token longer than a cookie of Auth.js may be, and shorter than two.
const PADDING: usize = 4000;

/// A token, and the headers that carry it.
#[derive(Clone, Debug)]
pub struct Token {
    pub text: String,
    pub id: String,
    place: Place,
    is_long: bool,
}

impl Token {
    /// `start` is the moment from which the machine counts, in seconds since 1970; `id` is nobody else's `jti`.
    pub fn of(session: &Session, start: Seconds, id: String) -> Self {
        let claims = claims(session, start, &id);
        let text = if let Some(name) = cookie_name(session.place) {
            seal(name, session.secret, &claims)
        } else {
            let key = EncodingKey::from_secret(secret_text(session.secret).as_bytes());
            jsonwebtoken::encode(&Header::default(), &claims, &key).unwrap()
        };
        Self { text, id, place: session.place, is_long: session.is_long }
    }

    /// The same token with one character changed in the middle, where each of its bits counts.
    pub fn tampered(&self) -> Self {
        let middle = self.text.len() / 2;
        let other = if &self.text[middle..=middle] == "A" { "B" } else { "A" };
        let text = [&self.text[..middle], other, &self.text[middle + 1..]].concat();
        Self { text, ..self.clone() }
    }

    /// The header and its value.
    pub fn header(&self) -> (&'static str, String) {
        let Some(name) = cookie_name(self.place) else {
            return ("authorization", format!("Bearer {}", self.text));
        };
        if !self.is_long {
            return ("cookie", format!("{name}={}", self.text));
        }
        let chunks: Vec<_> = self.text.as_bytes().chunks(self.text.len().div_ceil(CHUNKS)).collect();
        assert_eq!(chunks.len(), CHUNKS);
        let chunks = chunks.into_iter().enumerate();
        let chunks: Vec<_> =
            chunks.map(|(n, chunk)| format!("{name}.{n}={}", str::from_utf8(chunk).unwrap())).collect();
        ("cookie", chunks.join("; "))
    }
}

fn cookie_name(place: Place) -> Option<&'static str> {
    match place {
        Place::Cookie => Some("authjs.session-token"),
        Place::SecureCookie => Some("__Secure-authjs.session-token"),
        Place::Bearer => None,
    }
}

fn claims(session: &Session, start: Seconds, id: &str) -> Map<String, Value> {
    let mut claims = json!({
        "sub": session.user,
        "iat": start + session.issued,
        "exp": start + session.expires,
        "jti": id,
    });
    match session.role {
        Role::Admin => claims["roles"] = json!(["viewer", "admin"]),
        Role::Viewer => claims["roles"] = json!(["viewer"]),
        Role::Unsaid => {}
    }
    if session.is_long {
        claims["padding"] = json!("x".repeat(PADDING));
    }
    let Value::Object(claims) = claims else { unreachable!("an object") };
    claims
}

fn seal(cookie: &str, secret: Secret, claims: &Map<String, Value>) -> String {
    let place = [Secret::A, Secret::B, Secret::C].iter().position(|known| *known == secret).unwrap();
    APPLICATIONS[place].seal(cookie, claims)
}

/// An application that makes tokens with one secret.
struct Application(sessiongate::gate::Gate);

static APPLICATIONS: LazyLock<[Application; 3]> =
    LazyLock::new(|| [Secret::A, Secret::B, Secret::C].map(Application::new));

impl Application {
    fn new(secret: Secret) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("sessiongate.yaml");
        let text = format!("sessions: {{ web: {{ kind: authjs, secret: {} }} }}", secret_text(secret));
        std::fs::write(&file, text).unwrap();
        Self(config::load(Some(&file), &Environment::default()).unwrap().program.gate)
    }

    fn seal(&self, cookie: &str, claims: &Map<String, Value>) -> String {
        let Some((_, Provider::AuthJs(provider))) = self.0.sessions.iter().next() else {
            panic!("not Auth.js")
        };
        provider.seal(cookie, claims).unwrap()
    }
}

/// Whole seconds since 1970, from which a machine counts.
pub fn start_of_machine() -> Seconds {
    let since = std::time::SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Seconds::try_from(Duration::as_secs(&since)).unwrap()
}

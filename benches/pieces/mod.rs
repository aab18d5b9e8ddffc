//! An ordinary application's gate, a browser's request to it as Envoy tells of it, and the parts of both.

use std::fmt::Write as _;
use std::fs;
use std::time::{Duration, SystemTime};

use futures_util::FutureExt as _;
use prost::Message as _;
use serde_json::{Value, json};
use sessiongate::config::{self, Environment};
use sessiongate::envoy::attribute_context::HttpRequest as Http;
use sessiongate::envoy::codec::{Answered, Asked};
use sessiongate::envoy::service::AuthorizationService;
use sessiongate::envoy::{CheckResponse, HeaderValue, request};
use sessiongate::gate::Gate;
use sessiongate::policy::decision::Decision;
use sessiongate::program::{Doors, Program, ProgramOptions};
use sessiongate::request::HttpRequest;
use sessiongate::session::Provider;
use sessiongate::session::authjs::AuthJs;
use tokio::runtime::{Builder, Runtime};

pub const COOKIE: &str = "__Secure-authjs.session-token";
/// A path as browsers write it, and one that servers read differently.
pub const PAGE: &str = "/dashboard/orders";
pub const ODD_PATH: &str = "/a/..;/dashboard//%6Frders%252f.";
const SECRET: &str = "bench-secret-bench-secret-bench-secret";
/// `UNAUTHENTICATED` of gRPC.
const UNAUTHENTICATED: i32 = 16;
/// What a browser sends with a page navigation.
pub const BROWSER: [(&str, &str); 13] = [
    ("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"),
    ("accept-encoding", "gzip, deflate, br, zstd"),
    ("accept-language", "en-GB,en;q=0.9"),
    ("sec-ch-ua", "\"Chromium\";v=\"140\", \"Not=A?Brand\";v=\"24\""),
    ("sec-ch-ua-mobile", "?0"),
    ("sec-ch-ua-platform", "\"Linux\""),
    ("sec-fetch-dest", "document"),
    ("sec-fetch-mode", "navigate"),
    ("sec-fetch-site", "same-origin"),
    ("upgrade-insecure-requests", "1"),
    ("user-agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36"),
    ("x-forwarded-proto", "https"),
    ("x-request-id", "a7b0c1de-3a5f-4f2e-9a51-0d8f6c2b4e11"),
];

/// A gate at work and a message to it, which are never given back: a benchmark's process ends with one measurement.
pub struct Pieces {
    pub gate: &'static Gate,
    service: AuthorizationService,
    runtime: Runtime,
    pub message: &'static Asked,
    /// The session's token, of about 500 bytes.
    pub token: String,
}

impl Pieces {
    /// So many rules, and a session in one cookie.
    pub fn with_rules(rules: usize) -> Self {
        Self::new(rules, 0, |token| format!("theme=dark; {COOKIE}={token}"))
    }

    /// Twenty rules, and a session in so many cookies.
    pub fn with_chunks(chunks: usize) -> Self {
        Self::new(20, 0, |token| {
            let parts = token.as_bytes().chunks(token.len().div_ceil(chunks)).enumerate();
            let parts =
                parts.map(|(at, part)| format!("{COOKIE}.{at}={}", str::from_utf8(part).expect("ASCII")));
            parts.collect::<Vec<_>>().join("; ")
        })
    }

    /// Twenty rules, and nobody who has signed in.
    pub fn of_visitor() -> Self {
        Self::new(20, UNAUTHENTICATED, |_| "theme=dark".to_owned())
    }

    /// The answer has to have this code.
    fn new(rules: usize, code: i32, cookies: impl FnOnce(&str) -> String) -> Self {
        let options = configured(rules, "", "");
        let current = Program::new(options).expect("a program").into_current();
        let program: &'static Program = Box::leak(Box::new(current.load_full()));
        let token = mint(&program.gate);
        let message: &'static Asked = Box::leak(Box::new(message(&cookies(&token)).into()));
        let service = AuthorizationService::new(Doors::new(current, 1024));
        let runtime = Builder::new_current_thread().enable_time().build().expect("a runtime");
        let pieces = Self { gate: &program.gate, service, runtime, message, token };
        // What is made once, as the memory of a regular expression, is not to be counted either.
        let answer = CheckResponse::decode(pieces.answer().bytes()).expect("an answer");
        assert_eq!(answer.status.expect("a status").code, code);
        pieces
    }

    pub fn provider(&self) -> &'static AuthJs {
        authjs(self.gate)
    }

    /// The request of which the message tells.
    pub fn request(&self) -> HttpRequest<'static> {
        let message = self.message.read().expect("a message");
        request::read(&message, SystemTime::now()).expect("a request")
    }

    pub fn decision(&self) -> Decision<'static> {
        self.gate.check(&self.request()).now_or_never().expect("no store is asked")
    }

    /// The whole check, from the message's bytes to those of the answer.
    pub fn answer(&self) -> Answered {
        let message = self.message.read().expect("a message");
        let answer = self.service.answer(&message, SystemTime::now(), Duration::from_secs(1), None);
        let _timers = self.runtime.enter();
        answer.now_or_never().expect("no store is asked")
    }
}

/// An ordinary application's configuration with so many rules: more keys for the rule that guards it, and more sections.
pub fn configured(rules: usize, keys: &str, sections: &str) -> ProgramOptions {
    let mut text = format!("sessions:\n  web: {{ kind: authjs, secret: {SECRET} }}\nrules:\n");
    for at in 0..rules.saturating_sub(3) {
        writeln!(text, "  - matcher: /section-{at}/:path*").expect("a String");
    }
    text.push_str("  - { matcher: '/api/auth/:path*', access: public }\n");
    text.push_str("  - { matcher: '/_next/static/:path*', access: public }\n");
    writeln!(text, "  - {{ matcher: '/((?!favicon.ico|robots.txt).*)'{keys} }}\n{sections}")
        .expect("a String");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("sessiongate.yaml");
    fs::write(&file, text).expect("a file");
    config::load(Some(&file), &Environment::default()).expect("a configuration").program
}

pub fn authjs(gate: &Gate) -> &AuthJs {
    match gate.sessions.iter().next().expect("a provider").1 {
        Provider::AuthJs(provider) => provider,
        _ => panic!("not Auth.js"),
    }
}

fn mint(gate: &Gate) -> String {
    let Value::Object(claims) = json!({
        "name": "Ada Lovelace", "email": "ada@example.com", "picture": null, "sub": "42", "role": "admin",
        "note": "n".repeat(130),
    }) else {
        unreachable!("an object")
    };
    authjs(gate).mint(COOKIE, claims, Duration::from_hours(1), SystemTime::now()).expect("a token")
}

/// The headers in this order: as a map they would stand, and cost, a little differently in every process.
fn message(cookies: &str) -> Vec<u8> {
    let mut http = Http {
        method: "GET".to_owned(),
        scheme: "https".to_owned(),
        host: "app.example.com".to_owned(),
        path: format!("{PAGE}?tab=1"),
        ..Http::default()
    }
    .encode_to_vec();
    for (key, value) in BROWSER.into_iter().chain([("cookie", cookies)]) {
        // An entry of a map has a key and a value under the same numbers.
        let entry = HeaderValue { key: key.to_owned(), value: value.to_owned(), raw_value: Vec::new() };
        http.extend(field(3, &entry.encode_to_vec()));
    }
    field(1, &field(4, &field(2, &http)))
}

/// A message as a field of another one.
fn field(number: u8, message: &[u8]) -> Vec<u8> {
    let mut encoded = vec![number << 3 | 2];
    prost::encode_length_delimiter(message.len(), &mut encoded).expect("a vector grows");
    encoded.extend(message);
    encoded
}

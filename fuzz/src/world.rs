//! The configuration that is attacked, and the sessions that exist: who gets in got in by one of them.

use std::sync::LazyLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};
use sessiongate::config::{self, Environment, Settings};
use sessiongate::gate::Gate;
use sessiongate::program::{Doors, Program};
use sessiongate::session::Provider;
use sessiongate::session::authjs::AuthJs;
use tokio::runtime::Runtime;

/// The moment and the secret of the conformance cases, whose tokens are therefore sessions here.
pub const NOW: u64 = 1_767_225_600;
pub const SECRET: &str = "kX2bq0nV7m3y1Zr5tT8wPpQeUu9sLhGdFfJc4A6oRiM=";
pub const SIGNING_SECRET: &str = "signing-secret-signing-secret-signing-secret";
pub const ORIGIN: &str = "https://app.example.com";
pub const COOKIE: &str = "authjs.session-token";
pub const OLD_COOKIE: &str = "next-auth.session-token";

/// An expiry that neither [`NOW`] nor today's clock has reached: 2100.
const LATER: u64 = 4_102_444_800;

/// Headers that upstreams believe, so that no client may set them.
pub const OURS: [&str; 7] = [
    "x-auth-user-id",
    "x-auth-user-email",
    "x-auth-name",
    "x-auth-first-role",
    "x-auth-session",
    "x-auth-assertion",
    "x-middleware-subrequest",
];

/// Rules that let in whoever asks, see [`crate::granted`].
pub const OPEN_RULES: [&str; 4] = ["sign-in", "static", "public", "home"];

const YAML: &str = r#"
sessions:
  web:
    kind: authjs
    secret: [a-newer-secret-that-signs-nothing-yet, SECRET]
    bearer: true
    refresh: true
  old: { kind: nextauth, secret: SECRET, allow_weak_secret: true }
  machine:
    kind: jwt
    secret: SIGNING
    algorithms: [HS256]
    issuer: https://issuer.example.com
    audience: [orders]
    from: [{ header: authorization, prefix: "Bearer " }, { cookie: token }]
login: { url: /api/auth/signin, origin: "https://app.example.com" }
rules:
  - { name: sign-in, matcher: "/api/auth/:path*", access: public }
  - { name: static, matcher: "/_next/static/:path*", access: public }
  - { name: public, matcher: "/public/:path*", access: public }
  - { name: home, matcher: "/", access: optional }
  - { name: blocked, matcher: "/internal/:path*", access: deny }
  - name: admin
    matcher: "/admin/:section/:path*"
    condition: '"admin" in auth.user.roles && params.section != "secret" && request.path.startsWith("/")'
  - name: ops
    hosts: [ops.example.com, "*.ops.example.com"]
    matcher:
      - source: "/ops/:path*"
        methods: [GET, POST]
        has: [{ type: header, key: x-ops, value: 'on-call-\d+' }, { type: cookie, key: ops }]
        missing: [{ type: query, key: debug }]
    session: [machine]
  - { name: api, matcher: "/api/:path*", session: [machine, web], on_deny: unauthorized }
  - name: custom
    matcher: "/custom/((?!open).*)"
    on_deny: { status: 403, headers: { x-why: no }, body: "no" }
identity:
  headers:
    x-auth-user-id: sub
    x-auth-user-email: auth.user.email
    x-auth-name: auth.user.name
    x-auth-first-role: auth.user.roles
  session_header: x-auth-session
  strip_cookie: true
  dynamic_metadata: [sub, email, roles]
  assertion: { audience: upstream, ttl: 60s, claims: [email] }
"#;

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime"));

/// A runtime of this thread, for what has to be waited for or needs one to be made.
pub fn runtime() -> &'static Runtime {
    &RUNTIME
}

/// The gate that the fuzzed doors lead to.
pub fn doors() -> Doors {
    let _entered = runtime().enter();
    let yaml = YAML.replace("SECRET", SECRET).replace("SIGNING", SIGNING_SECRET);
    let program = Program::new(settings(&yaml).program).expect("a program");
    Doors::new(program.into_current(), 1024)
}

/// A gate of this configuration.
pub fn gate(yaml: &str) -> Gate {
    settings(yaml).program.gate
}

fn settings(yaml: &str) -> Settings {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("sessiongate.yaml");
    std::fs::write(&file, yaml).expect("a file");
    config::load(Some(&file), &Environment::default()).unwrap_or_else(|error| panic!("{error}"))
}

#[must_use]
pub fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(NOW)
}

/// The Auth.js provider of this name.
pub fn authjs<'g>(gate: &'g Gate, name: &str) -> &'g AuthJs {
    match gate.sessions.iter().find(|(provider, _)| &***provider == name) {
        Some((_, Provider::AuthJs(provider))) => provider,
        _ => panic!("no Auth.js provider {name}"),
    }
}

/// What stands in an input for a token that no mutation could make: `{{web}}`, or a third of it, `{{web.0}}`.
#[derive(Debug)]
pub struct Tokens {
    named: Vec<(String, String)>,
    genuine: Vec<Map<String, Value>>,
}

/// The tokens, made once.
pub static TOKENS: LazyLock<Tokens> = LazyLock::new(Tokens::mint);

impl Tokens {
    fn mint() -> Self {
        let yaml = |kind: &str, secret: &str| {
            gate(&format!("sessions: {{ p: {{ kind: {kind}, secret: {secret}, allow_weak_secret: true }} }}"))
        };
        let (web, old) = (yaml("authjs", SECRET), yaml("nextauth", SECRET));
        let other = yaml("authjs", "another-secret-another-secret");
        let seal = |gate: &Gate, cookie: &str, claims: &Value| {
            authjs(gate, "p").seal(cookie, claims.as_object().expect("claims")).expect("a token")
        };
        let valid = [
            (
                "web",
                json!({"sub": "42", "name": "Ada", "email": "ada@example.com", "iat": NOW, "exp": LATER}),
            ),
            ("admin", json!({"sub": "7", "roles": ["admin", "editor"], "iat": NOW, "exp": LATER})),
            ("due", json!({"sub": "8", "name": "Due", "iat": NOW - 200_000, "exp": LATER})),
            (
                "odd",
                json!({"sub": " 9\r\nx-auth-user-id: 1", "name": "Zoë 😀 100%", "email": {"a": ["\u{0}"]},
                       "roles": ["a,b", 7, null, {"x": "\n"}], "user": {"name": null}, "iat": NOW, "exp": 1e17}),
            ),
        ];
        let invalid = [
            ("over", json!({"sub": "1", "exp": NOW - 15})),
            ("early", json!({"sub": "1", "exp": LATER, "nbf": LATER - 1})),
            ("signing-in", json!({"state": "x", "exp": LATER})),
            ("text", json!({"sub": "1", "exp": LATER.to_string()})),
        ];
        let mut named: Vec<(String, String)> = Vec::new();
        for (name, claims) in valid.iter().chain(&invalid) {
            named.push(((*name).to_owned(), seal(&web, COOKIE, claims)));
        }
        let old_claims = json!({"sub": "43", "name": "Old", "iat": NOW, "exp": LATER});
        named.push(("old".to_owned(), seal(&old, OLD_COOKIE, &old_claims)));
        named.push(("other".to_owned(), seal(&other, COOKIE, &valid[0].1)));
        let machine = json!({"sub": "m", "iss": "https://issuer.example.com", "aud": "orders", "exp": LATER});
        named.push(("jwt".to_owned(), signed(br#"{"alg":"HS256"}"#, machine.to_string().as_bytes())));
        let genuine = valid.into_iter().map(|(_, claims)| claims).chain([old_claims, machine]);
        let mut genuine: Vec<Map<String, Value>> =
            genuine.filter_map(|claims| claims.as_object().cloned()).collect();
        genuine.extend(conformance_claims(&[authjs(&web, "p"), authjs(&old, "p")]));
        Self { named, genuine }
    }

    /// The text with every token in its place.
    #[must_use]
    pub fn put_into(&self, text: &str) -> String {
        let mut expanded = String::with_capacity(text.len() + 1024);
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            expanded.push_str(before);
            let named = after.split_once("}}").and_then(|(name, after)| Some((self.token(name)?, after)));
            let (text, after) = named.unwrap_or(("{{", after));
            expanded.push_str(text);
            rest = after;
        }
        expanded + rest
    }

    /// A token by its name, or a third of it.
    #[must_use]
    pub fn token(&self, name: &str) -> Option<&str> {
        let whole =
            |name: &str| self.named.iter().find(|(known, _)| known == name).map(|(_, token)| &**token);
        let Some((name, third)) = name.split_once('.') else { return whole(name) };
        let (token, third) = (whole(name)?, third.parse::<usize>().ok().filter(|third| *third < 3)?);
        let cut = |nth: usize| nth * token.len() / 3;
        token.get(cut(third)..cut(third + 1))
    }

    /// Whether the text is one of the tokens.
    #[must_use]
    pub fn is_one(&self, text: &str) -> bool {
        self.named.iter().any(|(_, token)| token == text)
    }

    /// Whether somebody who has the key wrote exactly these claims into a token that is a session.
    #[must_use]
    pub fn are_genuine(&self, claims: &Map<String, Value>) -> bool {
        self.genuine.iter().any(|genuine| same(genuine, claims))
    }
}

/// A signed token of these parts, whatever they say.
#[must_use]
pub fn signed(header: &[u8], payload: &[u8]) -> String {
    let input = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
    let key = hmac::Key::new(hmac::HMAC_SHA256, SIGNING_SECRET.as_bytes());
    let tag = hmac::sign(&key, input.as_bytes());
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(tag))
}

/// The conformance cases, whose tokens real applications made with [`SECRET`].
pub const CONFORMANCE: &str = include_str!("../../tests/conformance/sessions.json");

/// The claims of the sessions in the conformance cases: those that are told, and those of every whole token.
fn conformance_claims(providers: &[&AuthJs]) -> Vec<Map<String, Value>> {
    let file: Value = serde_json::from_str(CONFORMANCE).expect("JSON");
    let cases = file["cases"].as_array().expect("cases");
    let told = cases.iter().filter_map(|case| case["expect"].as_object().cloned());
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let words = CONFORMANCE.split(|c: char| !is_part(c)).filter(|word| word.contains(".."));
    let opened =
        words.flat_map(|word| providers.iter().filter_map(move |provider| provider.decode(word).ok()));
    told.chain(opened).collect()
}

/// Equal where numbers are compared as JavaScript reads them.
fn same(one: &Map<String, Value>, other: &Map<String, Value>) -> bool {
    fn same_value(one: &Value, other: &Value) -> bool {
        match (one, other) {
            (Value::Number(one), Value::Number(other)) => one.as_f64() == other.as_f64(),
            (Value::Array(one), Value::Array(other)) => {
                one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same_value(one, other))
            }
            (Value::Object(one), Value::Object(other)) => same(one, other),
            _ => one == other,
        }
    }
    one.len() == other.len()
        && one.iter().all(|(name, one)| other.get(name).is_some_and(|other| same_value(one, other)))
}

//! What one check costs: `Gate::check` on a request that is read anew each time, to a decision with its headers.
//!
//! Opening the token alone stands beside it in the same run, as what no gate can go below.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test that panics has failed, which is what it is for"
)]

use std::borrow::Cow;
use std::fmt::Write as _;
use std::fs;
use std::hint::black_box;
use std::time::{Duration, SystemTime};

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, criterion_group, criterion_main};
use futures_util::FutureExt as _;
use serde_json::json;
use sessiongate::config::{self, Environment};
use sessiongate::expression::Facts;
use sessiongate::gate::Gate;
use sessiongate::policy::decision::Decision;
use sessiongate::request::path::RequestPath;
use sessiongate::request::{Headers, HttpRequest, Repeats, RequestParts};
use sessiongate::session::Provider;
use sessiongate::session::authjs::AuthJs;

const COOKIE: &str = "__Secure-authjs.session-token";
const SECRET: &str = "bench-secret-bench-secret-bench-secret";

/// A gate with the rules of an ordinary application, and as many more as asked for.
fn gate(rules: usize) -> Gate {
    gate_with(rules, "", "")
}

/// The same with more keys for the rule that guards the application, and more sections.
fn gate_with(rules: usize, keys: &str, sections: &str) -> Gate {
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
    config::load(Some(&file), &Environment::default()).expect("a configuration").program.gate
}

fn decide<'g>(gate: &'g Gate, request: &HttpRequest<'_>) -> Decision<'g> {
    gate.check(request).now_or_never().expect("no store is asked")
}

fn provider(gate: &Gate) -> &AuthJs {
    match gate.sessions.iter().next().expect("a provider").1 {
        Provider::AuthJs(provider) => provider,
        _ => panic!("not Auth.js"),
    }
}

/// A token of about so many bytes.
fn token(gate: &Gate, bytes: usize) -> String {
    let provider = provider(gate);
    let mint = |padding: usize| {
        let serde_json::Value::Object(claims) = json!({
            "name": "Ada Lovelace", "email": "ada@example.com", "picture": null, "sub": "42",
            "role": "admin", "level": 3,
            "note": "n".repeat(padding),
        }) else {
            unreachable!("an object")
        };
        provider.mint(COOKIE, claims, Duration::from_hours(1), SystemTime::now()).expect("a token")
    };
    let least = mint(0).len();
    mint(bytes.saturating_sub(least) * 3 / 4)
}

/// The headers that a browser sends with a page navigation.
fn browser_headers(cookie: &str) -> Headers<'_> {
    let fields = [
        ("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"),
        ("accept-encoding", "gzip, deflate, br, zstd"),
        ("accept-language", "en-GB,en;q=0.9"),
        ("cookie", cookie),
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
    let fields = fields.map(|(name, value)| (Cow::from(name), Cow::from(value)));
    Headers::new(fields.to_vec(), Repeats::Joined)
}

fn request<'a>(path: &'a str, headers: &Headers<'a>) -> HttpRequest<'a> {
    HttpRequest::new(RequestParts {
        method: "GET",
        scheme: "https",
        host: "app.example.com",
        path: RequestPath::parse(path).expect("a path"),
        query: "tab=1",
        headers: headers.clone(),
        now: SystemTime::now(),
    })
}

fn chunks(token: &str, count: usize) -> String {
    let size = token.len().div_ceil(count);
    let chunk = |at: usize| &token[at * size..token.len().min((at + 1) * size)];
    let pairs: Vec<String> = (0..count).map(|at| format!("{COOKIE}.{at}={}", chunk(at))).collect();
    pairs.join("; ")
}

fn check(c: &mut Criterion) {
    for rules in [20, 5000] {
        let gate = gate(rules);
        let small = token(&gate, 500);
        let large = token(&gate, 4 * 3936);
        let mut group = c.benchmark_group(format!("check with {rules} rules"));
        let cases = [
            ("public", "/api/auth/session", format!("theme=dark; {COOKIE}={small}"), "allow"),
            ("session, 500 bytes", "/dashboard/orders", format!("theme=dark; {COOKIE}={small}"), "allow"),
            ("session, 4 chunks of 500 bytes in all", "/dashboard/orders", chunks(&small, 4), "allow"),
            ("session, 4 chunks of 3936 bytes", "/dashboard/orders", chunks(&large, 4), "allow"),
            ("denial", "/dashboard/orders", "theme=dark".to_owned(), "redirect"),
        ];
        for (name, path, cookie, decision) in cases {
            let headers = browser_headers(&cookie);
            assert_eq!(decide(&gate, &request(path, &headers)).label(), decision, "{name}");
            group.bench_function(name, |b| {
                b.iter(|| drop(black_box::<Decision<'_>>(decide(&gate, &request(path, &headers)))));
            });
        }
        group.finish();
    }
}

fn floor(c: &mut Criterion) {
    let gate = gate(20);
    let token = token(&gate, 500);
    let provider = provider(&gate);
    c.bench_function("opening a token of 500 bytes alone", |b| {
        b.iter(|| provider.decode(black_box(&token)).expect("claims"));
    });
}

/// What a condition and an assertion add, each beside the same check without.
fn policy(c: &mut Criterion) {
    let condition =
        r#", condition: 'auth.user.role == "admin" && token.level >= 3 && request.method == "GET"'"#;
    let parameter = r#", condition: '"admin" in [auth.user.role]'"#;
    let assertion = "identity: { assertion: {} }";
    let gates = [
        ("session", gate_with(20, "", "")),
        ("session and a condition of three comparisons", gate_with(20, condition, "")),
        ("session and a condition with a list", gate_with(20, parameter, "")),
        ("session and a cached assertion", gate_with(20, "", assertion)),
    ];
    let mut group = c.benchmark_group("policy");
    for (name, gate) in &gates {
        let cookie = format!("theme=dark; {COOKIE}={}", token(gate, 500));
        let headers = browser_headers(&cookie);
        assert_eq!(decide(gate, &request("/dashboard/orders", &headers)).label(), "allow", "{name}");
        group.bench_function(*name, |b| {
            b.iter(|| drop(black_box::<Decision<'_>>(decide(gate, &request("/dashboard/orders", &headers)))));
        });
    }
    alone(&mut group, &gates[1].1, &gates[3].1);
    group.finish();
}

/// The same two things without the check around them, which is ten times as large.
fn alone(group: &mut BenchmarkGroup<'_, WallTime>, conditional: &Gate, asserting: &Gate) {
    let cookie = format!("theme=dark; {COOKIE}={}", token(conditional, 500));
    let headers = browser_headers(&cookie);
    let request = request("/dashboard/orders", &headers);
    let decision = decide(conditional, &request);
    let session = decision.verified_session().expect("a session");
    let condition = conditional.rules.terms().find_map(|terms| terms.condition.clone()).expect("a condition");
    let facts = Facts { session, request: &request, path: "/dashboard/orders", parameters: &[] };
    group.bench_function("a condition of three comparisons alone", |b| {
        b.iter(|| black_box(condition.holds(black_box(&facts))));
    });
    let issuer = asserting.identity.issuer().expect("an issuer");
    group.bench_function("a cached assertion alone", |b| {
        b.iter(|| black_box(issuer.assert(black_box(session), "rule", None, &request)));
    });
}

criterion_group!(benches, floor, check, policy);
criterion_main!(benches);

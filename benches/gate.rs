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

#[allow(dead_code, reason = "the benchmark of instructions uses the rest")]
mod pieces;

use std::hint::black_box;
use std::time::{Duration, SystemTime};

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, criterion_group, criterion_main};
use futures_util::FutureExt as _;
use serde_json::json;
use sessiongate::expression::Facts;
use sessiongate::gate::Gate;
use sessiongate::policy::decision::Decision;
use sessiongate::request::path::RequestPath;
use sessiongate::request::{Headers, HttpRequest, Repeats, RequestParts};

use self::pieces::{BROWSER, COOKIE, authjs, configured};

/// A gate with the rules of an ordinary application, and as many more as asked for.
fn gate(rules: usize) -> Gate {
    configured(rules, "", "").gate
}

fn decide<'g>(gate: &'g Gate, request: &HttpRequest<'_>) -> Decision<'g> {
    gate.check(request).now_or_never().expect("no store is asked")
}

/// A token of about so many bytes.
fn token(gate: &Gate, bytes: usize) -> String {
    let provider = authjs(gate);
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
    let fields = BROWSER.into_iter().chain([("cookie", cookie)]);
    Headers::new(fields.map(|(name, value)| (name.into(), value.into())).collect(), Repeats::Joined)
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
    let provider = authjs(&gate);
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
        ("session", configured(20, "", "").gate),
        ("session and a condition of three comparisons", configured(20, condition, "").gate),
        ("session and a condition with a list", configured(20, parameter, "").gate),
        ("session and a cached assertion", configured(20, "", assertion).gate),
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

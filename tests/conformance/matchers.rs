//! `matchers.json`: which requests run Next.js middleware, for a given `config.matcher`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::SystemTime;

use serde::Deserialize;
use serde_json::Value;
use sessiongate::request::path::{RequestPath, decode_uri_component};
use sessiongate::request::{Headers, HttpRequest, Repeats, RequestParts};
use sessiongate::rule::condition::Condition;
use sessiongate::rule::matcher::raw::{RawMatcher, RawMatcherEntry};
use sessiongate::rule::matcher::{Matcher, Verdict};
use sessiongate::rule::next::{Domain, I18n, NextConfig};

#[derive(Deserialize)]
struct Corpus {
    build_id: String,
    cases: Vec<Case>,
    invalid: Vec<Invalid>,
    runtime_errors: Vec<RuntimeError>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Case {
    id: String,
    matcher: Value,
    next_config: WrittenNext,
    compiled: Vec<String>,
    requests: Vec<Request>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
struct WrittenNext {
    base_path: String,
    i18n: Option<WrittenI18n>,
    trailing_slash: bool,
}

#[derive(Deserialize, Clone)]
#[serde(rename_all = "camelCase")]
struct WrittenI18n {
    locales: Vec<String>,
    default_locale: String,
    #[serde(default)]
    domains: Vec<WrittenDomain>,
}

#[derive(Deserialize, Clone)]
#[serde(rename_all = "camelCase")]
struct WrittenDomain {
    domain: String,
    default_locale: String,
    #[serde(default)]
    locales: Vec<String>,
}

#[derive(Deserialize)]
struct Request {
    path: String,
    method: String,
    headers: BTreeMap<String, String>,
    expect: bool,
    raw: Option<bool>,
    pathname: Option<String>,
}

#[derive(Deserialize)]
struct Invalid {
    matcher: Value,
    reason: String,
}

#[derive(Deserialize)]
struct RuntimeError {
    matcher: Value,
    throws: String,
}

fn corpus() -> Corpus {
    serde_json::from_str(include_str!("matchers.json")).unwrap()
}

/// A matcher with its conditions.
struct Entry {
    path: Matcher,
    conditions: Vec<Condition>,
}

/// Compiles what is written, and says why not.
fn compile(written: &Value, next: &NextConfig) -> Result<Vec<Entry>, String> {
    if written.is_null() {
        return Ok(vec![Entry { path: Matcher::everything(), conditions: Vec::new() }]);
    }
    let RawMatcher(entries) = serde_path_to_error::deserialize(written)
        .map_err(|error| format!("{}: {}", error.path(), error.inner()))?;
    entries.iter().map(|entry| compile_entry(entry, next)).collect()
}

fn compile_entry(entry: &RawMatcherEntry, next: &NextConfig) -> Result<Entry, String> {
    let path = Matcher::compile(&entry.source, entry.locale, next).map_err(|error| error.to_string())?;
    let has = entry.has.iter().map(Condition::has);
    let conditions = has
        .chain(entry.missing.iter().map(Condition::missing))
        .collect::<Result<_, _>>()
        .map_err(|e| e.to_string())?;
    Ok(Entry { path, conditions })
}

impl Entry {
    fn is_hit(&self, asked: &str, request: &HttpRequest<'_>) -> Verdict {
        self.conditions
            .iter()
            .fold(self.path.is_match(asked), |verdict, item| verdict.and(item.holds(request)))
    }
}

fn next_config(written: &WrittenNext, build_id: Option<&str>) -> NextConfig {
    let domain =
        |WrittenDomain { domain, default_locale, locales }| Domain { domain, default_locale, locales };
    let i18n = written.i18n.clone().map(|WrittenI18n { locales, default_locale, domains }| I18n {
        locales,
        default_locale,
        domains: domains.into_iter().map(domain).collect(),
    });
    NextConfig::new(written.base_path.clone(), i18n, written.trailing_slash, build_id.map(str::to_owned))
        .unwrap()
}

fn http_request(request: &Request) -> HttpRequest<'_> {
    let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
    let fields = request.headers.iter().map(|(name, value)| (Cow::from(name), Cow::from(value))).collect();
    HttpRequest::new(RequestParts {
        method: &request.method,
        scheme: "http",
        host: request.headers.get("host").map_or("", String::as_str),
        path: RequestPath::parse(path).unwrap(),
        query,
        headers: Headers::new(fields, Repeats::Joined),
        now: SystemTime::UNIX_EPOCH,
    })
}

/// Whether one of the entries hits: `None` when a pattern gave up.
fn is_hit(entries: &[Entry], asked: &str, request: &HttpRequest<'_>) -> Option<bool> {
    let verdicts: Vec<_> = entries.iter().map(|entry| entry.is_hit(asked, request)).collect();
    match () {
        () if verdicts.contains(&Verdict::Hit) => Some(true),
        () if verdicts.contains(&Verdict::Undecided) => None,
        () => Some(false),
    }
}

fn check(case: &Case, entries: &[Entry], next: &NextConfig, request: &Request) -> Result<(), String> {
    let http = http_request(request);
    let asked = next.asked_by_next(&http.path, http.host);
    let told = |what: &str| format!("{} {:?} {}: {what}", case.id, case.matcher, request.path);
    let as_sent = request.path.split('?').next().unwrap_or_default();
    let expected = request.pathname.as_deref().unwrap_or(as_sent.split('#').next().unwrap_or_default());
    if asked != expected {
        return Err(told(&format!("asked {asked}, Next.js asks {expected}")));
    }
    let decoded = decode_uri_component(&asked);
    let raw = is_hit(entries, &asked, &http);
    let either = match decoded {
        Some(decoded) if raw == Some(false) => is_hit(entries, &decoded, &http),
        _ => raw,
    };
    if either != Some(request.expect) {
        return Err(told(&format!("{either:?}, Next.js says {}", request.expect)));
    }
    if request.expect && raw != Some(request.raw.unwrap_or(true)) {
        return Err(told("another form than the decoded one hit"));
    }
    Ok(())
}

#[test]
fn every_matcher_compiles_to_the_same_regular_expression() {
    let corpus = corpus();
    let mut failures = Vec::new();
    let mut total = 0;
    for case in &corpus.cases {
        let entries = compile(&case.matcher, &next_config(&case.next_config, None)).unwrap();
        total += case.compiled.len();
        let regexps: Vec<&str> = entries.iter().map(|entry| entry.path.regexp()).collect();
        if regexps != case.compiled {
            failures.push(format!("{}: {regexps:?}, Next.js builds {:?}", case.id, case.compiled));
        }
    }
    report("regular expressions", total, &failures);
}

#[test]
fn every_request_is_decided_as_next_decides() {
    let corpus = corpus();
    let mut failures = Vec::new();
    let mut total = 0;
    for case in &corpus.cases {
        let next = next_config(&case.next_config, Some(&corpus.build_id));
        let entries = compile(&case.matcher, &next).unwrap();
        total += case.requests.len();
        failures
            .extend(case.requests.iter().filter_map(|request| check(case, &entries, &next, request).err()));
    }
    report("requests", total, &failures);
}

/// The gate asks more than Next.js does, so that it never sees less.
#[test]
fn what_runs_in_next_is_hit_by_a_form_that_the_gate_asks() {
    let corpus = corpus();
    let mut failures = Vec::new();
    let mut total = 0;
    for case in &corpus.cases {
        for build_id in [None, Some(corpus.build_id.as_str())] {
            let next = next_config(&case.next_config, build_id);
            let entries = compile(&case.matcher, &next).unwrap();
            for request in case.requests.iter().filter(|request| request.expect) {
                total += 1;
                let http = http_request(request);
                let mut asked =
                    http.path.readings().iter().flat_map(|reading| next.asked(reading, http.host));
                if !asked.any(|asked| is_hit(&entries, &asked, &http) == Some(true)) {
                    failures.push(format!("{} {:?} {}", case.id, case.matcher, request.path));
                }
            }
        }
    }
    report("hits", total, &failures);
}

#[test]
fn every_hit_is_found_under_its_literal_prefix() {
    let corpus = corpus();
    let mut failures = Vec::new();
    let (mut total, mut with_prefix) = (0, 0);
    for case in &corpus.cases {
        let next = next_config(&case.next_config, None);
        let entries = compile(&case.matcher, &next).unwrap();
        for request in &case.requests {
            let http = http_request(request);
            for asked in http.path.readings().iter().flat_map(|reading| next.asked(reading, http.host)) {
                for entry in entries.iter().filter(|entry| entry.path.is_match(&asked) == Verdict::Hit) {
                    total += 1;
                    let prefix = entry.path.literal_prefix();
                    with_prefix += usize::from(!prefix.is_empty());
                    if !next.index_keys(&asked).iter().any(|key| key.starts_with(prefix)) {
                        failures.push(format!("{} {:?} {asked}", case.id, case.matcher));
                    }
                }
            }
        }
    }
    assert!(with_prefix > total / 4, "few matchers have a literal prefix: {with_prefix} of {total}");
    report("hits under a prefix", total, &failures);
}

#[test]
fn every_invalid_matcher_is_refused_with_its_reason() {
    let corpus = corpus();
    let next = NextConfig::default();
    let refusals = corpus.invalid.iter().map(|case| (&case.matcher, case.reason.as_str()));
    let runtime = corpus.runtime_errors.iter().map(|case| (&case.matcher, case.throws.as_str()));
    let mut failures = Vec::new();
    let mut total = 0;
    for (matcher, reason) in refusals.chain(runtime) {
        total += 1;
        match compile(matcher, &next) {
            Ok(_) => failures.push(format!("{matcher} is accepted; Next.js says: {reason}")),
            Err(refusal) if essence(reason).iter().any(|words| refusal.contains(words)) => {}
            Err(refusal) => failures.push(format!("{matcher}: {refusal}; Next.js says: {reason}")),
        }
    }
    report("invalid matchers", total, &failures);
}

/// Words of ours of which one must be in the refusal. What path-to-regexp and V8 say is said in the same words;
/// what the schema of Next.js says is said in ours.
fn essence(reason: &str) -> Vec<&str> {
    const SCHEMA: [(&str, &str); 10] = [
        ("received boolean", "expected a string, or a list of strings and objects"),
        ("matcher: Expected array, received object", "an object stands in a list"),
        ("matcher.0: Expected object, received null", "[0]: invalid type: null"),
        ("matcher.0.locale: Invalid literal value", "[0].locale: only `false` is allowed"),
        ("has.0.type: Invalid discriminator value", "[0].has[0]"),
        ("has.0.value: value must be a string", "[0].has[0].value: invalid type"),
        ("host must have a value", "host must have a value"),
        ("Unrecognized key(s) in object: 'key'", "unknown field `key`"),
        ("key is required", "key is required"),
        ("exceeds max built length", "at most 4096"),
    ];
    let of_schema: Vec<&str> =
        SCHEMA.iter().filter(|(theirs, _)| reason.contains(theirs)).map(|(_, ours)| *ours).collect();
    if !of_schema.is_empty() {
        return of_schema;
    }
    let reason = reason.trim_end_matches(" process.exit(1)");
    vec![reason.trim_start_matches("matcher: ").trim_start_matches("SyntaxError: ")]
}

fn report(what: &str, total: usize, failures: &[String]) {
    println!("matchers.json: {} of {total} {what}", total - failures.len());
    assert!(total > 0);
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

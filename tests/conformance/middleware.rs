//! The cases of middleware.json: what the middleware of Auth.js and NextAuth.js answers, and what the gate
//! answers in its place.

use std::borrow::Cow;
use std::fs;
use std::time::{Duration, UNIX_EPOCH};

use serde_json::{Map, Value, json};
use sessiongate::config::{self, Environment};
use sessiongate::policy::decision::Decision;
use sessiongate::request::path::RequestPath;
use sessiongate::request::{Headers, HttpRequest, Repeats, RequestParts};
use sessiongate::session::ClaimPath;

/// Where the gate means to answer otherwise, and why.
const DIFFERENT: &[(&str, &str)] = &[
    ("w007", "a cookie is cleared where its request is refused, not where it passes without a session"),
    ("w010", "a cookie that only starts with the name is not ours"),
    ("w012", "another cookie, be it a bad one, does not end a session"),
    ("w032", "both forms of the session cookie are read, whatever the protocol"),
    ("w033", "both forms of the session cookie are read, whatever the protocol"),
    ("w035", "both forms of the session cookie are read, whatever the protocol"),
    ("w038", "no x-forwarded header is read, so none can be wrong"),
    ("w040", "no x-forwarded header is read, so none can be wrong"),
    ("w048", "whether a host is trusted decides where redirects go, not who is signed in"),
    ("w050", "without a secret the gate does not start"),
    ("w051", "without a secret the gate does not start"),
    ("w057", "a path with a slash at its end is the same page: the login does not redirect to itself"),
    ("w060", "what a server may take for the login is not sent to it once more"),
    ("w061", "the query of the login's URL is kept as a query"),
    ("w062", "the login may be on another origin"),
    ("w071", "the login is where login.url says, with and without AUTH_URL"),
    ("w072", "the login is where login.url says, with and without AUTH_URL"),
    ("w073", "the login is one page, whatever the locale of the page asked for"),
    ("w075", "the login's URL is used as it is written"),
    ("w078", "the redirect is 307, with the whole URL in its parameter"),
    ("w080", "a cookie is cleared where its request is refused, not where it passes without a session"),
    ("w082", "whoever is signed in and may not pass is told so: 403, no login"),
    ("w085", "the options of a custom cookie are not known here: Domain and SameSite are the defaults"),
    ("w090", "an invalid cookie is cleared, that of v4 too"),
    ("w091", "an invalid cookie is cleared, that of v4 too"),
    ("w094", "both forms of the session cookie are read, whatever the protocol"),
    ("w096", "both forms of the session cookie are read, whatever the protocol"),
    ("w097", "the origin of NEXTAUTH_URL is that of redirects"),
    ("w100", "what is public is what a rule says"),
    ("w102", "a path that only starts like a public one is not public"),
    ("w103", "a path that only starts like a public one is not public"),
    ("w104", "a path that only starts like a public one is not public"),
    ("w107", "Auth.js's own routes are public below the base path too"),
    ("w109", "without a secret the gate does not start"),
    ("w112", "a relative callback never starts with two slashes: it would be another host"),
];

/// What the gate has no word for.
const NOT_APPLICABLE: &[(&str, &str)] =
    &[("w110", "a condition on the session's claims: the gate knows none")];

/// What was answered, as far as both say it.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    answer: Answer,
    /// The `Set-Cookie` values that clear a session cookie.
    cleared: Vec<String>,
}

#[derive(Debug, PartialEq, Eq)]
enum Answer {
    /// The request goes on; the email of the session, where upstream tells it.
    Next {
        email: Option<String>,
    },
    /// `to` is without its query, `callback` as it is written.
    Redirect {
        status: u64,
        to: String,
        callback: Option<String>,
    },
    Response {
        status: u64,
        body: String,
    },
    /// An error, or a configuration that is refused.
    Failure,
}

#[test]
fn every_middleware_case_is_answered_alike_or_differs_for_a_reason() {
    let corpus: Value = serde_json::from_str(include_str!("middleware.json")).unwrap();
    let cases = corpus["cases"].as_array().unwrap();
    let now = corpus["now"].as_u64().unwrap();
    let (mut equal, mut different, mut skipped) = (0, 0, 0);
    let mut wrong = Vec::new();
    for case in cases {
        let id = case["id"].as_str().unwrap();
        if listed(NOT_APPLICABLE, id) {
            skipped += 1;
            continue;
        }
        let (theirs, ours) = (upstream(case), gate(case, now));
        match (theirs == ours, listed(DIFFERENT, id)) {
            (true, false) => equal += 1,
            (false, true) => different += 1,
            (true, true) => wrong.push(format!("{id}: differs no more, take it off the list: {ours:?}")),
            (false, false) => {
                wrong.push(format!("{id} ({}):\n  upstream {theirs:?}\n  ours {ours:?}", case["what"]));
            }
        }
    }
    let total = cases.len();
    println!(
        "middleware.json: {equal} equal, {different} different by design, {skipped} not applicable, of {total}"
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(equal + different + skipped, total);
    assert_eq!((different, skipped), (DIFFERENT.len(), NOT_APPLICABLE.len()), "an entry without its case");
}

fn listed(table: &[(&str, &str)], id: &str) -> bool {
    table.iter().any(|(listed, _)| *listed == id)
}

/// What upstream answered, in the words that both have. CSRF and callback cookies, and renewed tokens, are
/// the application's own.
fn upstream(case: &Value) -> Outcome {
    let expect = &case["expect"];
    let status = || expect["status"].as_u64().unwrap();
    let answer = match expect["outcome"].as_str().unwrap() {
        "next" => Answer::Next { email: expect["auth"]["user"]["email"].as_str().map(str::to_owned) },
        "redirect" => {
            let location = expect["location"].as_str().unwrap();
            let (to, query) = location.split_once('?').unwrap_or((location, ""));
            // NextAuth.js writes the origin of the request, which Next.js takes away again.
            let to = if is_v4(case) { to.strip_prefix(origin_of(case)).unwrap_or(to) } else { to };
            Answer::Redirect {
                status: status(),
                to: to.to_owned(),
                callback: parameter(query, "callbackUrl"),
            }
        }
        "response" => {
            Answer::Response { status: status(), body: expect["body"].as_str().unwrap().to_owned() }
        }
        "throws" => Answer::Failure,
        outcome => panic!("{outcome}"),
    };
    Outcome { answer, cleared: cleared_upstream(expect) }
}

fn cleared_upstream(expect: &Value) -> Vec<String> {
    let cookies = expect["set_cookie"].as_array().into_iter().flatten();
    let cleared = cookies.filter_map(|cookie| {
        let attributes = cookie["attributes"].as_array().unwrap().iter();
        let attributes: Vec<&str> = attributes.map(|attribute| attribute.as_str().unwrap()).collect();
        let is_cleared = attributes.contains(&"Max-Age=0");
        is_cleared.then(|| format!("{}=; {}", cookie["name"].as_str().unwrap(), attributes.join("; ")))
    });
    cleared.collect()
}

/// The value of a parameter as it is written, if the query has it.
fn parameter(query: &str, name: &str) -> Option<String> {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.filter(|(key, _)| *key == name).map(|(_, value)| value.to_owned()).next()
}

fn is_v4(case: &Value) -> bool {
    case["version"] == "v4"
}

fn gate(case: &Value, now: u64) -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sessiongate.yaml");
    fs::write(&file, configuration(case).to_string()).unwrap();
    let Ok(settings) = config::load(Some(&file), &environment(case)) else {
        return Outcome { answer: Answer::Failure, cleared: Vec::new() };
    };
    let url = case["request"]["url"].as_str().unwrap();
    let (scheme, rest) = url.split_once("://").unwrap();
    let (host, target) = rest.split_at(rest.find('/').unwrap());
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let fields = case["request"]["headers"].as_object().unwrap().iter();
    let fields = fields.map(|(name, value)| (Cow::from(name), Cow::from(value.as_str().unwrap())));
    let request = HttpRequest::new(RequestParts {
        method: case["request"]["method"].as_str().unwrap(),
        scheme,
        host,
        path: RequestPath::parse(path).unwrap(),
        query,
        headers: Headers::new(fields.collect(), Repeats::Separate),
        now: UNIX_EPOCH + Duration::from_secs(now),
    });
    outcome(&crate::decide(&settings.program.gate, &request), case)
}

fn outcome(decision: &Decision<'_>, case: &Value) -> Outcome {
    let Some(answer) = decision.answer() else {
        let session = decision.verified_session();
        let email = session.and_then(|session| session.lookup(&ClaimPath::parse("auth.user.email").unwrap()));
        // Upstream tells the session to `authorized` alone, and only there it can be compared.
        let email = email.filter(|_| !case["expect"]["auth"].is_null());
        let email = email.and_then(|email| email.as_str().map(str::to_owned));
        return Outcome { answer: Answer::Next { email }, cleared: Vec::new() };
    };
    let all = |wanted: &str| -> Vec<String> {
        let found = answer.headers.iter().filter(|(name, _)| name == wanted);
        found.map(|(_, value)| value.to_string()).collect()
    };
    let status = u64::from(answer.status);
    let answer = match all("location").as_slice() {
        [] => Answer::Response { status, body: answer.body.to_string() },
        [location] => {
            let (to, query) = location.split_once('?').unwrap_or((location, ""));
            // Unlike upstream, the query of the page asked for does not stand on the login's own URL.
            let others: Vec<&str> =
                query.split('&').filter(|pair| !pair.starts_with("callbackUrl=")).collect();
            assert!(login_url(case).ends_with(&others.join("&")), "{}: {location}", case["id"]);
            Answer::Redirect { status, to: to.to_owned(), callback: parameter(query, "callbackUrl") }
        }
        several => panic!("{}: {several:?}", case["id"]),
    };
    Outcome { answer, cleared: all("set-cookie") }
}

/// The variables of the case that are ours to read; an empty one is as good as none.
fn environment(case: &Value) -> Environment {
    let names = ["AUTH_SECRET", "AUTH_SECRET_1", "AUTH_URL", "NEXTAUTH_SECRET", "NEXTAUTH_URL"];
    Environment::from(names.map(|name| (name, case["env"][name].as_str().unwrap_or_default())))
}

/// What the case says, in our words. What upstream lets pass by itself is a rule here.
fn configuration(case: &Value) -> Value {
    let mut configuration = json!({
        "sessions": {"web": provider(case)},
        "default": {"access": "session", "on_deny": "redirect"},
        "login": {},
        "next": next(case),
    });
    let (config, next) = (&case["config"], &case["next_config"]);
    if !(config["pages"].is_null() && config["basePath"].is_null() && next["basePath"].is_null()) {
        configuration["login"]["url"] = json!(login_url(case));
    }
    if case["env"]["AUTH_TRUST_HOST"] == "true" && !is_v4(case) {
        configuration["login"]["trusted_hosts"] = json!(["localhost", "app.example.com"]);
    }
    // NextAuth.js lets its own routes and Next.js's files pass, as the gate does without rules.
    let has_login_page = case["config"]["pages"]["signIn"].is_string();
    if !is_v4(case) || has_login_page {
        configuration["rules"] = json!(rules(case));
    }
    configuration
}

fn provider(case: &Value) -> Value {
    let config = &case["config"];
    let mut provider = json!({
        "kind": if is_v4(case) { "nextauth" } else { "authjs" },
        "allow_weak_secret": true,
        // `withAuth` of v4 takes a bearer token for a session, `auth()` of v5 does not.
        "bearer": is_v4(case),
    });
    if let Some(secret) = config.get("secret") {
        provider["secret"] = secret.clone();
    }
    if let Some(name) = config["cookies"]["sessionToken"].get("name") {
        provider["cookie"] = name.clone();
    } else if config["useSecureCookies"] == true {
        provider["cookie"] = json!("__Secure-authjs.session-token");
    }
    provider
}

fn rules(case: &Value) -> Vec<Value> {
    let found = json!({"status": 302, "headers": {"location": format!("{}/login", origin_of(case))}});
    let refused = json!({"status": 401, "body": r#"{"error":"unauthorized"}"#});
    let login = json!({"name": "login", "matcher": sign_in(case).split('?').next(), "access": "public"});
    let others = match (case["authorized"].as_str(), case["wrapper"].as_str()) {
        // A wrapper decides alone, whatever `authorized` says.
        (_, Some("nothing")) => vec![json!({"access": "optional"})],
        (None, None) if !is_v4(case) => vec![json!({"access": "optional"})],
        (None | Some("user"), None | Some("redirectLogin")) => vec![login],
        (Some("deny"), None) => vec![login, json!({"access": "deny"})],
        (Some("api401"), None) => vec![login, json!({"matcher": "/api/:path*", "on_deny": refused})],
        (Some("redirectLogin"), None) => vec![json!({"on_deny": found})],
        other => panic!("{other:?}"),
    };
    // An absolute URL is no path of ours that a rule could be for.
    others
        .into_iter()
        .filter(|rule| rule["matcher"].as_str().is_none_or(|path| path.starts_with('/')))
        .collect()
}

/// The path of the sign-in page as the application names it, without Next.js's base path.
fn sign_in(case: &Value) -> String {
    if let Some(page) = case["config"]["pages"]["signIn"].as_str() {
        return page.to_owned();
    }
    let url = case["env"].get("AUTH_URL").and_then(Value::as_str).unwrap_or_default();
    let of_url =
        url.split("://").nth(1).and_then(|rest| rest.split_once('/')).map(|(_, path)| format!("/{path}"));
    let base = case["config"]["basePath"].as_str().map(str::to_owned).or(of_url).filter(|path| path != "/");
    format!("{}/signin", base.as_deref().unwrap_or("/api/auth"))
}

/// The sign-in page as a browser sees it.
fn login_url(case: &Value) -> String {
    let page = sign_in(case);
    let base = case["next_config"]["basePath"].as_str().filter(|_| page.starts_with('/'));
    format!("{}{page}", base.unwrap_or_default())
}

fn next(case: &Value) -> Value {
    let theirs = &case["next_config"];
    let mut next = Map::new();
    for (name, ours) in [("basePath", "base_path"), ("trailingSlash", "trailing_slash")] {
        if let Some(value) = theirs.get(name) {
            next.insert(ours.to_owned(), value.clone());
        }
    }
    if let Some(i18n) = theirs.get("i18n") {
        let i18n = json!({"locales": i18n["locales"], "default_locale": i18n["defaultLocale"]});
        next.insert("i18n".to_owned(), i18n);
    }
    Value::Object(next)
}

fn origin_of(case: &Value) -> &str {
    let url = case["request"]["url"].as_str().unwrap();
    url.match_indices('/').nth(2).map_or(url, |(at, _)| &url[..at])
}

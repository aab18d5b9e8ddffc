//! Odd spellings of a path: `/admin` is guarded and everything else is public, and nobody gets to `/admin` by
//! writing it in another way.

use crate::harness::edge::{HEADER_FORMS, at, send};
use crate::harness::http1::Call;
use crate::harness::session::signed_in;

const HOST: &str = "paths.test";

fn ask(target: &str) -> Call {
    Call::get(target).host(HOST)
}

/// What a server behind might take for `/admin` or something below it, apart by white space.
const GUARDED: &str = r"
    /admin /admin/ /admin/users /admin?x=/public /admin#x /admin/..;/public/../admin

    /./admin /public/../admin /public/./../admin/ /../admin /admin/../public /admin/. /public/x/../../admin/users

    /%61dmin /%61%64%6d%69%6e /%61%64%6D%69%6E /public/%2e%2e/admin /public/%2E./admin /public%2f..%2fadmin
    /public/..%2fadmin /admin%2fusers /admin%2F..%2Fpublic /%2e/admin /%2fadmin

    /%2561dmin /public/%252e%252e/admin /public%252f..%252fadmin /%252561dmin/../admin /public/..%252fadmin

    /\admin /public\..\admin /public/..\admin \admin /%5cadmin /public%5c..%5cadmin /%255cadmin

    /admin;x /admin;x=1/users /admin;/users /;/admin /public/..;/admin /public/..;x=1/admin /admin%3bx
    /;x/admin;y /public/%2e%2e;/admin /public/..%3b/admin

    /admin%3fx /admin%23x /admin%253fx /admin/users%3F /public/..%2fadmin%3f

    //admin ///admin//users /public//..//admin /.//admin //admin/../public

    /public/.%2e;a\\admin /x//..;/%2561dmin;y/ /%2e%2e\;x/admin

    /_next/data/build/admin.json /_next/data/b/admin/users.json /admin.rsc /admin.segments/_tree.segment.rsc
";

/// What no server takes for it.
const PUBLIC: &str = "
    / /public/admin /adminx /admins/x /x/admin /admin-area /public/..admin /...//public /%C3%BCber /a%20b
    /public;admin /public?x=/../admin /_next/data/b/public/admin.json /public/%2e%2e%2fpublic
";

#[test]
fn no_spelling_of_a_guarded_path_passes_without_a_session() {
    let mut surprises = Vec::new();
    for form in HEADER_FORMS {
        for target in GUARDED.split_whitespace() {
            let answer = ask(target).send(at(form));
            // 400 is Envoy's own refusal of a target that is none, or ours.
            if answer.reached_upstream() || !matches!(answer.status, 400 | 401) {
                surprises.push(format!("{form} {target}: {}", answer.status));
            }
        }
    }
    assert!(surprises.is_empty(), "{surprises:#?}");
}

#[test]
fn every_spelling_passes_with_a_session_and_is_not_rewritten() {
    let session = signed_in();
    let refused = ["/admin#x", r"\admin"]; // No request targets (RFC 9112, 3.2): Envoy refuses them itself.
    for target in GUARDED.split_whitespace().filter(|target| !refused.contains(target)) {
        let answer = ask(target).cookie(&session).send(at("plain"));
        assert_eq!(answer.upstream().path, target);
    }
    for target in refused {
        assert_eq!(ask(target).cookie(&session).send(at("plain")).status, 400, "{target}");
    }
}

#[test]
fn what_only_looks_similar_stays_public() {
    for target in PUBLIC.split_whitespace() {
        assert_eq!(send(&ask(target)).upstream().path, target);
    }
}

#[test]
fn a_path_that_no_server_serves_is_refused_even_where_everything_is_public() {
    let long = format!("/public/{}", "x".repeat(9_000));
    let ambiguous = format!("/{}", r"%255c;x//..%252f".repeat(400));
    for target in [long.as_str(), &ambiguous] {
        let answer = send(&ask(target));
        assert_eq!((answer.status, answer.reached_upstream()), (400, false), "{answer:?}");
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
}

#[test]
fn no_header_chooses_what_is_judged() {
    for (name, value) in [
        ("x-original-url", "/public"),
        ("x-rewrite-url", "/public"),
        ("x-forwarded-uri", "/public"),
        ("x-forwarded-path", "/public"),
        ("x-envoy-original-path", "/public"),
        ("x-matched-path", "/public"),
        ("x-invoke-path", "/public"),
        ("x-forwarded-prefix", "/public"),
        ("x-http-method-override", "OPTIONS"),
        ("x-method-override", "OPTIONS"),
        ("x-forwarded-method", "OPTIONS"),
        ("x-forwarded-host", "app.example.com"),
        ("x-original-host", "app.example.com"),
        ("forwarded", "host=app.example.com"),
        ("user-agent", "Envoy/HC"),
        ("user-agent", "ELB-HealthChecker/2.0"),
        ("user-agent", "kube-probe/1.31"),
        ("x-middleware-subrequest", "middleware"),
        ("x-middleware-prefetch", "1"),
        ("x-nextjs-data", "1"),
        ("next-router-prefetch", "1"),
        ("purpose", "prefetch"),
        ("x-forwarded-for", "127.0.0.1"),
        ("x-real-ip", "127.0.0.1"),
        ("x-envoy-internal", "true"),
        ("x-auth-user-id", "u-1815"),
    ] {
        let answer = send(&ask("/admin").header(name, value));
        assert_eq!((name, answer.status, answer.reached_upstream()), (name, 401, false), "{answer:?}");
    }
    for host in ["PATHS.TEST", "paths.test.", "paths.test:8080", "Paths.Test.:443"] {
        assert_eq!(send(&Call::get("/admin").host(host)).status, 401, "{host}");
        assert!(send(&Call::get("/elsewhere").host(host)).reached_upstream(), "{host}");
    }
}

#[test]
fn a_target_with_a_host_of_its_own_is_judged_by_that_host() {
    // RFC 9112, section 3.2.2: the Host header does not count then, neither for the gate nor for the service.
    let open = send(&Call::get("http://paths.test/elsewhere").host("app.example.com")).upstream();
    assert_eq!((open.path.as_str(), open.values("host")), ("/elsewhere", vec!["paths.test"]));
    for (target, host) in [
        ("http://paths.test/admin", "app.example.com"),
        ("http://app.example.com/elsewhere", HOST),
        ("http://app.example.com/admin", HOST),
    ] {
        let answer = send(&Call::get(target).host(host));
        assert_eq!((target, answer.status, answer.reached_upstream()), (target, 401, false), "{answer:?}");
    }
}

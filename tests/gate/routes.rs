//! What the proxy is configured to say of a route: which rule it takes, and how strict it is at least.

use std::collections::HashMap;

use serde_json::Map;
use sessiongate::policy::decision::Decision;
use sessiongate::request::HttpRequest;
use sessiongate::request::origin::RouteContext;

use super::{Gate, ada, decide, gate, gate_of, request};

const YAML: &str = "
rules:
  - { name: open, matcher: /open, access: public }
  - { name: maybe, matcher: /maybe, access: optional }
  - { name: shut, matcher: /shut, access: deny }
  - { name: team, matcher: '/teams/:team', condition: 'params.team == \"red\"' }
  - { name: members, matcher: /members }
";

fn on_route<'a>(request: HttpRequest<'a>, extensions: &'a HashMap<String, String>) -> HttpRequest<'a> {
    let extensions = extensions.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    request.on_route(RouteContext { extensions, metadata: Map::new() })
}

fn extensions(pairs: &[(&str, &str)]) -> HashMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn outcome(gate: &Gate, path: &str, cookie: Option<&str>, pairs: &[(&str, &str)]) -> (String, String) {
    let extensions = extensions(pairs);
    let headers: Vec<(&str, &str)> = cookie.map(|cookie| ("cookie", cookie)).into_iter().collect();
    let decision = decide(gate, &on_route(request("GET", path, &headers), &extensions));
    (decision.rule().to_owned(), decision.reason().to_owned())
}

#[test]
fn a_route_can_name_its_rule_and_only_make_it_stricter() {
    let gate = gate(YAML);
    let ada = ada(&gate);
    let (rule, access) = ("sessiongate.rule", "sessiongate.access");
    for (path, cookie, pairs, expected) in [
        ("/members", None, vec![(rule, "open")], ("open", "public")),
        ("/open", None, vec![(rule, "members")], ("members", "absent")),
        ("/open", Some(&ada), vec![(rule, "members")], ("members", "session")),
        ("/open", Some(&ada), vec![(rule, "shut")], ("shut", "forbidden")),
        ("/open", Some(&ada), vec![(rule, "default")], ("default", "session")),
        ("/teams/red", Some(&ada), vec![(rule, "team")], ("team", "session")),
        ("/teams/blue", Some(&ada), vec![(rule, "team")], ("team", "condition_not_met")),
        // It has no parameters where its matcher does not match.
        ("/open", Some(&ada), vec![(rule, "team")], ("team", "condition_error")),
        ("/open", Some(&ada), vec![(rule, "nobody")], ("", "unknown_route")),
        ("/open", Some(&ada), vec![(rule, "")], ("", "unknown_route")),
        ("/open", None, vec![(access, "public")], ("open", "public")),
        ("/open", None, vec![(access, "session")], ("open", "absent")),
        ("/open", Some(&ada), vec![(access, "session")], ("open", "session")),
        ("/open", Some(&ada), vec![(access, "deny")], ("open", "forbidden")),
        ("/maybe", None, vec![(access, "session")], ("maybe", "absent")),
        ("/members", None, vec![(access, "public")], ("members", "absent")),
        ("/members", None, vec![(access, "optional")], ("members", "absent")),
        ("/shut", Some(&ada), vec![(access, "public")], ("shut", "forbidden")),
        ("/teams/blue", Some(&ada), vec![(access, "optional")], ("team", "condition_not_met")),
        ("/open", Some(&ada), vec![(access, "Session")], ("", "unknown_route")),
        ("/open", Some(&ada), vec![(access, "")], ("", "unknown_route")),
        ("/members", None, vec![(rule, "open"), (access, "session")], ("open", "absent")),
        ("/open", None, vec![("tier", "gold")], ("open", "public")),
    ] {
        let found = outcome(&gate, path, cookie.map(String::as_str), &pairs);
        assert_eq!((found.0.as_str(), found.1.as_str()), expected, "{path} {pairs:?}");
    }
}

#[test]
fn a_route_that_cannot_be_followed_is_a_403() {
    let gate = gate(YAML);
    let extensions = extensions(&[("sessiongate.rule", "nobody")]);
    let decision = decide(&gate, &on_route(request("GET", "/open", &[]), &extensions));
    assert_eq!(decision.answer().map(|answer| answer.status), Some(403));
}

#[test]
fn a_request_header_of_that_name_names_no_rule() {
    let gate = gate(YAML);
    let headers = [("sessiongate.rule", "open"), ("sessiongate.access", "public")];
    assert_eq!(decide(&gate, &request("GET", "/members", &headers)).rule(), "members");
}

#[test]
fn each_application_has_its_own_secret_and_its_own_login() {
    let gate = gate_of(
        "
sessions:
  shop: { kind: authjs, secret: shop-shop-shop-shop-shop-shop-shop }
  blog: { kind: authjs, secret: blog-blog-blog-blog-blog-blog-blog }
login: { origin: 'https://shop.example.com', url: /signin }
rules:
  - { name: blog, hosts: blog.example.com, session: blog, login: { origin: 'https://blog.example.com' } }
  - { name: docs, hosts: docs.example.com, session: blog, login: { origin: 'https://id.example.com', url: '/login?app=docs', callback_param: next } }
  - { name: shop, session: shop }
",
    );
    // The first provider mints: the shop's.
    let shop = ada(&gate);
    for (host, login) in [
        (
            "blog.example.com",
            "https://blog.example.com/signin?callbackUrl=https%3A%2F%2Fblog.example.com%2Fa",
        ),
        ("docs.example.com", "https://id.example.com/login?app=docs&next=https%3A%2F%2Fid.example.com%2Fa"),
    ] {
        let headers = [("host", host), ("cookie", shop.as_str()), ("sec-fetch-mode", "navigate")];
        let Decision::Redirect(challenge) = decide(&gate, &request("GET", "/a", &headers)) else {
            panic!("{host}: another application's session is one here");
        };
        assert_eq!(challenge.location, login);
    }
    let headers = [("host", "shop.example.com"), ("cookie", shop.as_str())];
    assert_eq!(decide(&gate, &request("GET", "/a", &headers)).reason(), "session");
}

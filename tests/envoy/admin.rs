//! The admin listener: readiness, the configuration, and the page of explanations in a browser. Pictures of the page are
//! in `target/tmp/envoy/`.

use std::net::SocketAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustix::process::Signal;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::harness::browser::Browser;
use crate::harness::envoy::{Envoy, Listener};
use crate::harness::gate::Gate;
use crate::harness::grpc::connect;
use crate::harness::http1::{Answer, Call};
use crate::harness::polling::wait_until;
use crate::harness::runtime::runtime;
use crate::harness::servers::Redis;
use crate::harness::session::{EMAIL, OTHER_SECRET, SECRET, USER_ID, signed_in};
use crate::harness::upstream::{start_echo, start_grpc};

fn start(name: &str, admin: &str, more: &str) -> (Gate, SocketAddr) {
    let configuration =
        format!("listen: {{ grpc: '127.0.0.1:0', admin: {admin}, drain_delay: 2s }}\n{more}\n");
    let mut gate = Gate::start(name, &configuration, &[("AUTH_SECRET", SECRET)]);
    let address = gate.admin();
    (gate, address)
}

const SESSIONS: &str = "sessions: { web: { kind: authjs, secret: \"${AUTH_SECRET}\" } }";

fn get(admin: SocketAddr, path: &str) -> Answer {
    Call::get(path).host("127.0.0.1").send(admin)
}

#[test]
fn it_is_ready_while_every_provider_answers() {
    let mut redis = Redis::start();
    let sessions = format!(
        "sessions:\n  web: {{ kind: authjs, secret: \"${{AUTH_SECRET}}\" }}\n  kept: {{ kind: redis, url: \"{}\", schema: upstash, timeout: 200ms }}\n\
         revocation: {{ redis: \"{}\", poll: 1s, max_staleness: 2s, timeout: 200ms }}",
        redis.url(),
        redis.url(),
    );
    let (_gate, admin) = start("gate-ready", "'127.0.0.1:0'", &sessions);
    let ready = || get(admin, "/readyz");
    wait_until("it to be ready", || ready().status == 200);
    assert_eq!(ready().body, "ready\nweb: ok\nkept: ok\nrevocation: ok\n");
    redis.kill();
    wait_until("it to miss Redis", || ready().status == 503);
    let told = ready().body;
    assert!(told.starts_with("not ready\nweb: ok\nkept: ") && !told.contains("kept: ok"), "{told}");
    assert_eq!(get(admin, "/healthz").status, 200, "it lives all the same");
    redis.begin();
    wait_until("it to find Redis again", || ready().status == 200);
}

#[test]
fn a_drain_shows_in_readiness_first_then_in_health_then_in_the_end_of_connections() {
    let (mut gate, admin) = start("gate-draining", "'127.0.0.1:0'", SESSIONS);
    let envoy =
        Envoy::start("envoy-draining", &[Listener::new("edge", &gate.address)], start_echo(), start_grpc());
    wait_until("Envoy to find the gate", || envoy.sees_healthy(&gate.address));
    let health = || {
        runtime().block_on(async {
            let mut client = HealthClient::new(connect(&gate.address).await);
            client.check(HealthCheckRequest::default()).await.expect("an answer").get_ref().status()
        })
    };
    let passes = || Call::page("/x").cookie(&signed_in()).send(envoy.address("edge")).reached_upstream();
    gate.process.signal(Signal::TERM);
    wait_until("readiness to fail", || get(admin, "/readyz").status == 503);
    assert_eq!(health(), ServingStatus::Serving);
    assert!(passes());
    wait_until("health to fail", || health() == ServingStatus::NotServing);
    assert!(passes(), "who still asks is answered");
    let log = gate.process.wait();
    assert_eq!(log.code(), Some(0), "{}", gate.process.output());
}

#[test]
fn the_configuration_is_shown_without_its_secrets() {
    let more = format!(
        "{SESSIONS}\nlogin: {{ url: \"https://user:hunter2@login.test/in?key=hunter2\" }}\nidentity: {{ headers: {{ x-a: sub }} }}"
    );
    let more = more.replace("https://user:hunter2@login.test/in?key=hunter2", "/in?key=hunter2");
    let secret = format!("{{ address: '127.0.0.1:0', secret: {OTHER_SECRET} }}");
    let (_gate, admin) = start("gate-shown", &secret, &more);
    let ask = |authorization: &str| {
        Call::get("/config").host("localhost").header("authorization", authorization).send(admin)
    };
    let basic = |secret: &str| format!("Basic {}", STANDARD.encode(format!("anyone:{secret}")));
    for right in [format!("Bearer {OTHER_SECRET}"), basic(OTHER_SECRET)] {
        let shown = ask(&right);
        assert_eq!(shown.status, 200, "{shown:?}");
        assert!(
            shown.body.contains("x-a: \"sub\"") && shown.body.contains("${AUTH_SECRET}"),
            "{}",
            shown.body
        );
        for hidden in [SECRET, OTHER_SECRET] {
            assert!(!shown.body.contains(hidden), "{}", shown.body);
        }
        let info = format!("sessiongate_config_info{{hash={}}} 1", shown.header("etag").expect("a hash"));
        assert!(get(admin, "/metrics").body.contains(&info), "{info}");
    }
    for wrong in [
        "",
        "Bearer",
        "Bearer x",
        &basic("x"),
        &format!("Bearer {OTHER_SECRET}x"),
        &format!("Digest {OTHER_SECRET}"),
    ] {
        let refused = ask(wrong);
        assert_eq!(
            (refused.status, refused.header("www-authenticate").is_some()),
            (401, true),
            "{wrong}: {refused:?}"
        );
    }
    assert_eq!(get(admin, "/metrics").status, 200, "a scraper needs none");
}

#[test]
fn a_page_of_another_site_cannot_ask_for_explanations() {
    let (_gate, admin) = start("gate-local", "'127.0.0.1:0'", SESSIONS);
    for (host, site, expected) in [
        ("localhost:9193", None, 200),
        ("127.0.0.1", Some("same-origin"), 200),
        ("[::1]:9193", Some("none"), 200),
        ("rebound.attacker.test", None, 403),
        ("localhost", Some("cross-site"), 403),
        ("localhost", Some("same-site"), 403),
    ] {
        let call = Call::get("/explain").host(host);
        let call = site.iter().fold(call, |call, site| call.header("sec-fetch-site", site));
        assert_eq!(call.send(admin).status, expected, "{host} {site:?}");
    }
    let page = get(admin, "/explain");
    assert_eq!(page.header("cache-control"), Some("no-store"));
    let policy = page.header("content-security-policy").expect("a policy");
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    assert!(!page.body.contains("http://") && !page.body.contains("src="), "nothing comes from elsewhere");
}

const EXPLAINED: &str = r#"
sessions: { web: { kind: authjs, secret: "${AUTH_SECRET}" } }
rules:
  - { name: sign-in, matcher: "/api/auth/:path*", access: public }
  - { name: home, matcher: /, access: optional }
  - { name: admin, matcher: "/admin/:path*", condition: '"admin" in token.roles && params.path.size() > 0' }
  - { name: api, matcher: ["/api/:path*", { source: "/rpc/:path*", methods: [POST] }], on_deny: unauthorized }
  - { name: closed, matcher: "/internal/:path*", access: deny }
identity: { headers: { x-auth-user-id: sub, x-auth-user-email: auth.user.email }, session_header: x-auth-session }
telemetry: { log: debug }
"#;

#[test]
fn a_person_types_a_request_and_sees_how_it_would_be_decided() {
    let (gate, admin) = start("gate-explaining", "'127.0.0.1:0'", EXPLAINED);
    let browser = Browser::start();
    browser.resize(1280, 1400);
    browser.open(&format!("http://{admin}/explain"));
    browser.picture("explain-empty");
    browser.type_into("textarea[name=cookies]", &signed_in());
    // By the keyboard alone: what is typed in a field is sent with Enter.
    browser.clear("input[name=url]");
    browser.type_into("input[name=url]", "https://app.example.com/admin/users\u{E007}");
    assert_eq!(browser.text(".verdict h2").to_lowercase(), "allow");
    let seen = browser.text("#result");
    for told in [
        USER_ID,
        EMAIL,
        "x-auth-user-id",
        "\"admin\" in token.roles",
        "Rules, in order",
        "does not match",
        "not reached",
    ] {
        assert!(seen.contains(told), "{told}: {seen}");
    }
    assert_eq!(browser.run("return document.activeElement.id"), "result", "who cannot see is told as well");
    for (scheme, name) in [("light", "explain-light"), ("dark", "explain-dark")] {
        browser.prefer(scheme);
        browser.picture(name);
    }
    browser.prefer("light");
    browser.resize(390, 2600);
    browser.picture("explain-narrow");
    let is_wide = "return document.documentElement.scrollWidth > document.documentElement.clientWidth";
    assert_eq!(browser.run(is_wide), false, "nothing sticks out on a phone");
    browser.resize(1280, 1400);

    browser.clear("input[name=url]");
    browser.type_into("input[name=url]", "/internal/x\u{E007}");
    wait_until("the next decision", || browser.text(".verdict").to_lowercase().contains("forbidden"));
    browser.clear("input[name=url]");
    browser.type_into("input[name=url]", "nowhere\u{E007}");
    wait_until("the mistake", || browser.text("#result").contains("neither an http(s) URL nor a path"));

    let token = signed_in();
    let token = token.split_once('=').expect("a cookie").1;
    let page = browser.run("return document.documentElement.outerHTML");
    assert!(!page.as_str().expect("text").contains(token), "the page does not hold what was typed");
    assert!(
        !gate.process.output().contains(token) && !gate.process.output().contains("/internal"),
        "nor does the log"
    );
}

#[test]
fn without_a_script_the_page_says_the_same() {
    let (_gate, admin) = start("gate-plain-page", "'127.0.0.1:0'", EXPLAINED);
    let form = |fields: &[(&str, &str)]| {
        let body: String = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        Call::new("POST", "/explain")
            .host("localhost")
            .body("application/x-www-form-urlencoded", &body)
            .send(admin)
    };
    let cookie = signed_in();
    let allowed = form(&[("method", "GET"), ("url", "/admin/x"), ("cookies", &cookie)]);
    assert!(allowed.status == 200 && allowed.body.contains("data-decision=\"allow\""), "{}", allowed.body);
    assert!(!allowed.body.contains(cookie.split_once('=').expect("a cookie").1));
    let hostile = form(&[
        ("method", "GET"),
        ("url", "/<script>alert(1)</script>"),
        ("headers", "accept: \"><img src=x>"),
    ]);
    assert!(!hostile.body.contains("<script>alert") && !hostile.body.contains("<img"), "{}", hostile.body);
    let mistake = form(&[("method", "GET"), ("url", "/"), ("headers", "no colon")]);
    assert!(mistake.status == 422 && mistake.body.contains("Headers, line 1"), "{}", mistake.body);
    let secret =
        form(&[("method", "GET"), ("url", "/api/x"), ("headers", "authorization: Bearer s3cr3t-of-mine")]);
    assert!(!secret.body.contains("s3cr3t-of-mine"));
    let huge = form(&[("method", "GET"), ("url", &"/x".repeat(200_000))]);
    assert_eq!(huge.status, 413);
}

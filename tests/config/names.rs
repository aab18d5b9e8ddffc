//! Names: their order and their case are kept where they matter.

use std::borrow::Cow;
use std::time::SystemTime;

use futures_util::FutureExt as _;
use sessiongate::config::Settings;
use sessiongate::policy::decision::Decision;
use sessiongate::request::path::RequestPath;
use sessiongate::request::{Headers, HttpRequest, Repeats, RequestParts};

use crate::{SECRET, SESSIONS, load};

fn decide<'g>(settings: &'g Settings, path: &str, headers: &[(&str, &str)]) -> Decision<'g> {
    let fields = headers.iter().map(|(name, value)| (Cow::from(*name), Cow::from(*value)));
    let request = HttpRequest::new(RequestParts {
        method: "GET",
        scheme: "https",
        host: "app.example.com",
        path: RequestPath::parse(path).unwrap(),
        query: "",
        headers: Headers::new(fields.collect(), Repeats::Separate),
        now: SystemTime::now(),
    });
    settings.program.gate.check(&request).now_or_never().expect("no store is asked")
}

#[test]
fn providers_keep_their_order_and_the_case_of_their_names() {
    let names = ["zeta", "Alpha", "alpha", "M-1", "b.c", "42"];
    let provider = |name: &&str| format!("  '{name}': {{ kind: authjs, secret: {SECRET}, cookie: c }}\n");
    let providers: String = names.iter().map(provider).collect();
    let settings = load(&format!("sessions:\n{providers}rules: [{{ session: [b.c, Alpha] }}]\n")).unwrap();
    let kept: Vec<&str> = settings.program.gate.sessions.iter().map(|(name, _)| &**name).collect();
    assert_eq!(kept, names);
    let decision = decide(&settings, "/a", &[("cookie", "c=x")]);
    let Decision::Deny(denial) = decision else { panic!("{decision:?}") };
    let asked: Vec<&str> = denial.kind.failures().unwrap().iter().map(|failure| &*failure.provider).collect();
    assert_eq!(asked, ["b.c", "Alpha"], "in the order of the rule");
}

#[test]
fn rules_keep_their_order_and_the_case_of_what_they_name() {
    let yaml = format!(
        "{SESSIONS}rules:
  - {{ name: Admin, matcher: /Admin, access: deny }}
  - {{ name: admin, matcher: /admin, access: optional }}
  - {{ name: Key, matcher: [{{ source: /key, has: [{{ type: query, key: Q }}] }}], access: deny }}
  - {{ name: cookie, access: deny, matcher: [{{ source: /key, has: [{{ type: cookie, key: C, value: V }}] }}] }}
  - {{ matcher: /key, access: public }}
  - {{ matcher: /key, access: deny }}
"
    );
    let settings = load(&yaml).unwrap();
    for (path, cookie, rule) in [
        ("/Admin", "", "Admin"),
        ("/admin", "", "admin"),
        ("/key", "", "rules[4]"),
        ("/key", "c=V", "rules[4]"),
        ("/key", "C=v", "rules[4]"),
        ("/key", "C=V", "cookie"),
    ] {
        assert_eq!(decide(&settings, path, &[("cookie", cookie)]).rule(), rule, "{path} {cookie}");
    }
}

#[test]
fn header_names_have_no_case_and_values_do() {
    let yaml = format!(
        "{SESSIONS}rules:
  - matcher: /a
    on_deny: {{ status: 401, headers: {{ WWW-Authenticate: 'Bearer realm=\"A\"', X-Reason: No }} }}
  - {{ matcher: /b, access: public }}
identity: {{ headers: {{ X-User-Id: token.User.ID }} }}
"
    );
    let settings = load(&yaml).unwrap();
    let decision = decide(&settings, "/a", &[]);
    let answer = decision.answer().unwrap();
    let headers: Vec<(&str, &str)> = answer.headers.iter().map(|(name, value)| (&**name, &**value)).collect();
    assert_eq!(
        headers,
        [("www-authenticate", "Bearer realm=\"A\""), ("x-reason", "No"), ("cache-control", "no-store")]
    );
    let decision = decide(&settings, "/b", &[("X-USER_Id", "mallory")]);
    let Decision::Allow(permit) = decision else { panic!("{decision:?}") };
    for name in ["x-user-id", "x_user_id", "x-user_id"] {
        assert!(
            permit.upstream.remove.iter().any(|removed| **removed == *name),
            "{name}: {:?}",
            permit.upstream
        );
    }
}

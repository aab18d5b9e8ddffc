//! What the upstream is told of the caller, and what a client cannot tell it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::harness::edge::{HEADER_FORMS, PLAIN, STRIP, STRIP_RAW, at, edge, send};
use crate::harness::http1::{Call, Seen};
use crate::harness::session::{COOKIE, EMAIL, USER_ID, V4_COOKIE, ada, chunks, padded, signed_in, v4, v5};

const SESSION_HEADER: &str = "x-auth-session";
const FORGED: &str = "forged-by-the-client";

/// The headers by which the gate speaks, and the one that made Next.js skip its middleware (CVE-2025-29927).
const OURS: [&str; 6] = [
    "x-auth-user-id",
    "x-auth-user-email",
    "x-auth-roles",
    "x-auth-name",
    SESSION_HEADER,
    "x-middleware-subrequest",
];

fn session_told(seen: &Seen) -> Value {
    let values = seen.values(SESSION_HEADER);
    assert_eq!(values.len(), 1, "{values:?}");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(values[0]).expect("base64url")).expect("JSON")
}

#[test]
fn a_session_passes_and_the_upstream_learns_whose_it_is() {
    for form in HEADER_FORMS {
        let seen = Call::page("/dashboard?tab=1").cookie(&signed_in()).send(at(form)).upstream();
        assert_eq!((seen.method.as_str(), seen.path.as_str()), ("GET", "/dashboard?tab=1"));
        assert_eq!(seen.values("x-auth-user-id"), [USER_ID]);
        assert_eq!(seen.values("x-auth-user-email"), [EMAIL]);
        assert_eq!(seen.values("x-auth-roles"), ["admin,editor"]);
        assert_eq!(seen.values("x-auth-name"), ["Ada Lovelace"]);

        let told = session_told(&seen);
        let members: Vec<&String> = told.as_object().expect("an object").keys().collect();
        assert_eq!(members.len(), 4, "{members:?}");
        assert_eq!(told["user"]["id"], USER_ID);
        assert_eq!(told["user"]["email"], EMAIL);
        assert_eq!(told["provider"], "web");
        assert_eq!(told["claims"]["sub"], USER_ID);
        assert_eq!(told["claims"]["roles"], json!(["admin", "editor"]));
        let expires = told["expires"].as_str().expect("a string");
        assert!(expires.ends_with('Z') && expires.len() == "2026-01-31T00:00:00.000Z".len(), "{expires}");
    }
}

#[test]
fn an_optional_page_is_told_of_a_session_where_there_is_one() {
    assert_eq!(send(&Call::page("/").cookie(&signed_in())).upstream().values("x-auth-user-id"), [USER_ID]);
    let anonymous = send(&Call::page("/").cookie(&format!("{COOKIE}=not-a-token"))).upstream();
    assert!(OURS.iter().all(|name| anonymous.values(name).is_empty()), "{anonymous:?}");
    // A public page is told of nobody: no session is read there.
    let public = send(&Call::page("/public/x").cookie(&signed_in())).upstream();
    assert!(OURS.iter().all(|name| public.values(name).is_empty()), "{public:?}");
}

/// Every way to write a name with `-` and `_`, each in three cases.
fn spellings(name: &str) -> Vec<String> {
    let places: Vec<usize> = name.match_indices('-').map(|(at, _)| at).collect();
    let mut found = Vec::new();
    for mask in 0..1_u32 << places.len() {
        let mut spelled = name.to_owned();
        for (_, &at) in places.iter().enumerate().filter(|(bit, _)| mask >> bit & 1 == 1) {
            spelled.replace_range(at..=at, "_");
        }
        let mixed =
            spelled.char_indices().map(|(at, c)| if at % 2 == 0 { c.to_ascii_uppercase() } else { c });
        found.extend([mixed.collect(), spelled.to_ascii_uppercase(), spelled]);
    }
    found
}

#[test]
fn no_header_of_ours_reaches_the_upstream_from_a_client_in_any_spelling() {
    let session = signed_in();
    let without_email = format!("{COOKIE}={}", v5(json!({"sub": USER_ID})).mint());
    let pages = [
        ("/dashboard", session.as_str()),
        ("/dashboard", &without_email),
        ("/", &session),
        ("/", ""),
        ("/public/x", &session),
        ("/public/x", ""),
    ];
    let attacks: Vec<Vec<String>> = {
        let all: Vec<Vec<String>> = OURS.iter().map(|name| spellings(name)).collect();
        let each =
            (0..24).map(|nth| all.iter().map(|spelled| spelled[nth % spelled.len()].clone()).collect());
        each.chain([all.concat()]).collect()
    };
    for form in HEADER_FORMS {
        for (target, cookie) in pages {
            for attack in &attacks {
                let call = Call::page(target).cookie(cookie);
                let call =
                    attack.iter().fold(call, |call, name| call.header(name, FORGED).header(name, FORGED));
                let seen = call.send(at(form)).upstream();
                let forged: Vec<_> =
                    seen.headers.iter().filter(|(_, value)| value.contains(FORGED)).collect();
                assert!(forged.is_empty(), "{form} {target} {cookie}: {forged:?}");
                let told = if target == "/public/x" || cookie.is_empty() { vec![] } else { vec![USER_ID] };
                assert_eq!(seen.values("x-auth-user-id"), told, "{form} {target}");
            }
        }
    }
}

#[test]
fn a_client_cannot_have_our_headers_dropped_by_naming_them_hop_by_hop() {
    let call = Call::page("/dashboard").cookie(&signed_in());
    let seen = send(&call.header("connection", "x-auth-user-id, x-auth-session")).upstream();
    assert_eq!(seen.values("x-auth-user-id"), [USER_ID]);
    assert_eq!(session_told(&seen)["user"]["id"], USER_ID);
}

#[test]
fn claims_that_are_no_legal_header_are_encoded_or_left_out() {
    let claims =
        json!({"sub": "u\r\nx-admin: 1", "name": "Zoë 100%", "email": " ", "roles": ["ä", "b\u{0}"]});
    let seen = send(&Call::get("/x").cookie(&format!("{COOKIE}={}", v5(claims).mint()))).upstream();
    assert_eq!(seen.values("x-auth-user-id"), ["u%0D%0Ax-admin: 1"]);
    assert_eq!(seen.values("x-auth-name"), ["Zo%C3%AB 100%25"]);
    assert_eq!(seen.values("x-auth-user-email"), ["%20"]);
    assert_eq!(seen.values("x-auth-roles"), ["%C3%A4,b%00"]);
    assert!(seen.values("x-admin").is_empty());

    // A session that is too large for a header passes without it; the client's own does not take its place.
    let token = v5(padded(ada(), 12_000)).mint();
    let call = Call::get("/x").cookie(&chunks(COOKIE, &token).join("; ")).header(SESSION_HEADER, FORGED);
    let seen = send(&call).upstream();
    assert!(seen.values(SESSION_HEADER).is_empty());
    assert_eq!(seen.values("x-auth-user-id"), [USER_ID]);
}

#[test]
fn a_session_cookie_is_kept_from_the_upstream_and_the_others_are_not_touched() {
    let whole = signed_in();
    let parts = chunks(COOKIE, &v5(padded(ada(), 9_000)).mint());
    assert_eq!(parts.len(), 3);
    let old = format!("{V4_COOKIE}={}", v4(ada()).mint());
    let odd = r#"a="b, c"; A=; =x; flag; d=%zz; e=f=g"#;
    for form in [STRIP, STRIP_RAW] {
        for (sent, kept) in [
            (whole.clone(), None),
            (format!("theme=dark; {whole}; lang=de"), Some("theme=dark; lang=de")),
            (format!("{odd}; {whole}"), Some(odd)),
            (format!("{}; x=1; {}; y=2; {}", parts[2], parts[0], parts[1]), Some("x=1; y=2")),
            (format!("{whole}; {COOKIE}-x=1; {COOKIE}x=2"), Some(&*format!("{COOKIE}-x=1; {COOKIE}x=2"))),
            (format!("x=1; {old}"), Some("x=1")),
        ] {
            let seen = Call::get("/x").cookie(&sent).send(at(form)).upstream();
            assert_eq!(seen.values("cookie"), Vec::from_iter(kept), "{form}: {sent}");
        }
        let seen = Call::get("/optional/x").cookie(&format!("x=1; {whole}")).send(at(form)).upstream();
        assert_eq!(seen.values("cookie"), ["x=1"]);
        let seen = Call::get("/public/x").cookie(&format!("x=1; {whole}")).send(at(form)).upstream();
        assert_eq!(seen.values("cookie"), [format!("x=1; {whole}")], "no session is read on a public page");
    }
    let everything = format!("{odd}; {whole}");
    let seen = Call::get("/x").cookie(&everything).send(at(PLAIN)).upstream();
    assert_eq!(seen.values("cookie"), [everything], "without strip_cookie nothing is touched");
}

#[test]
fn envoy_is_told_rule_decision_reason_and_provider() {
    let session = signed_in();
    for (target, cookie, status, told) in [
        ("/web/metadata", session.as_str(), 200, ["web", "allow", "session", "web"]),
        ("/public/metadata", &session, 200, ["public", "allow", "public", ""]),
        ("/metadata", "", 401, ["default", "deny", "absent", ""]),
        ("/closed/metadata", &session, 403, ["closed", "deny", "forbidden", ""]),
    ] {
        assert_eq!(send(&Call::get(target).cookie(cookie)).status, status, "{target}");
        let line = edge().envoy.access_line(target);
        let seen =
            ["rule", "decision", "reason", "provider"].map(|key| line[key].as_str().unwrap_or("absent"));
        assert_eq!(seen, told, "{line}");
    }
}

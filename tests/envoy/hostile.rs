//! Requests that are larger than anything honest: each is refused, and the gate goes on.

use crate::harness::edge::{HEADER_FORMS, at};
use crate::harness::http1::Call;
use crate::harness::session::{COOKIE, USER_ID, ada, chunks, padded, signed_in, v5};

#[test]
fn what_is_larger_than_anything_honest_is_refused_and_the_gate_goes_on() {
    let session = signed_in();
    let token_of = |bytes: usize| chunks(COOKIE, &v5(padded(ada(), bytes)).mint()).join("; ");
    let crowd = |count: usize| (0..count).map(|nth| format!("c{nth}=1")).collect::<Vec<_>>().join("; ");
    let many_chunks: Vec<String> = (0..4_000).map(|nth| format!("{COOKIE}.{nth}=x")).collect();
    for form in HEADER_FORMS {
        for (what, cookie) in [
            ("one cookie of 60 KiB", format!("{COOKIE}={}", "x".repeat(60 * 1024))),
            ("a true session of 20 KiB", token_of(20_000)),
            ("a true session beside 60 KiB", format!("padding={}; {session}", "x".repeat(64 * 1024))),
            ("a session after 5,000 cookies", format!("{}; {session}", crowd(5_000))),
            ("a session before 5,000 cookies", format!("{session}; {}", crowd(5_000))),
            ("4,000 chunks", many_chunks.join("; ")),
            ("30,000 semicolons", format!("{};{COOKIE}=x", ";".repeat(30_000))),
            ("dots and nothing else", format!("{COOKIE}={}", ".".repeat(50_000))),
        ] {
            let answer = Call::get("/web/x").cookie(&cookie).send(at(form));
            assert!(!answer.reached_upstream(), "{form}: {what}");
            assert_eq!(answer.status, 401, "{form}: {what}: {answer:?}");
        }
        // Within the limits all is well, and the same gate still answers.
        for cookie in [token_of(12_000), format!("{}; {session}", crowd(200)), session.clone()] {
            let seen = Call::get("/web/x").cookie(&cookie).send(at(form)).upstream();
            assert_eq!(seen.values("x-auth-user-id"), [USER_ID], "{form}");
        }
    }
}

#[test]
fn a_flood_of_headers_ends_in_a_decision() {
    for form in HEADER_FORMS {
        let mut call = Call::get("/x");
        for nth in 0..480 {
            call = call.header(&format!("x-flood-{nth}"), "1").header("cookie", "");
        }
        let answer = call.clone().send(at(form));
        assert!(!answer.reached_upstream(), "{form}: {answer:?}");
        assert!(answer.status == 401, "{form}: {answer:?}");
    }
}

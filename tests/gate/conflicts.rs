//! One request, one session: two tokens in one cookie are none, whatever kind of provider reads it.

use super::{SECRET, decide, gate_of, request};

#[test]
fn chunks_that_two_servers_would_read_as_two_tokens_are_no_session() {
    for (provider, cookie) in [
        (format!("kind: jwt, secret: {SECRET}, from: [{{ cookie: token }}]"), "token"),
        (
            "kind: database, url: 'postgres://app@127.0.0.1:9/app', schema: prisma".to_owned(),
            "authjs.session-token",
        ),
        ("kind: endpoint, url: 'http://127.0.0.1:9/session'".to_owned(), "authjs.session-token"),
        (format!("kind: better-auth, secret: {SECRET}, cookie_cache: compact"), "better-auth.session_token"),
    ] {
        let gate = gate_of(&format!("sessions: {{ app: {{ {provider} }} }}"));
        let outcome = |cookies: &str| {
            let headers = [("cookie", cookies)];
            // No store is asked which of them is meant.
            decide(&gate, &request("GET", "/", &headers)).reason()
        };
        for cookies in [
            format!("{cookie}.0=a; {cookie}.0=b"),
            format!("{cookie}.0=a; {cookie}.1=b; {cookie}.1=c"),
            format!("{cookie}=a; {cookie}=b"),
            format!("{cookie}=a; {cookie}.0=b"),
        ] {
            assert_eq!(outcome(&cookies), "conflict", "{provider}: {cookies}");
        }
        let chunks: Vec<_> = (0..=16).map(|chunk| format!("{cookie}.{chunk}=a")).collect();
        for cookies in [chunks.join("; "), format!("{cookie}=a; {}", chunks.join("; "))] {
            assert_eq!(outcome(&cookies), "too_large", "{provider}: {cookies}");
        }
    }
}

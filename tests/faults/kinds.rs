//! The requests that flow: some need a store, some do not, and some mean harm.

use serde_json::json;

use crate::harness::mint::Token;
use crate::harness::session::{COOKIE, OTHER_SECRET, v5};
use crate::question::{Due, Question};

/// Users with a session, of each kind.
const USERS: usize = 8;
/// The cookie of sessions that a store keeps.
pub const KEPT: &str = "kept";
/// Longer ago than any clock here is moved back, in seconds.
const LONG_OVER: i64 = -400 * 24 * 60 * 60;

/// Requests about which no store is asked.
pub fn web() -> Vec<Question> {
    const PAGE: &str = "/dashboard?tab=1";
    let claims = |user: usize| json!({"sub": format!("u-{user}"), "name": "n".repeat(100)});
    let session = |user| {
        let due = Due::Pass(Some(format!("u-{user}")));
        Question::new("session", PAGE, due).cookie(COOKIE, &v5(claims(user)).mint())
    };
    let nobodys = |label, token: &str| Question::new(label, PAGE, Due::Unauthorized).cookie(COOKIE, token);
    let genuine = v5(claims(0)).mint();
    let mut all: Vec<_> = (0..USERS).map(session).collect();
    all.extend([
        Question::new("public", "/open/page", Due::Pass(None)),
        Question::new("public, forged", "/open/page", Due::Pass(None)).cookie(COOKIE, "forged"),
        Question::new("visitor", PAGE, Due::Login)
            .header("accept", "text/html")
            .header("sec-fetch-mode", "navigate"),
        Question::new("without a session", PAGE, Due::Unauthorized),
        nobodys("cut", &genuine[..genuine.len() - 4]),
        nobodys("of another key", &Token { secret: OTHER_SECRET, ..v5(claims(0)) }.mint()),
        nobodys("expired", &Token { max_age: LONG_OVER, ..v5(claims(0)) }.mint()),
    ]);
    all
}

/// Requests about which a store is asked, besides those about which none is.
pub fn stored() -> Vec<Question> {
    let kept = |number| {
        let due = Due::Pass(Some(user(number)));
        Question::new("kept session", "/kept/page", due).cookie(KEPT, &token(number)).of_store()
    };
    let nobodys = |label, token: &str| {
        Question::new(label, "/kept/page", Due::Unauthorized).cookie(KEPT, token).of_store()
    };
    let mut all = web();
    all.extend((0..USERS).map(kept));
    all.extend([
        nobodys("kept, unknown", &token(999)),
        nobodys("kept, expired", &token(EXPIRED)),
        Question::new("kept, none sent", "/kept/page", Due::Unauthorized),
    ]);
    all
}

/// The session in the store that is over.
pub const EXPIRED: usize = 100;

/// The sessions that a store keeps: the numbers of their tokens, and when each ends.
pub fn rows() -> impl Iterator<Item = (usize, &'static str)> {
    (0..USERS)
        .map(|number| (number, "2099-01-01T00:00:00.000Z"))
        .chain([(EXPIRED, "2001-01-01T00:00:00.000Z")])
}

pub fn token(number: usize) -> String {
    format!("0b6c0f4e-8d39-4d6f-9c59-{number:012}")
}

/// All are of one length.
pub fn user(number: usize) -> String {
    format!("r-{number:06}")
}

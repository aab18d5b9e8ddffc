//! Every case of the conformance files, counted: what the real Next.js and the real Auth.js do.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    reason = "a test that panics has failed, which is what it is for"
)]

mod better_auth;
mod gate;
mod matchers;
mod middleware;
mod sessions;

use futures_util::FutureExt as _;
use sessiongate::gate::Gate;
use sessiongate::policy::decision::Decision;
use sessiongate::request::HttpRequest;

/// The decision, for which no store has to be waited for.
fn decide<'g>(gate: &'g Gate, request: &HttpRequest<'_>) -> Decision<'g> {
    gate.check(request).now_or_never().expect("no store is asked")
}

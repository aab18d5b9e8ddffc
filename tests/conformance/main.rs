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

mod gate;
mod matchers;
mod middleware;
mod sessions;

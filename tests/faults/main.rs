//! Faults while requests flow through a real Envoy: whatever fails, no request is answered wrongly, what has to be refused
//! is refused, and everything comes back by itself. Each fault is counted: requests, wrong answers, refusals, and the time
//! until all answers are right again.
//!
//! `make test` runs each for a moment. `make faults` runs each for `SESSIONGATE_FAULT_SECONDS`, and writes what was
//! counted to the file that `SESSIONGATE_FAULT_TABLE` names. Loopback only, bounded in number and time.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::float_cmp,
    reason = "a test that panics has failed, which is what it is for; what is counted is whole"
)]

mod application;
mod between;
mod clock;
#[allow(dead_code, unused_imports, reason = "what the tests are made of, of which this uses a part")]
#[path = "../envoy/harness/mod.rs"]
mod harness;
mod issuer;
mod kinds;
mod lies;
mod limits;
mod logging;
mod names;
mod namespace;
mod process;
mod question;
mod reload;
mod stores;
mod table;
mod traffic;
mod world;

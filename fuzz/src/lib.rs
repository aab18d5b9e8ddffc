//! What is fuzzed, and what has to hold: one function a target, which panics where a promise is broken.
//!
//! [`world`] is the configuration that is attacked, [`written`] turns text into a request so that mutations keep its
//! shape, [`granted`] and [`answer`] say of an answer whether it may be; the other modules are the targets.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    reason = "a panic is a finding, which is what this is for"
)]

pub mod answer;
pub mod check;
pub mod configuration;
pub mod cookies;
pub mod forward_auth;
pub mod granted;
pub mod jwe;
pub mod jwt;
pub mod matcher;
pub mod oracle;
pub mod paths;
pub mod world;
pub mod written;

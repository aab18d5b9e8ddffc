//! Every kind of provider, with the real servers and the real packages that make its sessions.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test that panics has failed, which is what it is for"
)]

mod better_auth;
mod database;
mod endpoint;
mod jwt;
mod redis;
mod revocation;

#[path = "../servers/mod.rs"]
mod servers;

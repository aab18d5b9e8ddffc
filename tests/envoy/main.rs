//! The whole as its users meet it: a real Envoy asks the gate, the real Auth.js mints the tokens, a real
//! browser signs in. `make tools` installs what is needed; logs and pictures of the last run are in
//! `target/tmp/envoy/`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::float_cmp,
    reason = "a test that panics has failed, which is what it is for; what is counted is whole"
)]

mod harness;

mod adapters;
mod admin;
mod answers;
mod better_auth;
mod browser;
mod decisions;
mod endpoint;
mod envoy_gateway;
mod forward_auth;
mod grpc_server;
mod hostile;
mod identity;
mod issuer;
mod istio;
mod lifecycle;
mod metrics;
mod overload;
mod paths;
mod policy;
mod protocols;
mod redis;
mod refresh;
mod reload;
mod revocation;
mod secrecy;
mod stores;
mod tls;
mod tokens;
mod upstreams;

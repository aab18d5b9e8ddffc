//! Auth.js sessions, enforced at the edge.
//!
//! ```text
//! CheckRequest ─▶ HttpRequest ─▶ Rule ─▶ Session ─▶ Decision ─▶ CheckResponse
//!   (envoy)        normalised    which     who      may they       (envoy)
//!                     once       rule      asks
//! ```
//!
//! The modules stand in the order of that flow and know only those before them: [`request`], [`rule`],
//! [`session`], [`expression`], [`policy`] and [`identity`] are joined by [`gate`]; [`envoy`] is its door; [`server`], [`config`]
//! and [`cli`] make a program of it.

pub mod cli;
pub mod config;
pub mod envoy;
pub mod expression;
pub mod gate;
pub mod identity;
pub mod metrics;
pub mod policy;
pub mod request;
pub mod rule;
pub mod secret;
pub mod server;
pub mod session;
pub mod telemetry;

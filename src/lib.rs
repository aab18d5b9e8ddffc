//! Auth.js sessions, enforced at the edge.
//!
//! ```text
//! CheckRequest ─▶ HttpRequest ─▶ Rule ─▶ Session ─▶ Decision ─▶ CheckResponse
//!   (envoy)        normalised    which     who      may they       (envoy)
//!                     once       rule      asks
//! ```
//!
//! The modules stand in the order of that flow and know only those before them: [`request`], [`rule`],
//! [`session`], [`expression`], [`policy`] and [`identity`] are joined by [`gate`]; [`program`] is one configuration of it
//! at work; [`envoy`] and [`forward_auth`] are its doors; [`server`], [`config`], [`reload`] and [`cli`] make a program of it.

pub mod cli;
pub mod config;
pub mod envoy;
mod explain;
pub mod expression;
pub mod forward_auth;
pub mod gate;
pub mod identity;
pub mod metrics;
pub mod policy;
pub mod program;
pub mod reload;
pub mod request;
pub mod rule;
pub mod secret;
pub mod server;
pub mod session;
pub mod telemetry;

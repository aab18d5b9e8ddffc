//! What the tests are made of: processes that end with the run, the gate, Envoy, the services behind it, and
//! the clients in front.

pub mod browser;
pub mod canned;
pub mod certificates;
pub mod collector;
pub mod edge;
pub mod envoy;
pub mod frames;
pub mod gate;
pub mod grpc;
mod guardian;
pub mod held;
pub mod http1;
pub mod http2;
pub mod logs;
pub mod mint;
pub mod polling;
pub mod process;
pub mod proxies;
pub mod runtime;
pub mod servers;
pub mod session;
pub mod slow_call;
pub mod stored;
pub mod upstream;

//! A connection for gRPC clients.

use std::fmt::Display;

use tonic::transport::{Channel, Endpoint};

/// Connects without TLS to `address:port`.
pub async fn connect(address: impl Display) -> Channel {
    let endpoint = Endpoint::from_shared(format!("http://{address}")).expect("an address");
    endpoint.connect().await.expect("a connection")
}

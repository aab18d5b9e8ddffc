//! Reads Envoy's whole `CheckRequest` and lets everything pass: what no ext_authz service on tonic goes below.

use std::env::args;
use std::error::Error;

use envoy_types::ext_authz::v3::CheckResponseExt as _;
use envoy_types::ext_authz::v3::pb::{Authorization, AuthorizationServer, CheckRequest, CheckResponse};
use tonic::transport::Server;
use tonic::{Request, Response, Status};

struct Noop;

#[tonic::async_trait]
impl Authorization for Noop {
    async fn check(&self, _: Request<CheckRequest>) -> Result<Response<CheckResponse>, Status> {
        Ok(Response::new(CheckResponse::with_status(Status::ok(""))))
    }
}

/// Serves at the address that is its argument, as in `127.0.0.1:9191`, until it is ended.
#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = args().nth(1).ok_or("say where to listen: noop 127.0.0.1:9191")?.parse()?;
    Server::builder().tcp_nodelay(true).add_service(AuthorizationServer::new(Noop)).serve(address).await?;
    Ok(())
}

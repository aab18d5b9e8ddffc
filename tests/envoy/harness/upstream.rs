//! The services behind Envoy: one that answers with the request that it got, one that speaks gRPC.

use std::convert::Infallible;
use std::net::{SocketAddr, TcpListener as StdListener};

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONNECTION, UPGRADE};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::io::{copy, split};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_server::{Health, HealthServer};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

use super::runtime::runtime;

/// Set on every answer of the echo service, so that it cannot be taken for the gate's.
pub const MARK: &str = "x-answered-by-upstream";

/// Starts the service that answers with what it got: method, path, and every header line, as JSON. An upgrade
/// gets its bytes back.
pub fn start_echo() -> SocketAddr {
    let (listener, address) = listen();
    runtime().spawn(async move {
        let listener = TcpListener::from_std(listener).expect("a listener");
        while let Ok((stream, _)) = listener.accept().await {
            let connection = http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service_fn(echo))
                .with_upgrades();
            tokio::spawn(connection);
        }
    });
    address
}

async fn echo(mut request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    if request.headers().contains_key(UPGRADE) {
        let upgrade = hyper::upgrade::on(&mut request);
        tokio::spawn(async move {
            if let Ok(stream) = upgrade.await {
                let (mut from, mut to) = split(TokioIo::new(stream));
                let _ = copy(&mut from, &mut to).await;
            }
        });
        let answer = Response::builder().status(StatusCode::SWITCHING_PROTOCOLS).header(MARK, "echo");
        let answer = answer.header(CONNECTION, "upgrade").header(UPGRADE, "websocket");
        return Ok(answer.body(Full::default()).expect("an answer"));
    }
    let lines: Vec<[String; 2]> = request
        .headers()
        .iter()
        .map(|(name, value)| [name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()])
        .collect();
    let seen =
        json!({"method": request.method().as_str(), "path": request.uri().to_string(), "headers": lines});
    let answer = Response::builder().header(MARK, "echo").header("content-type", "application/json");
    Ok(answer.body(Full::from(seen.to_string())).expect("an answer"))
}

/// Starts a gRPC service. Any will do; this one needs no code to be generated.
pub fn start_grpc() -> SocketAddr {
    let (listener, address) = listen();
    runtime().spawn(async move {
        let listener = TcpListener::from_std(listener).expect("a listener");
        let service = HealthServer::new(TellsWhoAsks);
        let server = tonic::transport::Server::builder().add_service(service);
        server.serve_with_incoming(TcpListenerStream::new(listener)).await
    });
    address
}

/// Answers with the identity header that it got, in the metadata `seen-user`.
struct TellsWhoAsks;

type Answer = Result<tonic::Response<HealthCheckResponse>, tonic::Status>;

#[tonic::async_trait]
impl Health for TellsWhoAsks {
    async fn check(&self, request: tonic::Request<HealthCheckRequest>) -> Answer {
        let mut answer = tonic::Response::new(HealthCheckResponse { status: ServingStatus::Serving.into() });
        if let Some(user) = request.metadata().get("x-auth-user-id") {
            answer.metadata_mut().insert("seen-user", user.clone());
        }
        Ok(answer)
    }

    type WatchStream = tokio_stream::Empty<Result<HealthCheckResponse, tonic::Status>>;

    async fn watch(
        &self,
        _: tonic::Request<HealthCheckRequest>,
    ) -> Result<tonic::Response<Self::WatchStream>, tonic::Status> {
        Ok(tonic::Response::new(tokio_stream::empty()))
    }
}

fn listen() -> (StdListener, SocketAddr) {
    let listener = StdListener::bind("127.0.0.1:0").expect("a port");
    listener.set_nonblocking(true).expect("a listener that does not block");
    let address = listener.local_addr().expect("an address");
    (listener, address)
}

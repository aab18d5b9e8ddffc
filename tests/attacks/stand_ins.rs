//! Servers that decide nothing, to see that the corpus notices them. Their answers are bytes, so that nothing of
//! sessiongate is in them.

use std::convert::Infallible;
use std::net::{SocketAddr, TcpListener as StdListener};

use http_body_util::StreamBody;
use hyper::body::{Bytes, Frame};
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;

use crate::harness::runtime::runtime;

/// A message of gRPC that is not compressed begins with a zero and its length.
const SERVING: &[u8] = b"\0\0\0\0\x02\x08\x01";
/// `CheckResponse { status: { code: 0 } }`
const OK: &[u8] = b"\0\0\0\0\x02\x0a\x00";
/// `CheckResponse { status: { code: 7 } }`
const PERMISSION_DENIED: &[u8] = b"\0\0\0\0\x04\x0a\x02\x08\x07";

/// An `ext_authz` server that answers everything alike.
#[derive(Clone, Copy, Debug)]
pub enum StandIn {
    AllowsEverything,
    DeniesEverything,
}

impl StandIn {
    pub fn name(self) -> &'static str {
        match self {
            Self::AllowsEverything => "allows",
            Self::DeniesEverything => "denies",
        }
    }

    pub fn start(self) -> SocketAddr {
        let listener = StdListener::bind("127.0.0.1:0").expect("a port");
        listener.set_nonblocking(true).expect("a listener that does not block");
        let address = listener.local_addr().expect("an address");
        runtime().spawn(async move {
            let listener = TcpListener::from_std(listener).expect("a listener");
            while let Ok((stream, _)) = listener.accept().await {
                let server = http2::Builder::new(TokioExecutor::new());
                let service =
                    service_fn(move |request| async move { Ok::<_, Infallible>(self.answer(&request)) });
                tokio::spawn(server.serve_connection(TokioIo::new(stream), service));
            }
        });
        address
    }

    fn answer<B>(self, request: &Request<B>) -> Response<Answer> {
        let message = match self {
            _ if request.uri().path().starts_with("/grpc.health") => SERVING,
            Self::AllowsEverything => OK,
            Self::DeniesEverything => PERMISSION_DENIED,
        };
        let trailers = HeaderMap::from_iter([("grpc-status".parse().unwrap(), "0".parse().unwrap())]);
        let frames = [Frame::data(Bytes::from_static(message)), Frame::trailers(trailers)];
        let body = StreamBody::new(tokio_stream::iter(frames.map(Ok)));
        Response::builder().header("content-type", "application/grpc").body(body).unwrap()
    }
}

type Answer = StreamBody<tokio_stream::Iter<std::array::IntoIter<Result<Frame<Bytes>, Infallible>, 2>>>;

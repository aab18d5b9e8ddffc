//! An HTTP/2 client without TLS, which sends each header field on its own.

use std::net::SocketAddr;

use http_body_util::{BodyExt as _, Empty};
use hyper::body::Bytes;
use hyper::client::conn::http2;
use hyper::{HeaderMap, Request};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;

use super::runtime::runtime;

/// Status, headers and body of the answer to a GET with these header fields.
pub fn get(to: SocketAddr, path: &str, fields: &[(&str, &str)]) -> (u16, HeaderMap, String) {
    runtime().block_on(async {
        let stream = TcpStream::connect(to).await.expect("a connection");
        let io = TokioIo::new(stream);
        let (mut client, connection) = http2::handshake(TokioExecutor::new(), io).await.expect("HTTP/2");
        tokio::spawn(connection);
        let mut request = Request::get(format!("http://app.example.com{path}"));
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let request = request.body(Empty::<Bytes>::new()).expect("a request");
        let (head, body) = client.send_request(request).await.expect("an answer").into_parts();
        let body = body.collect().await.expect("a body").to_bytes();
        (head.status.as_u16(), head.headers, String::from_utf8_lossy(&body).into_owned())
    })
}

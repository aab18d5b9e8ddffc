//! A gRPC call whose message is sent piece by piece, so that it is in flight for as long as a test wants.

use std::convert::Infallible;

use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message;
use tokio::net::TcpStream;
use tokio::sync::mpsc::{Sender, channel};
use tokio::task::JoinHandle;
use tokio_stream::wrappers::ReceiverStream;

type Upload = StreamBody<ReceiverStream<Result<Frame<Bytes>, Infallible>>>;

/// A connection to a gRPC server; its calls arrive there in the order in which they are made.
pub struct Connection(SendRequest<Upload>);

/// A call that has begun.
pub struct SlowCall {
    upload: Sender<Result<Frame<Bytes>, Infallible>>,
    answer: JoinHandle<hyper::Result<Response<Incoming>>>,
}

impl Connection {
    pub async fn open(address: &str) -> Self {
        let stream = TcpStream::connect(address).await.expect("a connection");
        let (client, connection) =
            handshake(TokioExecutor::new(), TokioIo::new(stream)).await.expect("HTTP/2");
        tokio::spawn(connection);
        Self(client)
    }

    /// Begins a call, by the path of its method.
    pub async fn begin(&mut self, method: &str) -> SlowCall {
        let (upload, pieces) = channel(1);
        let request = Request::post(format!("http://gate{method}"))
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .body(StreamBody::new(ReceiverStream::new(pieces)))
            .expect("a request");
        self.0.ready().await.expect("an open connection");
        SlowCall { upload, answer: tokio::spawn(self.0.send_request(request)) }
    }
}

impl SlowCall {
    /// Sends a piece of the message.
    pub async fn send(&self, piece: &[u8]) {
        let frame = Frame::data(Bytes::copy_from_slice(piece));
        self.upload.send(Ok(frame)).await.expect("the call is open");
    }

    /// Ends the message: the gRPC status, and the message that came back.
    pub async fn finish<M: Message + Default>(self) -> (String, M) {
        drop(self.upload);
        let answer = self.answer.await.expect("a task").expect("an answer");
        let body = answer.into_body().collect().await.expect("a body");
        let trailers = body.trailers().cloned().unwrap_or_default();
        let status =
            trailers.get("grpc-status").map(|status| String::from_utf8_lossy(status.as_bytes()).into());
        let bytes = body.to_bytes();
        (status.unwrap_or_default(), M::decode(bytes.get(5..).unwrap_or_default()).expect("a message"))
    }
}

/// A message as gRPC sends it: not compressed, its length, itself.
pub fn framed(message: &impl Message) -> Vec<u8> {
    let message = message.encode_to_vec();
    let length = u32::try_from(message.len()).expect("a short message").to_be_bytes();
    [&[0], length.as_slice(), &message].concat()
}

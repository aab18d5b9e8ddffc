//! An application with a session endpoint that knows the kept sessions, and publishes the keys of signed tokens.

use std::convert::Infallible;
use std::net::TcpListener as StdListener;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONNECTION, CONTENT_TYPE, COOKIE};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::harness::runtime::runtime;
use crate::kinds;

/// It ends with the run.
pub struct Application {
    pub port: u16,
}

impl Application {
    /// One answer a connection.
    pub fn start() -> Self {
        let listener = StdListener::bind("127.0.0.1:0").expect("a port");
        listener.set_nonblocking(true).expect("a listener that does not block");
        let port = listener.local_addr().expect("an address").port();
        runtime().spawn(async move {
            let listener = TcpListener::from_std(listener).expect("a listener");
            while let Ok((stream, _)) = listener.accept().await {
                let connection =
                    http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(answer));
                tokio::spawn(connection);
            }
        });
        Self { port }
    }

    /// The keys of a provider that asks it at this port.
    pub fn provider(port: u16) -> String {
        format!(
            "{{ kind: endpoint, url: \"http://127.0.0.1:{port}/session\", allow_http: true, cookie: kept, cache: 0s, \
             timeout: 500ms }}"
        )
    }
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let cookie = request.headers().get(COOKIE).and_then(|cookie| cookie.to_str().ok()).unwrap_or_default();
    let session =
        kinds::rows().find(|(number, _)| cookie == format!("{}={}", kinds::KEPT, kinds::token(*number)));
    let said = session.map_or(
        Value::Null,
        |(number, expires)| json!({"user": {"id": kinds::user(number), "name": "Kept"}, "expires": expires}),
    );
    let response = Response::builder().header(CONTENT_TYPE, "application/json").header(CONNECTION, "close");
    Ok(response.body(Full::from(said.to_string())).expect("an answer"))
}

//! An OpenTelemetry collector that keeps what it is told.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value};
use prost::Message as _;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status};

use super::runtime::runtime;

/// A span, as far as the tests ask.
#[derive(Clone, Debug)]
pub struct Told {
    pub name: String,
    pub trace_id: String,
    pub span_id: String,
    pub parent_id: String,
    pub service: String,
    pub attributes: BTreeMap<String, String>,
}

#[derive(Clone, Default)]
struct Kept {
    spans: Arc<Mutex<Vec<Told>>>,
    headers: Arc<Mutex<Vec<(String, String)>>>,
}

pub struct Collector {
    pub address: SocketAddr,
    kept: Kept,
}

impl Collector {
    /// One that speaks `grpc` or `http`.
    pub fn start(protocol: &str) -> Self {
        let kept = Kept::default();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.set_nonblocking(true).expect("a listener");
        let address = listener.local_addr().expect("an address");
        let (collects, is_grpc) = (kept.clone(), protocol == "grpc");
        runtime().spawn(async move {
            let listener = TcpListener::from_std(listener).expect("a listener");
            if is_grpc {
                let server =
                    tonic::transport::Server::builder().add_service(TraceServiceServer::new(collects));
                server.serve_with_incoming(TcpListenerStream::new(listener)).await.expect("it serves");
            } else {
                let router = Router::new().route("/v1/traces", post(collect)).with_state(collects);
                axum::serve(listener, router).await.expect("it serves");
            }
        });
        Self { address, kept }
    }

    pub fn spans(&self) -> Vec<Told> {
        self.kept.spans.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The headers of all that came.
    pub fn headers(&self) -> Vec<(String, String)> {
        self.kept.headers.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Kept {
    fn keep(&self, request: ExportTraceServiceRequest) {
        let mut spans = self.spans.lock().unwrap_or_else(PoisonError::into_inner);
        for resource in request.resource_spans {
            let about = texts(&resource.resource.unwrap_or_default().attributes);
            for span in resource.scope_spans.into_iter().flat_map(|scope| scope.spans) {
                spans.push(Told {
                    name: span.name,
                    trace_id: hex(&span.trace_id),
                    span_id: hex(&span.span_id),
                    parent_id: hex(&span.parent_span_id),
                    service: about.get("service.name").cloned().unwrap_or_default(),
                    attributes: texts(&span.attributes),
                });
            }
        }
    }

    fn note(&self, headers: &HeaderMap) {
        let pairs = headers
            .iter()
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
        self.headers.lock().unwrap_or_else(PoisonError::into_inner).extend(pairs);
    }
}

#[tonic::async_trait]
impl TraceService for Kept {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        self.note(&request.metadata().clone().into_headers());
        self.keep(request.into_inner());
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

async fn collect(State(kept): State<Kept>, headers: HeaderMap, body: Bytes) {
    kept.note(&headers);
    kept.keep(ExportTraceServiceRequest::decode(body).expect("spans"));
}

fn texts(attributes: &[KeyValue]) -> BTreeMap<String, String> {
    let text = |pair: &KeyValue| match pair.value.as_ref()?.value.as_ref()? {
        any_value::Value::StringValue(text) => Some((pair.key.clone(), text.clone())),
        _ => None,
    };
    attributes.iter().filter_map(text).collect()
}

fn hex(bytes: &[u8]) -> String {
    let bytes: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    bytes.concat()
}

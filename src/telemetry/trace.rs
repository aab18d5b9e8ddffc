//! Spans for an OpenTelemetry collector: one a check, joined to the trace of its request.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use opentelemetry::propagation::{Extractor, TextMapPropagator as _};
use opentelemetry::trace::{Span as _, SpanKind, Status, Tracer as _, TracerProvider as _};
use opentelemetry::{Context, KeyValue};
use opentelemetry_otlp::{
    ExporterBuildError, SpanExporter, WithExportConfig as _, WithHttpConfig as _, WithTonicConfig as _,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{Sampler, SdkTracer, SdkTracerProvider};
use schemars::JsonSchema;
use serde::Deserialize;
use tonic::metadata::{MetadataKey, MetadataMap, MetadataValue};
use zeroize::Zeroizing;

use super::Record;
use crate::policy::decision::Decision;

/// Where spans go, and how many.
#[derive(Clone, PartialEq)]
pub struct TraceOptions {
    pub endpoint: String,
    pub protocol: Protocol,
    /// The share of traces that begin here and are told; where the request has one, its own flag counts.
    pub sample: f64,
    /// They may authenticate, so they are not shown.
    pub headers: Vec<(String, Zeroizing<String>)>,
    pub service_name: String,
    pub timeout: Duration,
}

/// How a collector is spoken to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// OTLP over gRPC.
    #[default]
    Grpc,
    /// Protobuf in a POST.
    Http,
}

/// Spans cannot be sent.
#[derive(Debug, thiserror::Error)]
#[error("spans cannot be sent to the collector: {0}")]
pub struct TraceError(#[from] ExporterBuildError);

/// Makes spans, and sends them from a thread of its own; where the collector is slow they are dropped.
#[derive(Debug)]
pub struct Tracer {
    provider: SdkTracerProvider,
    spans: SdkTracer,
    propagator: TraceContextPropagator,
}

/// The two headers of W3C Trace Context.
struct Incoming<'r>(&'r str, &'r str);

impl Tracer {
    /// Needs a runtime.
    ///
    /// # Errors
    /// [`TraceError`] where the endpoint cannot be used.
    pub fn new(options: &TraceOptions) -> Result<Self, TraceError> {
        let resource = Resource::builder()
            .with_service_name(options.service_name.clone())
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .build();
        let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(options.sample)));
        let provider = SdkTracerProvider::builder()
            .with_resource(resource)
            .with_sampler(sampler)
            .with_batch_exporter(exporter(options)?)
            .build();
        let spans = provider.tracer("sessiongate");
        Ok(Self { provider, spans, propagator: TraceContextPropagator::new() })
    }

    /// The span of a check that has ended.
    pub(crate) fn tell(
        &self,
        decision: &Decision<'_>,
        record: &Record<'_>,
        trace: Option<(&str, &str)>,
        began: SystemTime,
    ) {
        let parent = trace.map_or_else(Context::new, |(parent, state)| {
            self.propagator.extract_with_context(&Context::new(), &Incoming(parent, state))
        });
        let builder = self.spans.span_builder("check").with_kind(SpanKind::Server).with_start_time(began);
        let mut span = self.spans.build_with_context(builder, &parent);
        if !span.is_recording() {
            return;
        }
        let text = |key: &'static str, value: &str| KeyValue::new(key, value.to_owned());
        span.set_attributes([
            text("sessiongate.rule", record.rule),
            KeyValue::new("sessiongate.decision", record.decision),
            KeyValue::new("sessiongate.reason", record.reason),
            text("sessiongate.provider", record.provider),
            text("enduser.id", &record.sub),
            text("http.request.method", record.method),
            text("server.address", record.host),
            text("url.path", &record.path),
            text("sessiongate.request_id", record.request_id),
        ]);
        if let Decision::Unavailable(_) = decision {
            span.set_status(Status::error(record.reason));
        }
        span.end_with_timestamp(began + Duration::from_micros(record.duration_us));
    }

    /// Sends what waits, and waits for that.
    pub fn flush(&self) {
        if let Err(error) = self.provider.force_flush() {
            tracing::warn!(%error, "the last spans were not sent");
        }
    }
}

fn exporter(options: &TraceOptions) -> Result<SpanExporter, ExporterBuildError> {
    let endpoint = options.endpoint.clone();
    match options.protocol {
        Protocol::Grpc => SpanExporter::builder()
            .with_tonic()
            .with_endpoint(endpoint)
            .with_timeout(options.timeout)
            .with_metadata(metadata(options))
            .build(),
        Protocol::Http => SpanExporter::builder()
            .with_http()
            .with_endpoint(endpoint)
            .with_timeout(options.timeout)
            .with_headers(headers(options))
            .build(),
    }
}

fn headers(options: &TraceOptions) -> HashMap<String, String> {
    options.headers.iter().map(|(name, value)| (name.clone(), value.to_string())).collect()
}

fn metadata(options: &TraceOptions) -> MetadataMap {
    let pairs = options.headers.iter().filter_map(|(name, value)| {
        Some((MetadataKey::from_bytes(name.as_bytes()).ok()?, MetadataValue::try_from(value.as_str()).ok()?))
    });
    let mut metadata = MetadataMap::new();
    for (name, value) in pairs {
        metadata.insert(name, value);
    }
    metadata
}

impl Extractor for Incoming<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        match key {
            "traceparent" => Some(self.0),
            "tracestate" => Some(self.1),
            _ => None,
        }
    }

    fn keys(&self) -> Vec<&str> {
        vec!["traceparent", "tracestate"]
    }
}

/// The last spans are sent by a thread that may wait for the collector.
impl Drop for Tracer {
    fn drop(&mut self) {
        let provider = self.provider.clone();
        std::thread::spawn(move || drop(provider.shutdown()));
    }
}

/// Not the headers.
impl std::fmt::Debug for TraceOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TraceOptions").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

//! The server: bind everything, then serve until told to stop, then let calls in flight finish.

pub mod admin;
pub mod http;
pub mod listen;

use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tokio_stream::wrappers::{TcpListenerStream, UnixListenerStream};
use tonic::transport::server::Router;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use self::admin::Admin;
use self::http::Http;
use self::listen::{GrpcAddress, Listen, TcpAddress};
use crate::envoy::service::AuthorizationService;
use crate::envoy::{AuthorizationServer, DESCRIPTORS};
use crate::gate::Gate;
use crate::identity::assertion::Issuer;
use crate::secret::Secret;

/// The longest `CheckRequest` that is read, in bytes: headers, and a body where Envoy is told to send one.
const MAX_MESSAGE_BYTES: usize = 1024 * 1024;
/// Checks under way on one connection; Envoy opens further connections past it.
const MAX_CONCURRENT_STREAMS: u32 = 1024;
/// The header list of an RPC, in bytes: Envoy sends a few hundred.
const MAX_HEADER_LIST_BYTES: u32 = 16 * 1024;
/// Streams reset by the peer before they were accepted, past which the connection ends (CVE-2023-44487).
const MAX_PENDING_RESETS: usize = 20;
/// A peer that is gone is noticed after this long without an answer to a ping.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(30);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);

/// Why the server cannot start or go on.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    #[error("cannot listen on {address}: {source}")]
    Bind { address: String, source: io::Error },
    #[error("{0} is in use by another process that answers on it")]
    SocketInUse(PathBuf),
    #[error("{0} exists and is no socket: remove it, or listen elsewhere")]
    NotASocket(PathBuf),
    #[error("cannot set up reflection: {0}")]
    Reflection(#[from] tonic_reflection::server::Error),
    #[error("the listener failed: {0}")]
    Serve(#[from] tonic::transport::Error),
}

/// What a server serves.
pub struct Program {
    pub gate: Gate,
    pub metrics: PrometheusHandle,
    /// What adds revocations through the admin listener.
    pub admin_secret: Option<Secret>,
}

/// A server that holds its listeners and answers nobody yet.
#[derive(Debug)]
pub struct Bound {
    listener: Listener,
    http: Option<TcpListener>,
    admin: Option<TcpListener>,
    address: String,
    drain_timeout: Duration,
}

#[derive(Debug)]
enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener, PathBuf),
}

/// Takes the listeners.
///
/// # Errors
/// [`ServerError`] names the address that cannot be taken.
pub async fn bind(listen: &Listen) -> Result<Bound, ServerError> {
    let bind_error = |source| ServerError::Bind { address: listen.grpc.to_string(), source };
    let (listener, address) = match &listen.grpc {
        GrpcAddress::Tcp(address) => {
            let listener = TcpListener::bind(address).await.map_err(bind_error)?;
            let address = listener.local_addr().map_err(bind_error)?.to_string();
            (Listener::Tcp(listener), address)
        }
        GrpcAddress::Unix(path) => {
            listen::remove_stale_socket(path).await?;
            let listener = UnixListener::bind(path).map_err(bind_error)?;
            (Listener::Unix(listener, path.clone()), listen.grpc.to_string())
        }
    };
    let http = bind_tcp(listen.http.as_ref()).await?;
    let admin = bind_tcp(listen.admin.as_ref()).await?;
    Ok(Bound { listener, http, admin, address, drain_timeout: listen.drain_timeout })
}

async fn bind_tcp(address: Option<&TcpAddress>) -> Result<Option<TcpListener>, ServerError> {
    let Some(address) = address.map(TcpAddress::as_str) else { return Ok(None) };
    let bind_error = |source| ServerError::Bind { address: address.to_owned(), source };
    TcpListener::bind(address).await.map(Some).map_err(bind_error)
}

impl Bound {
    /// The address that was bound: with its real port where port 0 was asked for.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Serves until `shutdown`, then says `NOT_SERVING` and lets calls in flight finish, up to the drain time-out.
    ///
    /// # Errors
    /// [`ServerError`] where the listener fails.
    pub async fn run(self, program: Program, shutdown: impl Future<Output = ()>) -> Result<(), ServerError> {
        let Program { gate, metrics, admin_secret } = program;
        gate.sessions.start();
        let issuer = gate.identity.issuer();
        issuer.into_iter().for_each(Issuer::start);
        let keys = issuer.map(|issuer| Arc::clone(issuer.keys()));
        let http = self.http.map(|listener| {
            tracing::info!(address = local(&listener), "serving HTTP");
            AbortOnDrop(tokio::spawn(Http { keys }.serve(listener)))
        });
        let revocations = gate.sessions.revocations().cloned().zip(admin_secret);
        let (ready, is_ready) = watch::channel(true);
        let admin = self.admin.map(|listener| {
            let admin = Admin { metrics, revocations, ready: is_ready };
            tracing::info!(address = local(&listener), "serving admin");
            AbortOnDrop(tokio::spawn(admin.serve(listener)))
        });
        let (health, router) = services(gate).await?;
        let (stop, stopped) = oneshot::channel::<()>();
        let stopped = async move {
            // An error means that the sender is gone, which is a reason to stop as well.
            let _ = stopped.await;
        };
        tracing::info!(address = self.address, "serving");
        let mut serving = pin!(self.listener.serve(router, stopped));
        tokio::select! {
            result = &mut serving => return result,
            () = shutdown => {}
        }
        tracing::info!(limit_seconds = self.drain_timeout.as_secs_f64(), "draining");
        set_health(&health, ServingStatus::NotServing).await;
        ready.send_replace(false);
        let _ = stop.send(());
        let drained = tokio::time::timeout(self.drain_timeout, serving).await;
        // Health and metrics are answered until the last call.
        drop((http, admin));
        if let Ok(result) = drained {
            return result;
        }
        tracing::warn!("calls were still in flight when the drain time-out ended");
        Ok(())
    }
}

/// A task that ends with its owner.
struct AbortOnDrop(JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn local(listener: &TcpListener) -> String {
    listener.local_addr().map(|address| address.to_string()).unwrap_or_default()
}

impl Listener {
    async fn serve(self, router: Router, stopped: impl Future<Output = ()>) -> Result<(), ServerError> {
        match self {
            Self::Tcp(listener) => {
                let incoming = tokio_stream::StreamExt::map(TcpListenerStream::new(listener), |connection| {
                    // A check is one small message each way: waiting to fill a packet only adds latency.
                    connection.inspect(|stream| drop(stream.set_nodelay(true)))
                });
                router.serve_with_incoming_shutdown(incoming, stopped).await?;
            }
            Self::Unix(listener, path) => {
                let result =
                    router.serve_with_incoming_shutdown(UnixListenerStream::new(listener), stopped).await;
                drop(std::fs::remove_file(path));
                result?;
            }
        }
        Ok(())
    }
}

async fn services(gate: Gate) -> Result<(HealthReporter, Router), ServerError> {
    let (health, health_service) = tonic_health::server::health_reporter();
    set_health(&health, ServingStatus::Serving).await;
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(DESCRIPTORS)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .build_v1()?;
    let authorization = AuthorizationServer::new(AuthorizationService::new(Arc::new(gate)))
        .max_decoding_message_size(MAX_MESSAGE_BYTES);
    let router = tonic::transport::Server::builder()
        .max_concurrent_streams(MAX_CONCURRENT_STREAMS)
        .http2_max_header_list_size(MAX_HEADER_LIST_BYTES)
        .http2_max_pending_accept_reset_streams(Some(MAX_PENDING_RESETS))
        .http2_keepalive_interval(Some(KEEPALIVE_INTERVAL))
        .http2_keepalive_timeout(Some(KEEPALIVE_TIMEOUT))
        .add_service(authorization)
        .add_service(health_service)
        .add_service(reflection);
    Ok((health, router))
}

/// For the service by its name, and for the server as a whole, which health checkers ask for with an empty name.
async fn set_health(health: &HealthReporter, status: ServingStatus) {
    health.set_service_status("envoy.service.auth.v3.Authorization", status).await;
    health.set_service_status("", status).await;
}

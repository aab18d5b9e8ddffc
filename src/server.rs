//! The server: bind everything, then serve until told to stop, then let calls in flight finish.

mod admin;
mod clock;
mod connection;
mod grpc;
mod http;
mod in_place;
pub mod listen;
mod request;
mod socket;
pub mod tls;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use metrics::gauge;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tonic_health::ServingStatus;

use self::admin::{Admin, Figures};
use self::connection::{Listening, Speaks};
use self::grpc::{services, set_health};
use self::listen::Listen;
use self::request::Budget;
use self::socket::Socket;
use crate::metrics::{Metrics, ProcessMetrics};
use crate::program::{Current, Doors};
use crate::telemetry::Log;

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
}

/// A server that holds its listeners and answers nobody yet.
#[derive(Debug)]
pub struct Bound {
    listen: Listen,
    grpc: Socket,
    http: Option<Socket>,
    admin: Option<Socket>,
}

/// Takes the listeners.
///
/// # Errors
/// [`ServerError`] names the address that cannot be taken.
pub async fn bind(listen: &Listen) -> Result<Bound, ServerError> {
    let grpc = Socket::bind(&listen.grpc.address).await?;
    let mut tcp = [None, None];
    for (socket, listener) in tcp.iter_mut().zip([&listen.http, &listen.admin]) {
        if let Some(listener) = listener {
            *socket = Some(Socket::bind_tcp(&listener.address).await?);
        }
    }
    let [http, admin] = tcp;
    Ok(Bound { listen: listen.clone(), grpc, http, admin })
}

impl Bound {
    /// Serves until it is asked to stop; then readiness fails, then health, then connections are asked to end, and what
    /// is under way may take until the drain time-out. Who asks again does not want to wait. `stops` counts.
    ///
    /// # Errors
    /// [`ServerError`] where the services cannot be set up.
    pub async fn run(
        self,
        current: Current,
        metrics: Metrics,
        log: Option<Arc<Log>>,
        mut stops: watch::Receiver<u8>,
    ) -> Result<(), ServerError> {
        let Self { listen, grpc, http, admin } = self;
        let limits = listen.limits;
        let doors = Doors::new(current.clone(), limits.checks);
        let budget = Budget::new(limits.buffered_bytes);
        let (ready, is_ready) = watch::channel(true);
        let (ending, is_ending) = watch::channel(false);
        let (health, services) = services(doors.clone(), &limits).await?;
        listen.tell_expiry();
        let mut listeners = JoinSet::new();
        // They answer until the last call of the others.
        let mut admins = JoinSet::new();
        if let (Some(socket), Some(listener)) = (admin, &listen.admin) {
            tracing::info!(address = socket.address(), "serving admin");
            let process = ProcessMetrics::new();
            let figures = Figures { metrics, log, process, doors: doors.clone(), budget: budget.clone() };
            let admin = Admin::new(current, figures, is_ready, socket.local());
            let listening =
                Listening::new("admin", socket, listener.tls.clone(), Speaks::Http, limits, budget.clone());
            let never = watch::channel(false);
            admins.spawn(async move {
                let _never = never.0;
                listening.serve(admin.router(), never.1).await;
            });
        }
        if let (Some(socket), Some(listener)) = (http, &listen.http) {
            tracing::info!(address = socket.address(), "serving HTTP");
            let listening =
                Listening::new("http", socket, listener.tls.clone(), Speaks::Http, limits, budget.clone());
            listeners.spawn(listening.serve(http::router(doors.clone()), is_ending.clone()));
        }
        tracing::info!(address = grpc.address(), "serving");
        let listening =
            Listening::new("grpc", grpc, listen.grpc.tls.clone(), Speaks::Grpc, limits, budget.clone());
        listeners.spawn(listening.serve(services, is_ending));
        asked_to_stop(&mut stops, 1).await;
        tracing::info!(limit_seconds = listen.drain_timeout.as_secs_f64(), "draining");
        ready.send_replace(false);
        gauge!("sessiongate_ready").set(0.0);
        pause(listen.drain_delay, &mut stops).await;
        set_health(&health, ServingStatus::NotServing).await;
        pause(listen.drain_delay, &mut stops).await;
        ending.send_replace(true);
        let drained = async { while listeners.join_next().await.is_some() {} };
        let drained = tokio::select! {
            drained = timeout(listen.drain_timeout, drained) => drained,
            () = asked_to_stop(&mut stops, 2) => Ok(()),
        };
        if drained.is_err() {
            tracing::warn!("calls were still in flight when the drain time-out ended");
        }
        Ok(())
    }
}

/// Waits until somebody asked so many times, or nobody is left to ask.
async fn asked_to_stop(stops: &mut watch::Receiver<u8>, times: u8) {
    let _ = stops.wait_for(|asked| *asked >= times).await;
}

async fn pause(delay: Duration, stops: &mut watch::Receiver<u8>) {
    tokio::select! {
        () = sleep(delay) => {}
        () = asked_to_stop(stops, 2) => {}
    }
}

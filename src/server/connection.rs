//! Connections, taken and bounded: in number, in time without a request, in time that a client takes for one.

use std::convert::Infallible;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use metrics::{Counter, Gauge, counter, gauge};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::sleep;
use tower::Service;

use super::clock::{Clock, Lasts};
use super::in_place::{Arrivals, Requests};
use super::listen::Limits;
use super::request::{Activity, Budget, Counted};
use super::socket::{Socket, Stream};
use super::tls::Tls;

/// Checks under way on one connection; Envoy opens further connections past it.
const MAX_CONCURRENT_STREAMS: u32 = 1024;
/// The header list of a request, in bytes: that of an RPC is some hundred, that of a forward-auth request as long as
/// the client's.
const MAX_HEADER_LIST_BYTES: u32 = 64 * 1024;
/// Streams reset by the peer before they were accepted, past which the connection ends (CVE-2023-44487).
const MAX_PENDING_RESETS: usize = 20;
/// Streams that were reset for a peer's mistakes, past which the connection ends (CVE-2025-8671).
const MAX_LOCAL_RESETS: usize = 256;
/// What a peer may send before somebody reads it, in bytes.
const STREAM_WINDOW: u32 = 64 * 1024;
const CONNECTION_WINDOW: u32 = 256 * 1024;
/// What is kept of an answer for a peer that does not read, in bytes.
const SEND_BUFFER: usize = 64 * 1024;
/// A peer that is gone is noticed after this long without an answer to a ping.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(30);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);
/// Calls that last for as long as their caller wants to hear.
const LASTING: [&str; 2] =
    ["/grpc.health.v1.Health/Watch", "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"];
/// The pause after the system could not take a connection, as when there are no file descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Who is at the other end of a connection; of a Unix socket nobody knows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(pub(super) Option<SocketAddr>);

/// What a listener speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Speaks {
    /// HTTP/2 alone.
    Grpc,
    /// HTTP/1.1, and HTTP/2.
    Http,
}

/// What answers the requests of a listener.
pub(super) trait Answers:
    Service<Request<Counted<Incoming>>, Response = Response<Self::Answer>, Error = Infallible, Future: Send>
    + Clone
    + Send
    + 'static
{
    type Answer: Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>>
        + Send
        + Unpin
        + 'static;
}

impl<S, B> Answers for S
where
    S: Service<Request<Counted<Incoming>>, Response = Response<B>, Error = Infallible, Future: Send>
        + Clone
        + Send
        + 'static,
    B: Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + Unpin + 'static,
{
    type Answer = B;
}

/// A listener, and what it does with connections.
pub(super) struct Listening {
    name: &'static str,
    socket: Socket,
    tls: Option<Arc<Tls>>,
    speaks: Speaks,
    limits: Limits,
    budget: Budget,
    open: Arc<Semaphore>,
    counters: Counters,
}

#[derive(Clone)]
struct Counters {
    open: Gauge,
    taken: Counter,
    refused: Counter,
    handshake: Counter,
    stalled: Counter,
    idle: Counter,
}

/// Everything that a connection needs of its listener.
#[derive(Clone)]
struct Terms {
    speaks: Speaks,
    limits: Limits,
    budget: Budget,
    counters: Counters,
}

impl Listening {
    pub(super) fn new(
        name: &'static str,
        socket: Socket,
        tls: Option<Arc<Tls>>,
        speaks: Speaks,
        limits: Limits,
        budget: Budget,
    ) -> Self {
        let became = |what: &'static str| counter!("sessiongate_connections_total", "listener" => name, "result" => what);
        let counters = Counters {
            open: gauge!("sessiongate_connections", "listener" => name),
            taken: became("taken"),
            refused: became("refused"),
            handshake: became("handshake_failed"),
            stalled: became("stalled"),
            idle: became("idle"),
        };
        let open = Arc::new(Semaphore::new(limits.connections));
        Self { name, socket, tls, speaks, limits, budget, open, counters }
    }

    /// Serves until `ending` is true, then waits for the requests under way. Dropped, it ends all connections.
    pub(super) async fn serve(self, service: impl Answers, mut ending: watch::Receiver<bool>) {
        let terms = Terms {
            speaks: self.speaks,
            limits: self.limits,
            budget: self.budget.clone(),
            counters: self.counters.clone(),
        };
        let mut connections = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                _ = ending.wait_for(|ending| *ending) => break,
                Some(_) = connections.join_next() => continue,
                accepted = self.socket.accept() => accepted,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(listener = self.name, %error, "a connection could not be taken");
                    sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let Ok(permit) = Arc::clone(&self.open).try_acquire_owned() else {
                self.counters.refused.increment(1);
                continue;
            };
            let (tls, service) = (self.tls.clone(), service.clone());
            let (terms, ending) = (terms.clone(), ending.clone());
            connections.spawn(async move {
                let _open = Open::new(&terms.counters, permit);
                welcome(stream, peer, tls, service, &terms, ending).await;
            });
        }
        // Nobody connects any longer; who is connected finishes.
        drop(self.socket);
        while connections.join_next().await.is_some() {}
    }
}

async fn welcome(
    stream: Stream,
    peer: Peer,
    tls: Option<Arc<Tls>>,
    service: impl Answers,
    terms: &Terms,
    ending: watch::Receiver<bool>,
) {
    let Some(tls) = tls else { return converse(stream, peer, service, terms, ending).await };
    let shaken = tokio::time::timeout(terms.limits.stall_timeout, tls.accept(stream)).await;
    match shaken {
        Ok(Ok(stream)) => converse(stream, peer, service, terms, ending).await,
        Ok(Err(refusal)) => {
            terms.counters.handshake.increment(1);
            tracing::debug!(%refusal, "a client was not let in");
        }
        Err(_) => terms.counters.handshake.increment(1),
    }
}

/// Answers the requests of one connection, until it ends, stalls, or is idle for too long.
async fn converse(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: Peer,
    service: impl Answers,
    terms: &Terms,
    mut ending: watch::Receiver<bool>,
) {
    let activity = Arc::new(Activity::default());
    let service = {
        let (activity, budget, speaks) = (Arc::clone(&activity), terms.budget.clone(), terms.speaks);
        service_fn(move |request: Request<Incoming>| {
            let under_way = activity.begin(&budget, LASTING.contains(&request.uri().path()));
            let mut request = request.map(|body| under_way.body(body));
            // Only over HTTP does it count who asks.
            if speaks == Speaks::Http {
                request.extensions_mut().insert(peer);
            }
            let answered = service.clone().call(request);
            async move {
                let response = answered.await?;
                Ok::<_, Infallible>(response.map(|body| under_way.ending(body)))
            }
        })
    };
    let arrivals = Arrivals::default();
    let builder = builder(terms.speaks, terms.limits.idle_timeout, arrivals.clone());
    let mut requests = Requests::new(arrivals);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let mut clock = Clock::new(&activity, &terms.limits);
    let (mut is_ending, mut is_idle) = (false, false);
    loop {
        tokio::select! {
            biased;
            // How a client ends its connection is its own affair.
            _ = poll_fn(|context| requests.poll(connection.as_mut(), context)) => return,
            _ = ending.wait_for(|ending| *ending), if !is_ending => {
                is_ending = true;
                connection.as_mut().graceful_shutdown();
            }
            lasts = clock.turn() => match lasts {
                Lasts::On => {}
                Lasts::Stalled => return terms.counters.stalled.increment(1),
                // Who does not take its leave within a turn of the clock does not get another one.
                Lasts::Idle if is_idle => return,
                Lasts::Idle => {
                    terms.counters.idle.increment(1);
                    (is_ending, is_idle) = (true, true);
                    connection.as_mut().graceful_shutdown();
                }
            },
        }
    }
}

/// In HTTP/1.1 the time for a header begins when the last request ends: a connection that is kept open is quiet then.
fn builder(speaks: Speaks, header_timeout: Duration, arrivals: Arrivals) -> auto::Builder<Arrivals> {
    let mut builder = auto::Builder::new(arrivals);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_CONCURRENT_STREAMS)
        .max_header_list_size(MAX_HEADER_LIST_BYTES)
        .max_pending_accept_reset_streams(MAX_PENDING_RESETS)
        .max_local_error_reset_streams(MAX_LOCAL_RESETS)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buf_size(SEND_BUFFER)
        .keep_alive_interval(KEEPALIVE_INTERVAL)
        .keep_alive_timeout(KEEPALIVE_TIMEOUT);
    builder.http1().timer(TokioTimer::new()).header_read_timeout(header_timeout);
    match speaks {
        Speaks::Grpc => builder.http2_only(),
        Speaks::Http => builder,
    }
}

/// A connection that counts as long as it is open.
struct Open(Gauge, #[expect(dead_code, reason = "held")] OwnedSemaphorePermit);

impl Open {
    fn new(counters: &Counters, permit: OwnedSemaphorePermit) -> Self {
        counters.taken.increment(1);
        counters.open.increment(1);
        Self(counters.open.clone(), permit)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.decrement(1);
    }
}

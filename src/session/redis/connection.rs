//! One connection to Redis, whichever way it is run: opened when it is first needed, shared by all, and opened anew when
//! it breaks.

use std::fmt;
use std::time::Duration;

use redis::aio::{ConnectionLike, MultiplexedConnection, PubSub};
use redis::cluster::{ClusterClient, ClusterClientBuilder};
use redis::cluster_async::ClusterConnection;
use redis::sentinel::SentinelClient;
use redis::{
    AsyncConnectionConfig, Client, Cmd, ErrorKind, FromRedisValue, Pipeline, RedisError, RedisFuture, Value,
};
use tokio::sync::Mutex;

use super::address::{self, Address, AddressError};
use crate::session::Outage;

/// A Redis server, a server behind Sentinels, or a Cluster.
pub struct RedisServer {
    place: Place,
    timeout: Duration,
    shared: Mutex<Option<Connection>>,
}

enum Place {
    Single(Box<Client>),
    Sentinel(Box<Mutex<SentinelClient>>),
    /// The Cluster, and its nodes one by one, any of which hears all messages.
    Cluster(Box<ClusterClient>, Vec<Client>),
}

/// An open connection; clones share it.
#[derive(Clone)]
pub enum Connection {
    Server(MultiplexedConnection),
    Cluster(ClusterConnection),
}

impl RedisServer {
    /// Reads the address; nothing is connected yet. `ca` is the authority of the server's certificate in PEM, where it
    /// is none that the system trusts; `timeout` holds for connecting and for each answer.
    ///
    /// # Errors
    /// [`AddressError`] says what is wrong with it, without its password.
    pub fn new(url: &str, ca: Option<Vec<u8>>, timeout: Duration) -> Result<Self, AddressError> {
        let address = Address::parse(url)?;
        let place = match address {
            Address::Single(url) => Place::Single(Box::new(address::client(&url, ca.as_deref())?)),
            Address::Sentinel(sentinel) => Place::Sentinel(Box::new(Mutex::new(sentinel.client(ca)?))),
            Address::Cluster(nodes) => {
                let clients: Result<_, _> =
                    nodes.iter().map(|node| address::client(node, ca.as_deref())).collect();
                let mut builder = ClusterClientBuilder::new(nodes)
                    .connection_timeout(timeout)
                    .response_timeout(timeout)
                    .overall_response_timeout(Some(timeout))
                    .retries(2);
                if let Some(ca) = ca {
                    builder = builder.certs(address::certificates(ca));
                }
                Place::Cluster(Box::new(builder.build().map_err(|_| AddressError::Unusable)?), clients?)
            }
        };
        Ok(Self { place, timeout, shared: Mutex::new(None) })
    }

    /// Sends a command.
    ///
    /// # Errors
    /// [`Outage`]; its detail is logged.
    pub async fn query<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, Outage> {
        let mut connection = self.connection().await?;
        self.heed(command.query_async(&mut connection).await).await
    }

    /// Sends several commands that take effect together.
    ///
    /// # Errors
    /// As [`Self::query`].
    pub async fn transact<T: FromRedisValue>(&self, commands: &Pipeline) -> Result<T, Outage> {
        let mut connection = self.connection().await?;
        self.heed(commands.query_async(&mut connection).await).await
    }

    /// Runs a script, which takes effect as a whole.
    ///
    /// # Errors
    /// As [`Self::query`].
    pub async fn run<T: FromRedisValue>(&self, script: &redis::ScriptInvocation<'_>) -> Result<T, Outage> {
        let mut connection = self.connection().await?;
        self.heed(script.invoke_async(&mut connection).await).await
    }

    /// A connection of its own that hears messages.
    ///
    /// # Errors
    /// As [`Self::query`].
    pub async fn subscribe(&self, channel: &str) -> Result<PubSub, Outage> {
        let opening = async {
            let mut messages = self.open_messages().await?;
            messages.subscribe(channel).await?;
            Ok(messages)
        };
        match tokio::time::timeout(self.timeout.saturating_mul(2), opening).await {
            Ok(opened) => opened.map_err(|error| outage_of(&error)),
            Err(_) => Err(Outage::Timeout),
        }
    }

    async fn open_messages(&self) -> Result<PubSub, RedisError> {
        match &self.place {
            Place::Single(client) => client.get_async_pubsub().await,
            Place::Sentinel(client) => {
                let master = client.lock().await.async_get_client().await?;
                master.get_async_pubsub().await
            }
            Place::Cluster(_, nodes) => {
                let mut last = RedisError::from((ErrorKind::Io, "no node"));
                for node in nodes {
                    match node.get_async_pubsub().await {
                        Ok(messages) => return Ok(messages),
                        Err(error) => last = error,
                    }
                }
                Err(last)
            }
        }
    }

    async fn connection(&self) -> Result<Connection, Outage> {
        let opening = async {
            let mut shared = self.shared.lock().await;
            if let Some(connection) = &*shared {
                return Ok(connection.clone());
            }
            let connection = self.open().await.map_err(|error| outage_of(&error))?;
            Ok(shared.insert(connection).clone())
        };
        tokio::time::timeout(self.timeout, opening).await.unwrap_or(Err(Outage::Timeout))
    }

    async fn open(&self) -> Result<Connection, RedisError> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.timeout))
            .set_response_timeout(Some(self.timeout));
        match &self.place {
            Place::Single(client) => {
                client.get_multiplexed_async_connection_with_config(&config).await.map(Connection::Server)
            }
            Place::Sentinel(client) => {
                let mut client = client.lock().await;
                client.get_async_connection_with_config(&config).await.map(Connection::Server)
            }
            Place::Cluster(client, _) => client.get_async_connection().await.map(Connection::Cluster),
        }
    }

    /// Opens another connection for what is asked from now on.
    pub(super) async fn give_up_connection(&self) {
        *self.shared.lock().await = None;
    }

    /// Forgets a connection that broke, or that leads to a server that is no longer the one to ask.
    async fn heed<T>(&self, result: Result<T, RedisError>) -> Result<T, Outage> {
        match result {
            Ok(answer) => Ok(answer),
            Err(error) => {
                if breaks_connection(&error) {
                    self.give_up_connection().await;
                }
                Err(outage_of(&error))
            }
        }
    }
}

/// A server that was demoted answers, but no longer as the one to ask.
fn breaks_connection(error: &RedisError) -> bool {
    error.is_io_error()
        || error.is_timeout()
        || error.is_connection_dropped()
        || error.is_unrecoverable_error()
        || matches!(error.code(), Some("READONLY" | "LOADING" | "MASTERDOWN" | "NOAUTH"))
}

fn outage_of(error: &RedisError) -> Outage {
    // The words of an error hold addresses and commands' names, never a value or a password.
    tracing::debug!(kind = ?error.kind(), code = error.code(), "Redis: {}", error.category());
    if error.is_timeout() {
        Outage::Timeout
    } else if breaks_connection(error) || error.is_connection_refusal() {
        Outage::Unreachable
    } else {
        Outage::Failed
    }
}

impl ConnectionLike for Connection {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        match self {
            Self::Server(connection) => connection.req_packed_command(command),
            Self::Cluster(connection) => connection.req_packed_command(command),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        commands: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match self {
            Self::Server(connection) => connection.req_packed_commands(commands, offset, count),
            Self::Cluster(connection) => connection.req_packed_commands(commands, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        match self {
            Self::Server(connection) => connection.get_db(),
            Self::Cluster(connection) => connection.get_db(),
        }
    }
}

/// Addresses can hold passwords, so none is shown.
impl fmt::Debug for RedisServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.place {
            Place::Single(_) => "single",
            Place::Sentinel(_) => "sentinel",
            Place::Cluster(..) => "cluster",
        };
        f.debug_struct("RedisServer")
            .field("kind", &kind)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

//! Where to listen.

use std::fmt;
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::UnixStream;

use super::ServerError;
use super::tls::{Tls, TlsOptions};

/// The owner and its group.
pub const SOCKET_MODE: u32 = 0o660;

/// The listeners, what clients may use of them, and how long they may take to close.
#[derive(Clone, Debug)]
pub struct Listen {
    pub grpc: Listener<GrpcAddress>,
    /// Forward-auth, and the public keys of assertions; off where absent.
    pub http: Option<Listener<TcpAddress>>,
    /// Health, metrics, explanations and revocations; off where absent.
    pub admin: Option<Listener<TcpAddress>>,
    pub limits: Limits,
    /// After a request to stop: how long readiness fails before health does, and health before connections end.
    pub drain_delay: Duration,
    /// How long calls in flight may take to finish after that.
    pub drain_timeout: Duration,
}

/// One listener.
#[derive(Clone, Debug)]
pub struct Listener<A> {
    pub address: A,
    pub tls: Option<Arc<Tls>>,
}

/// What clients may use at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections of each listener at once.
    pub connections: usize,
    /// Checks under way at once.
    pub checks: usize,
    /// The longest message of a check, in bytes: headers, and a body where Envoy is told to send one.
    pub message_bytes: usize,
    /// What is read and not yet answered, of all clients together, in bytes.
    pub buffered_bytes: usize,
    /// How long a connection may be without a request.
    pub idle_timeout: Duration,
    /// How long a connection may take for its first request, a request for its body, and a client for an answer.
    pub stall_timeout: Duration,
}

impl Limits {
    pub const DEFAULT: Self = Self {
        connections: 1024,
        checks: 1024,
        message_bytes: 1024 * 1024,
        buffered_bytes: 64 * 1024 * 1024,
        idle_timeout: Duration::from_mins(5),
        stall_timeout: Duration::from_secs(30),
    };
}

impl Listen {
    /// Whether another configuration asks for listeners that these are not: that takes a restart. What their
    /// certificates are is no part of it.
    #[must_use]
    pub fn differs_from(&self, other: &Self) -> bool {
        fn of_tcp(listener: Option<&Listener<TcpAddress>>) -> Option<(&TcpAddress, Option<&TlsOptions>)> {
            listener.map(|listener| (&listener.address, listener.tls_options()))
        }
        let grpc = |listen: &Self| (listen.grpc.address.clone(), listen.grpc.tls_options().cloned());
        let rest = |listen: &Self| (listen.limits, listen.drain_delay, listen.drain_timeout);
        grpc(self) != grpc(other)
            || of_tcp(self.http.as_ref()) != of_tcp(other.http.as_ref())
            || of_tcp(self.admin.as_ref()) != of_tcp(other.admin.as_ref())
            || rest(self) != rest(other)
    }

    /// The certificates of all listeners.
    fn certificates(&self) -> impl Iterator<Item = &Arc<Tls>> {
        let tcp =
            [&self.http, &self.admin].into_iter().flatten().filter_map(|listener| listener.tls.as_ref());
        self.grpc.tls.iter().chain(tcp)
    }

    /// Uses the certificates of another configuration with the same listeners from the next connection on.
    pub fn take_certificates(&self, other: &Self) {
        for ours in self.certificates() {
            if let Some(theirs) = other.certificates().find(|theirs| theirs.options() == ours.options()) {
                ours.replace(theirs);
            }
        }
    }

    /// Tells when the certificates expire.
    pub fn tell_expiry(&self) {
        self.certificates().for_each(|tls| tls.tell_expiry());
    }
}

impl<A> Listener<A> {
    fn tls_options(&self) -> Option<&TlsOptions> {
        self.tls.as_ref().map(|tls| tls.options())
    }
}

/// The address of the gRPC listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GrpcAddress {
    /// `host:port`; a name is looked up when it is bound.
    Tcp(String),
    /// A socket in the file system, and who may connect to it.
    Unix { path: PathBuf, mode: u32 },
}

/// `host:port`; a name is looked up when it is bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TcpAddress(String);

/// The address cannot be read; for whoever wrote it.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    #[error("`{0}` is not an address: write `host:port`, as in `127.0.0.1:9191`, or `unix:/path/to.sock`")]
    NotAnAddress(String),
    #[error("is a Unix socket, and only the gRPC listener can be one: write `host:port`")]
    NotTcp,
    #[error("the path of a Unix socket must be 1 to 107 bytes long; this one has {0}")]
    SocketPathLength(usize),
}

impl TcpAddress {
    /// # Errors
    /// [`AddressError`] says what is expected.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        match GrpcAddress::parse(text)? {
            GrpcAddress::Tcp(address) => Ok(Self(address)),
            GrpcAddress::Unix { .. } => Err(AddressError::NotTcp),
        }
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl GrpcAddress {
    /// # Errors
    /// [`AddressError`] says what is expected.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        if let Some(path) = text.strip_prefix("unix:") {
            // The limit of `sun_path` in Linux's sockaddr_un, less its final zero.
            return match path.len() {
                1..=107 => Ok(Self::Unix { path: PathBuf::from(path), mode: SOCKET_MODE }),
                length => Err(AddressError::SocketPathLength(length)),
            };
        }
        match text.rsplit_once(':') {
            Some((host, port)) if is_host(host) && port.parse::<u16>().is_ok() => {
                Ok(Self::Tcp(text.to_owned()))
            }
            _ => Err(AddressError::NotAnAddress(text.to_owned())),
        }
    }
}

impl fmt::Display for GrpcAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => f.write_str(address),
            Self::Unix { path, .. } => write!(f, "unix:{}", path.display()),
        }
    }
}

/// A name or IPv4 address, or an IPv6 address in brackets.
fn is_host(host: &str) -> bool {
    let is_bracketed = host.starts_with('[') && host.ends_with(']');
    !host.is_empty() && (is_bracketed || !host.contains([':', '/', ' ', '[', ']']))
}

/// A process that was killed leaves its socket behind, and binding would fail. One that answers is left alone.
pub(super) async fn remove_stale_socket(path: &Path) -> Result<(), ServerError> {
    let Ok(metadata) = std::fs::symlink_metadata(path) else { return Ok(()) };
    if !metadata.file_type().is_socket() {
        return Err(ServerError::NotASocket(path.to_owned()));
    }
    if UnixStream::connect(path).await.is_ok() {
        return Err(ServerError::SocketInUse(path.to_owned()));
    }
    std::fs::remove_file(path)
        .map_err(|source| ServerError::Bind { address: format!("unix:{}", path.display()), source })
}

#[cfg(test)]
mod tests {
    use super::{AddressError, GrpcAddress};
    use std::path::PathBuf;

    #[test]
    fn an_address_is_a_host_and_port_or_a_unix_socket() {
        for text in ["0.0.0.0:9191", "[::1]:0", "localhost:80"] {
            assert_eq!(GrpcAddress::parse(text), Ok(GrpcAddress::Tcp(text.to_owned())));
        }
        assert_eq!(
            GrpcAddress::parse("unix:/run/sessiongate.sock"),
            Ok(GrpcAddress::Unix { path: PathBuf::from("/run/sessiongate.sock"), mode: 0o660 })
        );
        for text in ["", "9191", ":9191", "::1:80", "http://a:80", "a:99999", "a:"] {
            assert_eq!(GrpcAddress::parse(text), Err(AddressError::NotAnAddress(text.to_owned())), "{text}");
        }
        assert_eq!(GrpcAddress::parse("unix:"), Err(AddressError::SocketPathLength(0)));
    }
}

//! Where to listen.

use std::fmt;
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::net::UnixStream;

use super::ServerError;

/// The listeners, and how long they may take to close.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listen {
    pub grpc: GrpcAddress,
    /// The public keys of assertions; off where absent.
    pub http: Option<TcpAddress>,
    /// Health, metrics and revocations; off where absent.
    pub admin: Option<TcpAddress>,
    /// How long calls in flight may take to finish after a request to stop.
    pub drain_timeout: Duration,
}

/// The address of the gRPC listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GrpcAddress {
    /// `host:port`; a name is looked up when it is bound.
    Tcp(String),
    /// A socket in the file system.
    Unix(PathBuf),
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
            GrpcAddress::Unix(_) => Err(AddressError::NotTcp),
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
                1..=107 => Ok(Self::Unix(PathBuf::from(path))),
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
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
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
            Ok(GrpcAddress::Unix(PathBuf::from("/run/sessiongate.sock")))
        );
        for text in ["", "9191", ":9191", "::1:80", "http://a:80", "a:99999", "a:"] {
            assert_eq!(GrpcAddress::parse(text), Err(AddressError::NotAnAddress(text.to_owned())), "{text}");
        }
        assert_eq!(GrpcAddress::parse("unix:"), Err(AddressError::SocketPathLength(0)));
    }
}

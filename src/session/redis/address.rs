//! Addresses of Redis: a server, Sentinels and the name of their master, or nodes of a Cluster.

use percent_encoding::percent_decode_str;
use redis::sentinel::{SentinelClient, SentinelClientBuilder, SentinelServerType};
use redis::{Client, ConnectionAddr, TlsCertificates, TlsMode};

/// Why a text is no address: for whoever wrote it. None of it repeats the text, which can hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    #[error(
        "is no address of Redis: write `redis://host:6379/0` (`rediss:` for TLS), `redis+unix:///path`, \
         `redis+sentinel://host:26379,host:26379/name-of-the-master` or `redis+cluster://host:6379,host:6379`"
    )]
    Scheme,
    #[error("has a host that is not `host:port`")]
    Host,
    #[error("names no master: write it after the Sentinels, as in `redis+sentinel://host:26379/mymaster`")]
    NoMaster,
    #[error("has a database that is no number")]
    Database,
    #[error("cannot be used, or its certificate authority cannot")]
    Unusable,
}

/// What an address says.
pub(super) enum Address {
    /// In the words of the client library.
    Single(String),
    Sentinel(Sentinel),
    /// One URL for each node.
    Cluster(Vec<String>),
}

/// Sentinels, and the master that they know.
pub(super) struct Sentinel {
    nodes: Vec<(String, u16)>,
    master: String,
    database: i64,
    login: Option<(String, String)>,
    is_tls: bool,
}

impl Address {
    pub(super) fn parse(text: &str) -> Result<Self, AddressError> {
        let (scheme, rest) = text.split_once("://").ok_or(AddressError::Scheme)?;
        let is_tls = scheme.starts_with("rediss");
        match scheme {
            "redis" | "rediss" | "redis+unix" | "unix" => Ok(Self::Single(text.to_owned())),
            "redis+sentinel" | "rediss+sentinel" => Sentinel::parse(rest, is_tls).map(Self::Sentinel),
            "redis+cluster" | "rediss+cluster" => {
                let (login, hosts) =
                    rest.rsplit_once('@').map_or(("", rest), |(login, hosts)| (login, hosts));
                let scheme = if is_tls { "rediss" } else { "redis" };
                let at = if login.is_empty() { "" } else { "@" };
                let nodes = hosts.trim_end_matches('/').split(',').map(|node| {
                    let (host, port) = host_and_port(node)?;
                    let host = if host.contains(':') { format!("[{host}]") } else { host };
                    Ok(format!("{scheme}://{login}{at}{host}:{port}"))
                });
                Ok(Self::Cluster(nodes.collect::<Result<_, _>>()?))
            }
            _ => Err(AddressError::Scheme),
        }
    }
}

impl Sentinel {
    fn parse(rest: &str, is_tls: bool) -> Result<Self, AddressError> {
        let (login, place) =
            rest.rsplit_once('@').map_or((None, rest), |(login, place)| (Some(login), place));
        let mut parts = place.split('/');
        let nodes =
            parts.next().unwrap_or_default().split(',').map(host_and_port).collect::<Result<_, _>>()?;
        let master = parts.next().filter(|name| !name.is_empty()).ok_or(AddressError::NoMaster)?;
        let database = parts.next().filter(|database| !database.is_empty()).unwrap_or("0");
        let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let login = login.map(|login| {
            let (user, password) = login.split_once(':').unwrap_or(("", login));
            (decoded(user), decoded(password))
        });
        let database = database.parse().map_err(|_| AddressError::Database)?;
        Ok(Self { nodes, master: decoded(master), database, login, is_tls })
    }

    /// The login is the master's; Sentinels are asked without one.
    pub(super) fn client(self, ca: Option<Vec<u8>>) -> Result<SentinelClient, AddressError> {
        let unusable = |_| AddressError::Unusable;
        let is_tls = self.is_tls;
        let address = |(host, port)| {
            if is_tls {
                ConnectionAddr::TcpTls { host, port, insecure: false, tls_params: None }
            } else {
                ConnectionAddr::Tcp(host, port)
            }
        };
        let nodes = self.nodes.into_iter().map(address);
        let mut builder = SentinelClientBuilder::new(nodes, &self.master, SentinelServerType::Master)
            .map_err(unusable)?
            .set_client_to_redis_db(self.database);
        if let Some((user, password)) = self.login {
            if !user.is_empty() {
                builder = builder.set_client_to_redis_username(user);
            }
            builder = builder.set_client_to_redis_password(password);
        }
        if is_tls {
            builder = builder
                .set_client_to_redis_tls_mode(TlsMode::Secure)
                .set_client_to_sentinel_tls_mode(TlsMode::Secure);
        }
        if let Some(ca) = ca {
            builder = builder
                .set_client_to_redis_certificates(certificates(ca.clone()))
                .set_client_to_sentinel_certificates(certificates(ca));
        }
        builder.build().map_err(unusable)
    }
}

/// The client of one server.
pub(super) fn client(url: &str, ca: Option<&[u8]>) -> Result<Client, AddressError> {
    let opened = match ca {
        Some(ca) => Client::build_with_tls(url, certificates(ca.to_vec())),
        None => Client::open(url),
    };
    opened.map_err(|_| AddressError::Scheme)
}

pub(super) fn certificates(ca: Vec<u8>) -> TlsCertificates {
    TlsCertificates { client_tls: None, root_cert: Some(ca) }
}

/// `host:port`, where an IPv6 address stands in brackets.
fn host_and_port(text: &str) -> Result<(String, u16), AddressError> {
    let (host, port) = text.rsplit_once(':').ok_or(AddressError::Host)?;
    let is_host = !host.is_empty() && (host.starts_with('[') || !host.contains(':'));
    let port = port.parse().ok().filter(|_| is_host).ok_or(AddressError::Host)?;
    Ok((host.trim_start_matches('[').trim_end_matches(']').to_owned(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_server_sentinels_or_a_cluster() {
        assert!(matches!(Address::parse("rediss://:pw@cache:6380/2"), Ok(Address::Single(_))));
        let Ok(Address::Sentinel(sentinel)) =
            Address::parse("redis+sentinel://ada:p%40ss@s1:26379,[::1]:26380/main/3")
        else {
            panic!("sentinels");
        };
        assert_eq!(sentinel.nodes, [("s1".to_owned(), 26379), ("::1".to_owned(), 26380)]);
        assert_eq!((sentinel.master.as_str(), sentinel.database), ("main", 3));
        assert_eq!(sentinel.login, Some(("ada".to_owned(), "p@ss".to_owned())));
        let Ok(Address::Cluster(nodes)) = Address::parse("rediss+cluster://:pw@a:1,b:2") else {
            panic!("nodes")
        };
        assert_eq!(nodes, ["rediss://:pw@a:1", "rediss://:pw@b:2"]);
        for (text, error) in [
            ("cache:6379", AddressError::Scheme),
            ("http://cache:6379", AddressError::Scheme),
            ("redis+sentinel://s1:26379", AddressError::NoMaster),
            ("redis+sentinel://s1/main", AddressError::Host),
            ("redis+sentinel://s1:1/main/x", AddressError::Database),
            ("redis+cluster://a", AddressError::Host),
        ] {
            assert_eq!(Address::parse(text).err(), Some(error), "{text}");
        }
    }
}

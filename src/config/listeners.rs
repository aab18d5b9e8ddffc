//! Where the server of a configuration is asked for its health, and nothing else of it: a mistake elsewhere, which the
//! server was told of and left aside, does not matter here, and no provider is made.

use std::path::Path;

use config::ValueKind;

use super::environment::Environment;
use super::error::{ConfigError, Problems};
use super::raw::{RawListener, RawTls};
use super::resolve::DEFAULT_GRPC;
use super::{interpolation, parse, source};
use crate::server::listen::{GrpcAddress, TcpAddress};

/// The listeners that tell of health.
#[derive(Debug)]
pub struct Listeners {
    pub grpc: Reach,
    pub admin: Option<Reach>,
}

/// How a listener is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reach {
    pub address: GrpcAddress,
    pub handshake: Handshake,
}

/// What a listener asks of a client before it hears it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handshake {
    Nothing,
    Tls,
    /// TLS with a certificate of the client's own.
    ClientCertificate,
}

/// Reads `listen`, from where [`load`](super::load) reads it.
///
/// # Errors
/// [`ConfigError`] where the file cannot be read, or tells no address.
pub fn listeners(file: Option<&Path>, environment: &Environment) -> Result<Listeners, ConfigError> {
    let mut problems = Problems::default();
    let file = source::locate(file, environment);
    let mut tree = source::read(file.as_deref(), environment, &mut problems.files)?;
    if let ValueKind::Table(keys) = &mut tree.kind {
        keys.retain(|key, _| key == "listen");
    }
    let tree = interpolation::interpolate(tree, environment, &mut problems);
    let listen = parse::parse(tree, &mut problems).listen;
    let shared = listen.tls.as_ref();
    let grpc = listen.grpc.as_ref();
    let text = grpc.and_then(|raw| raw.address.as_deref()).unwrap_or(DEFAULT_GRPC);
    let address = problems.ok("listen.grpc", GrpcAddress::parse(text));
    let grpc = address.map(|address| Reach::new(address, grpc, shared));
    let admin = listen.admin.as_ref().and_then(|raw| {
        let address = problems.ok("listen.admin", TcpAddress::parse(raw.address.as_deref()?))?;
        Some(Reach::new(GrpcAddress::Tcp(address.as_str().to_owned()), Some(raw), None))
    });
    problems.finish(file, grpc.map(|grpc| Listeners { grpc, admin }))
}

impl Reach {
    fn new(address: GrpcAddress, listener: Option<&RawListener>, shared: Option<&RawTls>) -> Self {
        let own = listener.and_then(|raw| raw.tls.as_ref());
        let tls = RawTls::at_work(own, shared).filter(|_| matches!(address, GrpcAddress::Tcp(_)));
        let handshake = match tls {
            None => Handshake::Nothing,
            Some(RawTls { client_ca: None, .. }) => Handshake::Tls,
            Some(_) => Handshake::ClientCertificate,
        };
        Self { address, handshake }
    }
}

#[cfg(test)]
mod tests {
    use super::{Handshake, Listeners, listeners};
    use crate::config::Environment;

    fn read(yaml: &str) -> Listeners {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), yaml).expect("written");
        listeners(Some(file.path()), &Environment::from([("PORT", "7")])).expect("listeners")
    }

    #[test]
    fn each_listener_has_the_address_and_the_handshake_of_the_server() {
        const TLS: &str = "tls: { cert: c, key: k";
        for (listen, grpc, admin) in [
            ("{}".to_owned(), ("0.0.0.0:9191", Handshake::Nothing), None),
            (
                "{ grpc: 'unix:/s', admin: 'a:1' }".to_owned(),
                ("unix:/s", Handshake::Nothing),
                Some(Handshake::Nothing),
            ),
            (format!("{{ grpc: 'h:${{PORT}}', {TLS} }} }}"), ("h:7", Handshake::Tls), None),
            (format!("{{ grpc: 'unix:/s', {TLS} }} }}"), ("unix:/s", Handshake::Nothing), None),
            (
                format!("{{ grpc: 'h:7', admin: 'a:1', {TLS}, client_ca: a }} }}"),
                ("h:7", Handshake::ClientCertificate),
                Some(Handshake::Nothing),
            ),
            (
                format!(
                    "{{ grpc: {{ address: 'h:7', tls: off }}, admin: {{ address: 'a:1', {TLS} }} }}, {TLS} }} }}"
                ),
                ("h:7", Handshake::Nothing),
                Some(Handshake::Tls),
            ),
        ] {
            let found = read(&format!("listen: {listen}\nsessions: {{ web: {{ secret: '${{UNSET}}' }} }}\n"));
            assert_eq!((found.grpc.address.to_string().as_str(), found.grpc.handshake), grpc, "{listen}");
            assert_eq!(found.admin.map(|admin| admin.handshake), admin, "{listen}");
        }
    }
}

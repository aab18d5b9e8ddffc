//! One question to a listener of this machine: gRPC's health service (`grpc.health.v1`), or `/healthz` over HTTP.

use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, StatusCode, Uri, header};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error as TlsError, SignatureScheme};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::config::{Handshake, Reach};
use crate::server::listen::GrpcAddress;

/// Why the server does not serve, or why that is not known.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum AskError {
    #[error("cannot connect: {0}")]
    Connect(io::Error),
    #[error("the TLS handshake failed: {0}")]
    Handshake(io::Error),
    #[error("cannot set up TLS: {0}")]
    Tls(#[from] TlsError),
    #[error("the answer is none of sessiongate: {0}")]
    Http(#[from] hyper::Error),
    #[error("the answer is none of sessiongate: {}", .0.message())]
    Grpc(#[from] Box<tonic::Status>),
    #[error("it answers, and does not serve")]
    NotServing,
    #[error("/healthz answers {0}")]
    Unhealthy(StatusCode),
}

/// A connection, encrypted or not.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Asks gRPC's health service about the server as a whole.
pub(super) async fn grpc(reach: &Reach) -> Result<(), AskError> {
    let stream = TokioIo::new(connect(reach, b"h2").await?);
    let (sender, connection) = http2::handshake(TokioExecutor::new(), stream).await?;
    tokio::spawn(connection);
    let service = tower::service_fn(move |request| {
        let mut sender = sender.clone();
        async move { sender.send_request(request).await }
    });
    let mut client = HealthClient::with_origin(service, Uri::from_static("http://localhost"));
    let answer = client.check(HealthCheckRequest::default()).await.map_err(Box::new)?;
    match answer.get_ref().status() {
        ServingStatus::Serving => Ok(()),
        ServingStatus::NotServing | ServingStatus::Unknown | ServingStatus::ServiceUnknown => {
            Err(AskError::NotServing)
        }
    }
}

/// Asks the admin listener.
pub(super) async fn http(reach: &Reach) -> Result<(), AskError> {
    let stream = TokioIo::new(connect(reach, b"http/1.1").await?);
    let (mut sender, connection) = http1::handshake(stream).await?;
    tokio::spawn(connection);
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = Uri::from_static("/healthz");
    request.headers_mut().insert(header::HOST, header::HeaderValue::from_static("localhost"));
    match sender.send_request(request).await?.status() {
        StatusCode::OK => Ok(()),
        status => Err(AskError::Unhealthy(status)),
    }
}

async fn connect(reach: &Reach, protocol: &[u8]) -> Result<Box<dyn Stream>, AskError> {
    let stream = match &reach.address {
        GrpcAddress::Unix { path, .. } => {
            return Ok(Box::new(UnixStream::connect(path).await.map_err(AskError::Connect)?));
        }
        GrpcAddress::Tcp(address) => TcpStream::connect(address).await.map_err(AskError::Connect)?,
    };
    match reach.handshake {
        Handshake::Nothing => Ok(Box::new(stream)),
        Handshake::Tls | Handshake::ClientCertificate => {
            let connector = TlsConnector::from(Arc::new(tls(protocol)?));
            // An address is never told to the server, and what is verified names no name.
            let name = ServerName::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST).into());
            Ok(Box::new(connector.connect(name, stream).await.map_err(AskError::Handshake)?))
        }
    }
}

fn tls(protocol: &[u8]) -> Result<ClientConfig, TlsError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)))
        .with_no_client_auth();
    config.alpn_protocols = vec![protocol.to_vec()];
    Ok(config)
}

/// Takes any certificate whose key the server has. It is for the name by which proxies know the server, not for this
/// machine's loopback address; nothing secret is sent, and nothing is done on the word of the answer.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

//! TLS of a listener: its certificate, and whose certificates clients have to show.

use std::sync::Arc;
use std::time::SystemTime;

use arc_swap::ArcSwap;
use metrics::gauge;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ServerConfig, WebPkiClientVerifier};
use rustls::version::{TLS12, TLS13};
use rustls::{RootCertStore, SupportedProtocolVersion};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer as _;
use zeroize::Zeroizing;

const BOTH_VERSIONS: [&SupportedProtocolVersion; 2] = [&TLS13, &TLS12];

/// What the configuration says about the TLS of a listener, beside what its files hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsOptions {
    /// The listener, for metrics.
    pub listener: &'static str,
    /// The protocols that are offered to clients (RFC 7301), the preferred one first.
    pub protocols: &'static [&'static [u8]],
    /// Whether TLS 1.2 is refused.
    pub only_1_3: bool,
    /// The files, by which a change of them is told.
    pub files: Vec<String>,
    /// Names of which a client certificate has to have one; any where empty.
    pub allowed_client_names: Vec<ClientName>,
}

/// What the files hold.
pub struct TlsFiles {
    pub cert: Zeroizing<Vec<u8>>,
    pub key: Zeroizing<Vec<u8>>,
    pub client_ca: Option<Zeroizing<Vec<u8>>>,
}

/// A name in a client certificate: a DNS name or a URI, or the beginning of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientName {
    Exact(String),
    Beginning(String),
}

/// A name that no certificate could have; for whoever wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a DNS name or a URI; a `*` stands at its end, after at least one character")]
pub struct ClientNameError;

/// Why certificates cannot be used; for whoever made them.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("{0} holds no certificate in PEM")]
    NoCertificate(&'static str),
    #[error("`key` holds no private key in PEM")]
    NoKey,
    #[error("a certificate of {0} cannot be read")]
    Unreadable(&'static str),
    #[error("the certificate of {subject} expired on {expired}")]
    Expired { subject: String, expired: String },
    #[error("the certificate of {subject} is not valid before {valid}")]
    NotYetValid { subject: String, valid: String },
    #[error("`key` is not the key of the certificate in `cert`")]
    WrongKey,
    #[error("cannot be used: {0}")]
    Unusable(String),
}

/// Why a client's connection is not taken.
#[derive(Debug, thiserror::Error)]
pub enum TlsRefusal {
    #[error("the TLS handshake failed: {0}")]
    Handshake(#[from] std::io::Error),
    #[error("the client certificate has none of the names in `allowed_client_names`")]
    Name,
}

/// A listener's TLS, with the certificates that are used for the next connection.
pub struct Tls {
    options: TlsOptions,
    current: ArcSwap<Loaded>,
}

struct Loaded {
    config: Arc<ServerConfig>,
    /// In seconds since 1970.
    expires: i64,
}

impl ClientName {
    /// # Errors
    /// [`ClientNameError`] where it is none.
    pub fn parse(text: &str) -> Result<Self, ClientNameError> {
        let (name, is_beginning) = text.strip_suffix('*').map_or((text, false), |name| (name, true));
        let is_sound = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'*');
        match (is_sound, is_beginning) {
            (false, _) => Err(ClientNameError),
            (true, true) => Ok(Self::Beginning(name.to_owned())),
            (true, false) => Ok(Self::Exact(name.to_owned())),
        }
    }

    fn covers(&self, name: &str) -> bool {
        match self {
            Self::Exact(exact) => name == exact,
            Self::Beginning(beginning) => name.starts_with(beginning),
        }
    }
}

impl Tls {
    /// Reads the files' contents, and checks that they serve now.
    ///
    /// # Errors
    /// [`TlsError`] says what is wrong with them.
    pub fn new(options: TlsOptions, files: &TlsFiles, now: SystemTime) -> Result<Self, TlsError> {
        let loaded = load(&options, files, now)?;
        Ok(Self { options, current: ArcSwap::from_pointee(loaded) })
    }

    pub(super) fn options(&self) -> &TlsOptions {
        &self.options
    }

    /// Uses what another one has loaded from the next connection on.
    pub(super) fn replace(&self, other: &Self) {
        self.current.store(other.current.load_full());
        self.tell_expiry();
    }

    pub(super) fn tell_expiry(&self) {
        #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 are far below 2^53")]
        let expires = self.current.load().expires as f64;
        gauge!("sessiongate_tls_certificate_expiry_timestamp_seconds", "listener" => self.options.listener)
            .set(expires);
    }

    /// Shakes hands with a client.
    ///
    /// # Errors
    /// [`TlsRefusal`] says why it is not let in.
    pub(super) async fn accept<IO>(&self, stream: IO) -> Result<TlsStream<IO>, TlsRefusal>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        let acceptor = TlsAcceptor::from(Arc::clone(&self.current.load().config));
        let stream = acceptor.accept(stream).await?;
        let allowed = &self.options.allowed_client_names;
        let shown = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
        if allowed.is_empty() || shown.is_some_and(|shown| has_one_of(shown, allowed)) {
            Ok(stream)
        } else {
            Err(TlsRefusal::Name)
        }
    }
}

fn load(options: &TlsOptions, files: &TlsFiles, now: SystemTime) -> Result<Loaded, TlsError> {
    let chain = certificates(&files.cert, "`cert`")?;
    let expires = chain.iter().map(|der| valid_until(der, now)).collect::<Result<Vec<_>, _>>()?;
    let key = PrivateKeyDer::from_pem_slice(&files.key).map_err(|_| TlsError::NoKey)?;
    let unusable = |error: rustls::Error| match error {
        rustls::Error::InconsistentKeys(_) => TlsError::WrongKey,
        other => TlsError::Unusable(other.to_string()),
    };
    let provider = Arc::new(aws_lc_rs::default_provider());
    let versions = if options.only_1_3 { &[&TLS13][..] } else { &BOTH_VERSIONS[..] };
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(versions)
        .map_err(unusable)?;
    let builder = match &files.client_ca {
        None => builder.with_no_client_auth(),
        Some(pem) => {
            let mut roots = RootCertStore::empty();
            for der in certificates(pem, "`client_ca`")? {
                roots.add(der).map_err(unusable)?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            builder
                .with_client_cert_verifier(verifier.map_err(|error| TlsError::Unusable(error.to_string()))?)
        }
    };
    let mut config = builder.with_single_cert(chain, key).map_err(unusable)?;
    config.alpn_protocols = options.protocols.iter().map(|protocol| protocol.to_vec()).collect();
    Ok(Loaded { config: Arc::new(config), expires: expires.into_iter().min().unwrap_or_default() })
}

fn certificates(pem: &[u8], file: &'static str) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|_| TlsError::Unreadable(file))?;
    if certificates.is_empty() { Err(TlsError::NoCertificate(file)) } else { Ok(certificates) }
}

/// Until when a certificate is valid that is valid now, in seconds since 1970.
fn valid_until(der: &CertificateDer<'_>, now: SystemTime) -> Result<i64, TlsError> {
    let (_, certificate) = X509Certificate::from_der(der).map_err(|_| TlsError::Unreadable("`cert`"))?;
    let now = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    let now = i64::try_from(now).unwrap_or(i64::MAX);
    let (validity, subject) = (certificate.validity(), certificate.subject().to_string());
    if now > validity.not_after.timestamp() {
        return Err(TlsError::Expired { subject, expired: validity.not_after.to_string() });
    }
    if now < validity.not_before.timestamp() {
        return Err(TlsError::NotYetValid { subject, valid: validity.not_before.to_string() });
    }
    Ok(validity.not_after.timestamp())
}

/// RFC 5280, section 4.2.1.6: the subject's alternative names. The common name is none of them.
fn has_one_of(der: &CertificateDer<'_>, allowed: &[ClientName]) -> bool {
    let Ok((_, certificate)) = X509Certificate::from_der(der) else { return false };
    let Ok(Some(names)) = certificate.subject_alternative_name() else { return false };
    names.value.general_names.iter().any(|name| match name {
        GeneralName::DNSName(name) | GeneralName::URI(name) => {
            allowed.iter().any(|allowed| allowed.covers(name))
        }
        _ => false,
    })
}

/// No key.
impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls").field("options", &self.options).finish_non_exhaustive()
    }
}

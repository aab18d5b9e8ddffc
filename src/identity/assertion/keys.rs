//! The keys that sign assertions, and the JWKS (RFC 7517) by which others verify them.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::time::Duration;

use arc_swap::ArcSwap;
use aws_lc_rs::signature::Ed25519KeyPair;
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk, JwkSet, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};

/// How often the files are looked at: where they are mounted, as in Kubernetes, no event tells of a change.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// The shortest RSA modulus, in base64url characters of its 2048 bits.
const MIN_RSA_CHARACTERS: usize = 342;

/// Keys in order: the first signs, all are published.
pub struct SigningKeys {
    signing: SigningKey,
    jwks: JwkSet,
    generation: u64,
}

/// A private key and what the public may know of it.
pub struct SigningKey {
    algorithm: Algorithm,
    encoding: EncodingKey,
    kid: String,
}

/// The files that the keys come from.
#[derive(Clone, Debug)]
pub struct KeyFiles(pub Vec<PathBuf>);

/// Why there are no keys: for whoever wrote the configuration.
#[derive(Debug, thiserror::Error)]
pub enum SigningKeyError {
    #[error("names no file: leave it out, and a key is generated at each start")]
    NoFile,
    #[error("{file}: {source}")]
    Unreadable { file: String, source: std::io::Error },
    #[error(
        "{0} is no private key in PKCS#8 PEM of Ed25519, EC P-256 or RSA: `openssl genpkey -algorithm ed25519` makes one"
    )]
    NotAKey(String),
    #[error("{0}: an RSA key needs 2048 bits or more")]
    ShortRsa(String),
    #[error("{0} has the same key as another file")]
    Repeated(String),
    #[error("a key cannot be generated")]
    Generation,
}

impl SigningKeys {
    /// A key of this process alone.
    ///
    /// # Errors
    /// [`SigningKeyError::Generation`] on a machine without randomness.
    pub fn generate() -> Result<Self, SigningKeyError> {
        let pair = Ed25519KeyPair::generate().map_err(|_| SigningKeyError::Generation)?;
        let document = pair.to_pkcs8v1().map_err(|_| SigningKeyError::Generation)?;
        let encoding = EncodingKey::from_ed_der(document.as_ref());
        let (key, jwk) = checked(Algorithm::EdDSA, encoding).ok_or(SigningKeyError::Generation)?;
        Ok(Self { signing: key, jwks: JwkSet { keys: vec![jwk] }, generation: 0 })
    }

    /// The number of the set, by which an assertion is known to be signed with it.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// The key that signs.
    #[must_use]
    pub fn signing(&self) -> &SigningKey {
        &self.signing
    }

    /// The public keys.
    #[must_use]
    pub fn jwks(&self) -> &JwkSet {
        &self.jwks
    }
}

impl SigningKey {
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    #[must_use]
    pub fn encoding(&self) -> &EncodingKey {
        &self.encoding
    }

    /// Its name: the thumbprint of RFC 7638, the same on every replica.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }
}

impl KeyFiles {
    /// Reads the keys.
    ///
    /// # Errors
    /// [`SigningKeyError`] names the first file that has none.
    pub fn load(&self) -> Result<SigningKeys, SigningKeyError> {
        self.parse(self.read()?, 0)
    }

    fn read(&self) -> Result<Vec<Vec<u8>>, SigningKeyError> {
        let unreadable = |file: &Path, source| SigningKeyError::Unreadable { file: name(file), source };
        self.0.iter().map(|file| fs::read(file).map_err(|source| unreadable(file, source))).collect()
    }

    fn parse(&self, contents: Vec<Vec<u8>>, generation: u64) -> Result<SigningKeys, SigningKeyError> {
        let mut signing = None;
        let mut jwks = JwkSet { keys: Vec::new() };
        for (file, pem) in self.0.iter().zip(contents) {
            let (key, jwk) = of_pem(&pem).ok_or_else(|| SigningKeyError::NotAKey(name(file)))?;
            if matches!(&jwk.algorithm, AlgorithmParameters::RSA(rsa) if rsa.n.len() < MIN_RSA_CHARACTERS) {
                return Err(SigningKeyError::ShortRsa(name(file)));
            }
            if jwks.find(&key.kid).is_some() {
                return Err(SigningKeyError::Repeated(name(file)));
            }
            jwks.keys.push(jwk);
            signing.get_or_insert(key);
        }
        let signing = signing.ok_or(SigningKeyError::NoFile)?;
        Ok(SigningKeys { signing, jwks, generation })
    }

    /// Puts the keys in place whenever the files have changed; files that are not sound change nothing.
    pub(super) async fn follow(self, keys: Weak<ArcSwap<SigningKeys>>) {
        let mut known = self.read().ok();
        let mut interval = tokio::time::interval(LOOK_EVERY);
        loop {
            interval.tick().await;
            let Some(keys) = keys.upgrade() else { return };
            let contents = self.read();
            if contents.as_ref().ok() == known.as_ref() {
                continue;
            }
            // What cannot be read is told once, until it changes again.
            known = contents.as_ref().ok().cloned();
            let generation = keys.load().generation() + 1;
            match contents.and_then(|contents| self.parse(contents, generation)) {
                Ok(changed) => {
                    tracing::info!(kid = changed.signing.kid, "the keys of assertions have changed");
                    keys.store(Arc::new(changed));
                }
                Err(error) => tracing::error!(%error, "the keys of assertions stay as they are"),
            }
        }
    }
}

fn of_pem(pem: &[u8]) -> Option<(SigningKey, Jwk)> {
    let ed = EncodingKey::from_ed_pem(pem).map(|key| (Algorithm::EdDSA, key));
    let ec = || EncodingKey::from_ec_pem(pem).map(|key| (Algorithm::ES256, key));
    let rsa = || EncodingKey::from_rsa_pem(pem).map(|key| (Algorithm::RS256, key));
    let (algorithm, encoding) = ed.or_else(|_| ec()).or_else(|_| rsa()).ok()?;
    checked(algorithm, encoding)
}

/// The key, where it signs what its public half verifies.
fn checked(algorithm: Algorithm, encoding: EncodingKey) -> Option<(SigningKey, Jwk)> {
    let mut jwk = Jwk::from_encoding_key(&encoding, algorithm).ok()?;
    let kid = jwk.thumbprint(ThumbprintHash::SHA256).ok()?;
    jwk.common.key_id = Some(kid.clone());
    jwk.common.public_key_use = Some(PublicKeyUse::Signature);
    let signature = jsonwebtoken::crypto::sign(b"sessiongate", &encoding, algorithm).ok()?;
    let public = DecodingKey::from_jwk(&jwk).ok()?;
    let verified = jsonwebtoken::crypto::verify(&signature, b"sessiongate", &public, algorithm);
    (verified.ok() == Some(true)).then_some((SigningKey { algorithm, encoding, kid }, jwk))
}

fn name(file: &Path) -> String {
    file.display().to_string()
}

/// Never the private half.
impl fmt::Debug for SigningKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKeys").field("kid", &self.signing.kid).finish_non_exhaustive()
    }
}

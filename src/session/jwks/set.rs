//! A set of keys, and which of them a token may be verified with.

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey};
use serde_json::Value;

/// The most keys of a set that are read.
const MAX_KEYS: usize = 100;

/// Keys that can verify signatures.
#[derive(Debug, Default)]
pub struct KeySet(Vec<VerificationKey>);

/// One key, and what it may verify.
pub struct VerificationKey {
    key: DecodingKey,
    kid: Option<String>,
    algorithms: Vec<Algorithm>,
}

/// Why no key can be made of a text: for whoever wrote it, or publishes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeySetError {
    #[error("is no JSON Web Key Set (RFC 7517, section 5)")]
    NotASet,
    #[error("holds no key that verifies signatures of the configured algorithms")]
    NoKey,
    #[error("is no public key in PEM for the configured algorithms, which have to be of one family")]
    Pem,
}

impl KeySet {
    /// A secret for HMAC.
    #[must_use]
    pub fn of_secret(secret: &[u8], algorithms: &[Algorithm]) -> VerificationKey {
        let algorithms = of_family(algorithms, AlgorithmFamily::Hmac);
        VerificationKey { key: DecodingKey::from_secret(secret), kid: None, algorithms }
    }

    /// A set of these keys.
    #[must_use]
    pub fn of(keys: Vec<VerificationKey>) -> Self {
        Self(keys)
    }

    /// A public key in PEM.
    ///
    /// # Errors
    /// [`KeySetError::Pem`].
    pub fn of_pem(pem: &[u8], algorithms: &[Algorithm]) -> Result<Self, KeySetError> {
        let family = algorithms.first().map(|algorithm| algorithm.family());
        let key = match family {
            Some(AlgorithmFamily::Rsa) => DecodingKey::from_rsa_pem(pem),
            Some(AlgorithmFamily::Ec) => DecodingKey::from_ec_pem(pem),
            Some(AlgorithmFamily::Ed) => DecodingKey::from_ed_pem(pem),
            _ => return Err(KeySetError::Pem),
        };
        if algorithms.iter().any(|algorithm| Some(algorithm.family()) != family) {
            return Err(KeySetError::Pem);
        }
        let key = key.map_err(|_| KeySetError::Pem)?;
        Ok(Self(vec![VerificationKey { key, kid: None, algorithms: algorithms.to_vec() }]))
    }

    /// The asymmetric keys of a JSON Web Key Set. Those of other kinds and for other purposes are left out, for a set
    /// may hold keys that we do not know (RFC 7517, section 5); a symmetric one is nobody's to publish.
    ///
    /// # Errors
    /// [`KeySetError`] where it is no set, or none of its keys can be used.
    pub fn of_json(json: &[u8], algorithms: &[Algorithm]) -> Result<Self, KeySetError> {
        let set: Value = serde_json::from_slice(json).map_err(|_| KeySetError::NotASet)?;
        let keys = set.get("keys").and_then(Value::as_array).ok_or(KeySetError::NotASet)?;
        let jwks =
            keys.iter().take(MAX_KEYS).filter_map(|key| serde_json::from_value::<Jwk>(key.clone()).ok());
        let keys: Vec<_> = jwks.filter_map(|jwk| VerificationKey::of_jwk(&jwk, algorithms)).collect();
        if keys.is_empty() { Err(KeySetError::NoKey) } else { Ok(Self(keys)) }
    }

    /// The keys that a token may be verified with: those with its `kid`, or, where it names none, all that fit its
    /// algorithm. A key without an id is as good as one with the id that is asked for.
    pub fn fitting<'s>(
        &'s self,
        algorithm: Algorithm,
        kid: Option<&'s str>,
    ) -> impl Iterator<Item = &'s VerificationKey> {
        self.0.iter().filter(move |key| {
            let is_named = kid.is_none() || key.kid.is_none() || key.kid.as_deref() == kid;
            is_named && key.algorithms.contains(&algorithm)
        })
    }
}

impl VerificationKey {
    fn of_jwk(jwk: &Jwk, configured: &[Algorithm]) -> Option<Self> {
        let common = &jwk.common;
        if common.public_key_use.as_ref().is_some_and(|usage| *usage != PublicKeyUse::Signature) {
            return None;
        }
        let fits_kind = |algorithm: &Algorithm| match (&jwk.algorithm, algorithm) {
            (AlgorithmParameters::RSA(_), algorithm) => algorithm.family() == AlgorithmFamily::Rsa,
            (AlgorithmParameters::EllipticCurve(params), Algorithm::ES256) => {
                params.curve == EllipticCurve::P256
            }
            (AlgorithmParameters::EllipticCurve(params), Algorithm::ES384) => {
                params.curve == EllipticCurve::P384
            }
            (AlgorithmParameters::OctetKeyPair(params), Algorithm::EdDSA) => {
                params.curve == EllipticCurve::Ed25519
            }
            _ => false,
        };
        let is_its_own = |algorithm: &Algorithm| {
            common.key_algorithm.is_none_or(|own| own.to_string() == format!("{algorithm:?}"))
        };
        let algorithms: Vec<_> = configured
            .iter()
            .filter(|algorithm| fits_kind(algorithm) && is_its_own(algorithm))
            .copied()
            .collect();
        if algorithms.is_empty() {
            return None;
        }
        let key = DecodingKey::from_jwk(jwk).ok()?;
        Some(Self { key, kid: common.key_id.clone(), algorithms })
    }

    pub(in crate::session) fn decoding(&self) -> &DecodingKey {
        &self.key
    }
}

fn of_family(algorithms: &[Algorithm], family: AlgorithmFamily) -> Vec<Algorithm> {
    algorithms.iter().filter(|algorithm| algorithm.family() == family).copied().collect()
}

/// Without the key, which may be a secret.
impl std::fmt::Debug for VerificationKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VerificationKey").field("algorithms", &self.algorithms).finish_non_exhaustive()
    }
}

//! Signed tokens (RFC 7519, RFC 7515) from a header or a cookie, verified with keys of the configuration or of an issuer.

mod claims;
mod place;

use std::sync::Arc;
use std::time::Duration;

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, Validation};

pub use self::claims::Required;
pub use self::place::Place;
use super::credential::{Credential, part_of};
use super::jwks::{Keys, VerificationKey};
use super::{Claims, Failure, Mark, Session, SessionError};
use crate::request::HttpRequest;

/// The most keys that are tried on a token that names none.
const MAX_TRIED: usize = 16;

/// What the configuration says about a provider.
#[derive(Debug)]
pub struct JwtOptions {
    /// Where the token is looked for, in order.
    pub places: Vec<Place>,
    /// Those accepted; a token chooses among them and never beyond.
    pub algorithms: Vec<Algorithm>,
    pub keys: Keys,
    pub required: Required,
    /// The longest token that is read, in bytes.
    pub max_token_bytes: usize,
}

/// Verifies the tokens of one issuer.
#[derive(Debug)]
pub struct Jwt {
    places: Vec<Place>,
    algorithms: Vec<Algorithm>,
    keys: Keys,
    required: Required,
    max_token_bytes: usize,
}

impl Jwt {
    #[must_use]
    pub fn new(options: JwtOptions) -> Self {
        let JwtOptions { places, algorithms, keys, required, max_token_bytes } = options;
        Self { places, algorithms, keys, required, max_token_bytes }
    }

    /// Begins to fetch the keys, where they are fetched. Needs a runtime.
    pub(in crate::session) fn start(&self) {
        self.keys.start();
    }

    /// Whether its keys are known.
    pub(in crate::session) fn probe(&self) -> Result<(), super::Outage> {
        if self.keys.are_known() { Ok(()) } else { Err(super::Outage::NoKeys) }
    }

    pub(in crate::session) async fn until_ready(&self) {
        self.keys.until_known().await;
    }

    /// Looks for a session in a request, in each place. A conflict or an outage ends the search.
    pub(in crate::session) async fn verify(
        &self,
        provider: &Arc<str>,
        request: &HttpRequest<'_>,
    ) -> Result<Session, Failure> {
        let mut first_failure = None;
        for place in &self.places {
            let Some(credential) = place.credential(request, self.max_token_bytes) else { continue };
            match self.judge(&credential, request).await {
                Ok((claims, expires, mark)) => {
                    let finding = credential.finding().clone();
                    return Ok(Session::new(claims, expires, provider.clone(), finding, mark));
                }
                Err(error) if error.ends_search() => return Err(Failure::of(provider, &credential, error)),
                Err(error) => {
                    first_failure = first_failure.or(Some(Failure::of(provider, &credential, error)));
                }
            }
        }
        Err(first_failure.unwrap_or_else(|| Failure::absent(provider)))
    }

    pub(in crate::session) fn owns_cookie(&self, name: &str) -> bool {
        self.places.iter().filter_map(Place::cookie).any(|ours| part_of(name, ours).is_some())
    }

    async fn judge(
        &self,
        credential: &Credential<'_>,
        request: &HttpRequest<'_>,
    ) -> Result<(Claims, f64, Mark), SessionError> {
        let tokens = credential.tokens()?;
        if tokens.other.is_some() {
            return Err(SessionError::Conflict);
        }
        let claims = self.claims(&tokens.token).await?;
        let expires = self.required.check(&claims, request.now)?;
        Ok((claims, expires, Mark::of_sealed(&tokens.token)))
    }

    /// The claims of a genuine token.
    async fn claims(&self, token: &str) -> Result<Claims, SessionError> {
        let header = jsonwebtoken::decode_header(token).map_err(|error| match error.kind() {
            ErrorKind::Json(_) => SessionError::Algorithm,
            _ => SessionError::Malformed,
        })?;
        // An extension that is critical is one that we would have to know (RFC 7515, section 4.1.11).
        if !self.algorithms.contains(&header.alg) || header.crit.is_some() {
            return Err(SessionError::Algorithm);
        }
        let set = self.keys.for_token(header.alg, header.kid.as_deref()).await?;
        let mut error = SessionError::UnknownKey;
        for key in set.fitting(header.alg, header.kid.as_deref()).take(MAX_TRIED) {
            match verify(token, key, header.alg) {
                Ok(claims) => return Ok(claims),
                Err(refused) => error = refused,
            }
        }
        Err(error)
    }
}

fn verify(token: &str, key: &VerificationKey, algorithm: Algorithm) -> Result<Claims, SessionError> {
    let mut validation = Validation::new(algorithm);
    // Time is the request's, and the library lets a claim pass that is missing: both are seen to by `Required`.
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    match jsonwebtoken::decode::<Claims>(token, key.decoding(), &validation) {
        Ok(token) => Ok(token.claims),
        Err(error) => Err(match error.kind() {
            ErrorKind::InvalidAlgorithm => SessionError::Algorithm,
            ErrorKind::Json(_) | ErrorKind::Utf8(_) => SessionError::Payload,
            ErrorKind::Base64(_) | ErrorKind::InvalidToken => SessionError::Malformed,
            _ => SessionError::Signature,
        }),
    }
}

/// What a token may wait before it counts, or count after it is over, unless the configuration says otherwise.
pub const LEEWAY: Duration = Duration::from_secs(15);

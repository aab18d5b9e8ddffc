//! Keys that verify signatures: one of the configuration, a key set in a file, or one that an issuer publishes
//! (RFC 7517).

mod remote;
mod set;

use std::sync::Arc;

use jsonwebtoken::Algorithm;

pub use self::remote::{RemoteKeys, RemoteOptions, Source};
pub use self::set::{KeySet, KeySetError, VerificationKey};
use super::Outage;

/// Where keys come from.
#[derive(Debug)]
pub enum Keys {
    /// The configuration, or a file that it names.
    Fixed(Arc<KeySet>),
    /// An issuer.
    Remote(Arc<RemoteKeys>),
}

impl Keys {
    /// Begins to fetch the keys, where they are fetched. Needs a runtime.
    pub(in crate::session) fn start(&self) {
        match self {
            Self::Fixed(_) => {}
            Self::Remote(remote) => remote.start(),
        }
    }

    pub(in crate::session) fn are_known(&self) -> bool {
        match self {
            Self::Fixed(_) => true,
            Self::Remote(remote) => remote.are_known(),
        }
    }

    pub(in crate::session) async fn until_known(&self) {
        match self {
            Self::Fixed(_) => {}
            Self::Remote(remote) => remote.until_known().await,
        }
    }

    /// The keys, fetched anew where none of those known fits a token, but not too often.
    pub(in crate::session) async fn for_token(
        &self,
        algorithm: Algorithm,
        kid: Option<&str>,
    ) -> Result<Arc<KeySet>, Outage> {
        match self {
            Self::Fixed(set) => Ok(Arc::clone(set)),
            Self::Remote(remote) => remote.for_token(algorithm, kid).await,
        }
    }
}

//! What outlives a reload where its part of the configuration stays as it was: connections, remembered sessions,
//! fetched keys, the list of revocations, the keys that sign.

use std::collections::HashMap;
use std::sync::Arc;

use aws_lc_rs::digest::{Context, SHA256};
use serde::Serialize;
use zeroize::Zeroizing;

use super::files::NamedFiles;
use crate::identity::assertion::Issuer;
use crate::session::Provider;
use crate::session::revocation::Revocations;

/// Of a part of the configuration, and of the files that it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Fingerprint([u8; 32]);

/// The parts that the next configuration may take over.
#[derive(Clone, Debug, Default)]
pub struct Carried {
    providers: HashMap<Fingerprint, Arc<Provider>>,
    revocations: HashMap<Fingerprint, Arc<Revocations>>,
    issuers: HashMap<Fingerprint, Arc<Issuer>>,
}

/// The parts of the last configuration, and those of the one that is being made.
#[derive(Debug, Default)]
pub(super) struct Carrying {
    before: Carried,
    pub(super) now: Carried,
}

impl Fingerprint {
    /// Of a part as written, under its name, and of the files that were read since there were `known` of them.
    pub(super) fn of(name: &str, written: &impl Serialize, files: &NamedFiles, known: usize) -> Self {
        let mut context = Context::new(&SHA256);
        context.update(&name.len().to_le_bytes());
        context.update(name.as_bytes());
        // It holds secrets. What cannot be written is nothing that could be told apart.
        let written = serde_json::to_vec(written).map(Zeroizing::new).unwrap_or_default();
        context.update(&written);
        files.fingerprint_since(known, &mut context);
        let mut fingerprint = [0; 32];
        fingerprint.copy_from_slice(context.finish().as_ref());
        Self(fingerprint)
    }
}

impl Carrying {
    pub(super) fn from(before: &Carried) -> Self {
        Self { before: before.clone(), now: Carried::default() }
    }

    pub(super) fn provider(&mut self, fingerprint: Fingerprint, made: Provider) -> Arc<Provider> {
        take_over(&self.before.providers, &mut self.now.providers, fingerprint, Arc::new(made))
    }

    pub(super) fn revocations(
        &mut self,
        fingerprint: Fingerprint,
        made: Arc<Revocations>,
    ) -> Arc<Revocations> {
        take_over(&self.before.revocations, &mut self.now.revocations, fingerprint, made)
    }

    pub(super) fn issuer(&mut self, fingerprint: Fingerprint, made: Issuer) -> Arc<Issuer> {
        take_over(&self.before.issuers, &mut self.now.issuers, fingerprint, Arc::new(made))
    }
}

/// The one of before where there is one, else the new one.
fn take_over<T>(
    before: &HashMap<Fingerprint, Arc<T>>,
    now: &mut HashMap<Fingerprint, Arc<T>>,
    fingerprint: Fingerprint,
    made: Arc<T>,
) -> Arc<T> {
    let taken = before.get(&fingerprint).cloned().unwrap_or(made);
    now.insert(fingerprint, Arc::clone(&taken));
    taken
}

//! What one configuration makes of the server: the gate, and where its decisions are told. A reload puts another one in
//! its place between two checks; a check ends with the one that it began with.

mod answering;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use ipnet::IpNet;

pub use self::answering::{Doors, Unread};
use crate::gate::Gate;
use crate::identity::assertion::Issuer;
use crate::metrics::CheckMetrics;
use crate::secret::Secret;
use crate::telemetry::{DecisionLog, Place, Redact, Telemetry, TraceError, Tracer};

/// The program that serves now.
pub type Current = Arc<ArcSwap<Program>>;

/// A configuration at work.
#[derive(Debug)]
pub struct Program {
    pub gate: Gate,
    /// From where forward-auth is asked.
    pub trusted_proxies: Vec<IpNet>,
    pub secrets: AdminSecrets,
    /// The configuration as it may be shown.
    pub shown: Shown,
    metrics: CheckMetrics,
    redact: Redact,
    decisions: Option<DecisionLog>,
    tracer: Option<Tracer>,
}

/// What a program is made of.
#[derive(Debug)]
pub struct ProgramOptions {
    pub gate: Gate,
    pub trusted_proxies: Vec<IpNet>,
    pub secrets: AdminSecrets,
    pub shown: Shown,
    pub telemetry: Telemetry,
}

/// The bearer secrets of the admin listener.
#[derive(Debug, Default)]
pub struct AdminSecrets {
    /// Of explanations and the configuration; they are open where it is absent.
    pub explain: Option<Secret>,
    /// Of revocations; they are closed where it is absent.
    pub revocations: Option<Secret>,
}

/// A configuration without its secrets.
#[derive(Clone, Debug, Default)]
pub struct Shown {
    pub text: String,
    /// The same for the same text, on every replica.
    pub hash: String,
}

/// Why a configuration cannot be put to work.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    #[error("{path}: the log of decisions cannot be written: {source}")]
    DecisionLog { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Trace(#[from] TraceError),
}

impl Program {
    /// Opens what decisions are told to. Needs a runtime.
    ///
    /// # Errors
    /// [`ProgramError`] says what cannot be opened.
    pub fn new(options: ProgramOptions) -> Result<Self, ProgramError> {
        let ProgramOptions { gate, trusted_proxies, secrets, shown, telemetry } = options;
        let decisions = telemetry.decisions.map(|options| {
            DecisionLog::open(&options).map_err(|source| {
                let path = match options.to {
                    Place::File(path) => path,
                    Place::Stdout | Place::Stderr => PathBuf::new(),
                };
                ProgramError::DecisionLog { path, source }
            })
        });
        let tracer = telemetry.trace.as_ref().map(Tracer::new);
        let rules = gate.rules.names().chain(["default", "undecided"]);
        let providers = gate.sessions.iter().map(|(name, _)| &**name);
        Ok(Self {
            metrics: CheckMetrics::new(rules, providers),
            redact: telemetry.redact,
            decisions: decisions.transpose()?,
            tracer: tracer.transpose()?,
            gate,
            trusted_proxies,
            secrets,
            shown,
        })
    }

    /// The program that serves first.
    #[must_use]
    pub fn into_current(self) -> Current {
        Arc::new(ArcSwap::from_pointee(self))
    }

    /// Begins what goes on in the background, and waits up to `limit` for what checks need: keys, revocations.
    pub async fn start(&self, limit: Duration) {
        self.gate.sessions.start();
        self.gate.identity.issuer().map(Arc::as_ref).into_iter().for_each(Issuer::start);
        // What is late is told by the checks that need it.
        let _ = tokio::time::timeout(limit, self.gate.sessions.until_ready()).await;
    }

    /// Counts what the logs did not take.
    pub fn count_dropped(&self) {
        if let Some(decisions) = &self.decisions {
            decisions.count_dropped();
        }
    }

    /// Sends what is told later, and waits for that.
    pub fn flush(&self) {
        if let Some(tracer) = &self.tracer {
            tracer.flush();
        }
    }
}

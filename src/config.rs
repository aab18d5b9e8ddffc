//! The configuration: found, read, completed from the environment, and turned into what it means.
//!
//! Two stages: [`raw`] is the YAML as written, [`resolve`] makes the domain's own values of it. Every mistake of
//! both stages is told at once.

mod environment;
mod error;
mod interpolation;
mod parse;
pub mod raw;
mod resolve;
mod source;

use std::path::Path;

pub use self::environment::Environment;
use self::error::Problems;
pub use self::error::{ConfigError, Problem};
use crate::gate::Gate;
use crate::secret::Secret;
use crate::server::listen::Listen;
use crate::telemetry::Telemetry;

/// A configuration that can be served.
#[derive(Debug)]
pub struct Settings {
    pub listen: Listen,
    pub telemetry: Telemetry,
    pub gate: Gate,
    /// What adds revocations through the admin listener.
    pub admin_secret: Option<Secret>,
    /// What is allowed but unwise, each with the path of its key.
    pub warnings: Vec<Problem>,
}

/// Loads the configuration: defaults, then the file, then `SESSIONGATE__…` variables. Without `file` the one
/// named by `SESSIONGATE_CONFIG` is read, else `sessiongate.yaml` where it exists, else none.
///
/// # Errors
/// [`ConfigError`] holds every mistake, each with the path of its key.
pub fn load(file: Option<&Path>, environment: &Environment) -> Result<Settings, ConfigError> {
    let file = source::locate(file, environment);
    let mut problems = Problems::default();
    let tree = source::read(file.as_deref(), environment)?;
    let tree = interpolation::interpolate(tree, environment, &mut problems);
    let raw = parse::parse(tree, &mut problems);
    let settings = resolve::resolve(raw, environment, &mut problems);
    problems.finish(file, settings)
}

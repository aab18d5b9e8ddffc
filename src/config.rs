//! The configuration: found, read, completed from the environment, and turned into what it means.
//!
//! Two stages: [`raw`] is the YAML as written, [`resolve`] makes the domain's own values of it. Every mistake of
//! both stages is told at once.

mod carried;
mod environment;
mod error;
mod files;
mod interpolation;
mod listeners;
mod parse;
pub mod raw;
mod resolve;
mod shown;
mod source;

use std::path::Path;

pub use self::carried::Carried;
use self::carried::Carrying;
pub use self::environment::Environment;
use self::error::Problems;
pub use self::error::{ConfigError, Problem};
pub use self::files::NamedFiles;
pub use self::listeners::{Handshake, Listeners, Reach, listeners};
use crate::program::ProgramOptions;
use crate::server::listen::Listen;

/// A configuration that can be served.
#[derive(Debug)]
pub struct Settings {
    pub listen: Listen,
    pub program: ProgramOptions,
    /// What is allowed but unwise, each with the path of its key.
    pub warnings: Vec<Problem>,
}

/// An attempt to load a configuration.
#[derive(Debug)]
pub struct Loaded {
    pub settings: Result<Settings, ConfigError>,
    /// What was read, as far as it came.
    pub files: NamedFiles,
    /// What the next configuration may take over.
    pub carried: Carried,
}

/// Loads the configuration: defaults, then the file, then `SESSIONGATE__…` variables. Without `file` the one
/// named by `SESSIONGATE_CONFIG` is read, else `sessiongate.yaml` where it exists, else none.
///
/// # Errors
/// [`ConfigError`] holds every mistake, each with the path of its key.
pub fn load(file: Option<&Path>, environment: &Environment) -> Result<Settings, ConfigError> {
    load_again(file, environment, &Carried::default()).settings
}

/// As [`load`], with the parts of an earlier configuration where they are the same.
#[must_use]
pub fn load_again(file: Option<&Path>, environment: &Environment, before: &Carried) -> Loaded {
    let mut problems = Problems::default();
    let mut carrying = Carrying::from(before);
    let settings = settings(file, environment, &mut carrying, &mut problems);
    Loaded { settings, files: problems.files, carried: carrying.now }
}

fn settings(
    file: Option<&Path>,
    environment: &Environment,
    carrying: &mut Carrying,
    problems: &mut Problems,
) -> Result<Settings, ConfigError> {
    let file = source::locate(file, environment);
    let tree = source::read(file.as_deref(), environment, &mut problems.files)?;
    let shown = shown::of(&tree);
    let tree = interpolation::interpolate(tree, environment, problems);
    let raw = parse::parse(tree, problems);
    let settings = resolve::resolve(raw, environment, carrying, problems);
    let Settings { listen, program, .. } = problems.finish(file, settings)?;
    Ok(Settings { listen, program: ProgramOptions { shown, ..program }, warnings: problems.take_warnings() })
}

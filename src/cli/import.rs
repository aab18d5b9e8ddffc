//! `sessiongate import`: from the build of a Next.js application, a configuration that guards what its middleware does.
//! Only the build's JSON is read; nothing of the application is run.

mod build;
mod yaml;

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use self::build::{Build, BuildError};
use super::print;

#[derive(Debug, Args)]
pub(super) struct ImportArgs {
    /// A Next.js project that was built, or the folder of its build (`distDir`, usually `.next`)
    path: PathBuf,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum ImportError {
    #[error(transparent)]
    Build(#[from] BuildError),
    #[error("cannot write to standard output: {0}")]
    Output(#[from] io::Error),
}

pub(super) fn run(args: &ImportArgs) -> Result<ExitCode, ImportError> {
    let build = Build::read(&args.path)?;
    print(&yaml::configuration(&build))?;
    Ok(ExitCode::SUCCESS)
}

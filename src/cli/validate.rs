//! `sessiongate validate`: exit 0, or 1 with every error.

use std::io;
use std::process::ExitCode;

use super::{ConfigArg, complain, print};
use crate::config::ConfigError;

#[derive(Debug, thiserror::Error)]
pub(super) enum ValidateError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("cannot write to standard output: {0}")]
    Output(#[from] io::Error),
}

pub(super) fn run(arg: &ConfigArg) -> Result<ExitCode, ValidateError> {
    let settings = arg.load()?;
    for warning in &settings.warnings {
        complain(&format_args!("warning: {warning}"));
    }
    print("The configuration is valid.\n")?;
    Ok(ExitCode::SUCCESS)
}

//! `sessiongate validate`: exit 0, or 1 with every error.

use std::process::ExitCode;

use super::ConfigArg;
use crate::config::ConfigError;

pub(super) fn run(arg: &ConfigArg) -> Result<ExitCode, ConfigError> {
    let settings = arg.load()?;
    for warning in &settings.warnings {
        eprintln!("warning: {warning}");
    }
    println!("The configuration is valid.");
    Ok(ExitCode::SUCCESS)
}

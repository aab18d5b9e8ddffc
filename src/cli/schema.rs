//! `sessiongate schema`: the JSON Schema of the configuration, for editors and for CI.

use std::process::ExitCode;

use crate::config::raw::RawConfig;

pub(super) fn run() -> Result<ExitCode, serde_json::Error> {
    println!("{}", serde_json::to_string_pretty(&schemars::schema_for!(RawConfig))?);
    Ok(ExitCode::SUCCESS)
}

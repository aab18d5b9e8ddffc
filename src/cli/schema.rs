//! `sessiongate schema`: the JSON Schema of the configuration, for editors and for CI.

use std::io;
use std::process::ExitCode;

use super::print;
use crate::config::raw::RawConfig;

pub(super) fn run() -> Result<ExitCode, io::Error> {
    let schema = serde_json::to_string_pretty(&schemars::schema_for!(RawConfig))?;
    print(&(schema + "\n"))?;
    Ok(ExitCode::SUCCESS)
}

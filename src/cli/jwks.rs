//! `sessiongate jwks`: the public keys of assertions, for upstreams that are given them by hand.

use std::io;
use std::process::ExitCode;

use super::{ConfigArg, print};
use crate::config::ConfigError;

#[derive(Debug, thiserror::Error)]
pub(super) enum JwksError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("the configuration has no `identity.assertion`, so nothing is signed")]
    NotConfigured,
    #[error(
        "`identity.assertion.key_file` names no file: the key is generated at each start and known only there"
    )]
    Generated,
    #[error("cannot write the keys: {0}")]
    Json(#[from] serde_json::Error),
    #[error("cannot write to standard output: {0}")]
    Output(#[from] io::Error),
}

pub(super) fn run(arg: &ConfigArg) -> Result<ExitCode, JwksError> {
    let settings = arg.load()?;
    let issuer = settings.program.gate.identity.issuer().ok_or(JwksError::NotConfigured)?;
    if issuer.is_generated() {
        return Err(JwksError::Generated);
    }
    let keys = issuer.keys().load();
    print(&(serde_json::to_string_pretty(keys.jwks())? + "\n"))?;
    Ok(ExitCode::SUCCESS)
}

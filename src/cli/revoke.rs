//! `sessiongate revoke`: ends sessions, on every replica.

use std::io::{self, Read as _};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::SystemTime;

use clap::Args;

use super::{ConfigArg, print};
use crate::config::ConfigError;
use crate::session::revocation::{Entry, RevokeError};

#[derive(Debug, Args)]
pub(super) struct RevokeArgs {
    #[command(flatten)]
    what: What,
    #[command(flatten)]
    config: ConfigArg,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct What {
    /// Every session of this subject (`sub`, or the user's id) that was issued until now
    #[arg(long, value_name = "SUB")]
    sub: Option<String>,
    /// The token with this `jti`
    #[arg(long, value_name = "JTI")]
    jti: Option<String>,
    /// The session with this token, the value of its cookie; `-`: read from standard input, where others cannot see it
    #[arg(long, value_name = "TOKEN")]
    token: Option<String>,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum CommandError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("the configuration has no `revocation`: write `revocation: {{ redis: redis://host:6379 }}`")]
    NotConfigured,
    #[error("standard input or output: {0}")]
    Stream(#[from] io::Error),
    #[error("nothing was revoked: {0}")]
    Revoke(#[from] RevokeError),
}

pub(super) fn run(args: RevokeArgs) -> Result<ExitCode, CommandError> {
    let settings = args.config.load()?;
    let revocations = settings.program.gate.sessions.revocations().map(Arc::clone);
    let revocations = revocations.ok_or(CommandError::NotConfigured)?;
    let entry = args.what.entry()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(revocations.revoke(entry))?;
    print("revoked\n")?;
    Ok(ExitCode::SUCCESS)
}

impl What {
    fn entry(self) -> Result<Entry, io::Error> {
        if let Some(sub) = self.sub {
            return Ok(Entry::of_subject(&sub, SystemTime::now()));
        }
        if let Some(jti) = self.jti {
            return Ok(Entry::TokenId(jti));
        }
        match self.token {
            Some(token) if token != "-" => Ok(Entry::of_token(&token)),
            _ => {
                let mut token = String::new();
                io::stdin().read_to_string(&mut token)?;
                Ok(Entry::of_token(token.trim_end_matches(['\r', '\n'])))
            }
        }
    }
}

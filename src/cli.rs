//! The command line: one file a command.

mod check;
mod completions;
mod health;
mod import;
mod jwks;
mod revoke;
mod schema;
mod serve;
mod test;
mod token;
mod validate;

use std::fmt;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::config::{self, ConfigError, Environment, Listeners, Settings};

/// Auth.js sessions, enforced at the edge: an Envoy external authorization service.
///
/// Exit codes: 0 done, or allowed; 1 something is wrong, told on standard error; 2 the command line cannot be read;
/// 3 (`check` only) the request would not be allowed.
#[derive(Debug, Parser)]
#[command(version = VERSION, about, long_about, propagate_version = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server
    Serve(ConfigArg),
    /// Decide one request and say why, step by step
    Check(check::CheckArgs),
    /// Ask the running server whether it serves: exit 0, or 1 and why not
    Health(health::HealthArgs),
    /// End sessions, on every replica
    Revoke(revoke::RevokeArgs),
    /// Check a configuration: exit 0, or 1 with every error
    Validate(ConfigArg),
    /// Print a configuration that guards what the middleware of a Next.js build does
    Import(import::ImportArgs),
    /// Try the requests of a file, and compare the decisions with those expected: exit 1 where one differs
    Test(test::TestArgs),
    /// Print the public keys that verify assertions (JWKS)
    Jwks(ConfigArg),
    /// Make or read an Auth.js session token
    #[command(subcommand)]
    Token(token::TokenCommand),
    /// Print the JSON Schema of the configuration
    Schema,
    /// Print what completes these commands in a shell
    Completions(completions::CompletionsArgs),
    /// Print the manual page
    Man(completions::ManArgs),
}

#[derive(Clone, Debug, Args)]
pub(crate) struct ConfigArg {
    /// The configuration; default: `$SESSIONGATE_CONFIG`, else sessiongate.yaml where there is one, else none
    #[arg(long, short, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl ConfigArg {
    fn load(&self) -> Result<Settings, ConfigError> {
        config::load(self.config.as_deref(), &Environment::of_process())
    }

    fn listeners(&self) -> Result<Listeners, ConfigError> {
        config::listeners(self.config.as_deref(), &Environment::of_process())
    }
}

/// With the commit that it was built from.
const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), " (", env!("SESSIONGATE_COMMIT"), ")");

/// The request would not be allowed.
const NOT_ALLOWED: u8 = 3;

impl Cli {
    /// Runs the command. What it found goes to standard output, what is wrong to standard error.
    #[must_use]
    pub fn run(self) -> ExitCode {
        match self.command {
            Command::Serve(arg) => finish(serve::run(&arg)),
            Command::Check(args) => finish(check::run(args)),
            Command::Health(args) => finish(health::run(&args)),
            Command::Revoke(args) => finish(revoke::run(args)),
            Command::Validate(arg) => finish(validate::run(&arg)),
            Command::Import(args) => finish(import::run(&args)),
            Command::Test(args) => finish(test::run(&args)),
            Command::Jwks(arg) => finish(jwks::run(&arg)),
            Command::Token(command) => finish(token::run(command)),
            Command::Schema => finish(schema::run()),
            Command::Completions(args) => finish(completions::completions(&args)),
            Command::Man(args) => finish(completions::man(&args)),
        }
    }
}

/// Writes to standard output. A reader that has heard enough, as `head` does, is no error.
fn print(text: &str) -> io::Result<()> {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// Writes to standard error. Where nobody reads that, there is nobody to tell.
fn complain(message: &impl fmt::Display) {
    drop(writeln!(io::stderr(), "{message}"));
}

fn finish<E: fmt::Display>(result: Result<ExitCode, E>) -> ExitCode {
    result.unwrap_or_else(|error| {
        complain(&error);
        ExitCode::FAILURE
    })
}

//! `sessiongate token`: makes and reads session tokens as Auth.js and NextAuth.js do.

use std::io::{self, Read as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use clap::{Args, Subcommand, ValueEnum};

use super::{ConfigArg, print};
use crate::config::ConfigError;
use crate::secret::{Secret, WeakSecret};
use crate::session::authjs::{AuthJs, AuthJsError, AuthJsOptions, MAX_TOKEN_BYTES, SealError, Version};
use crate::session::{Claims, Provider, SessionError};

#[derive(Debug, Subcommand)]
pub(super) enum TokenCommand {
    /// Make a token: claims as JSON in, the token out
    Encode(EncodeArgs),
    /// Read a token: its claims out as JSON; exit 1 where it is no valid session
    Decode(DecodeArgs),
}

#[derive(Debug, Args)]
pub(super) struct EncodeArgs {
    /// The claims, a JSON object; read from standard input where absent or `-`
    claims: Option<String>,
    /// How long the token is valid from now on, as in 30d, 12h
    #[arg(long, default_value = "30d", value_parser = duration)]
    max_age: Duration,
    #[command(flatten)]
    keys: KeyArgs,
}

#[derive(Debug, Args)]
pub(super) struct DecodeArgs {
    /// The token; read from standard input where absent or `-`
    token: Option<String>,
    /// Print the claims of a token that has expired, or is no session, too
    #[arg(long)]
    ignore_validity: bool,
    #[command(flatten)]
    keys: KeyArgs,
}

/// Without any of these the secret is that of the configuration, or Auth.js's own `AUTH_SECRET`.
#[derive(Debug, Args)]
struct KeyArgs {
    /// The secret; other users of this machine can see it: prefer --secret-file or `AUTH_SECRET`
    #[arg(long, conflicts_with_all = ["secret_file", "session"])]
    secret: Option<String>,
    /// A file with one secret a line, newest first
    #[arg(long, value_name = "FILE", conflicts_with = "session")]
    secret_file: Option<PathBuf>,
    /// Which provider of the configuration; default: the first
    #[arg(long, value_name = "NAME")]
    session: Option<String>,
    /// With --secret or --secret-file: authjs (v5) or nextauth (v4)
    #[arg(long, default_value = "authjs")]
    kind: KindArg,
    /// The cookie for which the token is; default: the one without `__Secure-`. To Auth.js v5 it is the salt
    #[arg(long, visible_alias = "salt", value_name = "NAME")]
    cookie: Option<String>,
    #[command(flatten)]
    config: ConfigArg,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum KindArg {
    Authjs,
    Nextauth,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum TokenError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("standard input or output: {0}")]
    Stream(#[from] io::Error),
    #[error("{}: {source}", path.display())]
    SecretFile { path: PathBuf, source: io::Error },
    #[error("the secret {0}")]
    Secret(#[from] WeakSecret),
    #[error("the provider {0}")]
    Provider(#[from] AuthJsError),
    #[error("the configuration has no session provider `{0}` of Auth.js")]
    NoSuchProvider(String),
    #[error("the claims are not a JSON object: {0}")]
    Claims(#[from] serde_json::Error),
    #[error("the token cannot be made: {0}")]
    Seal(#[from] SealError),
    #[error("not a session: {0}")]
    NotASession(#[from] SessionError),
}

pub(super) fn run(command: TokenCommand) -> Result<ExitCode, TokenError> {
    match command {
        TokenCommand::Encode(args) => encode(args),
        TokenCommand::Decode(args) => decode(args),
    }
}

fn encode(args: EncodeArgs) -> Result<ExitCode, TokenError> {
    let claims: Claims = serde_json::from_str(&argument_or_input(args.claims)?)?;
    args.keys.with_provider(|provider, cookie| {
        let token = provider.mint(cookie, claims, args.max_age, SystemTime::now())?;
        print(&(token + "\n"))?;
        Ok(ExitCode::SUCCESS)
    })
}

fn decode(args: DecodeArgs) -> Result<ExitCode, TokenError> {
    let token = argument_or_input(args.token)?;
    args.keys.with_provider(|provider, _| {
        let claims = provider.decode(token.trim())?;
        if !args.ignore_validity {
            provider.check(&claims, SystemTime::now())?;
        }
        print(&(serde_json::to_string_pretty(&claims)? + "\n"))?;
        Ok(ExitCode::SUCCESS)
    })
}

impl KeyArgs {
    /// Calls `act` with the provider that has the keys, and the cookie for which the token is.
    fn with_provider(
        self,
        act: impl FnOnce(&AuthJs, &str) -> Result<ExitCode, TokenError>,
    ) -> Result<ExitCode, TokenError> {
        let secrets = match (&self.secret, &self.secret_file) {
            (Some(secret), _) => vec![Secret::check(secret, true)?.0],
            (None, Some(path)) => secrets_of(path)?,
            (None, None) => return self.with_configured(act),
        };
        let version = match self.kind {
            KindArg::Authjs => Version::V5,
            KindArg::Nextauth => Version::V4,
        };
        let provider = AuthJs::new(AuthJsOptions {
            version,
            secrets,
            cookies: self.cookie.clone().into_iter().collect(),
            salt: None,
            bearer: false,
            max_age: None,
            max_token_bytes: MAX_TOKEN_BYTES,
            refresh: None,
        })?;
        act(&provider, self.cookie_of(&provider))
    }

    fn with_configured(
        &self,
        act: impl FnOnce(&AuthJs, &str) -> Result<ExitCode, TokenError>,
    ) -> Result<ExitCode, TokenError> {
        let settings = self.config.load()?;
        let wanted = |name: &str| self.session.as_deref().is_none_or(|session| session == name);
        let found = settings.program.gate.sessions.iter().find_map(|(name, provider)| match provider {
            Provider::AuthJs(provider) if wanted(name) => Some(provider),
            _ => None,
        });
        let provider =
            found.ok_or_else(|| TokenError::NoSuchProvider(self.session.clone().unwrap_or_default()))?;
        act(provider, self.cookie_of(provider))
    }

    fn cookie_of<'p>(&'p self, provider: &'p AuthJs) -> &'p str {
        self.cookie.as_deref().or_else(|| provider.cookie_names().last()).unwrap_or_default()
    }
}

fn secrets_of(path: &PathBuf) -> Result<Vec<Secret>, TokenError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| TokenError::SecretFile { path: path.clone(), source })?;
    Secret::lines(&text).map(|line| Ok(Secret::check(line, true)?.0)).collect()
}

fn argument_or_input(argument: Option<String>) -> Result<String, io::Error> {
    if let Some(argument) = argument.filter(|argument| argument != "-") {
        return Ok(argument);
    }
    let mut text = String::new();
    io::stdin().read_to_string(&mut text)?;
    Ok(text)
}

fn duration(text: &str) -> Result<Duration, humantime::DurationError> {
    humantime::parse_duration(text)
}

//! `sessiongate check`: decides one request and says why, step by step.

use std::io;
use std::process::ExitCode;
use std::time::SystemTime;

use clap::Args;

use super::{ConfigArg, NOT_ALLOWED, print};
use crate::config::ConfigError;
use crate::explain::{Asked, UrlError, explain};
use crate::policy::decision::Decision;

#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    #[command(flatten)]
    config: ConfigArg,
    /// The request method, as in GET
    method: String,
    /// A URL, or a path with its query; the path is judged as it stands here
    url: String,
    /// A header of the request, as in 'accept: text/html'; may be repeated
    #[arg(long = "header", short = 'H', value_name = "K: V", value_parser = header)]
    headers: Vec<(String, String)>,
    /// A cookie of the request, as in 'authjs.session-token=…'; may be repeated
    #[arg(long = "cookie", short = 'b', value_name = "K=V", value_parser = cookie)]
    cookies: Vec<String>,
    /// A context extension, as Envoy's configuration of the route would send it; may be repeated
    #[arg(long = "context", value_name = "K=V", value_parser = pair)]
    context: Vec<(String, String)>,
    /// The IP address of the client, as the proxy sees it
    #[arg(long, value_name = "IP", default_value = "")]
    source: String,
    /// The identity of the client certificate that the proxy verified
    #[arg(long, value_name = "NAME", default_value = "")]
    principal: String,
    /// Print the explanation as one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum CheckError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Url(#[from] UrlError),
    #[error("cannot write the explanation: {0}")]
    Json(#[from] serde_json::Error),
    #[error("cannot write to standard output: {0}")]
    Output(#[from] io::Error),
}

pub(super) fn run(args: CheckArgs) -> Result<ExitCode, CheckError> {
    let settings = args.config.load()?;
    let json = args.json;
    let asked = Asked::from(args);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let report = runtime.block_on(async {
        if let Some(revocations) = settings.program.gate.sessions.revocations() {
            // A list that cannot be read counts as out of date, and the explanation says so.
            let _ = revocations.read().await;
        }
        explain(&settings.program.gate, &asked, SystemTime::now()).await
    })?;
    let text = if json { serde_json::to_string_pretty(&report.json())? + "\n" } else { report.text() };
    print(&text)?;
    let is_allowed = matches!(report.decision, Decision::Allow(_));
    Ok(if is_allowed { ExitCode::SUCCESS } else { ExitCode::from(NOT_ALLOWED) })
}

impl From<CheckArgs> for Asked {
    fn from(args: CheckArgs) -> Self {
        let CheckArgs { method, url, headers, cookies, context, source, principal, .. } = args;
        Self { method, url, headers, cookies, context: context.into_iter().collect(), source, principal }
    }
}

fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once(':').ok_or("write it as 'name: value'")?;
    Ok((name.trim().to_ascii_lowercase(), value.trim().to_owned()))
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write it as 'name=value'")?;
    Ok((name.to_owned(), value.to_owned()))
}

fn cookie(text: &str) -> Result<String, String> {
    pair(text).map(|_| text.to_owned())
}

//! `sessiongate check`: decides one request and says why, step by step.

mod explanation;
mod report;

use std::borrow::Cow;
use std::io;
use std::process::ExitCode;
use std::time::SystemTime;

use clap::Args;

use self::explanation::Explanation;
use self::report::Report;
use super::{ConfigArg, NOT_ALLOWED, print};
use crate::config::ConfigError;
use crate::policy::decision::Decision;
use crate::request::path::RequestPath;
use crate::request::{Headers, HttpRequest, Repeats, RequestParts};

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
    /// Print the explanation as one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum CheckError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("`{0}` is neither an http(s) URL nor a path that starts with `/`")]
    Url(String),
    #[error("cannot write the explanation: {0}")]
    Json(#[from] serde_json::Error),
    #[error("cannot write to standard output: {0}")]
    Output(#[from] io::Error),
}

pub(super) fn run(args: &CheckArgs) -> Result<ExitCode, CheckError> {
    let settings = args.config.load()?;
    let mut target = Target::parse(&args.url)?;
    target.host = args.host(target.host);
    let mut explanation = Explanation::default();
    let decision = match RequestPath::parse(target.path) {
        Ok(path) => {
            let request = args.request(&target, path);
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                if let Some(revocations) = settings.gate.sessions.revocations() {
                    // A list that cannot be read counts as out of date, and the explanation says so.
                    let _ = revocations.read().await;
                }
                explanation.explain(&settings.gate, &request).await
            })
        }
        Err(error) => Decision::malformed(error.label()),
    };
    let report = Report { method: &args.method, target, explanation, decision };
    let text = if args.json { serde_json::to_string_pretty(&report.json())? + "\n" } else { report.text() };
    print(&text)?;
    let is_allowed = matches!(report.decision, Decision::Allow(_));
    Ok(if is_allowed { ExitCode::SUCCESS } else { ExitCode::from(NOT_ALLOWED) })
}

impl CheckArgs {
    /// The URL's host, or else that of a `host` header.
    fn host<'s>(&'s self, of_url: &'s str) -> &'s str {
        let of_header = || self.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("host"));
        if of_url.is_empty() { of_header().map_or("", |(_, value)| value) } else { of_url }
    }

    fn request<'s>(&'s self, target: &Target<'s>, path: RequestPath<'s>) -> HttpRequest<'s> {
        HttpRequest::new(RequestParts {
            method: &self.method,
            scheme: target.scheme,
            host: target.host,
            path,
            query: target.query,
            headers: self.request_headers(),
            now: SystemTime::now(),
        })
    }

    fn request_headers(&self) -> Headers<'_> {
        let mut fields: Vec<(Cow<'_, str>, Cow<'_, str>)> =
            self.headers.iter().map(|(name, value)| (name.into(), value.into())).collect();
        if !self.cookies.is_empty() {
            fields.push(("cookie".into(), self.cookies.join("; ").into()));
        }
        Headers::new(fields, Repeats::Separate)
    }
}

/// A URL taken apart without changing it: what a client sends is judged, not what a parser makes of it.
struct Target<'u> {
    scheme: &'u str,
    host: &'u str,
    path: &'u str,
    query: &'u str,
}

impl<'u> Target<'u> {
    fn parse(url: &'u str) -> Result<Self, CheckError> {
        let (scheme, host, rest) = match url.split_once("://") {
            Some((scheme @ ("http" | "https"), rest)) => {
                let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
                let (host, rest) = rest.split_at(end);
                (scheme, host, rest)
            }
            _ if url.starts_with('/') => ("https", "", url),
            _ => return Err(CheckError::Url(url.to_owned())),
        };
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        Ok(Self { scheme, host, path: if path.is_empty() { "/" } else { path }, query })
    }
}

fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once(':').ok_or("write it as 'name: value'")?;
    Ok((name.trim().to_ascii_lowercase(), value.trim().to_owned()))
}

fn cookie(text: &str) -> Result<String, String> {
    if text.contains('=') { Ok(text.to_owned()) } else { Err("write it as 'name=value'".to_owned()) }
}

//! `sessiongate test`: decides the requests of a file and compares what comes out with what was expected.

mod case;
mod junit;
mod written;

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use self::case::Cases;
use self::written::WrittenError;
use super::{ConfigArg, print};
use crate::config::ConfigError;
use crate::session::authjs::AuthJsError;

#[derive(Debug, Args)]
pub(super) struct TestArgs {
    /// Files of requests and the decisions expected of them
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Write the results as XML of `JUnit`
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    #[command(flatten)]
    config: ConfigArg,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum TestError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Written(#[from] WrittenError),
    #[error("no sessions can be made here: {0}")]
    StandIn(#[from] AuthJsError),
    #[error("{}: {source}", path.display())]
    Junit { path: PathBuf, source: io::Error },
    #[error("the results cannot be written as JUnit XML: {0}")]
    Xml(#[from] quick_junit::SerializeError),
    #[error("standard output: {0}")]
    Output(#[from] io::Error),
}

/// A case that was tried, and what was otherwise than expected.
struct Outcome {
    name: String,
    differences: Vec<String>,
}

pub(super) fn run(args: &TestArgs) -> Result<ExitCode, TestError> {
    let gate = args.config.load()?.program.gate;
    let cases = Cases::new(gate)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut suites = Vec::new();
    for file in &args.files {
        let written = written::read(file)?;
        let outcomes = runtime.block_on(cases.run(&written))?;
        print(&report(file.display().to_string().as_str(), &outcomes))?;
        suites.push((file.display().to_string(), outcomes));
    }
    if let Some(path) = &args.junit {
        let xml = junit::xml(&suites)?;
        fs::write(path, xml).map_err(|source| TestError::Junit { path: path.clone(), source })?;
    }
    let outcomes = || suites.iter().flat_map(|(_, outcomes)| outcomes);
    let failed = outcomes().filter(|outcome| !outcome.differences.is_empty()).count();
    print(&format!("{} cases, {failed} failed\n", outcomes().count()))?;
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn report(file: &str, outcomes: &[Outcome]) -> String {
    let mut text = format!("{file}\n");
    for Outcome { name, differences } in outcomes {
        let mark = if differences.is_empty() { "ok  " } else { "FAIL" };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  {mark}  {name}");
        for difference in differences {
            let _ = writeln!(text, "          {difference}");
        }
    }
    text
}
